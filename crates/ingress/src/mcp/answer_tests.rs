use std::time::Duration;

use crosspoint_core::{Json, Refusal};

use super::*;
use crate::mcp::message::Id;
use crate::mcp::revision::Revision;

fn id() -> CallId {
    "0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77".parse().unwrap()
}

fn told(result: Result<Outcome, Failure>) -> Value {
    let state = match &result {
        Ok(_) => State::Succeeded,
        Err(_) => State::Failed,
    };
    let id = id();
    let members = ended(
        Ended {
            id,
            state,
            result,
            recorded: None,
        },
        &[],
    )
    .unwrap();
    let of = Id::of(&Json::parse("1").unwrap());
    let text = members.answer(&of, Revision::V2025_11_25);
    let value: Value = serde_json::from_slice(&text.0.concat()).unwrap();
    value["result"].clone()
}

fn outcome(body: Body, mimetype: &'static str) -> Outcome {
    Outcome::new(body, mimetype)
}

#[test]
fn json_is_there_for_programs_and_as_text_for_models() {
    let json = Json::parse(r#"{"n": 1.50}"#).unwrap();
    let told = told(Ok(Outcome::json(json).with_status(201)));
    assert_eq!(told["isError"], false);
    assert_eq!(
        told["content"],
        json!([{"type": "text", "text": "{\"n\": 1.50}"}])
    );
    let structured = &told["structuredContent"];
    assert_eq!(structured["body"], json!({"n": 1.5}));
    assert_eq!(structured["status"], 201);
    assert_eq!(structured["encoding"], "json");
    assert_eq!(structured["id"], id().to_string());
    assert_eq!(structured["state"], "succeeded");
    assert!(told.get("_meta").is_none());
}

#[test]
fn large_json_stays_where_it_lies() {
    let json = Json::parse(format!("\"{}\"", "x".repeat(1 << 20))).unwrap();
    let lies = json.as_bytes().as_ptr();
    let result = Ok(Outcome::json(json));
    let state = State::Succeeded;
    let members = ended(
        Ended {
            recorded: None,
            id: id(),
            state,
            result,
        },
        &[],
    )
    .unwrap();
    let of = Id::of(&Json::parse("1").unwrap());
    let parts = members.answer(&of, Revision::V2025_11_25).0;
    assert!(parts.iter().any(|part| part.as_ptr() == lies));
}

#[test]
fn text_pictures_sounds_and_other_bytes_are_content_of_their_kind() {
    let text = told(Ok(Outcome::text("a \"b\"\nc")));
    assert_eq!(text["content"][0]["text"], "a \"b\"\nc");
    assert_eq!(text["structuredContent"]["body"], "a \"b\"\nc");
    assert_eq!(text["structuredContent"]["encoding"], "text");
    for (mimetype, kind) in [
        ("image/png", "image"),
        ("audio/wav; rate=8000", "audio"),
        ("application/pdf", "resource"),
    ] {
        let told = told(Ok(outcome(Body::Bytes(vec![0, 255].into()), mimetype)));
        let block = &told["content"][0];
        assert_eq!(block["type"], kind);
        let (data, of) = match kind {
            "resource" => (&block["resource"]["blob"], &block["resource"]["mimeType"]),
            _ => (&block["data"], &block["mimeType"]),
        };
        assert_eq!((data, of), (&json!("AP8="), &json!(mimetype)));
        assert_eq!(told["structuredContent"]["body"], Value::Null);
        assert_eq!(told["structuredContent"]["encoding"], "content");
    }
}

#[test]
fn headers_and_log_lines_are_beside_the_result() {
    let mut outcome = Outcome::text("x");
    outcome.headers = vec![("x-a".to_owned(), "b".to_owned())];
    outcome.logs = vec!["a line".to_owned()];
    let told = told(Ok(outcome));
    assert_eq!(told["_meta"]["crosspoint/headers"], json!({"x-a": "b"}));
    assert_eq!(told["_meta"]["crosspoint/logs"], json!(["a line"]));
}

#[test]
fn a_failure_says_what_a_model_has_to_know() {
    let mut failure = Failure::new(Kind::Transport, "ReadTimeout", "no answer");
    failure.retry_after = Some(Duration::from_millis(1500));
    let told = told(Err(failure));
    assert_eq!(told["isError"], true);
    let text = told["content"][0]["text"].as_str().unwrap();
    assert_eq!(
        text,
        "ReadTimeout: no answer (it may have happened all the same)"
    );
    let error = &told["structuredContent"]["error"];
    assert_eq!(
        error,
        &json!({"kind": "transport", "code": "ReadTimeout", "message": "no answer",
                "effect": "maybe", "retry_after": 2})
    );
}

#[test]
fn what_came_with_a_failure_is_told_too() {
    let mut failure = Failure::new(Kind::Reported, "HttpError404", "not found");
    failure.outcome = Some(Box::new(Outcome::text("no such page").with_status(404)));
    let told = told(Err(failure));
    assert_eq!(told["content"][1]["text"], "no such page");
    assert_eq!(told["structuredContent"]["status"], 404);
    assert_eq!(told["structuredContent"]["body"], "no such page");
    assert_eq!(told["structuredContent"]["error"]["code"], "HttpError404");
}

#[test]
fn every_kind_is_a_result_but_a_tool_that_is_not_there() {
    for kind in [
        Kind::Invalid(Invalid::Arguments),
        Kind::Invalid(Invalid::Conflict),
        Kind::Invalid(Invalid::Profile),
        Kind::Refused(Refusal::RateLimited),
        Kind::Refused(Refusal::Egress),
        Kind::Reported,
        Kind::Transport,
        Kind::Raised,
        Kind::Crashed,
        Kind::Unknown,
    ] {
        let told = told(Err(Failure::new(kind, "C", "m")));
        assert_eq!(told["isError"], true, "{kind:?}");
        assert_eq!(told["structuredContent"]["error"]["kind"], kind.name());
    }
    let failure = Failure::new(Kind::Invalid(Invalid::UnknownCommand), "C", "gone");
    let result = Err(failure);
    let state = State::Failed;
    let fault = ended(
        Ended {
            recorded: None,
            id: id(),
            state,
            result,
        },
        &[],
    )
    .unwrap_err();
    assert_eq!(
        (fault.code, &*fault.message),
        (-32602, "unknown tool: gone")
    );
}

#[test]
fn each_mistake_of_the_arguments_is_told_by_itself() {
    let mistake = |name: &str| Mistake {
        parameter: name.to_owned(),
        message: format!("missing parameter '{name}'"),
    };
    let state = State::Failed;
    let result = Err(Failure::arguments("both"));
    let ended = ended(
        Ended {
            recorded: None,
            id: id(),
            state,
            result,
        },
        &[mistake("a"), mistake("b")],
    );
    let of = Id::of(&Json::parse("1").unwrap());
    let text = ended.unwrap().answer(&of, Revision::V2025_11_25);
    let value: Value = serde_json::from_slice(&text.0.concat()).unwrap();
    let mistakes = &value["result"]["structuredContent"]["error"]["mistakes"];
    assert_eq!(mistakes[1]["parameter"], "b");
}
