//! What the tests of Python connectors have in common.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

pub use crate::harness::until;
use crate::harness::{Answer, PATIENCE, Proxy, Setup, outlive_nobody, output};

/// A package of the zoo, or something else that lies there.
pub fn zoo(name: &str) -> String {
    format!("{}/tests/zoo/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A table of the configuration that mounts what lies at a path.
pub fn connector(name: &str, path: impl AsRef<Path>) -> String {
    format!("[connectors.{name}]\npython = {:?}\n", path.as_ref())
}

/// A proxy with this configuration, when everything has loaded that will.
pub async fn serve(config: &str) -> Proxy {
    serve_setup(Setup::new().config(config)).await
}

/// The same for anything else that there is to set up.
pub async fn serve_setup(setup: Setup) -> Proxy {
    let proxy = setup.serve().await;
    ready(&proxy).await;
    proxy
}

/// Waits until everything has loaded, or has failed to. Gives the problems.
pub async fn ready(proxy: &Proxy) -> Vec<String> {
    let mut problems = Vec::new();
    until("everything is loaded", async || {
        let ready = proxy.get("/readyz").await.json();
        let list = ready["problems"].as_array().unwrap().iter();
        problems = list.map(|p| p.as_str().unwrap().to_owned()).collect();
        ready["ready"] == true
    })
    .await;
    if proxy.stdout().contains("Loading ") {
        // The list of commands may follow a moment after.
        proxy.log_line(&["Loaded: "]).await;
    }
    problems
}

/// The package `gallery` and nothing else, for tests that leave it as it is.
pub async fn gallery() -> &'static Proxy {
    static SHARED: OnceCell<(Proxy, Child)> = OnceCell::const_new();
    let start = || async {
        let proxy = serve(&connector("gallery", zoo("connector-gallery"))).await;
        let watch = outlive_nobody(&proxy);
        (proxy, watch)
    };
    &SHARED.get_or_init(start).await.0
}

/// The ids of a proxy's commands that begin with a text.
pub async fn ids(proxy: &Proxy, begin: &str) -> Vec<String> {
    let commands = proxy.get("/v1/commands").await.json();
    let ids = commands.as_array().unwrap().iter();
    let ids = ids.map(|command| command["id"].as_str().unwrap().to_owned());
    ids.filter(|id| id.starts_with(begin)).collect()
}

/// A client for what the harness does not send.
pub fn client() -> reqwest::Client {
    // Whoever comes second finds it done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    client.build().unwrap()
}

/// Calls a command that answers in version 1, and gives the body of its success.
pub async fn bare(proxy: &Proxy, command: &str, arguments: Value) -> String {
    let ask = proxy.do_(command).json(&arguments).verbatim();
    let answer = ask.send().await;
    assert_eq!(answer.status, 200, "{command}: {}", answer.text);
    answer.text
}

/// The process that runs a connector with a command `Pid`.
pub async fn pid(proxy: &Proxy, connector: &str) -> u64 {
    let answer = proxy.call(&format!("{connector}/Pid"), json!({})).await;
    answer.success().as_u64().unwrap()
}

/// Whether a process is there and has not ended, with all its threads: the first may be gone, and the
/// process look ended, while another still holds the sockets open.
pub fn lives(pid: u64) -> bool {
    let threads = || fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    state(pid).is_some_and(|(state, _)| state != 'Z' || threads() > 1)
}

/// The processes that a process started.
pub fn children(parent: u64) -> Vec<u64> {
    let all = fs::read_dir("/proc").unwrap().map(Result::unwrap);
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|pid| state(*pid).is_some_and(|(_, of)| of == parent))
        .collect()
}

/// The state of a process, and the process that started it.
fn state(pid: u64) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

/// Sends SIGKILL.
pub fn kill(pid: u64) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -KILL {pid}")])
        .status();
    assert!(status.unwrap().success(), "killing {pid}");
}

/// Copies a folder with what is in it, but for what Python keeps there.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.as_ref().join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "__pycache__" => {}
            true => copy(entry.path(), to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// Runs a program that has to succeed, and gives what it printed.
pub async fn run(program: impl AsRef<Path>, arguments: &[&str]) -> String {
    let mut command = Command::new(program.as_ref());
    command.args(arguments);
    let output = output(command).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a wheel in a folder.
pub async fn wheel(folder: &Path, name: &str, version: &str, source: &str, needs: &[&str]) {
    let (script, folder) = (zoo("make_wheel.py"), folder.display().to_string());
    let arguments = [script.as_str(), &folder, name, version, source];
    run("python3", &[&arguments, needs].concat()).await;
}

/// Makes a virtual environment without pip; gives the folder where its packages lie.
pub async fn venv(python: &str, folder: &Path) -> PathBuf {
    let path = folder.display().to_string();
    run(python, &["-m", "venv", "--without-pip", &path]).await;
    site_packages(&folder.join("bin/python")).await
}

/// Where the packages of an interpreter lie.
pub async fn site_packages(python: &Path) -> PathBuf {
    let script = "import sysconfig; print(sysconfig.get_paths()['purelib'], end='')";
    run(python, &["-c", script]).await.into()
}

/// The interpreter that has the libraries the tests need from the package index.
pub fn test_python() -> String {
    let variable = "CROSSPOINT_TEST_PYTHON";
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run the tests by `cargo xtask test`, which sets it")
    })
}

/// A call of a command `Hold` that has begun, and goes on until it may end.
pub struct Held {
    answer: JoinHandle<Answer>,
    release: PathBuf,
}

// === impl Held ===

impl Held {
    /// Begins it; `name` tells it from others of this proxy.
    pub async fn begin(proxy: &Proxy, connector: &str, name: &str) -> Held {
        let begun = proxy.path().join(format!("{name}-begun"));
        let release = proxy.path().join(format!("{name}-release"));
        let arguments = json!({"begun": begun, "until": release});
        let ask = proxy.do_(&format!("{connector}/Hold")).json(&arguments);
        let answer = tokio::spawn(ask.send());
        until("the call has begun", async || begun.exists()).await;
        Held { answer, release }
    }

    /// Lets it end.
    pub async fn end(self) -> Answer {
        fs::write(&self.release, "").unwrap();
        self.answer().await
    }

    /// Its answer, however it ends.
    pub async fn answer(self) -> Answer {
        self.answer.await.unwrap()
    }
}
