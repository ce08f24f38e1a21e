//! The workers of one connector.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crosspoint_core::{Context, Effect, Failure, Kind, Refusal};
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::launch::{self, Hello};
use super::manifest::Description;
use super::program::{Program, Source};
use super::slots::{Lease, NoPlace, Slots};
use super::supervisor;
use super::worker::Worker;
use crate::process::Problem;

/// The workers of one connector. When it is dropped they leave, each after its last call.
pub(super) struct Pool(Arc<Shared>);

/// What the tasks that look after the workers share.
pub(super) struct Shared {
    pub program: Arc<Program>,
    pub source: Source,
    pub slots: Arc<Slots<Arc<Worker>>>,
    pub tasks: TaskTracker,
    /// Told when nobody will call any more: workers end what they have and leave.
    pub retire: CancellationToken,
    /// Told when the mount closes: workers leave within the patience.
    pub stop: CancellationToken,
    /// How often the workers were to be renewed.
    pub renewals: watch::Sender<u64>,
    /// One worker is replaced after the other where nothing is wrong with them.
    pub turn: Semaphore,
    status: watch::Sender<Status>,
    started: AtomicU64,
}

/// What is known about a connector.
#[derive(Clone, Default)]
pub(super) struct Status {
    /// How its last worker described it. The same allocation as long as it is the same.
    pub description: Option<Arc<Description>>,
    /// Parts of it that cannot be served, one sentence each.
    pub notes: Vec<String>,
    /// Why the last worker could not be started.
    pub problem: Option<Problem>,
}

// === impl Pool ===

impl Pool {
    /// Starts the workers. They end at the latest when `stop` is told; `tasks` is empty once they
    /// have.
    pub(super) fn start(
        program: Arc<Program>,
        source: Source,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Pool {
        let settings = &program.settings;
        let shared = Arc::new(Shared {
            slots: Arc::new(Slots::new(settings.threads, settings.queue)),
            tasks,
            retire: CancellationToken::new(),
            stop,
            renewals: watch::Sender::default(),
            turn: Semaphore::new(1),
            status: watch::Sender::default(),
            started: AtomicU64::new(0),
            source,
            program: program.clone(),
        });
        for _ in 0..settings.workers.max(1) {
            shared.tasks.spawn(supervisor::seat(shared.clone()));
        }
        Pool(shared)
    }

    /// Has each worker replaced by a new one, one after the other. None leaves before its successor is
    /// there and its calls have ended.
    pub(super) fn renew(&self) {
        self.0.renewals.send_modify(|renewals| *renewals += 1);
    }

    /// What is known about the connector, and every change of that.
    pub(super) fn status(&self) -> watch::Receiver<Status> {
        self.0.status.subscribe()
    }

    /// How the last worker described the connector.
    pub(super) fn description(&self) -> Option<Arc<Description>> {
        self.0.status.borrow().description.clone()
    }

    /// Sentences about what does not work.
    pub(super) fn problems(&self) -> Vec<String> {
        let Source { name, at } = &self.0.source;
        let status = self.0.status.borrow();
        let notes = status.notes.iter().map(|note| format!("{name}: {note}"));
        let failed = status
            .problem
            .iter()
            .map(|problem| format!("{name} ({at}): {}", problem.message));
        let mask = &self.0.program.mask;
        let sentences = notes.chain(failed);
        sentences.map(|text| mask.apply(&text).into()).collect()
    }

    /// What the workers run.
    pub(super) fn program(&self) -> &Program {
        &self.0.program
    }

    /// Which connector they run.
    pub(super) fn source(&self) -> &Source {
        &self.0.source
    }

    /// A place for a call in the least busy worker, as soon as there is one before the deadline.
    pub(super) async fn lease(&self, cx: &Context) -> Result<Lease<Arc<Worker>>, Failure> {
        tokio::select! {
            biased;
            lease = self.0.slots.lease() => lease.map_err(|why| self.refused(why)),
            () = sleep_until(cx.deadline) => {
                let name = &self.0.source.name;
                let message = format!("no worker of {name} was free before the deadline");
                Err(Failure::refused(Refusal::DeadlineExceeded, message))
            }
            () = cx.cancelled.cancelled() => {
                let message = "the caller went away before a worker was free";
                Err(Failure::refused(Refusal::DeadlineExceeded, message))
            }
        }
    }

    fn refused(&self, why: NoPlace) -> Failure {
        let name = &self.0.source.name;
        match why {
            NoPlace::QueueFull => {
                let queue = self.0.program.settings.queue;
                let message = format!("{queue} calls wait for a worker of {name} already");
                Failure::refused(Refusal::Overloaded, message)
            }
            NoPlace::Down(problem) => unavailable(name, problem),
            NoPlace::Closed => {
                let message = format!("the workers of {name} are being ended");
                Failure::refused(Refusal::ShuttingDown, message)
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.retire.cancel();
    }
}

fn unavailable(name: &str, problem: Problem) -> Failure {
    let message = format!("no worker of {name} can be started: {}", problem.message);
    let mut failure = Failure::new(Kind::Crashed, "worker_unavailable", message);
    failure.detail = problem.detail;
    failure.with_effect(Effect::None)
}

// === impl Status ===

impl Status {
    /// Whether the first attempt to start a worker has ended.
    pub(super) fn is_known(&self) -> bool {
        self.description.is_some() || self.problem.is_some()
    }
}

// === impl Shared ===

impl Shared {
    /// Starts one more worker and says how that went.
    pub(super) async fn start_one(&self) -> Result<Arc<Worker>, Problem> {
        let id = self.started.fetch_add(1, Ordering::Relaxed);
        let slots = self.slots.clone();
        let left = move || slots.leave(id);
        let begun = launch::launch(id, &self.program, &self.source, &self.tasks, left);
        match begun.await {
            Ok((worker, hello)) => {
                self.started(hello);
                Ok(worker)
            }
            Err(problem) => {
                self.failed(&problem);
                Err(problem)
            }
        }
    }

    fn started(&self, hello: Hello) {
        self.status.send_if_modified(|status| {
            let same = status.description.as_deref() == Some(&hello.description);
            if same && status.problem.is_none() && status.notes == hello.notes {
                return false;
            }
            if !same {
                status.description = Some(Arc::new(hello.description));
            }
            status.notes = hello.notes;
            status.problem = None;
            true
        });
    }

    fn failed(&self, problem: &Problem) {
        let changed = self.status.send_if_modified(|status| {
            let changed = status.problem.as_ref().map(|p| &p.message) != Some(&problem.message);
            status.problem = Some(problem.clone());
            changed
        });
        if changed {
            let connector = &self.source.name;
            let (reason, detail) = (&problem.message, problem.detail.as_deref());
            tracing::error!(
                connector,
                reason,
                detail,
                "A Python worker could not be started."
            );
        }
        self.slots.failed(problem);
    }
}
