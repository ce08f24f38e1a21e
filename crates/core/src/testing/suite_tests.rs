//! The suite is judged by what it finds: nothing in a healthy connector, each defect in a sick one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::specimen::{Defect, SAMPLES, Specimen};
use super::*;

fn samples() -> Samples {
    Samples::parse(SAMPLES, |_| None).unwrap()
}

async fn report(defect: Option<Defect>) -> Report {
    let subject = InProcess::new(Arc::new(Specimen::new(defect)));
    judge(&subject, samples(), Settings::default()).await
}

/// The tests that complain, without their groups.
fn complaining(report: &Report) -> Vec<&'static str> {
    let bad = |test: &&Judged| matches!(test.verdict, Verdict::Failed | Verdict::Warning);
    report
        .tests
        .iter()
        .filter(bad)
        .map(|test| test.name)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_healthy_connector_passes_every_test_that_applies() {
    let report = report(None).await;
    assert_eq!(complaining(&report), [""; 0], "{report}");
    // What an HTTP subject alone has; everything else looked at something.
    assert_eq!(
        report.with(Verdict::Skipped),
        [
            "validation: what is no JSON object is refused",
            "validation: nesting without end is refused",
            "endpoints: liveness and the rest of the protocol answer",
        ]
    );
    assert!(report.passed());
}

const IDS: &str = "every id is connector/Command in plain characters";
const SAMPLE: &str = "each sample ends as it says";
const SHAPE: &str = "every answer has the right shape";
const RESULT: &str = "results match the schema of their sample";
const DEADLINE: &str = "a call ends soon after its deadline";
const DROPPED: &str = "a call that is dropped leaves the next one alone";
const LARGE: &str = "a text of 1 MiB goes through or fails in good order";
const UNICODE: &str = "any Unicode goes through or fails in good order";
const SECRETS: &str = "no secret shows in a message or a log line";
const CODES: &str = "every failure has one code and a message";
const UNKNOWN: &str = "an unknown command is answered command_not_found";
const ALIKE: &str = "sixteen calls at once answer as one does";
const APART: &str = "calls at once do not see each other";

/// Each defect with the tests that must find it; no other may complain.
const FOUND: &[(Defect, &[&str])] = &[
    (
        Defect::NoCommands,
        &["the list of commands can be read and is not empty", SAMPLE],
    ),
    (Defect::IdTwice, &["no id is listed twice"]),
    (Defect::SpaceInName, &[IDS]),
    (Defect::TwoSlashes, &[IDS]),
    (
        Defect::ParameterTwice,
        &["no command lists a parameter twice"],
    ),
    (
        Defect::InvalidSchema,
        &["every schema is valid JSON Schema"],
    ),
    (
        Defect::SchemaRefersElsewhere,
        &["every schema stands on its own"],
    ),
    (
        Defect::DefaultOfAnotherType,
        &["every default is a value that its parameter takes"],
    ),
    (
        Defect::ManifestChanges,
        &["the list is the same when it is read again"],
    ),
    (
        Defect::NoDescription,
        &["commands and parameters say what they are for"],
    ),
    (Defect::RequiredLast, &["required parameters come first"]),
    (
        Defect::SecretUndeclared,
        &["what is named like a secret is declared as one"],
    ),
    (Defect::IgnoresDeadline, &[DEADLINE]),
    (Defect::PanicsOnUnicode, &[UNICODE]),
    (Defect::ChokesOnLength, &[LARGE]),
    (Defect::SecretInMessage, &[SECRETS]),
    (Defect::SecretInLogsAsBase64, &[SECRETS]),
    (Defect::SecretInDetailReversed, &[SECRETS]),
    (Defect::TextIsNoJson, &[SHAPE, RESULT]),
    (Defect::StatusZero, &[SHAPE]),
    (Defect::Status700, &[SHAPE]),
    (Defect::NoMediaType, &[SHAPE]),
    (Defect::HeaderBreaksLine, &[SHAPE]),
    (Defect::NoCode, &[SAMPLE, CODES]),
    (Defect::NoMessage, &[CODES]),
    (
        Defect::RefusalActed,
        &["what was refused has changed nothing"],
    ),
    (Defect::UnknownCommandRuns, &[UNKNOWN]),
    (Defect::LinesInLogs, &["a log line is one line"]),
    (Defect::PageAsMessage, &["no error is a web page"]),
    (Defect::SharedState, &[ALIKE, APART]),
    (Defect::SharedLogs, &[ALIKE, APART]),
    (
        Defect::NotIdempotent,
        &["what is safe to repeat ends the same way twice"],
    ),
    (Defect::DropBreaksIt, &[DROPPED]),
    (Defect::ResultOffSchema, &[RESULT]),
];

