//! Environments made by real tools: uv, venv with pip.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::testing::{Heard, pip, program, python, run, uv, wheel, write};
use super::*;

mod change;
mod part;
mod place;
mod refuse;
mod share;

/// A place for wheels and projects, and environments below it.
pub(super) struct Bench {
    root: TempDir,
    pub(super) environments: Environments,
}

// === impl Bench ===

impl Bench {
    /// One for each way of making environments.
    pub(super) fn both() -> [Bench; 2] {
        [Bench::with(pip), Bench::with(uv)]
    }

    pub(super) fn with(tools: impl Fn(&Path) -> Tools) -> Bench {
        let root = tempfile::tempdir().expect("a directory");
        let wheels = root.path().join("wheels");
        fs::create_dir(&wheels).expect("a directory");
        let environments = Environments::new(root.path().join("data/python"), tools(&wheels));
        Bench { root, environments }
    }

    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn wheels(&self) -> PathBuf {
        self.root.path().join("wheels")
    }

    pub(super) fn envs(&self) -> PathBuf {
        self.root.path().join("data/python/envs")
    }

    pub(super) fn recipe(&self, source: &str) -> Recipe {
        Recipe::new(Source::parse(source, self.path()).expect("a source"))
    }

    pub(super) async fn get(&self, source: &str) -> Result<Environment, EnvironmentError> {
        self.environments.get(&self.recipe(source), &Quiet).await
    }

    /// A connector's wheel among those that requirements are found in.
    pub(super) fn connector(&self, name: &str, version: &str, requires: &[&str]) -> PathBuf {
        let init = format!("connector_{name}/__init__.py");
        let files = [(init.as_str(), "")];
        wheel(
            &self.wheels(),
            &format!("connector_{name}"),
            version,
            requires,
            &files,
        )
    }

    /// A library's wheel, whose module tells its version.
    pub(super) fn library(&self, name: &str, version: &str) -> PathBuf {
        let text = format!("VERSION = '{version}'\n");
        let module = format!("{name}.py");
        wheel(&self.wheels(), name, version, &[], &[(&module, &text)])
    }

    /// A project that builds itself, so that nothing has to be fetched for it.
    pub(super) fn self_built(&self, place: &str, name: &str) -> PathBuf {
        let root = self.path().join(place);
        let made = wheel(
            &self.path().join("wheels"),
            name,
            "1.0",
            &[],
            &[(&format!("{name}/__init__.py"), "")],
        );
        let backend = "import os, shutil\n\
            HERE = os.path.dirname(os.path.abspath(__file__))\n\
            def build_wheel(directory, config_settings=None, metadata_directory=None):\n\
            \x20   name = [f for f in os.listdir(HERE) if f.endswith('.whl')][0]\n\
            \x20   shutil.copy(os.path.join(HERE, name), directory)\n\
            \x20   return name\n";
        let pyproject = format!(
            "[project]\nname = \"{name}\"\nversion = \"1.0\"\ndynamic = [\"dependencies\"]\n\
             [build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n"
        );
        write(
            &root,
            &[("pyproject.toml", &pyproject), ("backend.py", backend)],
        );
        fs::rename(&made, root.join(made.file_name().expect("a name"))).expect("moved");
        root
    }
}

/// What the environment's Python prints.
pub(super) fn says(environment: &Environment, code: &str) -> String {
    run(std::process::Command::new(&environment.python).args(["-I", "-c", code]))
}

pub(super) fn names(environment: &Environment) -> Vec<&str> {
    environment
        .connectors
        .iter()
        .map(|found| found.name.as_str())
        .collect()
}

#[tokio::test]
async fn a_requirement_offers_its_own_connectors_and_not_those_it_depends_on() {
    for bench in Bench::both() {
        bench.connector("base", "1.0", &[]);
        bench.connector("crm", "1.3", &[]);
        bench.connector("crm", "1.4", &["connector-base"]);
        let environment = bench
            .get("Connector.CRM>=1.3")
            .await
            .expect("an environment");
        assert_eq!(
            environment.connectors,
            [Found {
                name: "crm".to_owned(),
                code: Code::Module("connector_crm".to_owned()),
            }]
        );
        let code =
            "import connector_base, importlib.metadata as m; print(m.version('connector-crm'))";
        assert_eq!(says(&environment, code), "1.4");
        assert!(environment.import_path.is_empty());
    }
}

#[tokio::test]
async fn a_wheel_an_archive_and_a_repository_are_installed() {
    for bench in Bench::both() {
        let wheel = bench.connector("crm", "1.0", &[]);
        let project = bench.self_built("connector_arch-1.0", "connector_arch");
        run(std::process::Command::new("tar")
            .current_dir(bench.path())
            .args(["-czf", "connector_arch-1.0.tar.gz"])
            .arg("connector_arch-1.0"));
        let repository = bench.self_built("repository", "connector_git");
        for arguments in [
            vec!["init", "-q", "-b", "main"],
            vec!["add", "."],
            vec![
                "-c",
                "user.name=x",
                "-c",
                "user.email=x@x",
                "commit",
                "-q",
                "-m",
                "x",
            ],
        ] {
            run(std::process::Command::new("git")
                .current_dir(&repository)
                .args(arguments));
        }
        let address = format!("git+file://{}@main", repository.display());
        for (source, name) in [
            (wheel.to_str().expect("a text"), "crm"),
            ("connector_arch-1.0.tar.gz", "arch"),
            (address.as_str(), "git"),
        ] {
            let environment = bench.get(source).await.expect(source);
            assert_eq!(names(&environment), [name]);
            says(&environment, &format!("import connector_{name}"));
        }
        assert!(project.exists());
    }
}

