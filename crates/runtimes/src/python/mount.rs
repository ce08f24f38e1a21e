//! The connectors of one environment, as a mount.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crosspoint_core::{Connector, Mount, Mounted, is_connector_name};
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connector::PythonConnector;
use super::pool::{Pool, Status};
use super::program::{Program, Source};

/// What a mount is to run.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    /// Each with its connectors.
    pub programs: Vec<Program>,
    /// What could not be found, and why: one sentence each, for people.
    pub problems: Vec<String>,
}

/// The connectors of one environment. Each has workers of its own.
pub struct PythonMount(Arc<Shared>);

struct Shared {
    mounted: watch::Sender<Mounted>,
    state: Mutex<State>,
    /// One replacement at a time.
    replacing: Arc<tokio::sync::Mutex<()>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    /// Why there is no program, or which of its connectors cannot be.
    problems: Vec<String>,
    settled: bool,
}

/// What there is under a name.
#[derive(Default)]
struct Entry {
    name: String,
    /// What is called.
    serving: Option<Arc<PythonConnector>>,
    /// What takes over as soon as a worker of it is ready.
    coming: Option<Arc<Pool>>,
}

// === impl Programs ===

impl From<Vec<Program>> for Programs {
    fn from(programs: Vec<Program>) -> Programs {
        Programs {
            programs,
            problems: Vec::new(),
        }
    }
}

// === impl PythonMount ===

impl PythonMount {
    /// Prepares the environment and starts its connectors, both in the background. `prepare` gives
    /// what to run, or a sentence that says why there is nothing. Must be called inside a runtime.
    pub fn start<F>(prepare: F) -> PythonMount
    where
        F: Future<Output = Result<Programs, String>> + Send + 'static,
    {
        let nothing = Mounted::loading();
        let shared = Arc::new(Shared {
            mounted: watch::Sender::new(nothing),
            state: Mutex::default(),
            replacing: Arc::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let (first, stop) = (shared.clone(), shared.stop.clone());
        // Taken here, so that a replacement that is asked for meanwhile comes after this.
        let turn = shared.replacing.clone().try_lock_owned();
        let begin = async move {
            match prepare.await {
                Ok(programs) => first.replace(programs).await,
                Err(problem) => first.settle(vec![problem]),
            }
            drop(turn);
        };
        shared.tasks.spawn(stop.run_until_cancelled_owned(begin));
        PythonMount(shared)
    }

    /// Runs another program from now on. Connectors that would be run as they are stay as they are;
    /// the others are started anew and take over when they are ready, and calls under way on the
    /// old ones are answered by these. One that cannot be started leaves the old one in place.
    ///
    /// Returns when all that is new is ready or has failed for the first time.
    pub async fn replace(&self, programs: impl Into<Programs>) {
        let programs = programs.into();
        let replace = async {
            let _turn = self.0.replacing.lock().await;
            self.0.replace(programs).await;
        };
        self.0.stop.run_until_cancelled(replace).await;
    }
}

impl Mount for PythonMount {
    fn connectors(&self) -> watch::Receiver<Mounted> {
        self.0.mounted.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.0.stop.cancel();
            self.0.tasks.close();
            self.0.tasks.wait().await;
        })
    }
}

/// Without a close, the workers are ended all the same.
impl Drop for PythonMount {
    fn drop(&mut self) {
        self.0.stop.cancel();
    }
}

// === impl Shared ===

impl Shared {
    async fn replace(self: &Arc<Self>, programs: Programs) {
        let started = self.adopt(programs);
        let mut attempts: Vec<_> = started.iter().map(|pool| pool.status()).collect();
        drop(started);
        let attempts = attempts.iter_mut().map(|status| async {
            // A pool that is gone has nothing more to say.
            let _ = status.wait_for(Status::is_known).await;
        });
        join_all(attempts).await;
        self.lock().settled = true;
        self.refresh();
    }

    /// Takes the program's connectors in place of those that are there; gives the pools started.
    fn adopt(self: &Arc<Self>, programs: Programs) -> Vec<Arc<Pool>> {
        let known = programs.problems;
        let programs = programs.programs.into_iter().map(Arc::new);
        let sources = programs.flat_map(|program| {
            let sources = program.connectors.clone().into_iter();
            sources.map(move |source| (program.clone(), source))
        });
        let (sources, problems) = names(sources.collect());
        let mut state = self.lock();
        let old = std::mem::take(&mut state.entries);
        let mut old: HashMap<_, _> = old.into_iter().map(|e| (e.name.clone(), e)).collect();
        let mut started = Vec::new();
        for (program, source) in sources {
            let mut entry = old.remove(&source.name).unwrap_or_default();
            entry.name.clone_from(&source.name);
            if !entry.serves(&program, &source) {
                let pool = self.pool(program.clone(), source);
                started.push(pool.clone());
                entry.coming = Some(pool);
            }
            state.entries.push(entry);
        }
        state.problems = known.into_iter().chain(problems).collect();
        // What is left over ends here, outside of the lock.
        drop(state);
        drop(old);
        started
    }