#[tokio::test(start_paused = true)]
async fn each_defect_is_found_by_the_tests_that_are_there_for_it_and_by_no_other() {
    let mut wrong = Vec::new();
    for (defect, expected) in FOUND {
        let report = report(Some(*defect)).await;
        if complaining(&report) != *expected {
            let got = complaining(&report);
            wrong.push(format!("{defect:?}: {got:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_panics_at_once_is_judged_to_the_end() {
    let report = report(Some(Defect::PanicsAtOnce)).await;
    assert_eq!(report.tests.len(), TESTS.len());
    let complaining = complaining(&report);
    assert!(
        complaining.contains(&SAMPLE) && complaining.contains(&UNKNOWN),
        "{report}"
    );
    assert!(
        report
            .to_string()
            .contains("a panic: before there was a future"),
        "{report}"
    );
}

/// A subject that treats wrong arguments badly: one way each.
struct Lax {
    inner: InProcess,
    way: Way,
    count: AtomicUsize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    TakesMissing,
    TakesUnknown,
    TakesAnyType,
    NamesOneMistake,
    RepeatsValues,
    ChangesItsMind,
}

impl Lax {
    async fn bend(&self, probe: &Probe) -> Observed {
        let seen = self.inner.run(probe).await;
        let Ended::Failed(mut fault) = seen.ended.clone() else {
            return seen;
        };
        if fault.stage != Stage::Refused || fault.code != "TypeError" {
            return seen;
        }
        let arguments: Map<String, Value> =
            serde_json::from_str(&probe.arguments).unwrap_or_default();
        let (head, mistakes) = fault.message.split_once(": ").unwrap_or_default();
        let mut mistakes: Vec<_> = mistakes.split("; ").collect();
        match self.way {
            Way::TakesMissing => mistakes.retain(|m| !m.starts_with("missing")),
            Way::TakesUnknown => mistakes.retain(|m| !m.starts_with("unknown")),
            Way::TakesAnyType => mistakes.retain(|m| !m.starts_with("parameter")),
            Way::NamesOneMistake => mistakes.truncate(1),
            Way::RepeatsValues | Way::ChangesItsMind => {}
        }
        let mut message = format!("{head}: {}", mistakes.join("; "));
        if self.way == Way::RepeatsValues {
            message = format!("{message}; got {arguments:?}");
        }
        if self.way == Way::ChangesItsMind {
            let count = self.count.fetch_add(1, Ordering::SeqCst);
            message = format!("{message} (call {count})");
        }
        if mistakes.is_empty() {
            return Observed::of(Ended::Succeeded);
        }
        fault.message = message;
        Observed {
            ended: Ended::Failed(fault),
            ..seen
        }
    }
}

impl Subject for Lax {
    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    fn list(&self) -> BoxFuture<'_, Result<Listing, String>> {
        self.inner.list()
    }

    fn run<'a>(&'a self, probe: &'a Probe) -> BoxFuture<'a, Observed> {
        Box::pin(self.bend(probe))
    }
}

#[tokio::test(start_paused = true)]
async fn each_way_to_take_wrong_arguments_is_found() {
    const MISSING: &str = "a call without a required parameter is refused by its name";
    const UNLISTED: &str = "a parameter that is not listed is refused by its name";
    const TYPE: &str = "a value of another type is refused by its parameter";
    const ALL: &str = "all mistakes are named at once";
    for (way, expected) in [
        (Way::TakesMissing, &[MISSING, ALL][..]),
        (Way::TakesUnknown, &[UNLISTED, ALL]),
        (Way::TakesAnyType, &[TYPE, ALL]),
        (Way::NamesOneMistake, &[UNLISTED, TYPE, ALL]),
        (Way::RepeatsValues, &["a refusal repeats no value"]),
        (
            Way::ChangesItsMind,
            &["the same mistake gets the same answer"],
        ),
    ] {
        let inner = InProcess::new(Arc::new(Specimen::new(None)));
        let subject = Lax {
            inner,
            way,
            count: AtomicUsize::new(0),
        };
        let report = judge(&subject, samples(), Settings::default()).await;
        assert_eq!(complaining(&report), expected, "{way:?}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_read_only_runs_only_where_that_is_allowed() {
    let subject = InProcess::new(Arc::new(Specimen::new(None)));
    let text = SAMPLES.replace(r#", "effects": true"#, "");
    let samples = Samples::parse(&text, |_| None).unwrap();
    let careful = judge(&subject, samples.clone(), Settings::default()).await;
    let (command, reason) = &careful.left_out()[0];
    assert_eq!(command, "specimen/Keep");
    assert!(reason.contains("effects are not allowed"), "{reason}");
    let bold = judge(&subject, samples, Settings { effects: true }).await;
    assert_eq!(bold.left_out(), []);
}

#[tokio::test(start_paused = true)]
async fn without_samples_what_is_read_only_is_called_all_the_same() {
    let subject = InProcess::new(Arc::new(Specimen::new(None)));
    let report = judge(&subject, Samples::none(), Settings::default()).await;
    assert!(report.passed(), "{report}");
    let ok = report.with(Verdict::Ok);
    assert!(ok.contains(&format!("texts: {UNICODE}")), "{report}");
    let reason = "no sample, and not read-only".to_owned();
    assert_eq!(report.left_out(), [("specimen/Keep".to_owned(), reason)]);
}

#[tokio::test(start_paused = true)]
async fn a_report_says_what_was_sent_what_came_back_and_what_to_do_without_secrets() {
    let text = r#"{"specimen/Echo": [{"arguments": {"text": "x", "api_key": "hunter2-hunter2"},
        "expect": {"error_code": "None"}}]}"#;
    let samples = Samples::parse(text, |_| None).unwrap();
    let subject = InProcess::new(Arc::new(Specimen::new(Some(Defect::SecretInMessage))));
    let report = judge(&subject, samples, Settings::default()).await;
    let shown = report.to_string();
    let parts = [
        "FAILED   answers: each sample ends as it says",
        "specimen/Echo: it should end with None, not with success",
        r#"sent {"text":"x","api_key":"***"}"#,
        "came back",
        "→ See whether the connector or the sample is wrong.",
        "the message shows the secret given in 'headers'",
    ];
    for part in parts {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let json = serde_json::to_string(&report).unwrap();
    for text in [&shown, &json] {
        assert!(
            !text.contains("hunter2") && !text.contains("canary/"),
            "{text}"
        );
    }
    assert!(shown.ends_with(&report.summary()), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_sample_of_a_command_that_is_not_there_is_a_failure() {
    let samples = Samples::parse(r#"{"specimen/Gone": [{}]}"#, |_| None).unwrap();
    let subject = InProcess::new(Arc::new(Specimen::new(None)));
    let report = judge(&subject, samples, Settings::default()).await;
    assert_eq!(complaining(&report), [SAMPLE], "{report}");
}

#[tokio::test(start_paused = true)]
async fn one_command_can_be_judged_alone() {
    let subject = InProcess::new(Arc::new(Specimen::new(None))).only("Echo");
    let kit = Kit::new(&subject, Samples::none(), Settings::default()).await;
    assert_eq!(kit.count(), 1);
}

#[test]
fn tests_are_sentences_that_occur_once() {
    let mut names: Vec<_> = TESTS.iter().map(|test| test.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TESTS.len());
    for test in TESTS {
        assert!(
            test.name.contains(' ') && !test.name.ends_with('.'),
            "{}",
            test.name
        );
        assert!(test.advice.ends_with('.'), "{}", test.advice);
    }
}
