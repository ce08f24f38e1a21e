//! What an environment offers to those who run connectors in it.

use std::path::PathBuf;
use std::sync::Arc;

use super::apart::LeftOut;
use super::error::EnvironmentError;
use super::fingerprint::Watched;
use super::keep::Generation;
use super::lock::Lease;
use super::plan::Plan;
use super::project::Found;
use super::search::Search;
use super::survey::Distribution;

/// An environment in which connectors can run. While a clone of it lives, `prune` leaves it alone.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The interpreter that workers run.
    pub python: PathBuf,
    /// Its version, as `3.11.7`.
    pub python_version: String,
    /// Directories to be put in front of `sys.path`: import roots of what is used from source.
    pub import_path: Vec<PathBuf>,
    /// The connectors that were asked for, never those of a dependency. At least one, unless it is
    /// adapters that are sought.
    pub connectors: Vec<Found>,
    /// Where adapters of Django Automate are to be looked for, where it is those that are sought.
    pub search: Option<Search>,
    /// Which sources are not in it, and why: a sentence each. The others are.
    pub problems: Vec<String>,
    /// Changes whenever the code or the libraries do.
    pub fingerprint: String,
    watched: Watched,
    _lease: Option<Arc<Lease>>,
}

/// What [`Environments::sync`](super::Environments::sync) did.
#[derive(Debug, Clone)]
pub struct Synced {
    /// The environment that is current now.
    pub environment: Environment,
    /// Whether it is a new one.
    pub built: bool,
    /// What an upgrade changed; empty for a first build.
    pub changes: Vec<Change>,
}

/// A library that an upgrade changed. Versions of what came from git end in `+` and the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The distribution's name.
    pub name: String,
    /// Its version before; None when it is new.
    pub from: Option<String>,
    /// Its version now; None when it is gone.
    pub to: Option<String>,
}

// === impl Environment ===

impl Environment {
    /// The fingerprint as it would be now. Reads files and starts nothing, so that it may be asked
    /// often; it blocks. When it differs from `fingerprint`, [`Environments::get`](super::Environments::get) gives the
    /// environment for what has changed.
    pub fn current_fingerprint(&self) -> String {
        self.watched.digest()
    }

    /// One with this code, whose fingerprint is taken now.
    pub(super) fn new(
        python: PathBuf,
        version: String,
        connectors: Vec<Found>,
        watched: Watched,
    ) -> Environment {
        Environment {
            python,
            python_version: version,
            import_path: Vec::new(),
            connectors,
            search: None,
            problems: Vec::new(),
            fingerprint: watched.digest(),
            watched,
            _lease: None,
        }
    }
}

/// What is offered of an environment that is there. `before` holds the libraries of the last
/// generation when this one is new. A source without a connector is left out where others have any.
pub(super) fn opened(
    plan: Plan,
    generation: Generation,
    before: Option<Vec<Distribution>>,
    left_out: Vec<LeftOut>,
) -> Result<Synced, EnvironmentError> {
    let distributions = &generation.meta.distributions;
    let mut problems: Vec<String> = left_out.into_iter().map(|one| one.why).collect();
    let mut empty = Vec::new();
    let mut connectors = plan.local;
    let mut search = plan.search;
    for (asked, wanted) in &plan.wanted {
        let distribution = wanted.find(distributions);
        if let (Some(search), Some(found)) = (&mut search, distribution) {
            search.distributions.push(found.name.clone());
            continue;
        }
        let packages = distribution
            .map(|found| found.packages.as_slice())
            .unwrap_or_default();
        if packages.is_empty() {
            empty.push(EnvironmentError::NoConnector {
                asked: asked.clone(),
                looked: match distribution {
                    Some(found) => format!("what {} {} installed", found.name, found.version),
                    None => "the environment, in which it is not installed".to_owned(),
                },
                there: installed(distributions),
            });
        }
        connectors.extend(packages.iter().filter_map(|module| Found::module(module)));
    }
    if connectors.is_empty() && search.is_none() && !empty.is_empty() {
        return Err(empty.swap_remove(0));
    }
    problems.extend(empty.iter().map(EnvironmentError::to_string));
    let mut seen = Vec::new();
    connectors.retain(|found| {
        !seen.contains(&found.code) && {
            seen.push(found.code.clone());
            true
        }
    });
    let watched = Watched {
        salt: generation.directory.display().to_string(),
        ..plan.watched
    };
    let python = generation.python();
    let environment = Environment {
        import_path: plan.import_path,
        search,
        problems,
        _lease: Some(Arc::new(generation.lease)),
        ..Environment::new(python, plan.interpreter.version(), connectors, watched)
    };
    Ok(Synced {
        environment,
        built: before.is_some(),
        changes: before
            .map(|before| changes(&before, distributions))
            .unwrap_or_default(),
    })
}

/// What differs between two lists; nothing when there was none before.
fn changes(before: &[Distribution], now: &[Distribution]) -> Vec<Change> {
    if before.is_empty() {
        return Vec::new();
    }
    let version = |all: &[Distribution], name: &str| {
        let found = all.iter().find(|distribution| distribution.name == name)?;
        let commit = found
            .commit
            .iter()
            .map(|commit| format!("+{}", commit.get(..7).unwrap_or(commit)));
        Some(format!("{}{}", found.version, commit.collect::<String>()))
    };
    let mut names: Vec<&str> = before
        .iter()
        .chain(now)
        .map(|one| one.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let each = names.into_iter().map(|name| Change {
        name: name.to_owned(),
        from: version(before, name),
        to: version(now, name),
    });
    each.filter(|change| change.from != change.to).collect()
}

/// What an environment holds, with the connectors of each distribution, as a sentence.
pub(super) fn installed(distributions: &[Distribution]) -> String {
    let shown = distributions
        .iter()
        .map(|distribution| match distribution.packages.as_slice() {
            [] => distribution.name.clone(),
            packages => format!("{} (with {})", distribution.name, packages.join(", ")),
        });
    match distributions.is_empty() {
        true => "Nothing is installed".to_owned(),
        false => format!("Installed are: {}", list(shown)),
    }
}

pub(super) fn list(texts: impl Iterator<Item = String>) -> String {
    texts.take(30).collect::<Vec<_>>().join(", ")
}
