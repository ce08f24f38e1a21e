//! What connectors return, and what becomes of it.

use crosspoint_core::{CallId, Invalid, Json, Mask};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;

fn of(result: &'static str) -> Result<Outcome, Failure> {
    returned(&Bytes::from_static(result.as_bytes()), &context())
}

fn context() -> Context {
    Context::new(CallId::generate(), Instant::now(), Mask::new(["hunter2"]))
}

fn verbatim(outcome: &Outcome) -> (u16, &str, &[u8]) {
    let verbatim = outcome.verbatim.as_ref().unwrap();
    (verbatim.status, &verbatim.mimetype, &verbatim.body)
}

#[test]
fn a_text_of_version_1_is_the_answer_without_a_copy() {
    let result = r#"{"version":1,"status":201,"mimetype":"text/csv","text":"a,b"}"#;
    let outcome = of(result).unwrap();
    assert_eq!(verbatim(&outcome), (201, "text/csv", &b"a,b"[..]));
    assert_eq!(
        (outcome.status, outcome.body.clone()),
        (201, Body::Text("a,b".to_owned()))
    );
    let body = outcome.verbatim.unwrap().body;
    assert!(result.as_bytes().as_ptr_range().contains(&body.as_ptr()));
}

#[test]
fn escaped_text_bytes_and_json_of_version_1_are_what_they_stand_for() {
    let outcome =
        of(r#"{"version":1,"status":200,"mimetype":"text/plain","text":"\u00e9\n"}"#).unwrap();
    assert_eq!(verbatim(&outcome).2, "é\n".as_bytes());
    let outcome =
        of(r#"{"version":1,"status":200,"mimetype":"image/png","base64":"AP8="}"#).unwrap();
    assert_eq!(verbatim(&outcome), (200, "image/png", &[0, 255][..]));
    assert_eq!(outcome.body, Body::Bytes(Bytes::from_static(&[0, 255])));
    let outcome =
        of(r#"{"version":1,"status":200,"mimetype":"application/json","json":{"a": 1.0}}"#)
            .unwrap();
    assert_eq!(verbatim(&outcome).2, br#"{"a": 1.0}"#);
}

#[test]
fn from_400_on_version_1_is_a_failure_that_keeps_its_answer() {
    let failure = of(r#"{"version":1,"status":404,"mimetype":"text/plain","text":"no hunter2"}"#)
        .unwrap_err();
    assert_eq!(
        (&*failure.code, failure.kind, failure.effect),
        ("HttpError404", Kind::Reported, Effect::Done)
    );
    assert_eq!(
        failure.message,
        "the connector answered with status 404: no ***"
    );
    let outcome = failure.outcome.unwrap();
    assert_eq!(verbatim(&outcome), (404, "text/plain", &b"no hunter2"[..]));
}

#[test]
fn odd_statuses_of_version_1_are_kept_as_far_as_http_has_them() {
    let outer = |status: &str| {
        let result = format!(r#"{{"version":1,"status":{status},"mimetype":"a/b","text":""}}"#);
        let failure = of(result.leak()).unwrap_err();
        let outcome = failure.outcome.unwrap();
        (verbatim(&outcome).0, outcome.status)
    };
    assert_eq!(outer("999"), (999, 502));
    assert_eq!(outer("101"), (502, 502));
    assert_eq!(outer("-5"), (502, 502));
    assert_eq!(outer("123456"), (502, 502));
}

#[test]
fn the_dict_of_version_2_is_the_answer_and_is_read_for_others() {
    let answer = r#"{"command_response": {"body": {"n": 1.50}, "mimetype": "application/json",
        "http_status": "203", "headers": {"a": "b", "n": 1}}, "command_response_version": 2,
        "error": null, "spiff__logs": ["one", {"two": 2}], "api_response": 1}"#;
    let outcome =
        of(format!(r#"{{"version":2,"handed_over":false,"answer":{answer}}}"#).leak()).unwrap();
    assert_eq!(
        verbatim(&outcome),
        (200, "application/json", answer.as_bytes())
    );
    assert_eq!(
        outcome.body,
        Body::Json(Json::parse(r#"{"n": 1.50}"#).unwrap())
    );
    assert_eq!(
        (outcome.status, outcome.completion),
        (203, Completion::Finished)
    );
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(outcome.headers, [pair("a", "b"), pair("n", "1")]);
    assert_eq!(outcome.logs, ["one", r#"{"two":2}"#]);
}

#[test]
fn text_in_version_2_is_text_and_whatever_is_missing_has_a_default() {
    let text =
        of(r#"{"version":2,"answer":{"command_response":{"body":"<p>","mimetype":"text/html"}}}"#)
            .unwrap();
    assert_eq!(
        (text.body, &*text.mimetype),
        (Body::Text("<p>".to_owned()), "text/html")
    );
    for answer in [
        r#"{"version":2,"answer":{"command_response_version":2}}"#,
        r#"{"version":2,"answer":{"command_response":[1],"error":"odd","spiff__logs":7}}"#,
        r#"{"version":2,"answer":{"command_response":{"http_status":{},"headers":[]},"error":{}}}"#,
    ] {
        let outcome = of(answer).unwrap();
        assert_eq!(
            (outcome.status, &*outcome.mimetype),
            (200, "application/json"),
            "{answer}"
        );
        assert!(matches!(outcome.body, Body::Json(_)), "{answer}");
    }
}

#[test]
fn a_structured_error_is_the_commands_own_failure() {
    let failure = of(
        r#"{"version":2,"answer":{"command_response":{"body":{},"http_status":409},
        "error":{"error_code":"Taken","message":"it is there"},"spiff__logs":["x"]}}"#,
    )
    .unwrap_err();
    assert_eq!(
        (&*failure.code, failure.message.as_str()),
        ("Taken", "it is there")
    );
    assert_eq!(
        (failure.kind, failure.effect),
        (Kind::Reported, Effect::Done)
    );
    let outcome = failure.outcome.unwrap();
    assert_eq!(
        (outcome.status, outcome.logs.as_slice()),
        (409, &["x".to_owned()][..])
    );
    assert!(verbatim(&outcome).2.starts_with(b"{\"command_response\""));
}

#[test]
fn what_was_handed_over_is_an_outer_202_whether_it_went_well_or_not() {
    let outcome =
        of(r#"{"version":2,"handed_over":true,"answer":{"command_response":{}}}"#).unwrap();
    assert_eq!(
        (verbatim(&outcome).0, outcome.completion),
        (202, Completion::HandedOver)
    );
    let failure = of(r#"{"version":2,"handed_over":true,"answer":{"error":{"error_code":"E"}}}"#);
    let outcome = failure.unwrap_err().outcome.unwrap();
    assert_eq!(
        (verbatim(&outcome).0, outcome.completion),
        (202, Completion::HandedOver)
    );
}

#[test]
fn an_answer_that_is_too_deep_says_that_the_command_ran() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    for result in [
        format!(r#"{{"version":1,"status":200,"mimetype":"a/b","json":{deep}}}"#),
        format!(r#"{{"version":2,"answer":{{"command_response":{{"body":{deep}}}}}}}"#),
    ] {
        let failure = of(result.leak()).unwrap_err();
        assert_eq!(
            (&*failure.code, failure.effect),
            ("InvalidResult", Effect::Done)
        );
    }
}

fn told(data: Value) -> Option<Failure> {
    let error = json!({"code": -32000, "message": "x", "data": data});
    failed(&error.to_string().into(), &context())
}

#[test]
fn each_kind_of_trouble_has_its_failure() {
    let told = |kind: &str, code: &str, effect: &str| {
        let data = json!({"kind": kind, "code": code, "message": "why", "detail": "trace", "effect": effect});
        told(data).map(|f| (f.kind, f.code.into_owned(), f.message, f.detail, f.effect))
    };
    let wanted = |kind, code: &str, effect| {
        Some((
            kind,
            code.to_owned(),
            "why".to_owned(),
            Some("trace".to_owned()),
            effect,
        ))
    };
    let arguments = Kind::Invalid(Invalid::Arguments);
    assert_eq!(
        told("arguments", "TypeError", "none"),
        wanted(arguments, "TypeError", Effect::None)
    );
    let unknown = Kind::Invalid(Invalid::UnknownCommand);
    assert_eq!(
        told("unknown", "x", "none"),
        wanted(unknown, "command_not_found", Effect::None)
    );
    assert_eq!(
        told("raised", "KeyError", "maybe"),
        wanted(Kind::Raised, "KeyError", Effect::Maybe)
    );
    let reported = wanted(Kind::Reported, "AnswerTooLarge", Effect::Done);
    assert_eq!(told("result", "AnswerTooLarge", "done"), reported);
    assert_eq!(told("busy", "NotServing", "none"), None);
}

#[test]
fn trouble_that_is_not_understood_is_ours() {
    let error = Bytes::from_static(br#"{"code":-32601,"message":"no method call"}"#);
    let error = failed(&error, &context()).unwrap();
    assert_eq!((error.kind, &*error.code), (Kind::Crashed, "worker_failed"));
    assert!(error.message.contains("no method call"));
    assert_eq!(told(json!({"kind": "new"})).unwrap().code, "worker_failed");
    assert_eq!(of("[]").unwrap_err().code, "worker_failed");
    assert_eq!(
        of(r#"{"version":1,"status":200}"#).unwrap_err().code,
        "worker_failed"
    );
}
