//! Where connectors come from: configuration entries, each with the names it may use.

use std::sync::Arc;

use crosspoint_core::{Connector, Mount, Mounted};
use tokio::sync::watch;

/// How the connectors of a mount are called in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// By their own names; a mounted connector of the same name replaces them. The built-ins.
    BuiltIn,
    /// By their own names. Whole environments.
    Own,
    /// One connector, by the entry's name. A configuration entry of one connector.
    Entry(String),
    /// `<prefix>_<name>`, or the own name where the prefix is empty. An entry of several.
    Prefix(String),
}

/// A mount with the naming it was configured with.
pub struct Registration {
    /// The rule for names.
    pub naming: Naming,
    /// What yields the connectors.
    pub mount: Arc<dyn Mount>,
}

/// A mount of connectors that are there from the start and never change.
pub struct Static(watch::Sender<Mounted>);

// === impl Naming ===

impl Naming {
    /// The published name of a connector that calls itself `own`.
    pub(crate) fn name(&self, own: &str) -> String {
        match self {
            Naming::BuiltIn | Naming::Own => own.to_owned(),
            Naming::Entry(entry) => entry.clone(),
            Naming::Prefix(prefix) if prefix.is_empty() => own.to_owned(),
            Naming::Prefix(prefix) => format!("{prefix}_{own}"),
        }
    }

    /// The mount as an error message names it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Naming::BuiltIn => "a built-in connector".to_owned(),
            Naming::Own => "a mounted environment".to_owned(),
            Naming::Entry(entry) | Naming::Prefix(entry) => format!("[connectors.{entry}]"),
        }
    }
}

// === impl Static ===

impl Static {
    /// A mount of these connectors.
    pub fn new(connectors: Vec<Arc<dyn Connector>>) -> Static {
        Static(watch::Sender::new(Mounted::settled(connectors)))
    }
}

impl Mount for Static {
    fn connectors(&self) -> watch::Receiver<Mounted> {
        self.0.subscribe()
    }
}
