//! Every built-in connector passes the suite. Which there are is asked of the program, so that a
//! later one joins by existing; its samples join as `<connector>.json` beside this file.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Ended, Setup, json};
use crate::systems::{Systems, samples};

/// What a connector need not pass: connector, test, and why. Each must be needed.
const WAIVERS: &[(&str, &str, &str)] = &[];

/// The connectors that the program has.
async fn connectors(systems: &Systems) -> BTreeSet<String> {
    let ended = systems.setup().await.run(&["commands", "--json"]).await;
    let list = json(&ended.stdout);
    let ids = list.as_array().unwrap().iter();
    ids.map(|command| {
        let id = command["id"].as_str().unwrap();
        id.split('/').next().unwrap().to_owned()
    })
    .collect()
}

/// A program with the samples of a connector in its folder, and the options that name them.
fn with_samples(setup: Setup, connector: &str) -> (Setup, Vec<&'static str>) {
    match samples(connector) {
        Some(text) => (
            setup.file("samples.json", &text),
            vec!["--samples", "samples.json"],
        ),
        None => (setup, Vec::new()),
    }
}

/// The tests that failed and are not waived.
fn failed(connector: &str, ended: &Ended) -> Vec<String> {
    let report = report(ended);
    let failed = report["tests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| t["verdict"] == "failed");
    let waived = |test: &Value| {
        WAIVERS
            .iter()
            .any(|(who, name, _)| *who == connector && *name == test["name"])
    };
    failed
        .filter(|test| !waived(test))
        .map(|test| format!("{connector}: {test:#}"))
        .collect()
}

fn report(ended: &Ended) -> Value {
    assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
    json(&ended.stdout)
}

#[tokio::test]
async fn every_built_in_passes_in_process() {
    let systems = Systems::start().await;
    let connectors = connectors(&systems).await;
    assert!(
        connectors.contains("http") && connectors.contains("os"),
        "{connectors:?}"
    );
    let mut wrong = Vec::new();
    for connector in &connectors {
        let (setup, options) = with_samples(systems.setup().await, connector);
        let arguments = [&["check", connector, "--json"], &options[..]].concat();
        wrong.extend(failed(connector, &setup.run(&arguments).await));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_built_in_passes_over_http() {
    let systems = Systems::start().await;
    let key = "a-key-for-the-kit";
    let setup = systems.setup().await;
    let proxy = setup.env("CONNECTOR_PROXY_API_KEY", key).serve().await;
    let url = proxy.url("/");
    let mut wrong = Vec::new();
    for connector in &connectors(&systems).await {
        let setup = systems.setup().await.env("KIT_KEY", key);
        let (setup, options) = with_samples(setup, connector);
        let base = [
            "check",
            &url,
            "--api-key-env",
            "KIT_KEY",
            "--json",
            "--only",
            connector,
        ];
        wrong.extend(failed(
            connector,
            &setup.run(&[&base[..], &options].concat()).await,
        ));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_has_samples_is_called() {
    let systems = Systems::start().await;
    for connector in connectors(&systems).await {
        let (setup, options) = with_samples(systems.setup().await, &connector);
        if options.is_empty() {
            continue;
        }
        let arguments = [&["check", &connector, "--json"], &options[..]].concat();
        let report = report(&setup.run(&arguments).await);
        let tests = report["tests"].as_array().unwrap();
        let named = |name| tests.iter().find(|test| test["name"] == name).unwrap();
        let called = named("each sample ends as it says");
        assert_eq!(called["verdict"], "ok", "{connector}: {called:#}");
        let left_out = called["skipped"].as_array().unwrap();
        assert!(
            left_out.is_empty(),
            "{connector} has commands without samples: {left_out:?}"
        );
    }
}

#[tokio::test]
async fn each_waiver_is_needed_and_has_a_reason() {
    let systems = Systems::start().await;
    for (connector, name, reason) in WAIVERS {
        let (setup, options) = with_samples(systems.setup().await, connector);
        let arguments = [&["check", connector, "--json"], &options[..]].concat();
        let report = report(&setup.run(&arguments).await);
        let tests = report["tests"].as_array().unwrap();
        let needed = tests
            .iter()
            .any(|t| t["name"] == *name && t["verdict"] == "failed");
        assert!(
            needed && !reason.is_empty(),
            "{connector}: {name} is not needed"
        );
    }
}
