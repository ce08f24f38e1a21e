//! A real PostgreSQL for tests, on 127.0.0.1, in a directory of its own.
//!
//! [`server`] is the one that all tests of a program share; [`Server::start`] makes another for
//! tests that end it. A server ends with the program that started it, however that ends: a small
//! shell waits for the end of its input, which comes when nobody holds the other end any more.
//!
//! Uses nothing of this crate, so that it can move to wherever other tests need it.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// The administrator's password.
pub const PASSWORD: &str = "adm1n-p4ss-canary";

/// How often another port is tried, since somebody else may take one before the server does.
const ATTEMPTS: usize = 5;

/// How often a server is asked whether it is ready, and the pause between.
const QUESTIONS: usize = 1200;
const PAUSE: Duration = Duration::from_millis(50);

/// Runs the server until its own input ends, then ends it and removes its directory. On the way it
/// stops and starts the server when it is told to. A server that has just begun does not hear SIGQUIT yet,
/// and ends by SIGTERM.
const SUPERVISOR: &str = r#"
    directory=$1; shift
    "$@" >>"$directory/log" 2>&1 </dev/null &
    while read -r order; do
        case $order in
            stop) kill -INT $!; wait $! ;;
            start) "$@" >>"$directory/log" 2>&1 </dev/null & ;;
        esac
    done
    kill -QUIT $!
    kill -TERM $!
    wait
    rm -rf -- "$directory"
"#;

/// A running server.
pub struct Server {
    /// Its port on 127.0.0.1. Its certificate is for `localhost` alone.
    pub port: u16,
    /// The certificate of the authority that vouches for it, in PEM form.
    pub ca_file: PathBuf,
    bin: PathBuf,
    directory: PathBuf,
    supervisor: Child,
    input: Option<ChildStdin>,
}

/// The server that all tests of this program share.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

// === impl Server ===

impl Server {
    /// Starts a server with a database `postgres` and an administrator `postgres`, who has the
    /// password [`PASSWORD`]. Answers when it takes connections.
    pub fn start() -> Server {
        let mut reasons = Vec::new();
        for _ in 0..ATTEMPTS {
            match Server::try_start() {
                Ok(server) => return server,
                Err(log) => reasons.push(log),
            }
        }
        panic!("PostgreSQL does not start:\n{}", reasons.join("\n"));
    }

    fn try_start() -> Result<Server, String> {
        let bin = binaries();
        let directory = TempDir::new().expect("making a directory for PostgreSQL");
        hand_over(directory.path(), 0o700);
        create_cluster(&bin, directory.path());
        create_certificates(directory.path());
        // From here on the supervisor removes it.
        let directory = directory.keep();
        let port = free_port();
        let mut shell = as_owner(Path::new("/bin/sh"));
        shell.args(["-c", SUPERVISOR, "sh"]).arg(&directory);
        shell
            .arg(bin.join("postgres"))
            .arg("-D")
            .arg(directory.join("data"));
        for setting in [
            &format!("port={port}"),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            // Every test of a machine with many cores may have several processes at it.
            "max_connections=500",
            "ssl=on",
            &format!("ssl_cert_file={}", directory.join("cert.pem").display()),
            &format!("ssl_key_file={}", directory.join("key.pem").display()),
        ] {
            shell.arg("-c").arg(setting);
        }
        // A group of its own, so that an interrupt at the terminal leaves it the time to clean up.
        shell.process_group(0).stdin(Stdio::piped());
        let mut supervisor = shell.spawn().expect("starting a shell for PostgreSQL");
        let input = supervisor.stdin.take();
        let ca_file = directory.join("ca.pem");
        let server = Server {
            port,
            ca_file,
            bin,
            directory,
            supervisor,
            input,
        };
        match server.becomes_ready(0) {
            true => Ok(server),
            false => Err(server.log()),
        }
    }

    /// The administrator's connection string.
    pub fn dsn(&self) -> String {
        self.dsn_as("postgres", PASSWORD)
    }

    /// The connection string of any user to the database `postgres`.
    pub fn dsn_as(&self, user: &str, password: &str) -> String {
        let port = self.port;
        format!("host=127.0.0.1 port={port} user={user} password='{password}' dbname=postgres")
    }

