//! What cannot be made, and what is said about it.

use super::*;

async fn refused(bench: &Bench, recipe: Recipe) -> String {
    let error = bench
        .environments
        .get(&recipe, &Quiet)
        .await
        .expect_err("no environment");
    error.to_string()
}

fn nothing_is_left(bench: &Bench) -> bool {
    let homes = fs::read_dir(bench.envs()).expect("envs").flatten();
    let mut inside = homes.flat_map(|home| fs::read_dir(home.path()).expect("a home").flatten());
    inside.all(|entry| entry.file_name() == "lock")
}

#[tokio::test]
async fn a_requirement_that_nobody_has_is_refused_in_the_tools_words() {
    for bench in Bench::both() {
        let mut recipe = bench.recipe("connector-nowhere==9.9");
        recipe
            .extra_requirements
            .push("crm @ https://u:s3cret@localhost:1/x.whl".to_owned());
        let text = refused(&bench, bench.recipe("connector-nowhere==9.9")).await;
        assert!(
            text.contains("could not install connector-nowhere==9.9."),
            "{text}"
        );
        assert!(
            text.to_lowercase().contains("no matching distribution")
                || text.contains("No solution found"),
            "{text}"
        );
        assert!(text.lines().count() <= 42, "{text}");
        assert!(nothing_is_left(&bench));
        let text = refused(&bench, recipe).await;
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn conflicting_requirements_are_refused_in_the_tools_words() {
    for bench in Bench::both() {
        bench.library("liba", "1.0");
        bench.library("liba", "2.0");
        bench.connector("old", "1.0", &["liba<2"]);
        let mut recipe = bench.recipe("connector-old");
        recipe.extra_requirements.push("liba>=2".to_owned());
        let text = refused(&bench, recipe).await;
        assert!(
            text.contains("connector-old (installing connector-old, liba>=2)"),
            "{text}"
        );
        assert!(
            text.contains("onflict") || text.contains("unsatisfiable"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn paths_that_are_not_there_are_named() {
    let bench = Bench::with(pip);
    for (source, what) in [
        ("./no", "directory"),
        ("no-1-py3-none-any.whl", "wheel"),
        ("no-1.tar.gz", "source archive"),
        ("no.py", "file"),
    ] {
        let text = refused(&bench, bench.recipe(source)).await;
        let path = bench.path().join(source.trim_start_matches("./"));
        assert_eq!(text, format!("there is no {what} at {}", path.display()));
    }
    let text = refused(&bench, Recipe::new(Source::venv("no", bench.path()))).await;
    assert!(
        text.starts_with("there is no virtual environment"),
        "{text}"
    );
}

#[tokio::test]
async fn what_holds_no_connector_is_told_with_what_is_there() {
    for bench in Bench::both() {
        bench.connector("base", "1.0", &[]);
        wheel(
            &bench.wheels(),
            "bundle",
            "1.0",
            &["connector-base"],
            &[("bundle.py", "")],
        );
        let text = refused(&bench, bench.recipe("bundle")).await;
        assert!(text.contains("bundle offers no connector"), "{text}");
        assert!(
            text.contains("connector_base (with connector_base)"),
            "{text}"
        );
        write(bench.path(), &[("crm/src/crm/__init__.py", "")]);
        let text = refused(&bench, bench.recipe("./crm")).await;
        assert!(text.contains("There is: src, src/crm"), "{text}");
    }
    let bench = Bench::with(pip);
    let venv = bench.path().join("venv");
    python(&["-m", "venv", "--without-pip", &venv.to_string_lossy()]);
    let text = refused(&bench, Recipe::new(Source::venv("venv", bench.path()))).await;
    assert!(
        text.contains("site-packages. Nothing is installed"),
        "{text}"
    );
}

#[tokio::test]
async fn a_broken_interpreter_is_named_with_its_words() {
    for bench in Bench::both() {
        write(bench.path(), &[("crm.py", "")]);
        program(bench.path(), "bad", "echo libpython is gone >&2; exit 127");
        let mut recipe = bench.recipe("crm.py");
        recipe.interpreter = Some(bench.path().join("bad").to_string_lossy().into_owned());
        let text = refused(&bench, recipe.clone()).await;
        assert!(
            text.contains("bad does not work: libpython is gone"),
            "{text}"
        );
        recipe.interpreter = Some("3.1".to_owned());
        let text = refused(&bench, recipe).await;
        assert!(text.contains("no Python interpreter 3.1"), "{text}");
    }
}

#[tokio::test]
async fn a_ready_environment_whose_python_is_gone_is_named() {
    let bench = Bench::with(pip);
    fs::create_dir_all(bench.path().join("venv/bin")).expect("a directory");
    std::os::unix::fs::symlink("/no/python", bench.path().join("venv/bin/python")).expect("a link");
    let recipe = Recipe::new(Source::venv("venv", bench.path()));
    let text = refused(&bench, recipe.clone()).await;
    assert!(
        text.contains("bin/python does not work: the Python that it was made from is gone"),
        "{text}"
    );
    let mut more = recipe;
    more.extra_requirements.push("six".to_owned());
    let text = refused(&bench, more).await;
    assert!(
        text.contains("into which Crosspoint installs nothing"),
        "{text}"
    );
}

#[tokio::test]
async fn a_full_disk_is_named_as_one() {
    let bench = Bench::with(|wheels| {
        let place = wheels.parent().expect("a parent");
        program(
            place,
            "uv",
            "case $1 in --version) echo uv 1;; *) echo error: No space left on device >&2; exit 2;; esac",
        );
        pip(wheels).with_uv(Some(place.join("uv")))
    });
    write(bench.path(), &[("crm.py", "")]);
    let text = refused(&bench, bench.recipe("crm.py")).await;
    assert!(
        text.starts_with("no space is left to make the environment for"),
        "{text}"
    );
}

#[tokio::test]
async fn without_any_tool_it_is_said_what_to_install() {
    let bench = Bench::with(pip);
    bench.connector("crm", "1.0", &[]);
    for (venv, ensurepip, lacks) in [
        (false, true, "no venv module"),
        (true, false, "neither pip nor ensurepip"),
    ] {
        program(bench.path(), "bare", &answers(venv, ensurepip));
        let mut recipe = bench.recipe("connector-crm");
        recipe.interpreter = Some(bench.path().join("bare").to_string_lossy().into_owned());
        let text = refused(&bench, recipe).await;
        assert!(
            text.contains(lacks) && text.contains("Install uv"),
            "{text}"
        );
    }
}

/// A program that describes itself as an interpreter would.
fn answers(venv: bool, ensurepip: bool) -> String {
    let answer = serde_json::json!({
        "executable": "/no/python", "version": [3, 11, 0], "build": "b", "pip": null,
        "venv": venv, "ensurepip": ensurepip,
    });
    format!("echo \"{}\"", answer.to_string().replace('"', "\\\""))
}

#[tokio::test]
async fn pip_tries_when_uv_cannot_reach_its_index() {
    let bench = Bench::with(|wheels| {
        let variables = [
            ("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple"),
            ("UV_HTTP_RETRIES", "0"),
            ("PIP_NO_INDEX", "1"),
            ("PIP_CONFIG_FILE", "/dev/null"),
            ("PIP_FIND_LINKS", wheels.to_str().expect("a text")),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let uv = uv(wheels).uv().map(Path::to_owned);
        Tools::with_variables(std::env::vars_os().chain(variables)).with_uv(uv)
    });
    wheel(
        &bench.wheels(),
        "connector_crm",
        "1.0",
        &["liba"],
        &[("connector_crm/__init__.py", "")],
    );
    bench.library("liba", "1.0");
    let heard = Heard::default();
    let environment = bench
        .environments
        .get(&bench.recipe("connector-crm"), &heard)
        .await;
    assert_eq!(names(&environment.expect("by pip")), ["crm"]);
    assert!(heard.step("gave up"), "{heard:?}");
}
