//! Mounts that outlive a reload which does not change them: those of a table each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anyhow::Result;
use crosspoint_broker::{Naming, Registration};
use crosspoint_core::Mount;
use crosspoint_net::{Http, Rules};

use super::{Kept, built_in};
use crate::config::Loaded;
use crate::config::connectors::ConnectorEgress;

/// A mount as the configuration wants it. One that wants the same goes on as it is.
pub trait Wanted: Clone + PartialEq {
    /// The name of its table.
    fn name(&self) -> &str;

    /// How its connectors are called.
    fn naming(&self) -> Naming;

    /// Every one that the configuration wants.
    fn all(loaded: &Loaded) -> Vec<Self>;

    /// What its files look like now: a program, a script, a document. Reads files.
    fn stamps(&self) -> Vec<Stamp> {
        Vec::new()
    }

    /// What they looked like when it was wanted.
    fn stamped(&self) -> &[Stamp] {
        &[]
    }

    /// Starts it.
    fn start(&self, around: &Around<'_>) -> Result<Arc<dyn Mount>>;
}

/// What mounts are started with.
pub struct Around<'a> {
    /// The configuration.
    pub loaded: &'a Loaded,
    /// Our own address.
    pub listener: Option<SocketAddr>,
    /// What is kept.
    pub kept: &'a Kept,
    /// Which process this is, for other proxies.
    pub instance: &'a Arc<str>,
}

/// A file, and what tells it from what it was before.
pub type Stamp = (PathBuf, Option<SystemTime>, u64);

/// What a file looks like; nothing where there is none.
pub fn stamp(path: PathBuf) -> Option<Stamp> {
    let meta = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((path, meta.modified().ok(), meta.len()))
}

/// By which rules a mount asks others.
#[derive(Clone, PartialEq)]
pub struct Outbound {
    egress: Rules,
    /// What egress does not say of requests.
    ca_files: Vec<PathBuf>,
}

/// The mounts of one kind.
pub struct Mounts<W> {
    /// Nothing else is mounted.
    only: Option<String>,
    running: Mutex<BTreeMap<String, Running<W>>>,
}

#[derive(Clone)]
struct Running<W> {
    mount: Arc<dyn Mount>,
    wanted: W,
}

/// The mounts as they shall be after a reload.
pub struct Next<W> {
    running: Vec<Running<W>>,
    /// What is mounted as it was since what it shall be does not work, a sentence each.
    pub problems: Vec<String>,
}

// === impl Outbound ===

impl Outbound {
    /// The rules of a table, else those of all.
    pub fn of(loaded: &Loaded, own: Option<&ConnectorEgress>) -> Outbound {
        Outbound {
            egress: match own {
                Some(own) => own.rules(),
                None => loaded.config.egress.rules(),
            },
            ca_files: loaded.config.egress.ca_files.clone(),
        }
    }

    /// What asks by them.
    pub fn client(&self, around: &Around<'_>) -> Result<Http> {
        built_in::client(around.loaded, self.egress.clone(), around.listener)
    }
}

// === impl Mounts ===

impl<W> Default for Mounts<W> {
    fn default() -> Mounts<W> {
        Mounts {
            only: None,
            running: Mutex::default(),
        }
    }
}

impl<W: Wanted> Mounts<W> {
    /// Mounts nothing but what may have the connector of that name.
    pub fn only(&mut self, connector: &str) {
        self.only = Some(connector.to_owned());
    }

    /// Starts every mount that the configuration wants.
    pub fn start(&self, around: &Around<'_>) -> Result<Vec<Registration>> {
        let mut running = Vec::new();
        for wanted in self.wanted(around.loaded) {
            running.push(Running::start(wanted, around)?);
        }
        let registrations = registrations(&running);
        self.take(running);
        Ok(registrations)
    }

    fn wanted(&self, loaded: &Loaded) -> Vec<W> {
        let mut all = W::all(loaded);
        if let Some(only) = &self.only {
            all.retain(|wanted| may_have(&wanted.naming(), only));
        }
        all
    }

    /// Starts what the configuration wants now and is not there yet. Returns when it is ready or has
    /// failed for the first time. What does not work keeps its predecessor, if there is one that
    /// works.
    pub async fn next(&self, around: &Around<'_>) -> Result<Next<W>> {
        let (mut running, mut problems) = (Vec::new(), Vec::new());
        for wanted in W::all(around.loaded) {
            let before = lock(&self.running).get(wanted.name()).cloned();
            let Some(before) = before else {
                running.push(Running::start(wanted, around)?);
                continue;
            };
            if before.wanted == wanted {
                running.push(before);
                continue;
            }
            let next = Running::start(wanted, around)?;
            let mut mounted = next.mount.connectors();
            // A mount that is gone has nothing.
            let _ = mounted.wait_for(|mounted| mounted.settled).await;
            if serves(&next) || !serves(&before) {
                running.push(next);
            } else {
                let why = mounted.borrow().problems.clone();
                problems.extend(why.iter().map(|problem| kept_back(problem)));
                next.mount.close().await;
                // Not by the new wish: the next reload tries that again.
                running.push(before);
            }
        }
        Ok(Next { running, problems })
    }

    /// Changes whenever a file of a mount does. Reads files: not for a thread that others wait for.
    pub fn fingerprint(&self) -> String {
        let running = lock(&self.running);
        let stamps = running.values().map(|one| one.wanted.stamps());
        format!("{:?}", stamps.collect::<Vec<_>>())
    }

    /// What [`Mounts::fingerprint`] was when the mounts were wanted.
    pub fn mounted_fingerprint(&self) -> String {
        let running = lock(&self.running);
        let stamps = running.values().map(|one| one.wanted.stamped());
        format!("{:?}", stamps.collect::<Vec<_>>())
    }

    /// From now on these are the mounts.
    pub fn take_next(&self, next: Next<W>) {
        self.take(next.running);
    }

    fn take(&self, running: Vec<Running<W>>) {
        let running = running.into_iter();
        let named = running.map(|one| (one.wanted.name().to_owned(), one));
        *lock(&self.running) = named.collect();
    }
}

// === impl Next ===

impl<W: Wanted> Next<W> {
    /// As the broker wants them.
    pub fn registrations(&self) -> Vec<Registration> {
        registrations(&self.running)
    }
}

// === impl Running ===

impl<W: Wanted> Running<W> {
    fn start(wanted: W, around: &Around<'_>) -> Result<Running<W>> {
        Ok(Running {
            mount: wanted.start(around)?,
            wanted,
        })
    }
}

/// Whether there is anything that can be called.
fn serves<W>(running: &Running<W>) -> bool {
    !running.mount.connectors().borrow().connectors.is_empty()
}

fn kept_back(problem: &str) -> String {
    format!("{problem}; until that is mended, it goes on as it was before")
}

fn registrations<W: Wanted>(running: &[Running<W>]) -> Vec<Registration> {
    let registration = |one: &Running<W>| Registration {
        naming: one.wanted.naming(),
        mount: one.mount.clone(),
    };
    running.iter().map(registration).collect()
}

/// Whether a mount may have a connector of that name.
fn may_have(naming: &Naming, connector: &str) -> bool {
    match naming {
        Naming::Entry(name) => name == connector,
        Naming::Prefix { prefix, .. } => {
            prefix.is_empty()
                || connector
                    .strip_prefix(prefix.as_str())
                    .is_some_and(|rest| rest.starts_with('_'))
        }
        _ => true,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
