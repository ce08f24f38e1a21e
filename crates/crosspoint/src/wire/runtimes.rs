//! What the runtimes mount.

use std::sync::Arc;

use anyhow::Result;
use crosspoint_broker::Registration;
use crosspoint_runtimes::python::environment::Progress;

use super::mcp::Mcp;
use super::mounts::{self, Around, Mounts};
use super::openapi::OpenApi;
use super::python::{self, Python};
use super::remote::Remote;

/// The mounts of connectors that are not Rust in this process.
pub struct Runtimes {
    python: Python,
    mcp: Mounts<Mcp>,
    remote: Mounts<Remote>,
    openapi: Mounts<OpenApi>,
}

/// The mounts as they shall be after a reload.
pub struct Next {
    python: Vec<python::Next>,
    mcp: mounts::Next<Mcp>,
    remote: mounts::Next<Remote>,
    openapi: mounts::Next<OpenApi>,
}

// === impl Runtimes ===

impl Runtimes {
    /// Nothing is running yet. Building environments tells `progress` what it does.
    pub fn new(progress: Arc<dyn Progress>) -> Runtimes {
        Runtimes {
            python: Python::new(progress),
            mcp: Mounts::default(),
            remote: Mounts::default(),
            openapi: Mounts::default(),
        }
    }

    /// Mounts nothing but what may have the connector of that name.
    pub fn only(mut self, connector: &str) -> Runtimes {
        self.python = self.python.only(connector);
        self.mcp.only(connector);
        self.remote.only(connector);
        self.openapi.only(connector);
        self
    }

    /// Starts every mount that the configuration wants. They load in the background.
    pub fn start(&self, around: &Around<'_>) -> Result<Vec<Registration>> {
        let mut registrations = self.python.start(around.loaded);
        registrations.extend(self.mcp.start(around)?);
        registrations.extend(self.remote.start(around)?);
        registrations.extend(self.openapi.start(around)?);
        Ok(registrations)
    }

    /// Prepares what the configuration wants now. Fails with a sentence for each Python environment
    /// that cannot be built.
    pub async fn next(&self, around: &Around<'_>) -> Result<Next, Vec<String>> {
        let python = self.python.next(around.loaded).await?;
        let mcp = self.mcp.next(around).await;
        let mcp = mcp.map_err(|error| vec![format!("{error:#}")])?;
        let remote = self.remote.next(around).await;
        let remote = remote.map_err(|error| vec![format!("{error:#}")])?;
        let openapi = self.openapi.next(around).await;
        let openapi = openapi.map_err(|error| vec![format!("{error:#}")])?;
        Ok(Next {
            python,
            mcp,
            remote,
            openapi,
        })
    }

    /// Changes whenever the code of a mounted connector does, or its document. Reads files: not for a
    /// thread that others wait for.
    pub fn fingerprint(&self) -> String {
        let (mcp, openapi) = (self.mcp.fingerprint(), self.openapi.fingerprint());
        format!("{} {mcp} {openapi}", self.python.fingerprint())
    }

    /// What [`Runtimes::fingerprint`] was when all that was mounted.
    pub fn mounted_fingerprint(&self) -> String {
        let (mcp, openapi) = (
            self.mcp.mounted_fingerprint(),
            self.openapi.mounted_fingerprint(),
        );
        format!("{} {mcp} {openapi}", self.python.mounted_fingerprint())
    }

    /// From now on these are the mounts.
    pub async fn take(&self, next: Next) {
        self.mcp.take_next(next.mcp);
        self.remote.take_next(next.remote);
        self.openapi.take_next(next.openapi);
        self.python.take(next.python).await;
    }
}

// === impl Next ===

impl Next {
    /// As the broker wants them.
    pub fn registrations(&self) -> Vec<Registration> {
        let python = self.python.iter().map(python::Next::registration);
        let others = [
            self.mcp.registrations(),
            self.remote.registrations(),
            self.openapi.registrations(),
        ];
        python.chain(others.into_iter().flatten()).collect()
    }

    /// What goes on as before only, a sentence each.
    pub fn kept_back(&self) -> Vec<String> {
        let all = [
            &self.mcp.problems,
            &self.remote.problems,
            &self.openapi.problems,
        ];
        all.into_iter().flatten().cloned().collect()
    }
}
