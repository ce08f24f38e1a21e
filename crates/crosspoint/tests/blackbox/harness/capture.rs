//! What a process prints, kept as it comes.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// A stream of a process, read to its end by a thread of its own.
#[derive(Clone)]
pub struct Capture(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

// === impl Capture ===

impl Capture {
    pub fn of(mut stream: impl Read + Send + 'static) -> Capture {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let writer = shared.clone();
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let read = stream.read(&mut buffer).unwrap_or(0);
                let mut state = writer.state.lock().unwrap();
                state.bytes.extend_from_slice(&buffer[..read]);
                state.ended = read == 0;
                writer.changed.notify_all();
                if state.ended {
                    return;
                }
            }
        });
        Capture(shared)
    }

    /// The text so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.state.lock().unwrap().bytes).into_owned()
    }

    /// Waits for a text in which `holds`. Gives what there is when the stream ends or patience
    /// does without it.
    pub fn until(&self, holds: impl Fn(&str) -> bool) -> Result<String, String> {
        self.wait(|text, _| holds(text))
    }

    /// Waits for the end of the stream.
    pub fn whole(&self) -> Result<String, String> {
        self.wait(|_, ended| ended)
    }

    fn wait(&self, done: impl Fn(&str, bool) -> bool) -> Result<String, String> {
        let end = Instant::now() + PATIENCE;
        let mut state = self.0.state.lock().unwrap();
        loop {
            let text = String::from_utf8_lossy(&state.bytes).into_owned();
            let left = end.saturating_duration_since(Instant::now());
            if done(&text, state.ended) {
                return Ok(text);
            }
            if state.ended || left.is_zero() {
                return Err(text);
            }
            state = self.0.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}
