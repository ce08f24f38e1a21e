//! What the configuration says of Python connectors, as environments to build and programs to run.

use std::path::{Path, PathBuf};

use crosspoint_core::Mask;
use crosspoint_runtimes::Idempotent;
use crosspoint_runtimes::python::environment::{
    self, Code, Environment, Environments, Found, Progress, Recipe, Seeks, Tools,
};
use crosspoint_runtimes::python::{At, Program, Programs, Recycle, Settings, Source};

use super::adapters;
use super::surroundings::{self, Variables};
use crate::config::Loaded;
use crate::config::mounted::{Entry, Idempotent as Repeatable};
use crate::config::python::Builder;
use crate::config::requirement::Requirement;
use crate::config::worker::Worker;

/// Which part of the configuration a mount comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `[python]`, or `VIRTUAL_ENV`.
    Environment,
    /// `[automate]`.
    Automate,
    /// `[connectors.<name>]`.
    Entry(String),
}

/// A mount as the configuration wants it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Where it comes from.
    pub key: Key,
    /// The same for messages.
    pub title: String,
    /// What its environment is made of.
    pub recipe: Recipe,
}

/// A mount that can be started at once.
pub struct Prepared {
    /// What was wanted.
    pub wanted: Wanted,
    /// What it runs in.
    pub environment: Environment,
    /// What is to be run: a program for each connector.
    pub programs: Programs,
}

/// The mounts that the configuration wants: all, or those that may have the connector `only`. One
/// whose packages cannot be told is a sentence that says why.
pub fn recipes(loaded: &Loaded, only: Option<&str>) -> Vec<Result<Wanted, String>> {
    let entries = loaded.config.connectors.mounted.iter();
    let entries = entries.filter_map(|(name, entry)| match entry {
        Entry::Automate(entry) if only.is_none_or(|only| belongs(only, name)) => {
            Some(adapters::of_entry(loaded, name, entry))
        }
        Entry::Python(entry) if only.is_none_or(|only| belongs(only, name)) => {
            let interpreter = entry.interpreter.as_ref();
            let interpreter = interpreter.or(loaded.config.python.interpreter.as_ref());
            let recipe = Recipe::parse(
                &[entry.python.expose()],
                &exposed(&entry.extra_requirements),
                interpreter.and_then(|path| path.0.to_str()),
                &working_directory(),
            );
            Some(wanted(
                Key::Entry(name.clone()),
                format!("[connectors.{name}]"),
                recipe,
            ))
        }
        _ => None,
    });
    let environments = whole(loaded).into_iter().chain(adapters::whole(loaded));
    environments.chain(entries).collect()
}

/// Where relative paths start. Absolute, since workers may run elsewhere.
pub fn working_directory() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

pub(super) fn exposed(requirements: &[Requirement]) -> Vec<&str> {
    requirements.iter().map(Requirement::expose).collect()
}

pub(super) fn wanted(
    key: Key,
    title: String,
    recipe: Result<Recipe, impl std::fmt::Display>,
) -> Result<Wanted, String> {
    match recipe {
        Ok(recipe) => Ok(Wanted { key, title, recipe }),
        Err(error) => Err(format!("{title}: {error}")),
    }
}

/// The environment that is mounted as a whole, if there is one.
fn whole(loaded: &Loaded) -> Option<Result<Wanted, String>> {
    let python = &loaded.config.python;
    let venv = |path: &Path| {
        let path = path.to_string_lossy();
        Recipe::new(environment::Source::venv(&path, &working_directory()))
    };
    let (title, recipe) = if let Some(path) = &python.venv {
        ("python.venv", Ok(venv(&path.0)))
    } else if !python.install.is_empty() {
        let recipe = Recipe::parse(
            &exposed(&python.install),
            &exposed(&python.extra_requirements),
            python.interpreter.as_ref().and_then(|path| path.0.to_str()),
            &working_directory(),
        );
        ("python.install", recipe)
    } else {
        ("VIRTUAL_ENV", Ok(venv(loaded.virtual_env.as_ref()?)))
    };
    Some(wanted(Key::Environment, title.to_owned(), recipe))
}

/// Builds the environment and says what runs in it; of a whole environment only the connector
/// `only`, if that is given. Fails with a sentence for people.
pub async fn prepare(
    loaded: &Loaded,
    environments: &Environments,
    wanted: Wanted,
    progress: &dyn Progress,
    only: Option<&str>,
) -> Result<Prepared, String> {
    let environment = environments.get(&wanted.recipe, progress).await;
    let environment = environment.map_err(|error| format!("{}: {error}", wanted.title))?;
    let mut programs = match wanted.recipe.seeks {
        Seeks::Connectors => programs(loaded, &wanted, &environment).into(),
        Seeks::Adapters => adapters::programs(loaded, &wanted, &environment).await?,
    };
    let left_out = environment.problems.iter();
    programs
        .problems
        .splice(0..0, left_out.map(|why| format!("{}: {why}", wanted.title)));
    if matches!(wanted.key, Key::Environment | Key::Automate) {
        programs
            .programs
            .retain(|program| only.is_none_or(|only| program.connectors[0].name == only));
    }
    Ok(Prepared {
        wanted,
        environment,
        programs,
    })
}

