//! Which server is mounted, and how.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::Mask;
use crosspoint_net::Http;
use url::Url;

use super::account::Account;
use crate::Idempotent;

/// A server to mount.
#[derive(Debug, Clone)]
pub struct Server {
    /// The name that its connector is served under, `[A-Za-z0-9_-]+`.
    pub name: String,
    /// Where it is.
    pub at: At,
    /// How it is treated.
    pub settings: Settings,
    /// Secrets of its environment, kept out of whatever it writes.
    pub mask: Mask,
}

/// Where a server is.
#[derive(Debug, Clone)]
pub enum At {
    /// A process of ours, which speaks on its standard input and output.
    Process(Program),
    /// Elsewhere.
    Remote(Remote),
}

/// A server that runs elsewhere.
#[derive(Clone)]
pub struct Remote {
    /// Its address, `http` or `https`.
    pub url: Url,
    /// What requests go by.
    pub http: Http,
    /// With which account its tools are listed.
    pub account: Arc<dyn Account>,
}

/// A server that is started.
#[derive(Clone)]
pub struct Program {
    /// The program and its arguments. A program without `/` is looked up in the `PATH` of `env`.
    pub command: Vec<OsString>,
    /// A command that runs the rest of its arguments in its own place, and has the system end that
    /// process when this one ends. Nothing where nobody offers that.
    pub bound: Vec<OsString>,
    /// All environment variables of the process; nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// Where the process begins. Default: where this one did.
    pub directory: Option<PathBuf>,
}

/// How a server is treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long it may take to be ready: to start, and to list its tools. Default 60 s.
    pub start_timeout: Duration,
    /// How long a server may say nothing, once it has let a deadline pass and was asked whether it
    /// is there, before it is replaced. Default 30 s.
    pub unresponsive_after: Duration,
    /// How long a process may take to leave once its input has ended, before it is told to; and the
    /// same again before it is killed. Default 3 s.
    pub patience: Duration,
    /// The longest message in bytes. Default 10 MiB.
    pub max_answer: usize,
    /// Which commands may safely be repeated, beside those of which the server says so.
    pub idempotent: Idempotent,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            start_timeout: Duration::from_secs(60),
            unresponsive_after: Duration::from_secs(30),
            patience: Duration::from_secs(3),
            max_answer: 10 * 1024 * 1024,
            idempotent: Idempotent::None,
        }
    }
}

// === impl At ===

impl fmt::Display for At {
    /// As messages name it: arguments may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Process(program) => write!(f, "{}", program.name()),
            At::Remote(remote) => write!(f, "{}", remote.url.origin().ascii_serialization()),
        }
    }
}

// === impl Program ===

impl Program {
    /// The program's file, without folder and arguments.
    pub(super) fn name(&self) -> String {
        let file = self
            .command
            .first()
            .and_then(|name| Path::new(name).file_name());
        file.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

/// Shows the origin alone: paths and queries may hold secrets.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote")
            .field(&self.url.origin().ascii_serialization())
            .finish()
    }
}

/// Shows neither arguments nor values of the environment: they may be secrets.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("program", &self.name())
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
