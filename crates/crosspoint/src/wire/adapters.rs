//! What the configuration says of adapters of Django Automate, as programs to run.

use std::path::PathBuf;

use crosspoint_core::Mask;
use crosspoint_runtimes::python::environment::{self, Environment, Recipe, Search};
use crosspoint_runtimes::python::{self, Adapter, At, Finding, Programs, Source, Surroundings};

use super::recipes::{
    Key, Wanted, directory, exposed, program, variables, wanted, working_directory,
};
use crate::config::Loaded;
use crate::config::automate::{AutomateConnector, Package};
use crate::config::mounted::Entry;

/// The environment of adapters that is mounted as a whole, if there is one.
pub(super) fn whole(loaded: &Loaded) -> Option<Result<Wanted, String>> {
    let automate = &loaded.config.automate;
    let (title, recipe) = if let Some(path) = &automate.venv {
        let source = environment::Source::venv(&path.0.to_string_lossy(), &working_directory());
        ("automate.venv", Ok(Recipe::new(source)))
    } else if !automate.install.is_empty() {
        let interpreter = loaded.config.python.interpreter.as_ref();
        let recipe = Recipe::parse(
            &exposed(&automate.install),
            &exposed(&automate.extra_requirements),
            interpreter.and_then(|path| path.0.to_str()),
            &working_directory(),
        );
        ("automate.install", recipe)
    } else {
        return None;
    };
    let recipe = recipe.map(Recipe::for_adapters);
    Some(wanted(Key::Automate, title.to_owned(), recipe))
}

/// The adapter of a table.
pub(super) fn of_entry(
    loaded: &Loaded,
    name: &str,
    entry: &AutomateConnector,
) -> Result<Wanted, String> {
    let interpreter = entry.interpreter.as_ref();
    let interpreter = interpreter.or(loaded.config.python.interpreter.as_ref());
    // One of ours lies in no environment.
    let packages = match entry.built_in() {
        Some(_) => Vec::new(),
        None => vec![entry.automate.expose()],
    };
    let recipe = Recipe::parse(
        &packages,
        &exposed(&entry.extra_requirements),
        interpreter.and_then(|path| path.0.to_str()),
        &working_directory(),
    );
    let recipe = recipe.map(Recipe::for_adapters);
    wanted(
        Key::Entry(name.to_owned()),
        format!("[connectors.{name}]"),
        recipe,
    )
}

/// Looks for the adapters and says how each is run, with sentences about what cannot be used.
pub(super) async fn programs(
    loaded: &Loaded,
    wanted: &Wanted,
    environment: &Environment,
) -> Result<Programs, String> {
    let mask = Mask::new(super::secrets(loaded));
    let found = look(loaded, wanted, environment).await;
    let (package, found, mut problems) = found.map_err(|error| {
        mask.apply(&format!("{}: {error}", wanted.title))
            .into_owned()
    })?;
    // What could not be imported or installed explains it.
    if found.is_empty() && problems.is_empty() {
        problems.push(format!(
            "{}: no adapter was found: no entry point of automate.connectors or \
             django_automate.connectors, and no module that registers one or defines a ConnectorAdapter",
            wanted.title
        ));
    }
    let alone = found.len() == 1;
    let run = |finding: Finding| {
        let (name, of) = match &wanted.key {
            Key::Entry(entry) if alone => (entry.clone(), entry.clone()),
            Key::Entry(entry) => (format!("{entry}_{}", finding.name), entry.clone()),
            _ => (finding.name.clone(), finding.name.clone()),
        };
        let (worker, hosting) = loaded.adapter(&of);
        let at = At::Adapter(Adapter {
            class: finding.class,
            package: package.clone(),
            actions: hosting.actions,
            raw_credentials: hosting.raw_credentials,
            check_every: hosting.check_every,
        });
        program(
            loaded,
            wanted,
            environment,
            &worker,
            Source { name, at },
            &mask,
        )
    };
    Ok(Programs {
        programs: found.into_iter().map(run).collect(),
        // What was imported may have said anything.
        problems: problems
            .iter()
            .map(|text| mask.apply(text).into())
            .collect(),
    })
}

/// The folder of the `automate_connectors` to import, unless that is the installed one; the adapters;
/// and what cannot be used.
async fn look(
    loaded: &Loaded,
    wanted: &Wanted,
    environment: &Environment,
) -> Result<(Option<PathBuf>, Vec<Finding>, Vec<String>), String> {
    let code = loaded.config.data_dir.0.join("python");
    let package = match package(loaded, &wanted.key) {
        Package::Installed => None,
        Package::BuiltIn => Some(python::own_package(&code).await?),
    };
    let import_path = package.iter().chain(&environment.import_path);
    let entry = match &wanted.key {
        Key::Entry(entry) => entry.as_str(),
        Key::Automate | Key::Environment => "",
    };
    let (worker, _) = loaded.adapter(entry);
    let env = variables(loaded, &wanted.key, &worker, environment);
    let surroundings = Surroundings {
        code,
        env: env.into_iter().collect(),
        import_path: import_path.cloned().collect(),
        directory: directory(&wanted.recipe),
        patience: worker.start_timeout,
    };
    let search = search(loaded, &wanted.key, environment.search.clone());
    let found = python::find(&environment.python, &search, &surroundings).await;
    let (found, problems) = found?;
    Ok((package, found, problems))
}

/// Where to look beside what the environment knows.
fn search(loaded: &Loaded, key: &Key, known: Option<Search>) -> Search {
    let mut search = known.unwrap_or_default();
    match key {
        Key::Automate => search.modules.clone_from(&loaded.config.automate.modules),
        Key::Entry(name) => {
            if let Some(Entry::Automate(entry)) = loaded.config.connectors.mounted.get(name) {
                let ours = entry.built_in().map(str::to_owned);
                search.modules.extend(ours);
            }
        }
        Key::Environment => {}
    }
    search
}

/// Which `automate_connectors` the adapters import.
fn package(loaded: &Loaded, key: &Key) -> Package {
    let own = match key {
        Key::Entry(name) => match loaded.config.connectors.mounted.get(name) {
            // One of ours is in no other package.
            Some(Entry::Automate(entry)) if entry.built_in().is_some() => Some(Package::BuiltIn),
            Some(Entry::Automate(entry)) => entry.package,
            _ => None,
        },
        _ => None,
    };
    own.unwrap_or(loaded.config.automate.package)
}