    /// Runs SQL as the administrator with `psql`, which this project has no part in. Answers what it
    /// prints, without decoration.
    pub fn psql(&self, sql: &str) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        psql.arg(self.dsn());
        let output = expect_success(psql);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Ends the server as if its machine had stopped.
    pub fn kill(&mut self) {
        drop(self.input.take());
        let _ = self.supervisor.wait();
    }

    /// Ends the server in good order: breaks all connections, and takes no new ones. Answers when its log
    /// says so, which is after its port is closed.
    pub fn stop(&mut self) {
        let logged = self.log().len();
        self.tell("stop");
        for _ in 0..QUESTIONS {
            if self.has_ended(logged) {
                return;
            }
            sleep(PAUSE);
        }
        panic!("PostgreSQL does not stop:\n{}", self.log());
    }

    /// Starts a server that was stopped, at the same port and with the same data.
    pub fn start_again(&mut self) {
        let logged = self.log().len();
        self.tell("start");
        assert!(self.becomes_ready(logged), "{}", self.log());
    }

    fn tell(&mut self, order: &str) {
        let input = self.input.as_mut().expect("a server that was not killed");
        writeln!(input, "{order}").expect("telling the shell of PostgreSQL");
    }

    /// What `pg_isready` ends with: 0 when it takes connections.
    fn asked(&self) -> Option<i32> {
        let mut question = Command::new(self.bin.join("pg_isready"));
        question.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        question.status().ok()?.code()
    }

    /// Waits until it takes connections. False when it ends, as its log from a byte on says.
    fn becomes_ready(&self, from: usize) -> bool {
        for _ in 0..QUESTIONS {
            if self.asked() == Some(0) {
                return true;
            }
            if self.has_ended(from) {
                return false;
            }
            sleep(PAUSE);
        }
        false
    }

    /// Whether its log says so, from a byte on.
    fn has_ended(&self, from: usize) -> bool {
        let log = self.log();
        let log = log.get(from..).unwrap_or_default();
        log.contains("database system is shut down")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The directory that holds the programs of the newest PostgreSQL of this machine.
fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let bins = versions.map(|version| version.path().join("bin"));
    let newest = bins.filter(|bin| bin.join("initdb").exists()).max();
    newest.expect(
        "these tests need PostgreSQL: run `cargo xtask test`, which installs the package postgresql",
    )
}

fn create_cluster(bin: &Path, directory: &Path) {
    let password = directory.join("password");
    fs::write(&password, PASSWORD).expect("writing the password");
    hand_over(&password, 0o600);
    let mut initdb = as_owner(&bin.join("initdb"));
    initdb.args([
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "--locale=C",
    ]);
    initdb.arg("--no-sync").arg("--pwfile").arg(&password);
    initdb.arg("-D").arg(directory.join("data"));
    expect_success(initdb);
}

/// An authority that nobody trusts unless told to, and a certificate of it for `localhost`.
fn create_certificates(directory: &Path) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names are no bad names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("making a key");
    let authority = CertifiedIssuer::self_signed(params, key).expect("signing the authority");
    let key = KeyPair::generate().expect("making a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a good name");
    let certificate = params
        .signed_by(&key, &authority)
        .expect("signing a certificate");
    for (name, pem) in [
        ("ca.pem", authority.pem()),
        ("cert.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
    ] {
        let file = directory.join(name);
        fs::write(&file, pem).expect("writing a certificate");
        hand_over(&file, 0o600);
    }
}

/// A command as the user who runs the server: PostgreSQL refuses to be run by root.
fn as_owner(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = owner() {
        command.uid(user).gid(group);
    }
    command
}

/// Whom files belong to and servers run as, when this program is run by root.
fn owner() -> Option<(u32, u32)> {
    let myself = fs::metadata("/proc/self").expect("looking at this process");
    if myself.uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("reading the list of users");
    let ids = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody"))
}

fn hand_over(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("setting permissions");
    if let Some((user, group)) = owner() {
        chown(path, Some(user), Some(group)).expect("handing a file over");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("looking for a free port");
    listener.local_addr().expect("looking at a socket").port()
}

fn expect_success(mut command: Command) -> Output {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output
}