    /// Starts a pool and publishes whatever becomes known of it.
    fn pool(self: &Arc<Self>, program: Arc<Program>, source: Source) -> Arc<Pool> {
        let (stop, tasks) = (self.stop.clone(), self.tasks.clone());
        let pool = Arc::new(Pool::start(program, source, stop, tasks));
        let (mut status, shared) = (pool.status(), self.clone());
        let follow = async move {
            while status.changed().await.is_ok() {
                shared.refresh();
            }
        };
        let stop = self.stop.clone();
        self.tasks.spawn(stop.run_until_cancelled_owned(follow));
        pool
    }

    fn settle(&self, problems: Vec<String>) {
        let mut state = self.lock();
        state.problems = problems;
        state.settled = true;
        drop(state);
        self.refresh();
    }

    /// Publishes what there is now.
    fn refresh(&self) {
        let mut state = self.lock();
        let gone: Vec<_> = state
            .entries
            .iter_mut()
            .filter_map(Entry::advance)
            .collect();
        let mut connectors: Vec<Arc<dyn Connector>> = Vec::new();
        let mut problems = state.problems.clone();
        for entry in &state.entries {
            if let Some(serving) = &entry.serving {
                connectors.push(serving.clone());
            }
            problems.extend(entry.problems());
        }
        let settled = state.settled;
        // Still under the lock: two that refresh publish in the order in which they looked.
        self.mounted.send_if_modified(|mounted| {
            let same = mounted.connectors.len() == connectors.len()
                && std::iter::zip(&*mounted.connectors, &connectors)
                    .all(|(a, b)| Arc::ptr_eq(a, b));
            if same && mounted.settled == settled && *mounted.problems == *problems {
                return false;
            }
            mounted.connectors = connectors.into();
            mounted.problems = problems.into();
            mounted.settled = settled;
            true
        });
        drop(state);
        drop(gone);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Entry ===

impl Entry {
    /// Whether it runs that connector in that way, and well.
    fn serves(&self, program: &Program, source: &Source) -> bool {
        let serving = self.serving.as_ref().map(|connector| connector.pool());
        self.coming.is_none()
            && serving
                .is_some_and(|pool| pool.source() == source && pool.program().runs_like(program))
    }

    /// Takes over what has become ready; gives what it replaces.
    fn advance(&mut self) -> Option<Arc<PythonConnector>> {
        let pool = match (&self.coming, &self.serving) {
            (Some(coming), _) if coming.description().is_some() => self.coming.take()?,
            (_, Some(serving)) => serving.pool().clone(),
            _ => return None,
        };
        let description = pool.description()?;
        let same = |serving: &Arc<PythonConnector>| {
            Arc::ptr_eq(serving.pool(), &pool) && serving.is_described_by(&description)
        };
        if self.serving.as_ref().is_some_and(same) {
            return None;
        }
        let new = Arc::new(PythonConnector::new(pool, description));
        self.serving.replace(new)
    }

    /// Sentences about what does not work.
    fn problems(&self) -> Vec<String> {
        let serving = self.serving.as_ref().map(|connector| connector.pool());
        let pools = serving.into_iter().chain(&self.coming);
        pools.flat_map(|pool| pool.problems()).collect()
    }
}

/// The connectors that can be served under their names, and sentences about those that cannot.
fn names(sources: Vec<(Arc<Program>, Source)>) -> (Vec<(Arc<Program>, Source)>, Vec<String>) {
    let (mut fit, mut problems) = (Vec::<(Arc<Program>, Source)>::new(), Vec::new());
    for (program, source) in sources {
        let Source { name, at } = &source;
        if !is_connector_name(name) {
            let why = "a connector's name holds letters, digits, _ and - only";
            problems.push(format!("{name:?} ({at}): {why}"));
        } else if fit.iter().any(|(_, other)| other.name == *name) {
            problems.push(format!(
                "{name} ({at}): there is another connector of that name"
            ));
        } else {
            fit.push((program, source));
        }
    }
    (fit, problems)
}
