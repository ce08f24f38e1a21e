//! `crosspoint check` on Python connectors.

use serde_json::Value;

use super::support::{connector, copy, serve, zoo};
use crate::harness::{Ended, Setup, json};

/// The names of the tests in a report that ended so.
fn named<'r>(report: &'r Value, verdict: &str) -> Vec<&'r str> {
    let tests = report["tests"].as_array().unwrap().iter();
    let tests = tests.filter(|test| test["verdict"] == verdict);
    tests.map(|test| test["name"].as_str().unwrap()).collect()
}

async fn check(what: &str, samples: &str) -> Ended {
    let config = connector("gallery", zoo("connector-gallery"))
        + &connector("careless", zoo("connector-careless"));
    let arguments = ["check", what, "--samples", &zoo(samples), "--json"];
    Setup::new().config(&config).run(&arguments).await
}

/// What is good about it: all tests that can be run pass, and most can.
fn is_good(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = json(&ended.stdout);
    assert_eq!(report["passed"], true, "{report:#}");
    assert!(named(&report, "failed").is_empty(), "{report:#}");
    let passed = named(&report, "ok");
    assert!(passed.len() >= 30, "{passed:?}");
    for part in [
        "do not see each other",
        "soon after its deadline",
        "each sample ends",
    ] {
        assert!(
            passed.iter().any(|name| name.contains(part)),
            "{part}: {passed:?}"
        );
    }
}

#[tokio::test]
async fn a_good_connector_passes_by_its_name() {
    is_good(&check("gallery", "gallery.json").await);
}

#[tokio::test]
async fn a_good_connector_passes_by_its_path_without_any_configuration() {
    let setup = Setup::new();
    copy(
        zoo("connector-gallery"),
        setup.path().join("connector-gallery"),
    );
    let samples = zoo("gallery.json");
    let arguments = [
        "check",
        "./connector-gallery",
        "--samples",
        &samples,
        "--json",
    ];
    is_good(&setup.run(&arguments).await);
    let path = zoo("connector-gallery");
    let arguments = ["check", path.as_str(), "--samples", &samples, "--json"];
    is_good(&Setup::new().run(&arguments).await);
}

#[tokio::test]
async fn a_careless_connector_fails_and_the_report_says_where() {
    let ended = check("careless", "careless.json").await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = json(&ended.stdout);
    let failed = named(&report, "failed");
    for part in ["every default", "do not see each other"] {
        assert!(
            failed.iter().any(|name| name.contains(part)),
            "{part}: {failed:?}"
        );
    }
    assert!(ended.stdout.contains("careless/Careless"), "{report:#}");
}

#[tokio::test]
async fn a_single_file_and_a_single_command_are_judged() {
    let setup = Setup::new();
    let ended = setup.run(&["check", &zoo("post.py"), "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(json(&ended.stdout)["commands"], 2);
    let ended = check("gallery/Echo", "gallery.json").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(json(&ended.stdout)["commands"], 1);
}

#[tokio::test]
async fn python_commands_pass_from_outside_too() {
    let proxy = serve(&connector("gallery", zoo("connector-gallery"))).await;
    let (url, samples) = (proxy.url(""), zoo("gallery.json"));
    let arguments = [
        "check",
        &url,
        "--only",
        "gallery",
        "--samples",
        &samples,
        "--json",
    ];
    let ended = proxy.run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = json(&ended.stdout);
    assert!(named(&report, "failed").is_empty(), "{report:#}");
}

#[tokio::test]
async fn what_cannot_be_loaded_cannot_be_judged() {
    for (what, part) in [("./no-such-place", "no-such-place"), ("lost", "lost")] {
        let setup = Setup::new().config(&connector("lost", "./no-such-place"));
        let ended = setup.run(&["check", what]).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}
