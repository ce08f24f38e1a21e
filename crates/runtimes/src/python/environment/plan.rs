//! From what is asked for to what has to be done, and to the key under which the result is kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::Url;

use super::declarations::{self, Dependencies};
use super::error::EnvironmentError;
use super::fingerprint::{Digest, Watched, content};
use super::interpreter::{Interpreter, Interpreters};
use super::project::{Found, Project};
use super::recipe::{Recipe, Seeks};
use super::requirement::{normalize, without_credentials};
use super::search::Search;
use super::source::Source;
use super::survey::Wanted;
use super::tools::Tools;

/// What has to be installed for a recipe, and what is used from source.
#[derive(Debug)]
pub(super) struct Plan {
    /// Under which the environment is kept: the same for every recipe that needs the same
    /// installed by the same interpreter.
    pub(super) key: String,
    pub(super) interpreter: Interpreter,
    /// Requirement files for the tool's `-r`.
    pub(super) files: Vec<PathBuf>,
    /// Requirements, addresses and paths for the tool.
    pub(super) requirements: Vec<String>,
    /// Sources whose installed distributions are the connectors, as they are shown.
    pub(super) wanted: Vec<(String, Wanted)>,
    /// Connectors used from source.
    pub(super) local: Vec<Found>,
    pub(super) import_path: Vec<PathBuf>,
    pub(super) watched: Watched,
    /// Where adapters are to be looked for, where it is those that are asked for.
    pub(super) search: Option<Search>,
    /// What is asked for, for people.
    pub(super) asked: String,
}

/// Collects what a recipe's parts need.
#[derive(Default)]
struct Needs {
    /// By what makes two of them the same: for a file its content.
    install: BTreeMap<String, Install>,
    wanted: Vec<(String, Wanted)>,
    local: Vec<Found>,
    import_path: Vec<PathBuf>,
    watched: Watched,
    search: Option<Search>,
}

enum Install {
    File(PathBuf),
    Requirement(String),
}

// === impl Plan ===

impl Plan {
    /// Finds the interpreter and reads what lies on this machine. Nothing is installed.
    pub(super) async fn of(
        recipe: &Recipe,
        interpreters: &Interpreters,
        tools: &Tools,
    ) -> Result<Plan, EnvironmentError> {
        let mut needs = Needs {
            search: (recipe.seeks == Seeks::Adapters).then(Search::default),
            ..Needs::default()
        };
        for source in &recipe.sources {
            needs.add_source(source)?;
        }
        for extra in &recipe.extra_requirements {
            needs.add_extra(extra)?;
        }
        let interpreter = interpreters
            .find(recipe.interpreter.as_deref(), tools)
            .await?;
        let mut digest = Digest::default();
        digest.add(interpreter.executable.as_os_str().as_encoded_bytes());
        digest.add(&interpreter.build);
        for identity in needs.install.keys() {
            digest.add(identity);
        }
        let mut plan = Plan {
            key: digest.finish(),
            interpreter,
            files: Vec::new(),
            requirements: Vec::new(),
            wanted: needs.wanted,
            local: needs.local,
            import_path: needs.import_path,
            watched: needs.watched,
            search: needs.search,
            asked: recipe.describe(),
        };
        for install in needs.install.into_values() {
            match install {
                Install::File(path) => plan.files.push(path),
                Install::Requirement(text) => plan.requirements.push(text),
            }
        }
        plan.name_what_is_installed();
        Ok(plan)
    }

    /// Whether Python alone will do.
    pub(super) fn is_bare(&self) -> bool {
        self.files.is_empty() && self.requirements.is_empty()
    }

    /// What is installed, for people.
    pub(super) fn installed(&self) -> Vec<String> {
        let files = self
            .files
            .iter()
            .map(|file| format!("-r {}", file.display()));
        let texts = self
            .requirements
            .iter()
            .map(|text| without_credentials(text));
        files.chain(texts).collect()
    }

    fn name_what_is_installed(&mut self) {
        let installed = self.installed().join(", ");
        if installed != self.asked && !installed.is_empty() {
            self.asked = format!("{} (installing {installed})", self.asked);
        }
    }
}

// === impl Needs ===

