//! How each end of a call looks to the callers of the API.

use bytes::Bytes;
use crosspoint_core::{Body, Json};
use http::header::RETRY_AFTER;
use http_body_util::BodyExt;

use super::*;

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn answer(result: Result<Outcome, Failure>) -> Response {
    let ended = Ended {
        id: CallId::generate(),
        state: State::Failed,
        result,
        recorded: None,
    };
    super::ended(&CommandId::new("a", "B"), ended, Vec::new())
}

#[tokio::test]
async fn each_kind_of_failure_has_its_status() {
    for (kind, wanted, retry) in [
        (Kind::Invalid(Invalid::Arguments), 400, false),
        (Kind::Invalid(Invalid::Input), 400, false),
        (Kind::Invalid(Invalid::UnknownCommand), 404, false),
        (Kind::Invalid(Invalid::Conflict), 409, false),
        (Kind::Refused(Refusal::RateLimited), 429, true),
        (Kind::Refused(Refusal::Overloaded), 503, true),
        (Kind::Refused(Refusal::CircuitOpen), 503, true),
        (Kind::Refused(Refusal::DeadlineExceeded), 504, true),
        (Kind::Refused(Refusal::Egress), 200, false),
        (Kind::Refused(Refusal::LedgerUnavailable), 503, true),
        (Kind::Refused(Refusal::LedgerOff), 501, false),
        (Kind::Refused(Refusal::ShuttingDown), 503, true),
        (Kind::Refused(Refusal::NotReady), 503, true),
        (Kind::Refused(Refusal::Loop), 508, false),
        (Kind::Reported, 200, false),
        (Kind::Transport, 200, false),
        (Kind::Raised, 502, false),
        (Kind::Crashed, 502, false),
        (Kind::Unknown, 409, false),
    ] {
        let response = answer(Err(Failure::new(kind, "Code", "why")));
        let retries = response.headers().contains_key(RETRY_AFTER);
        assert_eq!(retries, retry, "{kind:?}");
        let (status, body) = read(response).await;
        assert_eq!(status, wanted, "{kind:?}");
        match status {
            200 => assert_eq!(
                (&body["error"]["code"], &body["outcome"]),
                (&json!("Code"), &Value::Null)
            ),
            _ => assert_eq!(
                (&body["status"], &body["detail"]),
                (&json!(wanted), &json!("why"))
            ),
        }
    }
}

#[tokio::test]
async fn what_the_connector_turned_away_keeps_its_code_and_what_it_tells() {
    let told = |kind| {
        let failure = Failure::new(Kind::Invalid(kind), "INVALID_INPUT", "no");
        let body = Json::parse(r#"{"details": {"n": 1}}"#.to_owned()).unwrap();
        answer(Err(failure.with_outcome(Outcome::json(body))))
    };
    let (_, theirs) = read(told(Invalid::Input)).await;
    assert_eq!(theirs["code"], "INVALID_INPUT");
    assert_eq!(theirs["body"], json!({"details": {"n": 1}}));
    assert!(theirs["call"].is_string());
    let (_, ours) = read(told(Invalid::Arguments)).await;
    assert_eq!(ours["code"], "invalid_arguments");
    assert!(ours["call"].is_null());
}

#[tokio::test]
async fn what_may_have_happened_is_not_said_to_be_worth_another_try() {
    let failure = Failure::refused(Refusal::DeadlineExceeded, "late").with_effect(Effect::Maybe);
    let response = answer(Err(failure));
    assert!(!response.headers().contains_key(RETRY_AFTER));
    let (status, body) = read(response).await;
    assert_eq!((status, &body["effect"]), (504, &json!("maybe")));
    assert!(body["call"].is_string());
}

#[tokio::test]
async fn when_to_try_again_is_rounded_up_to_seconds() {
    let failure = Failure::refused(Refusal::RateLimited, "slow down");
    let response = answer(Err(failure.with_retry_after(Duration::from_millis(1200))));
    assert_eq!(response.headers()[RETRY_AFTER], "2");
}

#[tokio::test]
async fn a_body_keeps_its_spelling_whatever_its_size() {
    for size in [1, answer::COPY * 2] {
        let text = format!(r#"{{"n": 1.50, "pad": "{}"}}"#, "x".repeat(size));
        let response = answer(Ok(Outcome::json(Json::parse(text.clone()).unwrap())));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let whole = String::from_utf8(body.to_vec()).unwrap();
        assert!(whole.contains(&text));
        assert!(serde_json::from_str::<Value>(&whole).is_ok());
    }
}

#[tokio::test]
async fn text_is_a_string_and_bytes_are_base64() {
    for (body, encoding, wanted) in [
        (Body::Text("a\"b".to_owned()), "text", "a\"b"),
        (Body::Bytes(Bytes::from_static(&[0, 255])), "base64", "AP8="),
    ] {
        let (_, call) = read(answer(Ok(Outcome::new(body, "x/y")))).await;
        let outcome = &call["outcome"];
        assert_eq!(
            (&outcome["encoding"], &outcome["body"]),
            (&json!(encoding), &json!(wanted))
        );
    }
}

#[tokio::test]
async fn what_came_with_a_failure_is_passed_on() {
    let mut outcome = Outcome::text("gone").with_status(410);
    outcome.logs.push("asked".to_owned());
    outcome.headers.push(("etag".to_owned(), "1".to_owned()));
    let failure = Failure::reported("HttpError410", "x").with_outcome(outcome);
    let (status, call) = read(answer(Err(failure))).await;
    assert_eq!((status, &call["outcome"]["status"]), (200, &json!(410)));
    assert_eq!(call["outcome"]["logs"], json!(["asked"]));
    assert_eq!(call["outcome"]["headers"], json!({"etag": "1"}));
    let error =
        json!({"kind": "reported", "code": "HttpError410", "message": "x", "effect": "done"});
    assert_eq!(call["error"], error);
}

#[tokio::test]
async fn a_call_that_goes_on_is_202_with_its_place() {
    let mut outcome = Outcome::empty(202);
    outcome.completion = Completion::Accepted;
    let response = answer(Ok(outcome));
    let location = response.headers()[LOCATION].to_str().unwrap().to_owned();
    let (status, call) = read(response).await;
    assert_eq!(status, 202);
    assert_eq!(
        location,
        format!("/api/v1/calls/{}", call["id"].as_str().unwrap())
    );
}
