//! How messages are spelled and read.

use crosspoint_core::{Arguments, CommandId, Ingress, Json, Origin};
use http::HeaderValue;
use serde_json::{Value, json};

use super::{call as wire_call, *};

fn sample(arguments: &'static str) -> Call {
    let arguments = Arguments::parse(Bytes::from_static(arguments.as_bytes())).unwrap();
    let id = CommandId::new("published", "Do");
    Call::new(id, arguments, Origin::of(Ingress::Spiff))
}

fn text(frame: &Bytes) -> &str {
    let (length, rest) = frame.split_at(4);
    assert_eq!(length, u32::try_from(rest.len()).unwrap().to_be_bytes());
    std::str::from_utf8(rest).unwrap()
}

#[test]
fn arguments_and_task_data_keep_their_spelling() {
    let mut call = sample(r#"{"n": 1.50, "big": 123456789012345678901234567890, "é\"": "\u00e9"}"#);
    call.task_data = Some(Json::parse(r#"{ "a": 1e2 }"#).unwrap());
    call.callback = Some("http://engine/x?a=\"b".to_owned());
    let frame = wire_call(7, "own", &call, &Profile::default(), false, None);
    let text = text(&frame);
    let arguments = r#""arguments":{"n":1.50,"big":123456789012345678901234567890,"é\"":"\u00e9"}"#;
    assert!(text.contains(arguments), "{text}");
    assert!(text.contains(r#""task_data":{ "a": 1e2 }"#), "{text}");
    let message: Value = serde_json::from_str(text).unwrap();
    assert_eq!(message["id"], 7);
    assert_eq!(message["method"], "call");
    assert_eq!(message["params"]["call"], call.id.to_string());
    assert_eq!(message["params"]["connector"], "own");
    assert_eq!(message["params"]["command"], "Do");
    assert_eq!(message["params"]["callback_url"], "http://engine/x?a=\"b");
}

#[test]
fn what_was_not_sent_is_absent() {
    let frame = wire_call(1, "own", &sample("{}"), &Profile::default(), false, None);
    let message: Value = serde_json::from_str(text(&frame)).unwrap();
    let params = message["params"].as_object().unwrap();
    let names: Vec<_> = params.keys().collect();
    assert_eq!(
        names,
        ["call", "connector", "command", "arguments", "headers"]
    );
}

#[test]
fn headers_keep_their_order_and_need_not_be_text() {
    let mut call = sample("{}");
    call.headers.append("x-a", HeaderValue::from_static("1"));
    call.headers
        .append("x-a", HeaderValue::from_bytes(b"\xff").unwrap());
    let frame = wire_call(1, "own", &call, &Profile::default(), false, None);
    let message: Value = serde_json::from_str(text(&frame)).unwrap();
    assert_eq!(
        message["params"]["headers"],
        json!([["x-a", "1"], ["x-a", "\u{fffd}"]])
    );
}

#[test]
fn a_span_of_ours_stands_in_the_place_of_the_callers() {
    let mut call = sample("{}");
    for (name, value) in [
        ("traceparent", "theirs"),
        ("x-a", "1"),
        ("tracestate", "v=1"),
    ] {
        call.headers.append(name, HeaderValue::from_static(value));
    }
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let trace = Trace::parse(header, Some("v=2"));
    let headers = |trace| {
        let frame = wire_call(1, "own", &call, &Profile::default(), false, trace);
        let message: Value = serde_json::from_str(text(&frame)).unwrap();
        message["params"]["headers"].clone()
    };
    assert_eq!(headers(None)[0], json!(["traceparent", "theirs"]));
    assert_eq!(
        headers(trace.as_ref()),
        json!([["x-a", "1"], ["traceparent", header], ["tracestate", "v=2"]])
    );
}

#[test]
fn an_answer_shares_the_memory_of_its_frame() {
    let frame = Bytes::from_static(br#"{"jsonrpc":"2.0","id":3,"result":{"version": 1}}"#);
    let Ok(Message::Answer {
        id: 3,
        answer: Ok(result),
    }) = read(&frame)
    else {
        panic!("not an answer");
    };
    assert_eq!(&*result, br#"{"version": 1}"#);
    assert!(frame.as_ptr_range().contains(&result.as_ptr()));
}

#[test]
fn messages_that_are_not_known_are_passed_over_and_nonsense_is_not() {
    let read = |text: &'static str| read(&Bytes::from_static(text.as_bytes()));
    for text in [
        r#"{"jsonrpc":"2.0","method":"progress","params":{"call":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ask","params":{}}"#,
    ] {
        assert!(matches!(read(text), Ok(Message::Other)), "{text}");
    }
    for text in ["", "[", "nope", r#"{"id":"one","result":{}}"#, "\u{1}"] {
        assert!(read(text).is_err(), "{text}");
    }
}
