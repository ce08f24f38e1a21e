//! How each failure looks to SpiffArena.

use std::time::Duration;

use crosspoint_core::{Body as Content, Json, Verbatim};
use http_body::Body as _;
use http_body_util::BodyExt;

use super::*;

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn all_kinds() -> Vec<(Kind, u16)> {
    vec![
        (Kind::Invalid(Invalid::Arguments), 400),
        (Kind::Invalid(Invalid::UnknownCommand), 404),
        (Kind::Invalid(Invalid::Conflict), 409),
        (Kind::Refused(Refusal::RateLimited), 429),
        (Kind::Refused(Refusal::Overloaded), 503),
        (Kind::Refused(Refusal::CircuitOpen), 503),
        (Kind::Refused(Refusal::DeadlineExceeded), 504),
        (Kind::Refused(Refusal::Egress), 200),
        (Kind::Refused(Refusal::LedgerUnavailable), 503),
        (Kind::Refused(Refusal::LedgerOff), 501),
        (Kind::Refused(Refusal::ShuttingDown), 503),
        (Kind::Refused(Refusal::NotReady), 503),
        (Kind::Refused(Refusal::Loop), 508),
        (Kind::Reported, 200),
        (Kind::Transport, 200),
        (Kind::Raised, 500),
        (Kind::Crashed, 500),
        (Kind::Unknown, 409),
    ]
}

#[tokio::test]
async fn each_kind_of_failure_has_its_status_and_a_structured_error() {
    for (kind, wanted) in all_kinds() {
        let (status, body) = read(failed(Failure::new(kind, "Code", "why"))).await;
        assert_eq!(status, wanted, "{kind:?}");
        assert_eq!(
            body["error"],
            json!({"error_code": "Code", "message": "why"}),
            "{kind:?}"
        );
        assert!(body["command_response"].is_object(), "{kind:?}");
        let version2 = body["command_response_version"] == 2;
        assert_eq!(version2, wanted == 200, "{kind:?}");
    }
}

#[tokio::test]
async fn a_failure_with_outer_200_carries_an_inner_status_that_is_an_error() {
    for (failure, inner) in [
        (Failure::refused(Refusal::Egress, "no"), 403),
        (Failure::transport("ReadTimeout", "slow"), 500),
        (Failure::reported("No", "no"), 400),
        (
            Failure::reported("HttpError404", "no").with_outcome(Outcome::empty(404)),
            404,
        ),
    ] {
        let (status, body) = read(failed(failure)).await;
        assert_eq!(
            (status, &body["command_response"]["http_status"]),
            (200, &json!(inner))
        );
    }
}

#[tokio::test]
async fn what_came_with_a_failure_is_passed_on() {
    let mut outcome = Outcome::json(Json::parse(r#"{"why": "gone"}"#).unwrap()).with_status(410);
    outcome.logs.push("asked".to_owned());
    let (_, body) = read(failed(
        Failure::reported("HttpError410", "x").with_outcome(outcome),
    ))
    .await;
    assert_eq!(body["command_response"]["body"], json!({"why": "gone"}));
    assert_eq!(body["spiff__logs"], json!(["asked"]));
}

#[tokio::test]
async fn a_body_keeps_its_spelling_whatever_its_size() {
    for size in [1, answer::COPY * 2] {
        let text = format!(r#"{{"n": 1.50, "pad": "{}"}}"#, "x".repeat(size));
        let response = succeeded(Outcome::json(Json::parse(text.clone()).unwrap()));
        let length = response.body().size_hint().exact().unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len() as u64, length);
        let answer = String::from_utf8(body.to_vec()).unwrap();
        assert!(answer.contains(&text));
        assert!(serde_json::from_str::<Value>(&answer).is_ok());
    }
}

#[tokio::test]
async fn text_is_a_string_and_bytes_are_base64() {
    let (_, text) = read(succeeded(Outcome::text("a\"b"))).await;
    assert_eq!(text["command_response"]["body"], json!("a\"b"));
    let bytes = Outcome::new(Content::Bytes(Bytes::from_static(&[0, 255])), "image/png");
    let (_, bytes) = read(succeeded(bytes)).await;
    assert_eq!(bytes["command_response"]["body"], json!("AP8="));
    assert_eq!(bytes["command_response"]["mimetype"], json!("image/png"));
}

#[tokio::test]
async fn a_verbatim_answer_is_written_untouched() {
    let mut outcome = Outcome::text("ignored here");
    let body = Bytes::from_static(b"{\"api_response\": 1}");
    outcome.verbatim = Some(Verbatim {
        status: 418,
        mimetype: "application/json".into(),
        body,
    });
    for response in [
        succeeded(outcome.clone()),
        failed(Failure::reported("HttpError418", "x").with_outcome(outcome.clone())),
    ] {
        assert_eq!(read(response).await, (418, json!({"api_response": 1})));
    }
}

#[tokio::test]
async fn a_call_that_was_handed_over_is_answered_202() {
    let mut outcome = Outcome::empty(202);
    outcome.completion = Completion::HandedOver;
    let (status, body) = read(succeeded(outcome)).await;
    assert_eq!((status, &body["error"]), (202, &Value::Null));
}

#[tokio::test]
async fn when_to_try_again_is_rounded_up_to_seconds() {
    let failure = Failure::refused(Refusal::RateLimited, "slow down");
    let response = failed(failure.with_retry_after(Duration::from_millis(1200)));
    assert_eq!(response.headers()[RETRY_AFTER], "2");
}