#[tokio::test]
async fn the_project_of_the_tutorial_works_as_typed() {
    // Its pyproject names a README that is never made, so it cannot be built.
    let pyproject = "[tool.poetry]\nname = \"connector-smtp\"\nversion = \"0.1.0\"\n\
        description = \"Make SMTP Requests available to SpiffWorkflow Service Tasks\"\n\
        authors = [\"My Name \"]\nreadme = \"README.md\"\n\
        packages = [{include = \"connector_smtp\", from = \"src\" }]\n\
        [tool.poetry.dependencies]\npython = \"^3.9\"\n\
        [build-system]\nrequires = [\"poetry-core\"]\nbuild-backend = \"poetry.core.masonry.api\"\n";
    for bench in Bench::both() {
        write(
            &bench.path().join("smtp"),
            &[
                ("pyproject.toml", pyproject),
                ("src/connector_smtp/__init__.py", ""),
                ("src/connector_smtp/commands/__init__.py", ""),
                (
                    "src/connector_smtp/commands/sendEmail.py",
                    "class SendEmail:\n    pass\n",
                ),
            ],
        );
        let environment = bench.get("./smtp").await.expect("an environment");
        assert_eq!(names(&environment), ["smtp"]);
        assert_eq!(environment.import_path, [bench.path().join("smtp/src")]);
        let code = format!(
            "import sys; sys.path.insert(0, {:?}); import connector_smtp.commands.sendEmail as m; print(m.SendEmail.__name__)",
            environment.import_path[0]
        );
        assert_eq!(says(&environment, &code), "SendEmail");
        assert!(!bench.path().join("smtp/README.md").exists());
    }
}

#[tokio::test]
async fn a_project_gets_its_dependencies_and_is_not_installed_itself() {
    for bench in Bench::both() {
        bench.library("liba", "1.5");
        bench.library("liba", "2.0");
        bench.library("libb", "1.0");
        let pyproject = "[tool.poetry.dependencies]\npython = \"^3.9\"\nliba = \"^1.2\"\n";
        write(
            &bench.path().join("one"),
            &[
                ("pyproject.toml", pyproject),
                ("connector_one/__init__.py", ""),
            ],
        );
        write(
            &bench.path().join("two"),
            &[
                ("requirements.txt", "-r more.txt\n"),
                ("more.txt", "libb==1.0\n"),
                ("src/connector_two/commands/x.py", ""),
            ],
        );
        let one = bench.get("./one").await.expect("an environment");
        assert_eq!(says(&one, "import liba; print(liba.VERSION)"), "1.5");
        assert_eq!(one.import_path, [bench.path().join("one")]);
        let absent = "import importlib.util as u; print(u.find_spec('connector_one'))";
        assert_eq!(says(&one, absent), "None");
        let two = bench.get("./two").await.expect("without __init__.py too");
        assert_eq!(says(&two, "import libb; print(libb.VERSION)"), "1.0");
        assert_eq!(names(&two), ["two"]);
    }
}

#[tokio::test]
async fn a_project_whose_dependencies_only_its_build_knows_is_built() {
    for bench in Bench::both() {
        let project = bench.self_built("built", "connector_built");
        write(
            &project,
            &[("connector_built/__init__.py", "HERE = True\n")],
        );
        let environment = bench.get("./built").await.expect("an environment");
        assert_eq!(names(&environment), ["built"]);
        // What was installed lies behind the source on the path.
        says(&environment, "import connector_built");
        assert_eq!(environment.import_path, [project]);
    }
}

#[tokio::test]
async fn a_single_file_gets_what_its_comments_ask_for() {
    for bench in Bench::both() {
        bench.library("liba", "1.0");
        let text = "# /// script\n# dependencies = [\"liba\"]\n# ///\nimport liba\n";
        write(bench.path(), &[("crm.py", text)]);
        let environment = bench.get("crm.py").await.expect("an environment");
        assert_eq!(
            environment.connectors,
            [Found {
                name: "crm".to_owned(),
                code: Code::File(bench.path().join("crm.py")),
            }]
        );
        assert_eq!(
            says(&environment, "import liba; print(liba.VERSION)"),
            "1.0"
        );
    }
}

#[tokio::test]
async fn two_connectors_may_need_different_versions_of_one_library() {
    for bench in Bench::both() {
        bench.library("liba", "1.0");
        bench.library("liba", "2.0");
        bench.connector("old", "1.0", &["liba<2"]);
        let new = bench.connector("new", "1.0", &[]);
        let extra = bench.wheels().join("liba-2.0-py3-none-any.whl");
        let old = bench.get("connector-old").await.expect("an environment");
        let recipe = Recipe::parse(
            &[new.to_string_lossy()],
            &[extra.to_string_lossy()],
            None,
            bench.path(),
        );
        let new = bench
            .environments
            .get(&recipe.expect("a recipe"), &Quiet)
            .await;
        let new = new.expect("an environment");
        let version = "import liba; print(liba.VERSION)";
        assert_eq!(
            (says(&old, version), says(&new, version)),
            ("1.0".to_owned(), "2.0".to_owned())
        );
        assert_ne!(old.fingerprint, new.fingerprint);
    }
}
