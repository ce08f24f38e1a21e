//! Mistakes in the configuration of Python connectors. None of them starts anything.

use super::support::{connector, zoo};
use crate::harness::Setup;

/// What `config check` and `serve` say about a mistake.
async fn mistake(config: &str) -> String {
    let checked = Setup::new().config(config).run(&["config", "check"]).await;
    assert_eq!(
        (checked.code, &*checked.stdout),
        (Some(2), ""),
        "{config}: {checked:?}"
    );
    let served = Setup::new().config(config).run(&["serve"]).await;
    assert_eq!(served.code, Some(2), "{config}: {served:?}");
    assert!(!served.stdout.contains("listening"), "{}", served.stdout);
    checked.stderr
}

async fn says(config: &str, parts: &[&str]) {
    let said = mistake(config).await;
    for part in parts {
        assert!(said.contains(part), "{config}: {part} is not in {said}");
    }
}

#[tokio::test]
async fn an_environment_is_mounted_or_built_but_not_both() {
    let config = "[python]\nvenv = \".venv\"\ninstall = [\"connector-crm\"]\n";
    says(config, &["python.venv", "python.install"]).await;
}

#[tokio::test]
async fn numbers_have_bounds() {
    for (line, parts) in [
        ("workers = 0", ["workers", "1"]),
        ("workers = 65", ["workers", "64"]),
        ("threads = 0", ["threads", "1"]),
        ("threads = 1001", ["threads", "1000"]),
        ("recycle = { memory = \"1KiB\" }", ["memory", "1MiB"]),
        ("recycle = { calls = 0 }", ["calls", "1"]),
    ] {
        says(&format!("[python]\n{line}\n"), &parts).await;
        says(&(connector("post", zoo("post.py")) + line), &parts).await;
    }
    says(
        &(connector("post", zoo("post.py")) + "max_answer = \"2GiB\"\n"),
        &["1GiB"],
    )
    .await;
}

#[tokio::test]
async fn a_misspelled_key_is_named_with_the_right_one() {
    says("[python]\nvenvs = \".venv\"\n", &["venvs", "venv"]).await;
    let config = connector("post", zoo("post.py")) + "wrokers = 2\n";
    says(&config, &["wrokers", "workers"]).await;
    let config = format!("[connectors.post]\npyhton = {:?}\n", zoo("post.py"));
    says(&config, &["pyhton", "python"]).await;
}

#[tokio::test]
async fn a_table_that_nothing_brings_is_a_mistake() {
    says(
        "[connectors.crm]\nworkers = 2\n",
        &["connectors.crm", "python"],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_requirement_is_a_mistake() {
    for requirement in ["", "--index-url=x", "a\\nb"] {
        let config = format!("[connectors.crm]\npython = \"{requirement}\"\n");
        says(&config, &["connectors.crm.python", "crosspoint.toml"]).await;
    }
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_a_mistake() {
    for reference in ["env:NOT_SET", "file:./not-there"] {
        let table = connector("post", zoo("post.py"));
        let config = format!("{table}env = {{ TOKEN = \"{reference}\" }}\n");
        let name = reference.split_once(':').unwrap().1;
        says(&config, &["TOKEN", name.trim_start_matches("./")]).await;
    }
}

#[tokio::test]
async fn the_settings_of_python_show_as_they_count() {
    let config = connector("post", zoo("post.py")) + "threads = 1\n[python]\nworkers = 2\n";
    let ended = Setup::new().config(&config).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in ["[connectors.post]", "threads = 1", "workers = 2", "post.py"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let reference = Setup::new().run(&["config", "reference"]).await;
    for part in [
        "python.venv",
        "python.install",
        "connectors.<name>",
        "start_timeout",
    ] {
        assert!(reference.stdout.contains(part), "{part}");
    }
}
