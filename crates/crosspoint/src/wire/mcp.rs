//! The mounts of MCP servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use crosspoint_broker::Naming;
use crosspoint_core::{Failure, Mask, Mount, Profile, Secret};
use crosspoint_runtimes::mcp::{
    Account, At, McpMount, Program, Remote, Server, Settings, account_fields,
};
use futures_util::future::BoxFuture;

use super::mounts::{Around, Outbound, Stamp, Wanted, stamp};
use super::recipes::{idempotent, working_directory};
use super::{Kept, surroundings};
use crate::bound;
use crate::config::Loaded;
use crate::config::mcp::{McpConnector, McpServer, McpUrl};
use crate::config::mounted::Entry;

/// A server as the configuration wants it. One that wants the same goes on as it is.
#[derive(Clone, PartialEq)]
pub struct Mcp {
    name: String,
    entry: McpConnector,
    env: BTreeMap<String, Secret<String>>,
    /// What the files of its command line look like.
    files: Vec<Stamp>,
    outbound: Outbound,
}

/// The profile of calls that name none, as it is whenever it is asked for.
struct DefaultAccount {
    connector: String,
    loaded: Loaded,
    kept: Kept,
}

impl Wanted for Mcp {
    fn name(&self) -> &str {
        &self.name
    }

    fn naming(&self) -> Naming {
        Naming::Entry(self.name.clone())
    }

    fn all(loaded: &Loaded) -> Vec<Mcp> {
        let entries = loaded.config.connectors.mounted.iter();
        let wanted = entries.filter_map(|(name, entry)| match entry {
            Entry::Mcp(entry) => {
                let resolved = loaded.mounted.get(name);
                Some(Mcp {
                    name: name.clone(),
                    entry: (**entry).clone(),
                    env: resolved
                        .map(|resolved| resolved.env.clone())
                        .unwrap_or_default(),
                    files: stamps(entry),
                    outbound: Outbound::of(loaded, entry.egress.as_ref()),
                })
            }
            _ => None,
        });
        wanted.collect()
    }

    fn stamps(&self) -> Vec<Stamp> {
        stamps(&self.entry)
    }

    fn stamped(&self) -> &[Stamp] {
        &self.files
    }

    fn start(&self, around: &Around<'_>) -> Result<Arc<dyn Mount>> {
        Ok(Arc::new(McpMount::start(self.server(around)?)))
    }
}

/// The files that a command line names: a program, a script.
fn stamps(entry: &McpConnector) -> Vec<Stamp> {
    let McpServer::Command(command) = &entry.mcp else {
        return Vec::new();
    };
    let here = working_directory();
    let there = entry
        .directory
        .as_ref()
        .map_or(here.clone(), |path| here.join(&path.0));
    let paths = command.iter().enumerate().map(|(at, word)| match at {
        0 => here.join(word),
        _ => there.join(word),
    });
    paths.filter_map(stamp).collect()
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

// === impl Mcp ===

impl Mcp {
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
        let Around { loaded, kept, .. } = around;
        Ok(Remote {
            url: url.expose().clone(),
            http: self.outbound.client(around)?,
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
