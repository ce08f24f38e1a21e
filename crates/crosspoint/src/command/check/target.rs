//! What is judged.

use std::sync::Arc;

use anyhow::{Result, bail};
use crosspoint_broker::Broker;
use crosspoint_core::testing::{InProcess, Subject};
use crosspoint_core::{Connector, Secret, Tracing, nearest, shorten};
use url::Url;

use super::over_http::OverHttp;
use super::{mcp, path};
use crate::cli::{CheckArgs, KindOfAddress};
use crate::config::Loaded;
use crate::{proxy_at, wire};

/// What is judged.
pub(super) enum Target {
    /// A connector of this program, or one command of it.
    Connector {
        name: String,
        command: Option<String>,
    },
    /// A proxy, or one connector or command of it.
    Proxy {
        url: Url,
        key: Option<Secret<String>>,
        only: Option<String>,
    },
}

// === impl Target ===

impl Target {
    /// A path and an MCP server become connectors of the configuration, by names made for them.
    pub(super) async fn of(args: &CheckArgs, loaded: &mut Loaded) -> Result<Target> {
        let Some(what) = args.what.as_deref() else {
            mcp::mount_command(&args.command_line, loaded);
            return Ok(Target::mcp(args));
        };
        if what.contains("://") {
            return Target::at(what, args, loaded).await;
        }
        if args.api_key_env.is_some() || args.kind.is_some() {
            bail!("--api-key-env and --as are for what is given by its http address");
        }
        if mcp::is_program(what) {
            mcp::mount_command(&[what.to_owned()], loaded);
            return Ok(Target::mcp(args));
        }
        if args.only.is_some() {
            bail!("--only is for a proxy and an MCP server; write connector/Command");
        }
        if let Some(name) = path::mount(what, loaded)? {
            return Ok(Target::Connector {
                name,
                command: None,
            });
        }
        let (name, command) = match what.split_once('/') {
            None => (what.to_owned(), None),
            Some((name, command)) => (name.to_owned(), Some(command.to_owned())),
        };
        Ok(Target::Connector { name, command })
    }

    /// What is at an address, by how it answers unless the command line says.
    async fn at(what: &str, args: &CheckArgs, loaded: &mut Loaded) -> Result<Target> {
        let url = proxy_at::address(what)?;
        let key = proxy_at::key(args.api_key_env.as_deref())?;
        // The key of a proxy that is in its usual variable is nobody else's business.
        let own = key.as_ref().filter(|_| args.api_key_env.is_some());
        let is_mcp = match args.kind {
            Some(kind) => kind == KindOfAddress::Mcp,
            None => mcp::answers(&proxy_at::client(loaded)?, &url, own).await?,
        };
        if is_mcp {
            mcp::mount_url(what, own.cloned(), loaded)?;
            return Ok(Target::mcp(args));
        }
        Ok(Target::Proxy {
            url,
            key,
            only: args.only.clone(),
        })
    }

    fn mcp(args: &CheckArgs) -> Target {
        Target::Connector {
            name: mcp::NAME.to_owned(),
            command: args.only.clone(),
        }
    }

    /// Whether a command is judged.
    pub(super) fn has(&self, id: &str) -> bool {
        let (connector, command) = match self {
            Target::Connector { name, command } => (Some(&**name), command.as_deref()),
            Target::Proxy { only, .. } => match only.as_deref().map(|only| only.split_once('/')) {
                None => (None, None),
                Some(None) => (only.as_deref(), None),
                Some(Some((connector, command))) => (Some(connector), Some(command)),
            },
        };
        let (own, name) = id.split_once('/').unwrap_or((id, ""));
        connector.is_none_or(|connector| connector == own)
            && command.is_none_or(|command| command == name)
    }

    /// The one command that is judged, if it is one.
    pub(super) fn command(&self) -> Option<String> {
        match self {
            Target::Connector { name, command } => Some(format!("{name}/{}", command.as_ref()?)),
            Target::Proxy { only, .. } => only.clone().filter(|only| only.contains('/')),
        }
    }

    /// What the suite judges, and the broker that has to be closed afterwards.
    pub(super) async fn subject(
        self,
        loaded: &Loaded,
    ) -> Result<(Box<dyn Subject>, Option<Broker>)> {
        match self {
            Target::Connector { name, command } => {
                let broker =
                    wire::in_process(loaded, Some(&name), None, None, Tracing::default()).await?;
                let subject = connector(&broker, name, command).await?;
                Ok((subject, Some(broker)))
            }
            Target::Proxy { url, key, only } => {
                let only = only.map(|name| Target::Connector {
                    command: name.split_once('/').map(|(_, command)| command.to_owned()),
                    name: name.split('/').next().unwrap_or_default().to_owned(),
                });
                let client = proxy_at::client(loaded)?;
                let wanted = move |id: &str| only.as_ref().is_none_or(|only| only.has(id));
                let subject = OverHttp::new(client, url, key, wanted);
                Ok((Box::new(subject), None))
            }
        }
    }
}

async fn connector(
    broker: &Broker,
    name: String,
    command: Option<String>,
) -> Result<Box<dyn Subject>> {
    let catalogue = broker.catalogue();
    let mut entries = catalogue
        .entries()
        .iter()
        .filter(|e| *e.id.connector == *name);
    let Some(first) = entries.next() else {
        if name == mcp::NAME {
            bail!("the server has no commands that could be judged");
        }
        let mut known: Vec<_> = catalogue
            .entries()
            .iter()
            .map(|e| &*e.id.connector)
            .collect();
        known.dedup();
        let near = nearest(&name, known.iter().copied());
        let list = if near.is_empty() { known } else { near };
        let name = shorten(&name);
        bail!(
            "there is no connector '{name}'; there is {}",
            list.join(", ")
        );
    };
    let connector: Arc<dyn Connector> = first.connector.clone();
    let manifest = connector.manifest();
    if let Some(command) = &command
        && !manifest.commands.iter().any(|c| c.name == *command)
    {
        let known = manifest.commands.iter().map(|c| c.name.as_str());
        let near = nearest(command, known.clone());
        let list: Vec<_> = if near.is_empty() {
            known.collect()
        } else {
            near
        };
        let command = shorten(command);
        bail!(
            "{name} has no command '{command}'; it has {}",
            list.join(", ")
        );
    }
    // Without an account that can be used the suite shows what is missing.
    let profile = broker
        .connections()
        .default_profile(&name, &connector.manifest().fields)
        .await
        .unwrap_or_default();
    let subject = InProcess::published(connector, name).with_profile(profile);
    Ok(Box::new(match command {
        Some(command) => subject.only(command),
        None => subject,
    }))
}
