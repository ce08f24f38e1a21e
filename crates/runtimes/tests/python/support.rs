//! What the tests have in common.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Connector, Mask, Mount, Mounted};
use crosspoint_runtimes::python::{At, Program, PythonMount, Settings, Source};
use serde_json::json;
use tempfile::TempDir;

use crate::common::interpreter::python;
pub use crate::common::*;
use crate::zoo::PROBE;

/// A folder with connector packages, and what is needed to run them.
pub struct Zoo {
    pub folder: TempDir,
    pub program: Program,
}

// === impl Zoo ===

impl Zoo {
    /// With one package, `connector_probe`.
    pub fn new() -> Zoo {
        let folder = tempfile::tempdir().unwrap();
        let program = Program {
            python: python(),
            import_path: vec![folder.path().join("packages")],
            connectors: Vec::new(),
            env: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            config: serde_json::Map::new(),
            directory: None,
            code: folder.path().join("code"),
            fingerprint: "1".to_owned(),
            settings: Settings::default(),
            mask: Mask::default(),
        };
        let mut zoo = Zoo { folder, program };
        zoo.add("probe", PROBE);
        zoo
    }

    pub fn with(settings: Settings) -> Zoo {
        let mut zoo = Zoo::new();
        zoo.program.settings = settings;
        zoo
    }

    /// Writes the package `connector_<name>` and has it mounted.
    pub fn add(&mut self, name: &str, commands: &str) {
        self.write(name, commands);
        self.list(name);
    }

    /// Has `connector_<name>` mounted, whether it is there or not.
    pub fn list(&mut self, name: &str) {
        self.program.connectors.push(Source {
            name: name.to_owned(),
            at: At::Module(format!("connector_{name}")),
        });
    }

    /// Writes the package `connector_<name>`, over the one that is there.
    pub fn write(&self, name: &str, commands: &str) {
        let package = self.package(name);
        std::fs::create_dir_all(package.join("commands")).unwrap();
        std::fs::write(package.join("__init__.py"), "").unwrap();
        std::fs::write(package.join("commands/__init__.py"), "").unwrap();
        let file = package.join("commands/all.py");
        // Python takes a compiled file for fresh when time (in seconds) and size are the same.
        let _ = std::fs::remove_dir_all(package.join("commands/__pycache__"));
        std::fs::write(file, commands).unwrap();
    }

    pub fn package(&self, name: &str) -> PathBuf {
        let packages = self.folder.path().join("packages");
        packages.join(format!("connector_{name}"))
    }

    /// A path for a command to write or wait for.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Mounts it and waits until that has ended, well or not.
    pub async fn mount(&self) -> PythonMount {
        let program = self.program.clone();
        let mount = PythonMount::start(async move { Ok(vec![program].into()) });
        let mut mounted = mount.connectors();
        mounted.wait_for(|mounted| mounted.settled).await.unwrap();
        mount
    }
}

pub fn mounted(mount: &PythonMount) -> Mounted {
    mount.connectors().borrow().clone()
}

/// The connector of that name as it is now.
pub fn connector(mount: &PythonMount, name: &str) -> Arc<dyn Connector> {
    let mounted = mounted(mount);
    let mut connectors = mounted.connectors.iter();
    let found = connectors.find(|connector| connector.manifest().name == name);
    found.unwrap_or_else(|| panic!("{mounted:?}")).clone()
}

pub fn probe(mount: &PythonMount) -> Arc<dyn Connector> {
    connector(mount, "probe")
}

pub async fn pid(connector: &Arc<dyn Connector>) -> i32 {
    number(call(connector, "Pid", json!({})).await)
}

pub fn number(answer: Answer) -> i32 {
    body(answer).as_i64().unwrap().try_into().unwrap()
}

/// A call of `Hold` that has begun, and the file that ends it.
pub struct Held {
    pub answer: tokio::task::JoinHandle<Answer>,
    pub release: PathBuf,
}

// === impl Held ===

impl Held {
    pub async fn begin(zoo: &Zoo, connector: &Arc<dyn Connector>, name: &str) -> Held {
        let deadline = Duration::from_secs(120);
        Held::begin_within(zoo, connector, name, deadline).await
    }

    pub async fn begin_within(
        zoo: &Zoo,
        connector: &Arc<dyn Connector>,
        name: &str,
        deadline: Duration,
    ) -> Held {
        let begun = zoo.path(&format!("{name}-begun"));
        let release = zoo.path(&format!("{name}-release"));
        let arguments = json!({"begun": begun, "until": release});
        let connector = connector.clone();
        let answer =
            tokio::spawn(async move { call_within(&connector, "Hold", arguments, deadline).await });
        until_there(&begun).await;
        Held { answer, release }
    }

    pub async fn end(self) -> Answer {
        touch(&self.release);
        self.answer.await.unwrap()
    }
}

pub fn variable(name: &str, value: &str) -> (OsString, OsString) {
    (name.into(), value.into())
}
