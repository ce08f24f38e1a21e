//! Proxies judged from outside: a healthy one passes, each defect is found.

use serde_json::Value;

use crate::harness::{Ended, Setup, json};
use crate::misbehaving::{Defect, start};

const SAMPLES: &str = r#"{
    "fake/Say": [{"arguments": {"text": "plain {{unique}}"}, "result_schema": {"required": ["said"]}}],
    "fake/Refuse": [{"expect": {"error_code": "Refused"}}]
}"#;

const LIST: &str = "the list of commands can be read and is not empty";
const SAMPLE: &str = "each sample ends as it says";
const SHAPE: &str = "every answer has the right shape";
const MISSING: &str = "a call without a required parameter is refused by its name";
const UNLISTED: &str = "a parameter that is not listed is refused by its name";
const ALL: &str = "all mistakes are named at once";
const NO_OBJECT: &str = "what is no JSON object is refused";
const DEEP: &str = "nesting without end is refused";
const UNICODE: &str = "any Unicode goes through or fails in good order";
const LARGE: &str = "a text of 1 MiB goes through or fails in good order";
const CODES: &str = "every failure has one code and a message";
const PAGE: &str = "no error is a web page";

/// Each defect with tests that must fail for it, among others perhaps.
const FOUND: &[(Defect, &[&str])] = &[
    (Defect::ListIsAPage, &[LIST]),
    (Defect::TypeDict, &["every type is one that engines know"]),
    (
        Defect::TwoSlashes,
        &["every id is connector/Command in plain characters"],
    ),
    (
        Defect::RequiredIsText,
        &["every entry has what an entry must have"],
    ),
    (
        Defect::RefusesWithAPage,
        &[MISSING, UNLISTED, ALL, NO_OBJECT, PAGE],
    ),
    (Defect::RefusesWith500, &[MISSING, UNLISTED, ALL, NO_OBJECT]),
    (Defect::RefusesAsText, &[MISSING, UNLISTED, ALL, NO_OBJECT]),
    (Defect::RepeatsValues, &["a refusal repeats no value"]),
    (Defect::TakesAnyJson, &[NO_OBJECT, DEEP]),
    (Defect::BreaksOnDepth, &[DEEP]),
    (Defect::ErrorAsText, &[SAMPLE, SHAPE]),
    (Defect::StatusAsText, &[SHAPE]),
    (Defect::LogsAsText, &[SHAPE]),
    (Defect::NoVersion, &[SHAPE]),
    (Defect::MislabelledJson, &[SHAPE]),
    (
        Defect::UnknownCommandIs200,
        &["an unknown command is answered command_not_found"],
    ),
    (
        Defect::ApiResponseBeside,
        &["an answer has nothing beside it that an engine acts on"],
    ),
    (Defect::ClosesOnUnicode, &[UNICODE]),
    (
        Defect::NoLiveness,
        &["liveness and the rest of the protocol answer"],
    ),
];

async fn check(defect: Option<Defect>) -> Ended {
    let proxy = start(defect).await;
    let setup = Setup::new().file("samples.json", SAMPLES);
    let url = proxy.url("");
    setup
        .run(&["check", &url, "--json", "--samples", "samples.json"])
        .await
}

fn with(report: &Value, verdict: &str) -> Vec<String> {
    let tests = report["tests"].as_array().unwrap().iter();
    let tests = tests.filter(|test| test["verdict"] == verdict);
    tests
        .map(|test| test["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_healthy_proxy_passes() {
    let ended = check(None).await;
    let report = json(&ended.stdout);
    assert_eq!(with(&report, "failed"), [""; 0], "{report:#}");
    assert_eq!(
        (ended.code, &report["passed"]),
        (Some(0), &Value::Bool(true))
    );
    for test in [SAMPLE, SHAPE, NO_OBJECT, DEEP, UNICODE, LARGE, CODES, PAGE] {
        assert!(
            with(&report, "ok").iter().any(|name| name == test),
            "{test}: {report:#}"
        );
    }
}

#[tokio::test]
async fn each_defect_of_a_proxy_is_found() {
    let mut wrong = Vec::new();
    for (defect, expected) in FOUND {
        let ended = check(Some(*defect)).await;
        let failed = with(&json(&ended.stdout), "failed");
        let found = expected.iter().all(|name| failed.iter().any(|f| f == name));
        if !found || ended.code != Some(1) {
            wrong.push(format!("{defect:?}: {failed:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn defects_that_touch_one_rule_break_no_other() {
    let single = |expected: &[&str]| expected.len() == 1;
    for (defect, expected) in FOUND.iter().filter(|(_, expected)| single(expected)) {
        // Without a list there is nothing that samples could be of; a command whose id cannot be
        // called fails every call.
        if matches!(defect, Defect::ListIsAPage | Defect::TwoSlashes) {
            continue;
        }
        let ended = check(Some(*defect)).await;
        assert_eq!(
            with(&json(&ended.stdout), "failed"),
            *expected,
            "{defect:?}"
        );
    }
}
