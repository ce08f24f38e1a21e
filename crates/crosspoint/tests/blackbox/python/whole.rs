//! Whole environments: the way from SpiffArena's proxy.

use serde_json::{Value, json};

use super::support::{bare, copy, ids, ready, run, venv, zoo};
use crate::harness::{Proxy, Setup};

/// A setup whose working directory has the environment `.venv`, with the packages of two projects
/// of the zoo in it.
async fn setup() -> Setup {
    let setup = Setup::new();
    let packages = venv("python3", &setup.path().join(".venv")).await;
    copy(zoo("farm/src"), &packages);
    copy(zoo("connector-gallery/src"), &packages);
    setup
}

async fn is_served(proxy: &Proxy) {
    assert!(ready(proxy).await.is_empty());
    assert_eq!(ids(proxy, "cat/").await, ["cat/Meow"]);
    assert_eq!(ids(proxy, "dog/").await, ["dog/Bark"]);
    // The package replaces the built-in connector as a whole.
    assert_eq!(ids(proxy, "http/").await, ["http/GetRequest"]);
    let answer = bare(proxy, "http/GetRequest", json!({"url": "u"})).await;
    assert_eq!(answer, "http u");
    assert!(!ids(proxy, "gallery/").await.is_empty());
}

#[tokio::test]
async fn every_connector_of_a_configured_environment_is_served() {
    let setup = setup().await.config("[python]\nvenv = \".venv\"\n");
    let proxy = setup.serve().await;
    is_served(&proxy).await;
    assert!(!proxy.stdout().contains("VIRTUAL_ENV"));
    let ended = proxy.run(&["commands", "http"]).await;
    let replaced = ended
        .stdout
        .lines()
        .any(|line| line.starts_with("http ") && line.contains("replaces the built-in"));
    assert!(replaced, "{}", ended.stdout);
}

#[tokio::test]
async fn an_environment_is_given_on_the_command_line() {
    let proxy = setup().await.serve_with(&["--python-env", ".venv"]).await;
    is_served(&proxy).await;
}

#[tokio::test]
async fn the_environment_that_is_active_is_served_and_the_start_says_so() {
    let setup = setup().await;
    let folder = setup.path().join(".venv").display().to_string();
    let proxy = setup.env("VIRTUAL_ENV", &folder).serve().await;
    is_served(&proxy).await;
    let stdout = proxy.stdout();
    assert!(
        stdout.contains("VIRTUAL_ENV") && stdout.contains(&folder),
        "{stdout}"
    );
}

#[tokio::test]
async fn a_configured_environment_wins_over_the_active_one() {
    let setup = setup().await.env("VIRTUAL_ENV", "/nowhere");
    let proxy = setup.serve_with(&["--python-env", ".venv"]).await;
    is_served(&proxy).await;
    assert!(!proxy.stdout().contains("/nowhere"), "{}", proxy.stdout());
}

#[tokio::test]
async fn nothing_is_written_into_the_environment_but_what_python_caches() {
    let setup = setup().await.config("[python]\nvenv = \".venv\"\n");
    let list = async |setup: &str| {
        let found = run("find", &[setup, "-not", "-path", "*__pycache__*"]).await;
        let mut found: Vec<_> = found.lines().map(str::to_owned).collect();
        found.sort();
        found
    };
    let folder = setup.path().join(".venv").display().to_string();
    let before = list(&folder).await;
    let proxy = setup.serve().await;
    is_served(&proxy).await;
    assert_eq!(list(&folder).await, before);
}

#[tokio::test]
async fn its_workers_have_our_variables_but_for_our_own() {
    let setup = setup()
        .await
        .config("[python]\nvenv = \".venv\"\n[access]\napi_keys = [\"env:MY_KEY\"]\n")
        .env("CRM_TOKEN", "t0k3n")
        .env("CROSSPOINT_DRAIN", "5s")
        .env("MY_KEY", "key-of-the-proxy")
        .env("CONNECTOR_PROXY_API_KEY", "the-other-key");
    let proxy = setup.serve().await;
    let environment = async || -> Value {
        let ask = proxy.do_("gallery/Environment").json(&json!({}));
        let ask = ask.header("authorization", "Bearer key-of-the-proxy");
        ask.send().await.success()
    };
    ready(&proxy).await;
    let seen = environment().await;
    assert_eq!(seen["CRM_TOKEN"], "t0k3n");
    let folder = proxy.path().join(".venv");
    assert_eq!(
        seen["VIRTUAL_ENV"],
        folder.canonicalize().unwrap().to_str().unwrap()
    );
    let text = seen.to_string();
    for ours in ["CROSSPOINT_", "MY_KEY", "key-of-the-proxy", "the-other-key"] {
        assert!(!text.contains(ours), "{ours}: {text}");
    }
}

#[tokio::test]
async fn a_table_without_a_package_is_about_a_connector_of_the_environment() {
    let config = "[python]\nvenv = \".venv\"\n[connectors.gallery]\nconfig = { N = 5 }\n";
    let proxy = setup().await.config(config).serve().await;
    ready(&proxy).await;
    let answer = proxy.call("gallery/Config", json!({"name": "N"})).await;
    assert_eq!(answer.success()["value"], 5);
}
