//! One worker: a process and the conversation with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Call, Context, Trace};
use futures_util::StreamExt;
use serde::Serialize;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};
use tokio_util::sync::CancellationToken;

use super::outgoing::Outgoing;
use super::running::{Event, Running};
use super::slots::Lease;
use super::wire::{self, Line, Message};
use crate::process::{Origin, Problem};

/// A worker that runs.
pub(super) struct Worker {
    /// Its number in its pool.
    pub id: u64,
    /// When it was started.
    pub started: Instant,
    /// The name by which it knows its connector, and which its lines bear.
    pub origin: Origin,
    /// Told when it has been given so many calls that it may have to be replaced.
    pub used_up: Notify,
    calls: AtomicU64,
    most_calls: u64,
    answered: AtomicBool,
    out: Outgoing,
    requests: Mutex<Requests>,
    leaving: AtomicBool,
    kill: CancellationToken,
    reason: OnceLock<String>,
    ended: CancellationToken,
    end: OnceLock<Arc<Problem>>,
}

/// The requests that have not been answered.
#[derive(Default)]
struct Requests {
    last: u64,
    open: HashMap<u64, Request>,
    over: bool,
}

struct Request {
    events: mpsc::UnboundedSender<Event>,
    call: Option<Held>,
}

/// What belongs to a call until its answer is there, though nobody may wait for it any more.
struct Held {
    id: String,
    deadline: Instant,
    /// Keeps the place taken: a thread that nobody waits for is busy all the same.
    _lease: Lease<Arc<Worker>>,
}

// === impl Worker ===

impl Worker {
    /// A worker of which the process has been started. [`Worker::listen`] has to run beside it.
    pub(super) fn new(id: u64, origin: Origin, out: Outgoing, most_calls: u64) -> Worker {
        Worker {
            id,
            started: Instant::now(),
            origin,
            used_up: Notify::new(),
            calls: AtomicU64::new(0),
            most_calls,
            answered: AtomicBool::new(false),
            out,
            requests: Mutex::default(),
            leaving: AtomicBool::new(false),
            kill: CancellationToken::new(),
            reason: OnceLock::new(),
            ended: CancellationToken::new(),
            end: OnceLock::new(),
        }
    }

    /// Sends a call to the worker in which `lease` is a place, with the profile and the deadline of
    /// `cx`. `trace` is what the connector may pass on instead of what came in.
    pub(super) fn call(
        lease: Lease<Arc<Worker>>,
        call: &Call,
        trace: Option<&Trace>,
        cx: &Context,
    ) -> Running {
        let worker = lease.worker().clone();
        if worker.calls.fetch_add(1, Ordering::Relaxed) + 1 == worker.most_calls {
            worker.used_up.notify_one();
        }
        let held = Held {
            id: call.id.to_string(),
            deadline: cx.deadline,
            _lease: lease,
        };
        let connector = worker.origin.connector.clone();
        worker.send(Some(held), |id| {
            wire::call(id, &connector, call, &cx.profile, trace)
        })
    }

    /// Asks the worker in which `lease` is a place to describe an auth, as a call of its own.
    pub(super) fn describe_auth(
        lease: Lease<Arc<Worker>>,
        asked: &wire::DescribeAuth<'_>,
        deadline: Instant,
    ) -> Running {
        let worker = lease.worker().clone();
        let held = Held {
            id: asked.call.to_owned(),
            deadline,
            _lease: lease,
        };
        worker.send(Some(held), |id| wire::request(id, "describe_auth", asked))
    }

    /// Asks the worker for something that is no call.
    pub(super) async fn request(
        self: &Arc<Self>,
        method: &str,
        params: &impl Serialize,
    ) -> Result<Bytes, Problem> {
        let mut running = self.send(None, |id| wire::request(id, method, params));
        loop {
            match running.next().await {
                Event::Line(_) => {}
                Event::Answer(Ok(result)) => return Ok(result),
                Event::Answer(Err(error)) => {
                    let told = serde_json::from_slice::<wire::Trouble>(&error);
                    let message = told.map_or_else(|error| error.to_string(), |told| told.message);
                    let detail = None;
                    return Err(Problem { message, detail });
                }
                Event::Lost { end, .. } => return Err((*end).clone()),
            }
        }
    }

    fn send(self: &Arc<Self>, call: Option<Held>, frame: impl FnOnce(u64) -> Bytes) -> Running {
        let (sender, events) = mpsc::unbounded_channel();
        let id = {
            let mut requests = self.lock();
            requests.last += 1;
            let id = requests.last;
            let events = sender;
            requests.open.insert(id, Request { events, call });
            id
        };
        self.out.send(Some(id), frame(id));
        // It may have ended a moment ago, before this request was among those that it failed.
        if self.lock().over {
            self.fail_all();
        }
        Running::new(self.clone(), id, events)
    }

