use super::*;

fn project(files: &[(&str, &str)]) -> Result<Dependencies, EnvironmentError> {
    let root = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(root.path().join(name), text).expect("a file");
    }
    let mut found = Dependencies::of_project(root.path())?;
    for file in &mut found.files {
        *file = file.strip_prefix(root.path()).expect("below").to_owned();
    }
    Ok(found)
}

fn requirements(files: &[(&str, &str)]) -> Vec<String> {
    let found = project(files).expect("dependencies");
    assert!(
        found.files.is_empty() && !found.only_by_building,
        "{found:?}"
    );
    found.requirements
}

#[test]
fn the_standard_table_comes_first() {
    let pyproject = "[project]\nname = \"x\"\ndependencies = [\"a>=1\", \"b\"]\n\
                     [tool.poetry.dependencies]\nc = \"*\"\n";
    let files = [("pyproject.toml", pyproject), ("requirements.txt", "d")];
    assert_eq!(requirements(&files), ["a>=1", "b"]);
}

#[test]
fn poetrys_table_is_read_without_python_and_optional_entries() {
    let pyproject = "[tool.poetry.dependencies]\npython = \"^3.9\"\na = \"^1.2\"\n\
                     b = {version = \"1\", optional = true}\n[tool.poetry.group.dev.dependencies]\nz = \"1\"\n";
    assert_eq!(
        requirements(&[("pyproject.toml", pyproject)]),
        ["a>=1.2,<2"]
    );
}

#[test]
fn setup_cfg_is_read_with_its_comments_and_files() {
    let cfg = "[metadata]\nname = x\n[options]\npackages = find:\ninstall_requires =\n    a>=1\n    # no\n\n    b\n\
               python_requires = >=3.9\n[options.extras_require]\nz = z\n";
    assert_eq!(
        requirements(&[("setup.cfg", cfg), ("setup.py", "")]),
        ["a>=1", "b"]
    );
    let cfg = "[options]\ninstall_requires = file: one.txt, two.txt\n";
    let found = project(&[("setup.cfg", cfg)]).expect("dependencies");
    assert_eq!(
        found.files,
        [PathBuf::from("one.txt"), PathBuf::from("two.txt")]
    );
}

#[test]
fn requirement_files_are_left_to_the_tool() {
    let found = project(&[("requirements.txt", "-r other.txt"), ("setup.py", "")]);
    assert_eq!(
        found.expect("a file").files,
        [PathBuf::from("requirements.txt")]
    );
    let dynamic = "[project]\ndynamic = [\"dependencies\"]\n\
                   [tool.setuptools.dynamic]\ndependencies = {file = [\"r.txt\"]}\n";
    let found = project(&[("pyproject.toml", dynamic)]).expect("a file");
    assert_eq!(found.files, [PathBuf::from("r.txt")]);
}

#[test]
fn what_only_a_program_knows_needs_a_build() {
    let build_system = "[build-system]\nrequires = [\"setuptools\"]\n";
    let hatch = "[project]\ndynamic = [\"dependencies\"]\n";
    for files in [
        vec![("setup.py", "import setuptools")],
        vec![("setup.py", ""), ("pyproject.toml", build_system)],
        vec![("pyproject.toml", hatch)],
    ] {
        assert!(
            project(&files).expect("a build").only_by_building,
            "{files:?}"
        );
    }
}

#[test]
fn a_project_that_says_nothing_depends_on_nothing() {
    assert_eq!(project(&[]).expect("nothing"), Dependencies::default());
    let found = project(&[
        ("pyproject.toml", "[project]\nname = \"x\"\n"),
        ("setup.py", ""),
    ]);
    assert_eq!(found.expect("nothing"), Dependencies::default());
}

#[test]
fn a_mistake_is_named_with_file_and_line() {
    let error = project(&[("pyproject.toml", "[project\n")])
        .expect_err("no TOML")
        .to_string();
    assert!(
        error.contains("pyproject.toml: ") && error.contains("line 1"),
        "{error}"
    );
    let wrong = "[tool.poetry.dependencies]\na = \"newest\"\n";
    let error = project(&[("pyproject.toml", wrong)])
        .expect_err("no version")
        .to_string();
    assert!(error.contains("a: \"newest\""), "{error}");
    let wrong = "[project]\ndependencies = \"a\"\n";
    assert!(project(&[("pyproject.toml", wrong)]).is_err());
}

#[test]
fn a_single_file_says_what_it_needs_in_comments() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a.py");
    let text = "#!/usr/bin/env python\n# /// script\n# requires-python = \">=3.9\"\n# dependencies = [\n\
                #   \"a<3\",\n#\n# ]\n# ///\nimport a\n";
    fs::write(&file, text).expect("a file");
    let found = Dependencies::of_script(&file).expect("metadata");
    assert_eq!(found.requirements, ["a<3"]);
    fs::write(&file, "# /// script\n# dependencies = [\n").expect("a file");
    assert_eq!(
        Dependencies::of_script(&file).expect("not closed"),
        Dependencies::default()
    );
    fs::write(&file, "# /// script\n# dependencies = 3\n# ///\n").expect("a file");
    assert!(Dependencies::of_script(&file).is_err());
    let error = Dependencies::of_script(Path::new("/no/where.py")).expect_err("missing");
    assert_eq!(error.to_string(), "there is no file at /no/where.py");
}
