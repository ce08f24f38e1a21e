//! Environments by what is asked for.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::apart::{Asked, LeftOut, Made};
use super::build::Build;
use super::error::EnvironmentError;
use super::fingerprint::Watched;
use super::interpreter::{Interpreter, Interpreters};
use super::keep::{self, Generation, Kept, Pruned};
use super::lock::Lock;
use super::meta::{Meta, size};
use super::offer::{Environment, Synced, installed, list, opened};
use super::plan::Plan;
use super::progress::Progress;
use super::project::Found;
use super::recipe::{Recipe, Seeks};
use super::search::Search;
use super::source::Source;
use super::survey::Survey;
use super::tools::Tools;

/// The environments of one installation, kept below `<directory>/envs/<hash>/<generation>/`.
///
/// The hash is one of the interpreter and of what is installed; an upgrade makes the next
/// generation, so that workers go on with theirs. Each generation is built beside its place and
/// renamed into it. Processes may share a directory: one builds, the others wait.
#[derive(Debug, Clone)]
pub struct Environments {
    directory: PathBuf,
    tools: Tools,
    interpreters: Interpreters,
}

// === impl Environments ===

impl Environments {
    /// Environments below a directory, which is made when it is first needed; uv's cache lies
    /// there too, so that it can link files instead of copying them.
    pub fn new(directory: impl Into<PathBuf>, tools: Tools) -> Environments {
        let directory = directory.into();
        Environments {
            // Tools and workers run elsewhere.
            directory: std::path::absolute(&directory).unwrap_or(directory),
            tools,
            interpreters: Interpreters::default(),
        }
    }

    /// The environment of a recipe; it is built unless it is there. May be cancelled.
    pub async fn get(
        &self,
        recipe: &Recipe,
        progress: &dyn Progress,
    ) -> Result<Environment, EnvironmentError> {
        let synced = self.sync(recipe, false, progress).await?;
        Ok(synced.environment)
    }

    /// The same for `crosspoint env sync`. With `upgrade`, what it holds is looked up again, and
    /// where that gives anything else, a new generation takes the place of the last.
    pub async fn sync(
        &self,
        recipe: &Recipe,
        upgrade: bool,
        progress: &dyn Progress,
    ) -> Result<Synced, EnvironmentError> {
        if let Some(venv) = ready(recipe)? {
            return Ok(Synced {
                environment: self.open_ready(venv, recipe.seeks).await?,
                built: false,
                changes: Vec::new(),
            });
        }
        let asked = self.what_can_be_planned(recipe).await?;
        let plan = &asked.plan;
        let home = self.envs().join(&plan.key);
        let complete = |last: &Generation| !upgrade && last.meta.left_out.is_empty();
        if let Some(last) = keep::newest(&home).await.filter(complete) {
            return opened(asked.plan, last, None, asked.left_out);
        }
        let lock = Lock::acquire(&home, || {
            let asked = &plan.asked;
            progress.step(&format!(
                "waiting for another process, which makes the environment for {asked}"
            ));
        });
        let lock = lock.await.map_err(EnvironmentError::io("locking", &home))?;
        let last = keep::newest(&home).await;
        match last {
            Some(last) if complete(&last) => opened(asked.plan, last, None, asked.left_out),
            last => self.build(asked, &home, last, lock, progress).await,
        }
    }

    /// What is kept, the newest first.
    pub async fn list(&self) -> Result<Vec<Kept>, EnvironmentError> {
        keep::list(&self.envs())
    }

    /// Removes what none of the recipes needs, older generations, and what interrupted builds
    /// left; except what is in use, in this process or another. A recipe whose needs cannot be
    /// told is an error, and nothing is removed.
    pub async fn prune(&self, needed: &[Recipe]) -> Result<Pruned, EnvironmentError> {
        let mut keys = Vec::new();
        for recipe in needed {
            if ready(recipe)?.is_none() {
                keys.push(self.plan(recipe).await?.key);
            }
        }
        keep::prune(&self.envs(), &keys).await
    }

