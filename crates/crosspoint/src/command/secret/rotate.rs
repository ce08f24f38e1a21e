//! `crosspoint secret rotate-key`.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use crosspoint_store::{RotateError, Rotated, rotate};

use super::{Desk, NOWHERE, not_possible};
use crate::actor;
use crate::config::Loaded;
use crate::config::store_url::StoreTarget;
use crate::show::plain;

/// How many of the values that no key opens are named.
const NAMED: usize = 20;

/// How often progress is told: on a terminal it is one line.
const TOLD: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Replaces the master key, or goes on with that.
pub async fn run(loaded: Loaded) -> Result<()> {
    let StoreTarget::At(url) = &loaded.store else {
        bail!(NOWHERE);
    };
    let progress = Progress::new();
    let options = crate::wire::ledger::options(&loaded);
    let tell = |done, total| progress.tell(done, total);
    let done = rotate(url.expose(), &options, &tell).await;
    progress.clear();
    let done = match done {
        Ok(done) => done,
        Err(
            error @ (RotateError::Serves
            | RotateError::Shared(_)
            | RotateError::Busy
            | RotateError::ByHand { .. }),
        ) => return Err(not_possible(sentence(&error.to_string()))),
        Err(error) => return Err(error.into()),
    };
    let desk = Desk::open_to_look(loaded).await?;
    let detail = Some(format!("{} values", done.resealed));
    let recorded = actor::record(desk.cabinet(), "secret.rotate_key", "", detail).await;
    desk.close().await;
    recorded?;
    tell_done(&done, &desk.loaded);
    Ok(())
}

fn tell_done(done: &Rotated, loaded: &Loaded) {
    let path = loaded.master_key.display();
    let values = done.resealed;
    match (done.resumed, &done.stays) {
        (true, None) => println!(
            "The new master key that {path} already held is the only one now; {values} values were \
             sealed with it."
        ),
        (false, None) => println!(
            "{path} holds a new master key; {values} values were sealed with it. Make a new copy of \
             it, and keep the old one as long as there are backups of the store that need it."
        ),
        (_, Some(why)) => println!(
            "Everything is sealed with the first key of {path}; {values} values were so just now. The \
             file cannot be written ({why}): take the other lines out by hand."
        ),
    }
    if !done.damaged.is_empty() {
        eprintln!(
            "{} values are opened by no key, and were left as they are: they were changed, or sealed \
             with a key that is not there any more.",
            done.damaged.len()
        );
        for name in done.damaged.iter().take(NAMED) {
            eprintln!("  {}", plain(name));
        }
    }
}

/// A message as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), chars.as_str())
}

/// Tells on standard error how far it is, once it has taken a second.
struct Progress {
    terminal: bool,
    begun: Instant,
    told: Mutex<Option<Instant>>,
}

// === impl Progress ===

impl Progress {
    fn new() -> Progress {
        Progress {
            terminal: std::io::stderr().is_terminal(),
            begun: Instant::now(),
            told: Mutex::default(),
        }
    }

    fn tell(&self, done: u64, total: u64) {
        let Ok(mut told) = self.told.lock() else {
            return;
        };
        let every = TOLD[usize::from(!self.terminal)];
        let due = match *told {
            None => self.begun.elapsed() >= TOLD[0],
            Some(last) => last.elapsed() >= every,
        };
        if !due {
            return;
        }
        *told = Some(Instant::now());
        match self.terminal {
            true => eprint!("\rsealing anew … {done} of {total}"),
            false => eprintln!("sealing anew … {done} of {total}"),
        }
        let _ = std::io::stderr().flush();
    }

    /// Clears the line that counts.
    fn clear(&self) {
        if self.terminal && self.told.lock().is_ok_and(|told| told.is_some()) {
            eprint!("\r\x1b[K");
        }
    }
}
