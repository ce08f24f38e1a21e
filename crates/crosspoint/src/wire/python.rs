//! The mounts of Python connectors, which outlive a reload.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crosspoint_broker::{Naming, Registration};
use crosspoint_runtimes::python::environment::{Environment, Environments, Progress};
use crosspoint_runtimes::python::{Programs, PythonMount};
use futures_util::future::join_all;

use super::recipes::{Key, Prepared, Wanted, environments, prepare, recipes};
use crate::config::Loaded;

/// The mounts of Python connectors.
pub struct Python {
    progress: Arc<dyn Progress>,
    /// Nothing else is mounted.
    only: Option<String>,
    running: Mutex<BTreeMap<Key, Running>>,
}

struct Running {
    mount: Arc<PythonMount>,
    /// What it runs in, once that is there.
    environment: Arc<Mutex<Option<Environment>>>,
}

/// A mount as it shall be after a reload.
pub struct Next {
    key: Key,
    running: Running,
    /// Where the connectors come from, in messages.
    title: String,
    /// What a mount that is there already shall run from now on.
    programs: Option<Programs>,
}

// === impl Python ===

impl Python {
    /// Nothing is running yet. Building environments tells `progress` what it does.
    pub fn new(progress: Arc<dyn Progress>) -> Python {
        Python {
            progress,
            only: None,
            running: Mutex::default(),
        }
    }

    /// Mounts nothing but what may have the connector of that name.
    pub fn only(mut self, connector: &str) -> Python {
        self.only = Some(connector.to_owned());
        self
    }

    /// Starts every mount that the configuration wants. They load in the background.
    pub fn start(&self, loaded: &Loaded) -> Vec<Registration> {
        let environments = environments(loaded);
        let wanted = recipes(loaded, self.only.as_deref());
        let start = |wanted| match wanted {
            Ok(wanted) => self.start_one(loaded, environments.clone(), wanted),
            Err(problem) => broken(problem),
        };
        wanted.into_iter().map(start).collect()
    }

    fn start_one(
        &self,
        loaded: &Loaded,
        environments: Environments,
        wanted: Wanted,
    ) -> Registration {
        let (key, naming) = (wanted.key.clone(), Naming::From(wanted.title.clone()));
        let (loaded, progress, only) = (loaded.clone(), self.progress.clone(), self.only.clone());
        let environment = Arc::new(Mutex::new(None));
        let filled = environment.clone();
        let mount = Arc::new(PythonMount::start(async move {
            let prepared = prepare(&loaded, &environments, wanted, &*progress, only.as_deref());
            let prepared = prepared.await?;
            *lock(&filled) = Some(prepared.environment);
            Ok(prepared.programs)
        }));
        let running = Running {
            mount: mount.clone(),
            environment,
        };
        lock(&self.running).insert(key, running);
        Registration { naming, mount }
    }

    /// Builds what the configuration wants now, and starts the mounts that are new. Fails with a
    /// sentence for each that cannot be built.
    pub async fn next(&self, loaded: &Loaded) -> Result<Vec<Next>, Vec<String>> {
        let environments = environments(loaded);
        let (mut prepared, mut problems) = (Vec::new(), Vec::new());
        for wanted in recipes(loaded, None) {
            let one = match wanted {
                Ok(wanted) => {
                    let progress = &*self.progress;
                    prepare(loaded, &environments, wanted, progress, None).await
                }
                Err(problem) => Err(problem),
            };
            match one {
                Ok(one) => prepared.push(one),
                Err(problem) => problems.push(problem),
            }
        }
        match problems.is_empty() {
            true => Ok(prepared.into_iter().map(|one| self.next_one(one)).collect()),
            false => Err(problems),
        }
    }

    fn next_one(&self, prepared: Prepared) -> Next {
        let Prepared {
            wanted,
            environment,
            programs,
        } = prepared;
        let known = lock(&self.running)
            .get(&wanted.key)
            .map(|r| r.mount.clone());
        let (mount, programs) = match known {
            Some(mount) => (mount, Some(programs)),
            None => {
                let mount = PythonMount::start(std::future::ready(Ok(programs)));
                (Arc::new(mount), None)
            }
        };
        Next {
            key: wanted.key,
            title: wanted.title,
            running: Running {
                mount,
                environment: Arc::new(Mutex::new(Some(environment))),
            },
            programs,
        }
    }

    /// From now on these are the mounts. Those that were there before change over to what they
    /// shall run; what cannot be started is a problem of its mount, and goes on as it was.
    pub async fn take(&self, next: Vec<Next>) {
        let mut changing = Vec::new();
        let mut running = BTreeMap::new();
        for one in next {
            if let Some(programs) = one.programs {
                changing.push((one.running.mount.clone(), programs));
            }
            running.insert(one.key, one.running);
        }
        *lock(&self.running) = running;
        let change = |(mount, programs): (Arc<PythonMount>, Programs)| async move {
            mount.replace(programs).await;
        };
        join_all(changing.into_iter().map(change)).await;
    }

    /// Changes whenever the code or the libraries of a mounted connector do. Reads files: not for
    /// a thread that others wait for.
    pub fn fingerprint(&self) -> String {
        let environments = self.environments();
        let digests = environments.iter().map(Environment::current_fingerprint);
        digests.collect::<Vec<_>>().join(" ")
    }

    /// What [`Python::fingerprint`] was when the environments were loaded.
    pub fn mounted_fingerprint(&self) -> String {
        let environments = self.environments().into_iter();
        let digests = environments.map(|environment| environment.fingerprint);
        digests.collect::<Vec<_>>().join(" ")
    }

    fn environments(&self) -> Vec<Environment> {
        let running = lock(&self.running);
        let all = running.values();
        all.filter_map(|running| lock(&running.environment).clone())
            .collect()
    }
}

// === impl Next ===

impl Next {
    /// As the broker wants it.
    pub fn registration(&self) -> Registration {
        Registration {
            naming: Naming::From(self.title.clone()),
            mount: self.running.mount.clone(),
        }
    }
}

/// A mount that has a problem and nothing else.
fn broken(problem: String) -> Registration {
    Registration {
        naming: Naming::From("a Python connector".to_owned()),
        mount: Arc::new(PythonMount::start(std::future::ready(Err(problem)))),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
