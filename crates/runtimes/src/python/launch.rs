//! Starts a worker: its process, the tasks that listen to it, and its first words.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::code;
use super::manifest::Description;
use super::outgoing::Outgoing;
use super::program::{At, Program, Source};
use super::wire::{self, PROTOCOL};
use super::worker::Worker;
use crate::process::{self, Allowance, Group, Launch, Level, Origin, Problem, Started, Tail};

/// How long a process may live on after it closed its connection, and its output after it.
const HANGING_UP: Duration = Duration::from_secs(1);

/// What a worker found.
pub(super) struct Hello {
    /// The connector.
    pub description: Description,
    /// Parts of it that cannot be served, one sentence each.
    pub notes: Vec<String>,
}

/// The result of `initialize`.
#[derive(Deserialize)]
pub(super) struct Initialized {
    protocol: u32,
    pub connectors: Vec<Description>,
    #[serde(default)]
    problems: Vec<NotLoaded>,
}

/// Something that a worker could not load.
#[derive(Deserialize)]
struct NotLoaded {
    module: Option<String>,
    message: String,
    traceback: Option<String>,
}

/// Has its worker killed unless it was let go: whoever starts one may be dropped half-way.
struct Unfinished(Option<Arc<Worker>>);

/// Starts a worker and has it load the connector. `left` is called when its process has ended,
/// before the calls under way are failed.
pub(super) async fn launch(
    id: u64,
    program: &Program,
    source: &Source,
    tasks: &TaskTracker,
    left: impl FnOnce() + Send + 'static,
) -> Result<(Arc<Worker>, Hello), Problem> {
    let folder = program.code.clone();
    let code = tokio::task::spawn_blocking(move || code::write(&folder)).await;
    let code = code
        .map_err(io::Error::other)
        .flatten()
        .map_err(|error| Problem::new(format!("writing the worker's code: {error}")))?;
    let launch = Launch {
        program: program.python.clone(),
        arguments: vec![code.into_os_string()],
        env: program.env.clone(),
        directory: program.directory.clone(),
    };
    let python = program.python.display();
    let (started, socket) = connected(launch)
        .await
        .map_err(|error| Problem::new(format!("starting {python}: {error}")))?;
    let worker = attach(id, program, source, tasks, (started, socket), left);
    let mut unfinished = Unfinished(Some(worker.clone()));
    let hello = greet(&worker, program, source).await?;
    unfinished.0 = None;
    Ok((worker, hello))
}

/// Starts a process whose standard input is one end of a connection; gives the other.
async fn connected(launch: Launch) -> io::Result<(Started, UnixStream)> {
    let (ours, theirs) = StdStream::pair()?;
    ours.set_nonblocking(true)?;
    let started = process::start(launch, Stdio::from(OwnedFd::from(theirs))).await?;
    Ok((started, UnixStream::from_std(ours)?))
}

/// Sets up the tasks that listen to a process.
fn attach(
    id: u64,
    program: &Program,
    source: &Source,
    tasks: &TaskTracker,
    (started, socket): (Started, UnixStream),
    left: impl FnOnce() + Send + 'static,
) -> Arc<Worker> {
    let settings = &program.settings;
    let origin = Origin {
        connector: source.name.as_str().into(),
        worker: started.group.pid(),
        mask: program.mask.clone(),
    };
    let (incoming, outgoing) = socket.into_split();
    let most_calls = settings.recycle.calls.unwrap_or(u64::MAX);
    let out = Outgoing::new(outgoing);
    let worker = Arc::new(Worker::new(id, origin.clone(), out, most_calls));
    let tail = Tail::default();
    let stdout = process::follow(
        started.stdout,
        ("stdout", Level::Info),
        origin.clone(),
        None,
        Allowance::new(Instant::now()),
    );
    let stderr = process::follow(
        started.stderr,
        ("stderr", Level::Warning),
        origin,
        Some(tail.clone()),
        Allowance::new(Instant::now()),
    );
    let listening = worker
        .clone()
        .listen(incoming, wire::frames(settings.max_answer));
    let heard = Heard {
        socket: tasks.spawn(listening),
        output: tasks.spawn(async {
            tokio::join!(stdout, stderr);
        }),
        tail,
    };
    let pumped = worker.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = pumped.write() => {}
            () = pumped.ended() => {}
        }
    });
    tasks.spawn(guard(worker.clone(), started.group, heard, left));
    worker
}

/// What comes from a process.
struct Heard {
    socket: JoinHandle<()>,
    output: JoinHandle<()>,
    tail: Tail,
}

