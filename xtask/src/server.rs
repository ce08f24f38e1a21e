//! A Crosspoint of our own: on a free port, with a folder of its own.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// What it prints when it listens, followed by its address.
const ANNOUNCEMENT: &str = "listening on ";

/// How long it may take to begin, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Variables that would change what it does, or send loopback calls elsewhere.
const FOREIGN: [&str; 5] = [
    "CROSSPOINT_",
    "CONNECTOR_PROXY_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
];

/// A running server. Dropping it kills the process, unless [`Server::stop`] ended it properly.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

// === impl Server ===

impl Server {
    /// Starts `crosspoint serve` in `folder`, which is emptied first, and waits until it listens.
    pub(crate) fn start(crosspoint: &Path, folder: &Path) -> Result<Server> {
        let mut command = Command::new(crosspoint);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        Server::start_command(command, folder)
    }

    fn start_command(mut command: Command, folder: &Path) -> Result<Server> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let log = folder.join("log.txt");
        let mut child = undisturbed(&mut command)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).context("creating its log")?)
            .spawn()
            .context("starting crosspoint")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let mut server = Server {
            child,
            log,
            url: String::new(),
        };
        server.url = server.announced(stdout)?;
        Ok(server)
    }

    fn announced(&self, stdout: impl Read + Send + 'static) -> Result<String> {
        let (sender, addresses) = mpsc::channel();
        // Reads to the end, because a full pipe would stop the server.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(url) = address(&line) {
                    let _ = sender.send(url);
                }
            }
        });
        addresses.recv_timeout(PATIENCE).with_context(|| {
            format!(
                "crosspoint did not say `{ANNOUNCEMENT}…`; its log:\n{}",
                self.log()
            )
        })
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to end, and fails unless it does so with exit code 0.
    pub(crate) fn stop(mut self) -> Result<()> {
        let id = self.child.id();
        let asked = Command::new("sh")
            .args(["-c", &format!("kill -TERM {id}")])
            .status();
        ensure!(
            asked.context("asking crosspoint to end")?.success(),
            "crosspoint was gone already"
        );
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().context("waiting for crosspoint")? {
                ensure!(
                    status.success(),
                    "crosspoint ended with {status}:\n{}",
                    self.log()
                );
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "crosspoint did not end within {} s of SIGTERM",
            PATIENCE.as_secs()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes the variables out that would change what a test means.
pub(crate) fn undisturbed(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if FOREIGN.iter().any(|prefix| upper.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

fn address(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(ANNOUNCEMENT)?;
    let url = rest.split_whitespace().next()?.trim_end_matches('/');
    url.starts_with("http://").then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, name: &str) -> Result<Server> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let folder = env::temp_dir().join(format!("xtask-server-{}-{name}", std::process::id()));
        let server = Server::start_command(command, &folder);
        let _ = fs::remove_dir_all(folder);
        server
    }

    #[test]
    fn the_address_is_found_in_the_line() {
        let line = "crosspoint 0.1.0 listening on http://127.0.0.1:7004/ (no keys)";
        assert_eq!(address(line).as_deref(), Some("http://127.0.0.1:7004"));
        assert_eq!(address("listening on nothing"), None);
    }

    #[test]
    fn a_server_that_ends_well_when_asked_passes() {
        let script =
            "trap 'exit 0' TERM; echo listening on http://h:1; while :; do sleep 0.01; done";
        let server = shell(script, "well").unwrap();
        assert_eq!(server.url, "http://h:1");
        server.stop().unwrap();
    }

    #[test]
    fn a_server_that_dies_of_the_signal_fails() {
        let server = shell("echo listening on http://h:1; exec sleep 60", "dies").unwrap();
        assert!(
            server
                .stop()
                .unwrap_err()
                .to_string()
                .contains("crosspoint ended with")
        );
    }

    #[test]
    fn a_server_that_never_listens_fails() {
        let error = shell("exit 1", "never").err().unwrap().to_string();
        assert!(error.contains("did not say"), "{error}");
    }
}
