//! One server, as a mount.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crosspoint_core::{Connector, Fields, Mount, Mounted};
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::account::account_fields;
use super::connector::McpConnector;
use super::link::{Link, Now};
use super::server::{At, Server};
use super::sessions::Sessions;
use super::supervisor;
use super::tools::{Commands, Listed};
use crate::process::{Problem, one_line};

/// How many of the lines are told that a server wrote before it ended.
const LAST: usize = 10;

/// One server. Its tools are the commands of one connector.
pub struct McpMount(Arc<Shared>);

/// What the mount shares with whatever keeps the server.
pub(super) struct Shared {
    pub(super) link: Arc<Link>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    mounted: watch::Sender<Mounted>,
    /// What the server has said last.
    last: Mutex<Option<Listed>>,
}

// === impl McpMount ===

impl McpMount {
    /// Starts the server in the background. Must be called inside a runtime.
    pub fn start(server: Server) -> McpMount {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let kept = Arc::new(server.clone());
        let link = match &server.at {
            At::Process(_) => Link::to_process(kept),
            At::Remote(remote) => {
                let Server {
                    name,
                    settings,
                    mask,
                    ..
                } = &server;
                let sessions = Sessions::new(
                    name,
                    remote.clone(),
                    settings.clone(),
                    mask.clone(),
                    stop.clone(),
                    tasks.clone(),
                );
                Link::to_remote(kept, sessions)
            }
        };
        let shared = Arc::new(Shared {
            link: Arc::new(link),
            stop,
            tasks,
            mounted: watch::Sender::new(Mounted::loading()),
            last: Mutex::default(),
        });
        match server.at {
            At::Process(program) => {
                let keep = supervisor::keep_process(shared.clone(), program);
                shared.tasks.spawn(keep);
            }
            At::Remote(remote) => {
                // Its profiles can be kept and authorised before anything is known of it.
                shared.has_none_yet();
                let follow = supervisor::follow_remote(shared.clone(), remote.account);
                shared.tasks.spawn(follow);
            }
        }
        McpMount(shared)
    }
}

impl Mount for McpMount {
    fn connectors(&self) -> watch::Receiver<Mounted> {
        self.0.mounted.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.0.stop.cancel();
            self.0.tasks.close();
            self.0.tasks.wait().await;
        })
    }
}

/// Without a close, the server is ended all the same.
impl Drop for McpMount {
    fn drop(&mut self) {
        self.0.stop.cancel();
    }
}

// === impl Shared ===

impl Shared {
    /// The server is there and has said what it has. Calls find it before they find its commands.
    pub(super) fn serves(&self, listed: Listed, now: Now) {
        self.link.is(now);
        let server = self.link.server();
        let mut last = self.last();
        let same = last.as_ref() == Some(&listed);
        let idempotent = &server.settings.idempotent;
        let (commands, notes) = listed.commands(&server.name, self.fields(), idempotent);
        let problems: Arc<[String]> = notes.iter().map(|note| self.sentence(note)).collect();
        if !same {
            let connector = &*server.name;
            let (tools, version) = (commands.manifest.commands.len(), &*listed.about.version);
            tracing::info!(connector, tools, version, "An MCP server is ready.");
        }
        self.mounted.send_if_modified(|mounted| {
            if same && mounted.settled && mounted.problems == problems {
                return false;
            }
            if !same || mounted.connectors.is_empty() {
                let connector = McpConnector::new(commands, self.link.clone());
                let connector: Arc<dyn Connector> = Arc::new(connector);
                mounted.connectors = Arc::new([connector]);
            }
            mounted.problems = problems;
            mounted.last_words = None;
            mounted.settled = true;
            true
        });
        *last = Some(listed);
    }

    /// What profiles may hold: an account of a server elsewhere, else values that stand in for
    /// parameters of their names.
    fn fields(&self) -> Fields {
        match self.link.is_remote() {
            true => account_fields(),
            false => Fields {
                open: true,
                ..Fields::default()
            },
        }
    }

    /// The connector is there, though nobody knows its commands.
    fn has_none_yet(&self) {
        let commands = Commands::none(&self.link.server().name, self.fields());
        let connector: Arc<dyn Connector> =
            Arc::new(McpConnector::new(commands, self.link.clone()));
        self.mounted
            .send_modify(|mounted| mounted.connectors = Arc::new([connector]));
    }

    /// The server could not be started. What it had is still in the catalogue: it may come back.
    pub(super) fn failed(&self, problem: Problem) {
        let sentence = self.sentence(&problem.message);
        let changed = self.fails(&sentence, &problem);
        if changed {
            let connector = &*self.link.server().name;
            let (reason, detail) = (&problem.message, problem.detail.as_deref());
            tracing::error!(connector, reason, detail, "An MCP server cannot be used.");
        }
        self.link.is(Now::Down(problem));
    }

    /// The server starts, and dies before it is of use. Until it starts once more it is not there.
    pub(super) fn dies(&self, end: Problem) {
        let sentence = self.sentence(&format!("{}, again and again", end.message));
        self.fails(&sentence, &end);
        self.link.is(Now::Down(end));
    }

    /// Tells of a failure; whether it is news.
    fn fails(&self, sentence: &str, problem: &Problem) -> bool {
        let mask = &self.link.server().mask;
        let words = problem.detail.as_deref().map(|detail| {
            // No line of it may move a terminal's cursor.
            let lines = mask.apply(detail);
            let lines: Vec<_> = lines.lines().map(one_line).collect();
            let last = &lines[lines.len().saturating_sub(LAST)..];
            last.join("\n").into()
        });
        self.mounted.send_if_modified(|mounted| {
            let news = mounted.fails(sentence);
            mounted.last_words = words;
            news
        })
    }

    /// Something about the server does not work, but the rest does.
    pub(super) fn note(&self, clause: &str) {
        let sentence = self.sentence(clause);
        tracing::warn!(connector = &*self.link.server().name, "{sentence}");
        self.mounted
            .send_modify(|mounted| mounted.problems = Arc::new([sentence]));
    }

    /// A clause as a sentence that names the server, without its secrets.
    fn sentence(&self, clause: &str) -> String {
        let Server { name, at, mask, .. } = self.link.server();
        mask.apply(&format!("{name} ({at}): {clause}")).into()
    }

    fn last(&self) -> MutexGuard<'_, Option<Listed>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
