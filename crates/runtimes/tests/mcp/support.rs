//! What the tests have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Connector, Mask, Mount, Mounted};
use crosspoint_runtimes::mcp::{At, McpMount, Program, Server, Settings};
use serde_json::json;
use tempfile::TempDir;

use crate::common::interpreter::python;
pub use crate::common::*;

/// A server to mount, and a folder for its files.
pub struct Probe {
    pub folder: TempDir,
    pub server: Server,
}

// === impl Probe ===

impl Probe {
    /// One that behaves as the mode says.
    pub fn new(mode: &str) -> Probe {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/server.py");
        let folder = tempfile::tempdir().unwrap();
        let program = Program {
            command: vec![python().into(), "-u".into(), script.into(), mode.into()],
            bound: Vec::new(),
            env: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            directory: None,
        };
        let server = Server {
            name: "probe".to_owned(),
            at: At::Process(program),
            settings: Settings::default(),
            mask: Mask::default(),
        };
        Probe { folder, server }
    }

    pub fn program(&mut self) -> &mut Program {
        match &mut self.server.at {
            At::Process(program) => program,
            At::Remote(_) => panic!("no process"),
        }
    }

    /// A path for a tool to write or wait for.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Mounts it and waits until the first attempt has ended, well or not.
    pub async fn mount(&self) -> McpMount {
        let mount = McpMount::start(self.server.clone());
        let mut mounted = mount.connectors();
        mounted.wait_for(|mounted| mounted.settled).await.unwrap();
        mount
    }

    /// The only sentence about why it does not work, without the server that it begins with.
    pub async fn problem(&self) -> String {
        let mount = self.mount().await;
        let mounted = mounted(&mount);
        mount.close().await;
        assert!(mounted.connectors.is_empty(), "{mounted:?}");
        assert_eq!(mounted.problems.len(), 1, "{mounted:?}");
        let about = mounted.problems[0].strip_prefix("probe (");
        let (_, clause) = about.unwrap().split_once("): ").unwrap();
        clause.to_owned()
    }
}

pub fn mounted(mount: &McpMount) -> Mounted {
    mount.connectors().borrow().clone()
}

/// The connector as it is now.
pub fn connector(mount: &McpMount) -> Arc<dyn Connector> {
    let mounted = mounted(mount);
    let first = mounted.connectors.first();
    first.unwrap_or_else(|| panic!("{mounted:?}")).clone()
}

/// The names of its commands.
pub fn commands(mount: &McpMount) -> Vec<String> {
    let connector = connector(mount);
    let commands = connector.manifest().commands.iter();
    commands.map(|command| command.name.clone()).collect()
}

pub async fn pid(connector: &Arc<dyn Connector>) -> i32 {
    let text = body(call(connector, "pid", json!({})).await);
    text.as_str().unwrap().parse().unwrap()
}

/// A call of `hold` that has begun, and the file that ends it.
pub struct Held {
    pub answer: tokio::task::JoinHandle<Answer>,
    pub release: PathBuf,
}

// === impl Held ===

impl Held {
    pub async fn begin(probe: &Probe, connector: &Arc<dyn Connector>) -> Held {
        Held::begin_within(probe, connector, Duration::from_secs(120)).await
    }

    pub async fn begin_within(
        probe: &Probe,
        connector: &Arc<dyn Connector>,
        deadline: Duration,
    ) -> Held {
        let (begun, release) = (probe.path("begun"), probe.path("release"));
        let arguments = json!({"begun": begun, "until": release});
        let connector = connector.clone();
        let answer =
            tokio::spawn(async move { call_within(&connector, "hold", arguments, deadline).await });
        until_there(&begun).await;
        Held { answer, release }
    }

    pub async fn end(self) -> Answer {
        touch(&self.release);
        self.answer.await.unwrap()
    }
}
