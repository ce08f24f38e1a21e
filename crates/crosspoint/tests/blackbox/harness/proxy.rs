//! The program under test, in a working directory and an environment of its own.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::capture::Capture;

/// How long a test waits for what must happen before it gives up. No test is about this time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the program finds when it starts. By default: no configuration file, a listener on any
/// free port, and nothing in the environment but `PATH`. Clones share the working directory.
#[derive(Clone)]
pub struct Setup {
    folder: Arc<TempDir>,
    env: Vec<(String, String)>,
}

/// A running `crosspoint serve`, killed when dropped.
pub struct Proxy {
    pub address: SocketAddr,
    process: Process,
}

/// A program that goes on by itself, killed when dropped.
pub struct Running(Process);

/// What a process left behind.
#[derive(Debug)]
pub struct Ended {
    /// None when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    /// Of `serve`, the log.
    pub stderr: String,
}

struct Process {
    child: Child,
    stdout: Capture,
    stderr: Capture,
    /// The working directory lives as long as what works there.
    setup: Setup,
}

// === impl Setup ===

impl Setup {
    pub fn new() -> Setup {
        let setup = Setup {
            folder: Arc::new(TempDir::new().unwrap()),
            env: Vec::new(),
        };
        setup.env("CROSSPOINT_LISTEN", "127.0.0.1:0")
    }

    /// Writes `crosspoint.toml`.
    pub fn config(self, toml: &str) -> Setup {
        self.file("crosspoint.toml", toml)
    }

    /// Writes a file into the working directory.
    pub fn file(self, name: &str, text: &str) -> Setup {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        // A master key must be for its owner alone.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    /// Sets a variable; the last of two equal names counts.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Setup {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Takes a variable out.
    pub fn without(mut self, name: &str) -> Setup {
        self.env.retain(|(own, _)| own != name);
        self
    }

    /// The working directory.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts `serve` and waits until it listens.
    pub async fn serve(self) -> Proxy {
        self.serve_with(&[]).await
    }

    /// The same with options.
    pub async fn serve_with(self, options: &[&str]) -> Proxy {
        let arguments: Vec<_> = ["serve"]
            .iter()
            .chain(options)
            .map(ToString::to_string)
            .collect();
        spawn_blocking(move || Proxy::start(self, &arguments))
            .await
            .unwrap()
    }

    /// Runs the program to its end.
    pub async fn run(self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "").await
    }

    /// Runs the program to its end with a text on its standard input.
    pub async fn run_with(self, arguments: &[&str], input: &str) -> Ended {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let input = input.to_owned();
        let run = move || {
            let mut process = self.spawn(&arguments);
            let mut stdin = process.child.stdin.take().unwrap();
            // A program that takes no input may have closed it.
            let _ = stdin.write_all(input.as_bytes());
            drop(stdin);
            process.ended()
        };
        spawn_blocking(run).await.unwrap()
    }

    /// Starts the program and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        Running(self.clone().spawn(&arguments))
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crosspoint"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn spawn(self, arguments: &[String]) -> Process {
        let mut child = self.command(arguments).spawn().unwrap();
        Process {
            stdout: Capture::of(child.stdout.take().unwrap()),
            stderr: Capture::of(child.stderr.take().unwrap()),
            child,
            setup: self,
        }
    }
}

// === impl Proxy ===

impl Proxy {
    fn start(setup: Setup, arguments: &[String]) -> Proxy {
        let process = setup.spawn(arguments);
        let greeting = "listening on http://";
        let complete = |text: &str| {
            let rest = text.split_once(greeting).map(|(_, rest)| rest);
            rest.is_some_and(|rest| rest.contains('\n'))
        };
        let stdout = process.stdout.until(complete).unwrap_or_else(|stdout| {
            let stderr = process.stderr.text();
            panic!("serve does not listen; stdout:\n{stdout}\nstderr:\n{stderr}")
        });
        let address = stdout.split(greeting).nth(1).unwrap();
        let address = address.lines().next().unwrap().trim();
        Proxy {
            address: address.parse().unwrap(),
            process,
        }
    }

    pub fn id(&self) -> u32 {
        self.process.child.id()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What was printed on standard output so far.
    pub fn stdout(&self) -> String {
        self.process.stdout.text()
    }

    /// The line of the log that has all these texts; waits for it.
    pub async fn log_line(&self, texts: &[&str]) -> String {
        let log = self.process.stderr.clone();
        let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
        let find = move || {
            let wanted =
                |line: &&str| line.ends_with('\n') && texts.iter().all(|t| line.contains(t));
            let found = log.until(|log| log.split_inclusive('\n').any(|line| wanted(&line)));
            let log = found.unwrap_or_else(|log| panic!("{texts:?} is not in:\n{log}"));
            log.split_inclusive('\n').find(wanted).unwrap().to_owned()
        };
        spawn_blocking(find).await.unwrap()
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.process.stderr.text()
    }

    /// The working directory.
    pub fn path(&self) -> &Path {
        self.process.setup.path()
    }

    /// What it was started in: to run the program there again, or to start it anew.
    pub fn setup(&self) -> Setup {
        self.process.setup.clone()
    }

    /// Runs the program to its end in the same directory and environment.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.setup().run(arguments).await
    }

    /// Ends the process as kill -9 does, and gives what it was started in.
    pub async fn kill(self) -> Setup {
        let setup = self.setup();
        spawn_blocking(move || drop(self)).await.unwrap();
        setup
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success(), "sending SIG{name}: {status}");
    }

    /// Waits for the end of the process.
    pub async fn ended(self) -> Ended {
        let Proxy { mut process, .. } = self;
        spawn_blocking(move || process.ended()).await.unwrap()
    }

    /// Ends the process in good order.
    pub async fn stop(self) -> Ended {
        self.terminate();
        self.ended().await
    }
}

// === impl Running ===

impl Running {
    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) {
        let stdin = self.0.child.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits until a line of its standard output has all these texts, and gives the line.
    pub async fn hears(&self, texts: &[&str]) -> String {
        let stdout = self.0.stdout.clone();
        let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
        let find = move || {
            let wanted =
                |line: &&str| line.ends_with('\n') && texts.iter().all(|t| line.contains(t));
            let found = stdout.until(|text| text.split_inclusive('\n').any(|l| wanted(&l)));
            let text = found.unwrap_or_else(|text| panic!("{texts:?} is not in:\n{text}"));
            text.split_inclusive('\n').find(wanted).unwrap().to_owned()
        };
        spawn_blocking(find).await.unwrap()
    }

    /// Closes its standard input, and waits for its end.
    pub async fn hang_up(mut self) -> Ended {
        drop(self.0.child.stdin.take());
        spawn_blocking(move || self.0.ended()).await.unwrap()
    }

    /// What it has printed on standard output so far.
    pub fn stdout(&self) -> String {
        self.0.stdout.text()
    }

    /// What it has printed on standard error so far.
    pub fn stderr(&self) -> String {
        self.0.stderr.text()
    }
}

// === impl Process ===

impl Process {
    fn ended(&mut self) -> Ended {
        let (stdout, stderr) = (self.stdout.whole(), self.stderr.whole());
        let (Ok(stdout), Ok(stderr)) = (&stdout, &stderr) else {
            panic!("the process does not end; stdout:\n{stdout:?}\nstderr:\n{stderr:?}");
        };
        Ended {
            code: self.child.wait().unwrap().code(),
            stdout: stdout.clone(),
            stderr: stderr.clone(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
