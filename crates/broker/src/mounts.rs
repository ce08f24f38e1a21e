//! Where connectors come from: configuration entries, each with the names it may use.

use std::sync::Arc;

use crosspoint_core::{Connector, Mount, Mounted};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::catalogue::Offer;

/// How the connectors of a mount are called in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// By their own names; a mounted connector of the same name replaces them. The built-ins.
    BuiltIn,
    /// By their own names. Whole environments.
    Own,
    /// By their own names; the text says in messages where they come from. Runtimes that make the
    /// names themselves.
    From(String),
    /// One connector, by the entry's name. A configuration entry of one connector.
    Entry(String),
    /// `<prefix>_<name>`, or the own name where the prefix is empty. An entry of several, which have the
    /// policies and profiles of the entry.
    Prefix {
        /// The entry's name.
        entry: String,
        /// What stands before the names.
        prefix: String,
    },
}

/// A mount with the naming it was configured with.
pub struct Registration {
    /// The rule for names.
    pub naming: Naming,
    /// What yields the connectors.
    pub mount: Arc<dyn Mount>,
}

/// A registration at work: what the broker knows of it, and its calls under way.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) naming: Naming,
    pub(crate) mount: Arc<dyn Mount>,
    /// Taken when the mount joins, so that no change after that is missed.
    pub(crate) changes: watch::Receiver<Mounted>,
    pub(crate) calls: TaskTracker,
}

/// A mount of connectors that are there from the start and never change.
pub struct Static(watch::Sender<Mounted>);

// === impl Naming ===

impl Naming {
    /// The published name of a connector that calls itself `own`.
    pub(crate) fn name(&self, own: &str) -> String {
        match self {
            Naming::BuiltIn | Naming::Own | Naming::From(_) => own.to_owned(),
            Naming::Entry(entry) => entry.clone(),
            Naming::Prefix { prefix, .. } if prefix.is_empty() => own.to_owned(),
            Naming::Prefix { prefix, .. } => format!("{prefix}_{own}"),
        }
    }

    /// Whether it may publish a connector as `name`. None: only the mount itself knows.
    pub(crate) fn may_publish(&self, name: &str) -> Option<bool> {
        match self {
            Naming::BuiltIn => Some(false),
            Naming::Own | Naming::From(_) => None,
            Naming::Entry(entry) => Some(entry == name),
            Naming::Prefix { prefix, .. } if prefix.is_empty() => None,
            Naming::Prefix { prefix, .. } => Some(
                name.strip_prefix(&**prefix)
                    .is_some_and(|own| own.starts_with('_')),
            ),
        }
    }

    /// By which name the policies and profiles of a connector are found that is published as `name`.
    pub(crate) fn settings_of<'a>(&'a self, name: &'a str) -> &'a str {
        match self {
            Naming::Prefix { entry, .. } => entry,
            _ => name,
        }
    }

    /// The mount as an error message names it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Naming::BuiltIn => "a built-in connector".to_owned(),
            Naming::Own => "a mounted environment".to_owned(),
            Naming::From(origin) => origin.clone(),
            Naming::Entry(entry) | Naming::Prefix { entry, .. } => format!("[connectors.{entry}]"),
        }
    }
}

// === impl Member ===

impl Member {
    pub(crate) fn new(registration: Registration) -> Member {
        Member {
            naming: registration.naming,
            changes: registration.mount.connectors(),
            mount: registration.mount,
            calls: TaskTracker::new(),
        }
    }

    /// What the mount has now.
    pub(crate) fn mounted(&self) -> Mounted {
        self.changes.borrow().clone()
    }

    pub(crate) fn offer(&self) -> Offer {
        Offer {
            naming: self.naming.clone(),
            mounted: self.mounted(),
            calls: self.calls.clone(),
        }
    }

    /// Returns when the mount's first attempt has ended.
    pub(crate) async fn settled(&self) {
        // A mount that is gone has nothing more to say.
        let _ = self.changes.clone().wait_for(|m| m.settled).await;
    }

    /// Lets no further call begin and waits for those under way.
    pub(crate) async fn last_call(&self) {
        self.calls.close();
        self.calls.wait().await;
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