impl Needs {
    fn add_source(&mut self, source: &Source) -> Result<(), EnvironmentError> {
        let wanted = match source {
            Source::Requirement { name, text } => {
                self.require(text);
                Wanted::Name(name.clone())
            }
            Source::Url(address) => {
                self.require(address);
                Wanted::Address(address.clone())
            }
            Source::Wheel(path) => {
                self.install_path("wheel", path)?;
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                Wanted::Name(normalize(file.split('-').next().unwrap_or(&file)))
            }
            Source::Archive(path) => {
                self.install_path("source archive", path)?;
                Wanted::Address(Url::from_file_path(path).map_or_else(
                    |()| path.to_string_lossy().into_owned(),
                    |url| url.to_string(),
                ))
            }
            Source::Directory(path) => return self.add_directory(path),
            Source::File(path) => return self.add_file(path),
            Source::Venv(path) => {
                return Err(EnvironmentError::ReadyEnvironment { venv: path.clone() });
            }
        };
        self.wanted.push((source.to_string(), wanted));
        Ok(())
    }

    fn add_directory(&mut self, root: &Path) -> Result<(), EnvironmentError> {
        if !root.is_dir() {
            return Err(missing("directory", root));
        }
        let (import_root, modules) = match &mut self.search {
            Some(search) => (search.add_project(root)?, Vec::new()),
            None => {
                let project = Project::find(root)?;
                (project.import_root, project.modules)
            }
        };
        let dependencies = Dependencies::of_project(root)?;
        let declared = declarations::FILES.iter().map(|name| root.join(name));
        self.watched.files.extend(declared);
        if dependencies.only_by_building {
            let mut digest = Digest::default();
            for name in declarations::FILES {
                digest.add(content(&root.join(name)));
            }
            let identity = format!("project {} {}", root.display(), digest.finish());
            self.install(
                identity,
                Install::Requirement(root.to_string_lossy().into_owned()),
            );
            if let Some(search) = &mut self.search {
                search.projects.push(root.to_owned());
            }
        }
        self.depend_on(dependencies)?;
        let found = modules.iter().filter_map(|module| Found::module(module));
        self.local.extend(found);
        if !self.import_path.contains(&import_root) {
            self.import_path.push(import_root.clone());
            self.watched.import_roots.push(import_root);
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> Result<(), EnvironmentError> {
        self.depend_on(Dependencies::of_script(path)?)?;
        self.watched.files.push(path.to_owned());
        match &mut self.search {
            Some(search) => search.files.push(path.to_owned()),
            None => self.local.push(Found::file(path)),
        }
        Ok(())
    }

    fn add_extra(&mut self, extra: &str) -> Result<(), EnvironmentError> {
        match extra.starts_with('/') {
            true => self.install_path("file or directory", Path::new(extra))?,
            false => self.require(extra),
        }
        Ok(())
    }

    fn depend_on(&mut self, dependencies: Dependencies) -> Result<(), EnvironmentError> {
        for requirement in &dependencies.requirements {
            self.require(requirement);
        }
        for file in dependencies.files {
            if !file.is_file() {
                return Err(missing("requirement file", &file));
            }
            let identity = format!("file {}", content(&file));
            self.watched.files.push(file.clone());
            self.install(identity, Install::File(file));
        }
        Ok(())
    }

    /// A requirement or an address. What is on this machine counts with its content.
    fn require(&mut self, text: &str) {
        let mut identity = text.to_owned();
        if let Some(at) = text.find("file://") {
            let address = text[at..].split_whitespace().next().unwrap_or_default();
            let path = Url::parse(address)
                .ok()
                .and_then(|url| url.to_file_path().ok());
            if let Some(path) = path.filter(|path| path.exists()) {
                identity = format!("{text} {}", content(&path));
            }
        }
        self.install(identity, Install::Requirement(text.to_owned()));
    }

    fn install_path(&mut self, what: &'static str, path: &Path) -> Result<(), EnvironmentError> {
        if !path.exists() {
            return Err(missing(what, path));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let identity = format!("path {name} {}", content(path));
        let text = path.to_string_lossy().into_owned();
        self.install(identity, Install::Requirement(text));
        Ok(())
    }

    fn install(&mut self, identity: String, install: Install) {
        self.install.insert(identity, install);
    }
}

fn missing(what: &'static str, path: &Path) -> EnvironmentError {
    EnvironmentError::Missing {
        what,
        path: path.to_owned(),
    }
}
