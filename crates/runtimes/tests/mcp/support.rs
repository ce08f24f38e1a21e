//! What the tests have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{
    Arguments, Body, Call, CommandId, Connector, Context, Failure, Ingress, Mask, Mount, Mounted,
    Origin, Outcome,
};
use crosspoint_runtimes::mcp::{At, McpMount, Program, Server, Settings};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::interpreter::python;

pub type Answer = Result<Outcome, Failure>;

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

pub fn new_call(command: &str, arguments: &str) -> Call {
    let arguments = Arguments::parse(Bytes::copy_from_slice(arguments.as_bytes())).unwrap();
    let id = CommandId::new("probe", command);
    Call::new(id, arguments, Origin::of(Ingress::Spiff))
}

pub fn context(call: &Call, deadline: Duration) -> Context {
    Context::new(call.id, Instant::now() + deadline, Mask::default())
}

/// Calls as the broker does, with time enough for any machine.
pub async fn call(connector: &Arc<dyn Connector>, command: &str, arguments: Value) -> Answer {
    call_within(connector, command, arguments, Duration::from_secs(120)).await
}

pub async fn call_within(
    connector: &Arc<dyn Connector>,
    command: &str,
    arguments: Value,
    deadline: Duration,
) -> Answer {
    let call = new_call(command, &arguments.to_string());
    let cx = context(&call, deadline);
    let result = connector.call(call, &cx).await;
    cx.finish(result)
}

/// The body of an answer that went well, as JSON.
pub fn body(answer: Answer) -> Value {
    match answer.unwrap().body {
        Body::Json(json) => json.read().unwrap(),
        Body::Text(text) => text.into(),
        Body::Bytes(bytes) => json!(bytes.to_vec()),
    }
}

pub async fn pid(connector: &Arc<dyn Connector>) -> i32 {
    let text = body(call(connector, "pid", json!({})).await);
    text.as_str().unwrap().parse().unwrap()
}

pub fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Whether a process is there and not a zombie.
pub fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits until something is so. The tests take no time for granted; this is only where a failure
/// ends a test that would wait for ever.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn until_there(path: &Path) {
    until(&format!("{} is there", path.display()), || path.exists()).await;
}

pub fn touch(path: &Path) {
    std::fs::write(path, "").unwrap();
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
