//! What answers become.

use std::borrow::Cow;

use crosspoint_core::{CallId, Invalid, Mask};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;

fn cx() -> Context {
    let cx = Context::new(CallId::generate(), Instant::now(), Mask::default());
    cx.protect("hunter2");
    cx
}

fn answer(result: &str) -> Result<Outcome, Failure> {
    returned(&Bytes::copy_from_slice(result.as_bytes()), &cx())
}

fn content(blocks: Value) -> Outcome {
    answer(&json!({ "content": blocks }).to_string()).unwrap()
}

fn seen(outcome: &Outcome) -> (String, Cow<'static, str>) {
    let text = String::from_utf8_lossy(outcome.body.as_bytes()).into_owned();
    (text, outcome.mimetype.clone())
}

#[test]
fn structured_content_is_the_body_as_it_was_spelled() {
    let outcome = answer(
        r#"{"content":[{"type":"text","text":"x"}],"structuredContent":{"n":1.50,"big":123456789012345678901}}"#,
    )
    .unwrap();
    let text = r#"{"n":1.50,"big":123456789012345678901}"#;
    assert_eq!(seen(&outcome), (text.to_owned(), "application/json".into()));
    let null = answer(r#"{"content":[],"structuredContent":null}"#).unwrap();
    assert_eq!(seen(&null).0, "null");
}

#[test]
fn one_block_is_its_text_its_json_or_its_bytes() {
    let text = |text: &str| seen(&content(json!([{"type": "text", "text": text}])));
    assert_eq!(text("plain"), ("plain".to_owned(), "text/plain".into()));
    assert_eq!(text("42"), ("42".to_owned(), "text/plain".into()));
    assert_eq!(
        text(" {\"a\": 1.0}"),
        (" {\"a\": 1.0}".to_owned(), "application/json".into())
    );
    assert_eq!(text("[broken"), ("[broken".to_owned(), "text/plain".into()));
    let image = json!([{"type": "image", "data": "aGk=", "mimeType": "image/png"}]);
    let outcome = content(image);
    assert_eq!(outcome.body, Body::Bytes("hi".into()));
    assert_eq!(outcome.mimetype, "image/png");
    let page = json!([{"type": "resource", "resource":
        {"uri": "u", "mimeType": "text/html", "text": "[p]"}}]);
    assert_eq!(seen(&content(page)), ("[p]".to_owned(), "text/html".into()));
    let blob = json!([{"type": "resource", "resource": {"uri": "u", "blob": "aGk="}}]);
    assert_eq!(
        seen(&content(blob)),
        ("hi".to_owned(), "application/octet-stream".into())
    );
    let link = r#"{"type":"resource_link","uri":"u","name":"n"}"#;
    let outcome = answer(&format!(r#"{{"content":[{link}]}}"#)).unwrap();
    assert_eq!(seen(&outcome).0, link);
}

#[test]
fn several_blocks_are_a_list_and_none_is_null() {
    let blocks = r#"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#;
    let outcome = answer(&format!(r#"{{"content":{blocks}}}"#)).unwrap();
    assert_eq!(seen(&outcome).0, blocks);
    for nothing in [r#"{"content":[]}"#, "{}"] {
        assert_eq!(seen(&answer(nothing).unwrap()).0, "null");
    }
}

#[test]
fn an_error_is_reported_with_its_text_or_its_own_code() {
    let failure = answer(
        r#"{"isError":true,"content":[{"type":"text","text":"no: hunter2"},{"type":"text","text":"at all"}]}"#,
    )
    .unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Reported, "ToolError")
    );
    assert_eq!(failure.message, "no: ***\nat all");
    assert_eq!(failure.outcome.unwrap().status, 400);
    let failure = answer(
        r#"{"isError":true,"content":[],"structuredContent":{"error_code":"NoRoom","message":"full","left":0}}"#,
    )
    .unwrap_err();
    assert_eq!((&*failure.code, &*failure.message), ("NoRoom", "full"));
    let bare = answer(r#"{"isError":true,"content":[]}"#).unwrap_err();
    assert_eq!(bare.message, "the tool says no more");
}

#[test]
fn what_cannot_be_used_did_run_and_is_told_as_that() {
    for text in [
        "[]",
        r#"{"content":"text"}"#,
        r#"{"content":[{"type":"image","data":"%","mimeType":"a/b"}]}"#,
        r#"{"content":[{"text":"no type"}]}"#,
        r#"{"content":[{"type":"resource","resource":{"uri":"u"}}]}"#,
    ] {
        let failure = answer(text).unwrap_err();
        assert_eq!(
            (&*failure.code, failure.effect),
            ("InvalidResult", Effect::Done),
            "{text}"
        );
    }
    let asks = answer(r#"{"resultType":"input_required","inputRequests":{}}"#).unwrap_err();
    assert_eq!(asks.code, "InputRequired");
}

#[test]
fn an_error_of_the_protocol_says_whether_the_tool_ran() {
    let error = |code| refused(&ErrorData::new(ErrorCode(code), "why", None));
    let wrong = error(-32602);
    assert_eq!(wrong.kind, Kind::Invalid(Invalid::Arguments));
    assert_eq!(wrong.message, "the server says: why");
    assert_eq!(error(-32601).effect, Effect::None);
    let broken = error(-32603);
    assert_eq!((&*broken.code, broken.effect), ("McpError", Effect::Maybe));
    assert_eq!(broken.message, "why (error -32603)");
}