/// Waits for the end of a process, whoever brings it about, and for the end of its group.
async fn guard(
    worker: Arc<Worker>,
    mut group: Group,
    mut heard: Heard,
    left: impl FnOnce() + Send + 'static,
) {
    let status = tokio::select! {
        status = group.wait() => status,
        () = asked_for(&worker, &mut heard.socket) => {
            group.kill();
            group.wait().await
        }
    };
    group.kill();
    // Answers that were given before the end count, and so do last words.
    let _ = timeout(HANGING_UP, async {
        if !heard.socket.is_finished() {
            let _ = (&mut heard.socket).await;
        }
        let _ = (&mut heard.output).await;
    })
    .await;
    // Descendants that left the group may still hold the other ends.
    heard.socket.abort();
    heard.output.abort();
    let message = match worker.kill_reason() {
        Some(reason) => reason.clone(),
        None => process::describe(&status),
    };
    let detail = heard.tail.text();
    left();
    worker.end(Problem { message, detail });
}

/// Returns when the process is to be killed: because somebody says so, or because it closed its
/// connection without being asked to leave and lives on.
async fn asked_for(worker: &Worker, socket: &mut JoinHandle<()>) {
    let hung_up = async {
        let _ = socket.await;
        if worker.is_leaving() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(HANGING_UP).await;
        worker.kill("was killed because it closed its connection");
    };
    tokio::select! {
        () = worker.killed() => {}
        () = hung_up => {}
    }
}

/// Has the worker load the connector.
async fn greet(worker: &Arc<Worker>, program: &Program, source: &Source) -> Result<Hello, Problem> {
    let patience = program.settings.start_timeout;
    let parameters = parameters(program, source);
    let asked = worker.request("initialize", &parameters);
    let Ok(answer) = timeout(patience, asked).await else {
        let what = format!(
            "did not load the connector within {} s",
            patience.as_secs_f64()
        );
        worker.kill(format!("was killed because it {what}"));
        return Err(Problem::new(format!("the worker {what}")));
    };
    let answer = answer.map_err(|problem| Problem {
        message: format!("the worker {}", problem.message),
        detail: problem.detail,
    })?;
    let answer: Initialized = serde_json::from_slice(&answer)
        .map_err(|error| Problem::new(format!("reading what the worker loaded: {error}")))?;
    if answer.protocol != PROTOCOL {
        let theirs = answer.protocol;
        return Err(Problem::new(format!(
            "the worker speaks version {theirs} of the wire"
        )));
    }
    let notes = answer.problems.iter().map(NotLoaded::sentence).collect();
    let mut connectors = answer.connectors.into_iter();
    let ours = connectors.find(|description| description.name == source.name);
    // One of which nothing could be loaded is described too, as empty.
    match ours.filter(|ours| !ours.is_empty() || answer.problems.is_empty()) {
        Some(description) => Ok(Hello { description, notes }),
        None => Err(not_loaded(&answer.problems)),
    }
}

pub(super) fn parameters(program: &Program, source: &Source) -> Value {
    let connector = match &source.at {
        At::Module(module) => json!({"name": source.name, "module": module}),
        At::File(file) => json!({"name": source.name, "file": text(file)}),
        At::Adapter(adapter) => {
            let mut place = json!(adapter.class);
            place["package"] = json!(adapter.package);
            place["actions"] = json!(adapter.actions);
            place["raw_credentials"] = adapter.raw_credentials.into();
            json!({"name": source.name, "adapter": place})
        }
    };
    let import_path: Vec<_> = program.import_path.iter().map(text).collect();
    json!({
        "protocol": PROTOCOL,
        "connectors": [connector],
        "import_path": import_path,
        "threads": program.settings.threads.max(1),
        "max_answer": program.settings.max_answer,
        "config": program.config,
    })
}

fn text(path: &PathBuf) -> String {
    OsString::from(path).to_string_lossy().into_owned()
}

fn not_loaded(problems: &[NotLoaded]) -> Problem {
    let sentences: Vec<_> = problems.iter().map(NotLoaded::sentence).collect();
    let tracebacks: Vec<_> = problems
        .iter()
        .filter_map(|p| p.traceback.as_deref())
        .collect();
    let message = match sentences.is_empty() {
        true => "the worker did not say why".to_owned(),
        false => sentences.join("; "),
    };
    let detail = (!tracebacks.is_empty()).then(|| tracebacks.join("\n"));
    Problem { message, detail }
}

// === impl NotLoaded ===

impl NotLoaded {
    fn sentence(&self) -> String {
        match &self.module {
            Some(module) if !self.message.contains(module.as_str()) => {
                format!("module {module}: {}", self.message)
            }
            _ => self.message.clone(),
        }
    }
}

// === impl Unfinished ===

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(worker) = self.0.take() {
            worker.kill("was killed before it was ready");
        }
    }
}