    /// Nobody waits for a request any more. Tells whether the worker may have read it.
    pub(super) fn give_up(&self, id: u64) -> bool {
        if self.out.take_back(id) {
            // Dropped after the lock: it frees a place, which is another lock.
            let request = self.lock().open.remove(&id);
            drop(request);
            return false;
        }
        let id = serde_json::json!({"id": id});
        self.out.send(None, wire::notification("cancel", &id));
        true
    }

    /// Tells the worker to answer what it has and to leave.
    pub(super) fn shut_down(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        let nothing = serde_json::Map::new();
        self.out
            .send(None, wire::notification("shutdown", &nothing));
    }

    /// Whether it was told to leave.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Has the process group killed. `reason` is the rest of a sentence that begins with the worker.
    pub(super) fn kill(&self, reason: impl Into<String>) {
        let _ = self.reason.set(reason.into());
        self.kill.cancel();
    }

    /// Returns when somebody wants the process group killed.
    pub(super) async fn killed(&self) {
        self.kill.cancelled().await;
    }

    /// Why it was killed, if that was us.
    pub(super) fn kill_reason(&self) -> Option<&String> {
        self.reason.get()
    }

    /// Returns when the process has ended and its calls have been failed.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// How it ended, once it has.
    pub(super) fn last_words(&self) -> Option<&Problem> {
        self.end.get().map(|end| &**end)
    }

    /// Whether it has served well: then its end does not count against the next one.
    pub(super) fn has_proved_itself(&self, age: Duration) -> bool {
        self.answered.load(Ordering::Relaxed) || self.started.elapsed() >= age
    }

    /// How many calls it was given.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many of its calls are past their deadline by more than `grace`, and how many are not.
    pub(super) fn overdue(&self, grace: Duration) -> (usize, usize) {
        let now = Instant::now();
        let requests = self.lock();
        let calls = requests.open.values().filter_map(|r| r.call.as_ref());
        let (late, on_time): (Vec<_>, Vec<_>) = calls.partition(|c| now > c.deadline + grace);
        (late.len(), on_time.len())
    }

    /// Reads what the worker says until its end. What is no message ends the worker.
    pub(super) async fn listen(
        self: Arc<Self>,
        socket: OwnedReadHalf,
        codec: LengthDelimitedCodec,
    ) {
        let mut frames = FramedRead::new(socket, codec);
        let said = loop {
            match frames.next().await {
                None => return,
                Some(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                    break error.to_string();
                }
                Some(Err(_)) => return,
                Some(Ok(frame)) => match wire::read(&frame.freeze()) {
                    Ok(message) => self.take(message),
                    Err(error) => break error.to_string(),
                },
            }
        };
        self.kill(format!(
            "was killed because it said what is no message: {said}"
        ));
    }

    /// Writes what did not fit into the socket at once, to the socket's end.
    pub(super) async fn write(&self) {
        let _ = self.out.pump().await;
    }

    /// The process has ended: everything under way is lost.
    pub(super) fn end(&self, end: Problem) {
        let _ = self.end.set(Arc::new(end));
        self.lock().over = true;
        self.fail_all();
        self.ended.cancel();
    }

    fn take(&self, message: Message) {
        match message {
            Message::Answer { id, answer } => {
                // Dropped after the lock: it frees a place, which is another lock.
                let request = self.lock().open.remove(&id);
                if let Some(request) = request {
                    if request.call.is_some() {
                        self.answered.store(true, Ordering::Relaxed);
                    }
                    let _ = request.events.send(Event::Answer(answer));
                }
            }
            Message::Line(line) => {
                if let Some(line) = self.pass_on(line) {
                    self.log(&line);
                }
            }
            Message::Other => {}
        }
    }

    /// Gives a line to whoever waits for its call; gives it back when nobody does.
    fn pass_on(&self, line: Line) -> Option<Line> {
        let Some(call) = &line.call else {
            return Some(line);
        };
        let requests = self.lock();
        // A call may be here twice: a thread of its first attempt that never ended.
        let of_call = |request: &&Request| request.call.as_ref().is_some_and(|c| c.id == *call);
        let mut waiting = requests.open.values().filter(of_call);
        let Some(request) = waiting.find(|request| !request.events.is_closed()) else {
            return Some(line);
        };
        match request.events.send(Event::Line(line)) {
            Err(mpsc::error::SendError(Event::Line(line))) => Some(line),
            _ => None,
        }
    }

    fn log(&self, line: &Line) {
        let call = line.call.as_deref();
        self.origin
            .write(line.level, &line.source, call, &line.message);
    }

    fn fail_all(&self) {
        let Some(end) = self.end.get() else { return };
        let open = std::mem::take(&mut self.lock().open);
        for (id, request) in open {
            let written = !self.out.take_back(id);
            let end = end.clone();
            let _ = request.events.send(Event::Lost { end, written });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