/// The environments of this data directory, with the tools that the configuration says.
pub fn environments(loaded: &Loaded) -> Environments {
    let tools = match loaded.config.python.builder() {
        Builder::Best => Tools::of_this_process(None),
        Builder::Uv(path) => Tools::of_this_process(Some(path)),
        Builder::Pip => Tools::of_this_process(None).with_uv(None),
    };
    Environments::new(loaded.config.data_dir.0.join("python"), tools)
}

/// A project that is used from source finds its files where they are.
pub(super) fn directory(recipe: &Recipe) -> Option<PathBuf> {
    match &recipe.sources[..] {
        [environment::Source::Directory(path)] => Some(path.clone()),
        _ => None,
    }
}

/// Each connector has settings of its own, so each is a program of its own.
fn programs(loaded: &Loaded, wanted: &Wanted, environment: &Environment) -> Vec<Program> {
    let alone = environment.connectors.len() == 1;
    let mask = Mask::new(super::secrets(loaded));
    let run = |found: &Found| {
        let (name, worker) = match &wanted.key {
            Key::Entry(entry) if alone => (entry.clone(), loaded.worker(entry)),
            Key::Entry(entry) => (format!("{entry}_{}", found.name), loaded.worker(entry)),
            _ => (found.name.clone(), loaded.worker(&found.name)),
        };
        let at = match &found.code {
            Code::Module(module) => At::Module(module.clone()),
            Code::File(file) => At::File(file.clone()),
        };
        let source = Source { name, at };
        program(loaded, wanted, environment, &worker, source, &mask)
    };
    environment.connectors.iter().map(run).collect()
}

/// How one connector is run.
pub(super) fn program(
    loaded: &Loaded,
    wanted: &Wanted,
    environment: &Environment,
    worker: &Worker,
    source: Source,
    mask: &Mask,
) -> Program {
    let config = worker.values.config.iter();
    let config = config.map(|(name, value)| (name.clone(), value.expose().clone()));
    Program {
        python: environment.python.clone(),
        import_path: environment.import_path.clone(),
        connectors: vec![source],
        env: variables(loaded, &wanted.key, worker, environment)
            .into_iter()
            .collect(),
        config: config.collect(),
        directory: directory(&wanted.recipe),
        code: loaded.config.data_dir.0.join("python"),
        fingerprint: environment.fingerprint.clone(),
        settings: settings(worker, loaded),
        mask: mask.clone(),
    }
}

/// The variables of a worker.
pub(super) fn variables(
    loaded: &Loaded,
    key: &Key,
    worker: &Worker,
    environment: &Environment,
) -> Variables {
    // An environment that somebody else keeps was used with all that there is.
    let kept_by_others = match key {
        Key::Environment => loaded.config.python.install.is_empty(),
        Key::Automate => loaded.config.automate.install.is_empty(),
        Key::Entry(_) => false,
    };
    let mut variables = match kept_by_others {
        true => surroundings::inherited(loaded),
        false => surroundings::base(),
    };
    surroundings::activate(&mut variables, &environment.python);
    let own = worker.values.env.iter();
    variables.extend(own.map(|(name, value)| (name.into(), value.expose().into())));
    variables
}

fn settings(worker: &Worker, loaded: &Loaded) -> Settings {
    Settings {
        workers: worker.workers,
        threads: worker.threads,
        start_timeout: worker.start_timeout,
        unresponsive_after: worker.unresponsive_after,
        recycle: Recycle {
            calls: worker.recycle.calls.map(u64::from),
            age: worker.recycle.age.map(|age| age.0),
            memory: worker.recycle.memory.map(|memory| memory.0),
        },
        max_answer: usize::try_from(worker.max_answer).unwrap_or(usize::MAX),
        patience: loaded.config.drain.0,
        idempotent: idempotent(&worker.idempotent),
        ..Settings::default()
    }
}

/// Which commands may safely be repeated.
pub fn idempotent(written: &Repeatable) -> Idempotent {
    match written {
        Repeatable::All(true) => Idempotent::All,
        Repeatable::All(false) => Idempotent::None,
        Repeatable::Commands(names) => Idempotent::Commands(names.clone()),
    }
}

/// Whether a connector of that name may come from the table `[connectors.<entry>]`.
fn belongs(connector: &str, entry: &str) -> bool {
    let rest = connector.strip_prefix(entry);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}
