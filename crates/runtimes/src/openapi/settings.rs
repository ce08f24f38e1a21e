//! Which document is mounted, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crosspoint_net::Http;
use url::Url;

use crate::Idempotent;

/// A document to mount.
#[derive(Clone)]
pub struct Source {
    /// The name that its connector is served under.
    pub name: String,
    /// Where it is.
    pub at: At,
    /// What of it is mounted, and how.
    pub settings: Settings,
    /// What asks the system, and fetches the document.
    pub http: Http,
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// A file.
    File(PathBuf),
    /// Elsewhere.
    Web(Url),
}

/// What of a document is mounted, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the system is, in place of the document's servers.
    pub server: Option<String>,
    /// Values of the variables of the document's server.
    pub variables: BTreeMap<String, String>,
    /// Which operations are commands; all where there are none. Names, or a method and a path, both
    /// with `*` for anything.
    pub include: Vec<String>,
    /// Which operations are none.
    pub exclude: Vec<String>,
    /// Other names for commands, by those that they would have.
    pub rename: BTreeMap<String, String>,
    /// The largest document in bytes. Default 16 MiB.
    pub max_document: usize,
    /// The largest answer in bytes. Default 10 MiB.
    pub max_answer: usize,
    /// Which commands may safely be repeated, beside those whose method says so.
    pub idempotent: Idempotent,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            server: None,
            variables: BTreeMap::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            rename: BTreeMap::new(),
            max_document: 16 * 1024 * 1024,
            max_answer: crosspoint_net::DEFAULT_MAX_ANSWER,
            idempotent: Idempotent::None,
        }
    }
}

// === impl At ===

impl fmt::Display for At {
    /// As messages name it: a query may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::File(path) => write!(f, "{}", path.display()),
            At::Web(url) => {
                let mut shown = url.clone();
                shown.set_query(None);
                shown.set_fragment(None);
                write!(f, "{shown}")
            }
        }
    }
}
