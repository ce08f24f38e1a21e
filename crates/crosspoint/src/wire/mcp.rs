//! The mounts of MCP servers, which outlive a reload that does not change them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use crosspoint_broker::{Naming, Registration};
use crosspoint_core::{Failure, Mask, Mount, Profile, Secret};
use crosspoint_net::Rules;
use crosspoint_runtimes::mcp::{
    Account, At, McpMount, Program, Remote, Server, Settings, account_fields,
};
use futures_util::future::BoxFuture;

use super::recipes::{idempotent, working_directory};
use super::{Kept, built_in, surroundings};
use crate::bound;
use crate::config::Loaded;
use crate::config::mcp::{McpConnector, McpServer, McpUrl};
use crate::config::mounted::Entry;

/// The mounts of MCP servers.
#[derive(Default)]
pub struct Mcp {
    /// Nothing else is mounted.
    only: Option<String>,
    running: Mutex<BTreeMap<String, Running>>,
}

/// A server that is mounted.
#[derive(Clone)]
struct Running {
    mount: Arc<McpMount>,
    wanted: Wanted,
}

/// A server as the configuration wants it. One that wants the same goes on as it is.
#[derive(Clone, PartialEq)]
struct Wanted {
    name: String,
    entry: McpConnector,
    env: BTreeMap<String, Secret<String>>,
    egress: Rules,
    /// What egress does not say of requests.
    ca_files: Vec<PathBuf>,
}

/// What servers are started with.
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

/// The profile of calls that name none, as it is whenever it is asked for.
struct DefaultAccount {
    connector: String,
    loaded: Loaded,
    kept: Kept,
}

/// The mounts as they shall be after a reload.
pub struct Next {
    running: Vec<Running>,
    /// What is mounted as it was since what it shall be does not work, a sentence each.
    pub problems: Vec<String>,
}

// === impl Mcp ===

impl Mcp {
    /// Mounts nothing but the connector of that name.
    pub fn only(&mut self, connector: &str) {
        self.only = Some(connector.to_owned());
    }

    /// Starts every server that the configuration wants.
    pub fn start(&self, around: &Around<'_>) -> Result<Vec<Registration>> {
        let wanted = wanted(around.loaded, self.only.as_deref()).into_iter();
        let running: Result<Vec<_>> = wanted
            .map(|wanted| Running::start(wanted, around))
            .collect();
        let running = running?;
        let registrations = registrations(&running);
        self.take(running);
        Ok(registrations)
    }

    /// Starts what the configuration wants now and is not there yet. Returns when it is ready or has
    /// failed for the first time. What does not work keeps its predecessor, if there is one.
    pub async fn next(&self, around: &Around<'_>) -> Result<Next> {
        let (mut running, mut problems) = (Vec::new(), Vec::new());
        for wanted in wanted(around.loaded, None) {
            let before = lock(&self.running).get(&wanted.name).cloned();
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
            let serves = match mounted.wait_for(|mounted| mounted.settled).await {
                Ok(mounted) => {
                    let serves = !mounted.connectors.is_empty();
                    problems.extend(mounted.problems.iter().filter(|_| !serves).cloned());
                    serves
                }
                Err(_) => false,
            };
            if serves {
                running.push(next);
            } else {
                next.mount.close().await;
                // Not by the new wish: the next reload tries that again.
                running.push(before);
            }
        }
        Ok(Next { running, problems })
    }

    /// From now on these are the mounts.
    pub fn take_next(&self, next: Next) {
        self.take(next.running);
    }

    fn take(&self, running: Vec<Running>) {
        let running = running.into_iter();
        *lock(&self.running) = running.map(|one| (one.wanted.name.clone(), one)).collect();
    }
}

// === impl Next ===

impl Next {
    /// As the broker wants them.
    pub fn registrations(&self) -> Vec<Registration> {
        registrations(&self.running)
    }
}

fn registrations(running: &[Running]) -> Vec<Registration> {
    let registration = |one: &Running| Registration {
        naming: Naming::Entry(one.wanted.name.clone()),
        mount: one.mount.clone(),
    };
    running.iter().map(registration).collect()
}

/// The servers that the configuration wants: all, or the connector `only`.
fn wanted(loaded: &Loaded, only: Option<&str>) -> Vec<Wanted> {
    let entries = loaded.config.connectors.mounted.iter();
    let wanted = entries.filter_map(|(name, entry)| match entry {
        Entry::Mcp(entry) if only.is_none_or(|only| only == name) => {
            let resolved = loaded.mounted.get(name);
            Some(Wanted {
                name: name.clone(),
                entry: (**entry).clone(),
                env: resolved
                    .map(|resolved| resolved.env.clone())
                    .unwrap_or_default(),
                egress: match &entry.egress {
                    Some(own) => own.rules(),
                    None => loaded.config.egress.rules(),
                },
                ca_files: loaded.config.egress.ca_files.clone(),
            })
        }
        _ => None,
    });
    wanted.collect()
}

// === impl DefaultAccount ===

impl Account for DefaultAccount {
    fn profile(&self) -> BoxFuture<'_, Result<Arc<Profile>, Failure>> {
        Box::pin(async {
            let connections = self.kept.connections(&self.loaded);
            if let Err(error) = connections.refresh().await {
                tracing::warn!(%error, "Reading the profiles of the store failed.");
            }
            connections
                .default_profile(&self.connector, &account_fields())
                .await
        })
    }
}

// === impl Running ===

impl Running {
    fn start(wanted: Wanted, around: &Around<'_>) -> Result<Running> {
        let mount = McpMount::start(wanted.server(around)?);
        Ok(Running {
            mount: Arc::new(mount),
            wanted,
        })
    }
}

// === impl Wanted ===

impl Wanted {
    fn server(&self, around: &Around<'_>) -> Result<Server> {
        let entry = &self.entry;
        Ok(Server {
            name: self.name.clone(),
            at: match &entry.mcp {
                McpServer::Command(command) => At::Process(self.program(command)),
                McpServer::Url(url) => At::Remote(self.remote(url, around)?),
            },
            settings: Settings {
                start_timeout: entry.start_timeout.0,
                unresponsive_after: entry.unresponsive_after.0,
                max_answer: usize::try_from(entry.max_answer.0).unwrap_or(usize::MAX),
                idempotent: idempotent(&entry.idempotent),
                ..Settings::default()
            },
            mask: Mask::new(super::secrets(around.loaded)),
        })
    }

    fn remote(&self, url: &McpUrl, around: &Around<'_>) -> Result<Remote> {
        let Around {
            loaded,
            listener,
            kept,
            ..
        } = around;
        Ok(Remote {
            url: url.expose().clone(),
            http: built_in::client(loaded, self.egress.clone(), *listener)?,
            account: Arc::new(DefaultAccount {
                connector: self.name.clone(),
                loaded: (*loaded).clone(),
                kept: (*kept).clone(),
            }),
        })
    }

    fn program(&self, command: &[String]) -> Program {
        let mut env = surroundings::base();
        let own = self.env.iter();
        env.extend(own.map(|(name, value)| (name.into(), value.expose().into())));
        Program {
            command: command.iter().map(Into::into).collect(),
            bound: bound::command(),
            env: env.into_iter().collect(),
            directory: self
                .entry
                .directory
                .as_ref()
                .map(|path| working_directory().join(&path.0)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