    /// Builds the next generation; the lock is held throughout. Where a source cannot be installed,
    /// the next generation is without it, unless the last one is better.
    async fn build(
        &self,
        asked: Asked,
        home: &Path,
        last: Option<Generation>,
        lock: Lock,
        progress: &dyn Progress,
    ) -> Result<Synced, EnvironmentError> {
        keep::remove_leftovers(home);
        let destination = home.join(keep::next_number(home).to_string());
        let place = keep::begin(home)?;
        let build = Build {
            plan: &asked.plan,
            tools: &self.tools,
            cache: self.directory.join("cache/uv"),
            directory: place.path().join("env"),
            destination: destination.join("env"),
            refresh: last.is_some(),
            progress,
        };
        let made = self.make(&asked, &build, last.as_ref()).await;
        let better = |last: &Generation| match &made {
            Ok(made) => last.is_partial() && last.meta.left_out.len() < made.left_out.len(),
            Err(error) => last.is_partial() && error.is_about_a_source(),
        };
        if last.as_ref().is_some_and(better)
            && let Some(last) = last
        {
            progress.step("keeping the environment of the last time, which holds more");
            let left_out = last.meta.left_out.clone();
            let (plan, all) = self.plan_without(asked, &left_out).await?;
            return opened(plan, last, None, all);
        }
        let Made { tool, left_out } = made?;
        let (plan, all) = self.plan_without(asked, &left_out).await?;
        let survey = Survey::of(&place.path().join("env/bin/python"), &self.tools).await?;
        let before = last.as_ref().map(|last| last.meta.distributions.clone());
        let same = |last: &Generation| {
            let sources = |all: &[LeftOut]| all.iter().map(|one| one.source.clone()).collect();
            let (then, now): (Vec<_>, Vec<_>) = (sources(&last.meta.left_out), sources(&left_out));
            last.meta.distributions == survey.distributions && then == now
        };
        if let Some(last) = last.filter(same) {
            progress.step("nothing newer was found");
            return opened(plan, last, None, all);
        }
        let meta = Meta {
            asked: plan.installed(),
            interpreter: plan.interpreter.executable.clone(),
            python: survey.version,
            tool,
            created_at: seconds(SystemTime::now()),
            bytes: size(place.path()),
            distributions: survey.distributions,
            left_out,
        };
        keep::complete(place, &meta, &destination)?;
        let built = Generation::open(&destination).await;
        drop(lock);
        let built = built.ok_or(EnvironmentError::Missing {
            what: "environment, although it was just built,",
            path: destination,
        })?;
        opened(plan, built, Some(before.unwrap_or_default()), all)
    }

    async fn open_ready(&self, venv: &Path, seeks: Seeks) -> Result<Environment, EnvironmentError> {
        let python = venv.join("bin/python");
        if python.symlink_metadata().is_err() {
            return Err(EnvironmentError::Missing {
                what: "virtual environment (no bin/python)",
                path: venv.to_owned(),
            });
        }
        if !python.exists() {
            return Err(EnvironmentError::InterpreterBroken {
                python,
                words:
                    "the Python that it was made from is gone. Make the virtual environment again"
                        .to_owned(),
            });
        }
        Interpreter::at(&python, &self.tools).await?;
        let survey = Survey::of(&python, &self.tools).await?;
        let search = (seeks == Seeks::Adapters).then(|| Search {
            all: true,
            ..Search::default()
        });
        let packages = survey.packages.iter().filter(|_| search.is_none());
        let connectors: Vec<Found> = packages
            .filter_map(|package| Found::module(&package.name))
            .collect();
        if connectors.is_empty() && search.is_none() {
            return Err(EnvironmentError::NoConnector {
                asked: venv.display().to_string(),
                looked: list(survey.site.iter().map(|site| site.display().to_string())),
                there: installed(&survey.distributions),
            });
        }
        let watched = Watched {
            salt: survey.version.clone(),
            packages: survey
                .packages
                .into_iter()
                .map(|package| package.path)
                .collect(),
            sites: survey.site,
            ..Watched::default()
        };
        let mut environment = Environment::new(python, survey.version, connectors, watched);
        environment.search = search;
        Ok(environment)
    }

    pub(super) async fn plan(&self, recipe: &Recipe) -> Result<Plan, EnvironmentError> {
        Plan::of(recipe, &self.interpreters, &self.tools).await
    }

    fn envs(&self) -> PathBuf {
        self.directory.join("envs")
    }
}

/// The ready environment that a recipe consists of.
fn ready(recipe: &Recipe) -> Result<Option<&Path>, EnvironmentError> {
    let venv = recipe.sources.iter().find_map(|source| match source {
        Source::Venv(path) => Some(path.as_path()),
        _ => None,
    });
    match venv {
        Some(venv) if recipe.sources.len() + recipe.extra_requirements.len() > 1 => {
            Err(EnvironmentError::ReadyEnvironment {
                venv: venv.to_owned(),
            })
        }
        venv => Ok(venv),
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
