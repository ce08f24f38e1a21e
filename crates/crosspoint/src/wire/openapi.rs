//! The mounts of OpenAPI documents.

use std::sync::Arc;

use anyhow::Result;
use crosspoint_broker::Naming;
use crosspoint_core::Mount;
use crosspoint_runtimes::openapi::{At, OpenApiMount, Settings, Source};

use super::mounts::{Around, Outbound, Stamp, Wanted, stamp};
use super::recipes::{idempotent, working_directory};
use crate::config::Loaded;
use crate::config::mounted::Entry;
use crate::config::openapi::{DocumentAt, OpenApiConnector};

/// A document as the configuration wants it.
#[derive(Clone, PartialEq)]
pub struct OpenApi {
    name: String,
    entry: OpenApiConnector,
    outbound: Outbound,
    /// What its file looks like: another one is read anew.
    files: Vec<Stamp>,
}

impl Wanted for OpenApi {
    fn name(&self) -> &str {
        &self.name
    }

    fn naming(&self) -> Naming {
        Naming::Entry(self.name.clone())
    }

    fn all(loaded: &Loaded) -> Vec<OpenApi> {
        let entries = loaded.config.connectors.mounted.iter();
        let wanted = entries.filter_map(|(name, entry)| match entry {
            Entry::OpenApi(entry) => Some(OpenApi {
                name: name.clone(),
                entry: (**entry).clone(),
                outbound: Outbound::of(loaded, entry.egress.as_ref()),
                files: stamps(&entry.openapi),
            }),
            _ => None,
        });
        wanted.collect()
    }

    fn stamps(&self) -> Vec<Stamp> {
        stamps(&self.entry.openapi)
    }

    fn stamped(&self) -> &[Stamp] {
        &self.files
    }

    fn start(&self, around: &Around<'_>) -> Result<Arc<dyn Mount>> {
        let http = self.outbound.client(around)?;
        let source = Source {
            name: self.name.clone(),
            at: at(&self.entry.openapi),
            settings: settings(&self.entry),
            http,
        };
        Ok(Arc::new(OpenApiMount::start(source)))
    }
}

/// Where a document is, from the working directory.
pub fn at(document: &DocumentAt) -> At {
    match document {
        DocumentAt::File(path) => At::File(working_directory().join(path)),
        DocumentAt::Web(url) => At::Web(url.clone()),
    }
}

/// What of a document is mounted, and how.
pub fn settings(entry: &OpenApiConnector) -> Settings {
    Settings {
        server: entry.server.clone(),
        variables: entry.variables.clone(),
        include: entry.include.clone(),
        exclude: entry.exclude.clone(),
        rename: entry.rename.clone(),
        max_document: usize::try_from(entry.max_document.0).unwrap_or(usize::MAX),
        max_answer: usize::try_from(entry.max_answer.0).unwrap_or(usize::MAX),
        idempotent: idempotent(&entry.idempotent),
    }
}

fn stamps(document: &DocumentAt) -> Vec<Stamp> {
    match at(document) {
        At::File(path) => stamp(path).into_iter().collect(),
        At::Web(_) => Vec::new(),
    }
}
