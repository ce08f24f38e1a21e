//! A call that has ended, as the result of a tool.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crosspoint_broker::Ended;
use crosspoint_broker::ledger::State;
use crosspoint_core::{Body, CallId, Effect, Failure, Invalid, Kind, Mistake, Outcome};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::reply::Members;
use crate::answer;

/// Headers that came with a result, in its `_meta`: for programs, not for models.
const HEADERS: &str = "crosspoint/headers";

/// Lines that the connector wrote for whoever called it, in the `_meta` of a result.
const LOGS: &str = "crosspoint/logs";

/// The members of a tool's result (2025-11-25, Tool Result). `mistakes` are those of the arguments.
pub(crate) fn ended(ended: Ended, mistakes: &[Mistake]) -> Result<Members, Fault> {
    let Ended {
        id, state, result, ..
    } = ended;
    match result {
        Ok(outcome) => Ok(succeeded(id, state, outcome)),
        Err(failure) => failed(id, state, failure, mistakes),
    }
}

fn succeeded(id: CallId, state: State, outcome: Outcome) -> Members {
    let about = json!({"id": id.to_string(), "state": state.name()});
    let meta = beside(&outcome);
    let Shown {
        content,
        body,
        encoding,
    } = shown(id, outcome.body, &outcome.mimetype);
    let about = without_end(about);
    let head = r#""content":["#;
    let middle = format!(r#"],"structuredContent":{about},"body":"#);
    let tail = format!(
        r#","encoding":"{encoding}","mimetype":{},"status":{}}},"isError":false"#,
        Value::from(&*outcome.mimetype),
        outcome.status,
    );
    Members::new([head.into(), content, middle.into(), body, tail.into()]).with_meta(meta)
}

/// A failure: the one place where it is decided what a client is told of it. Everything but a tool
/// that is not there is a result, so that a model may see it and do better.
fn failed(
    id: CallId,
    state: State,
    failure: Failure,
    mistakes: &[Mistake],
) -> Result<Members, Fault> {
    if failure.kind == Kind::Invalid(Invalid::UnknownCommand) {
        return Err(Fault::invalid_params(format!(
            "unknown tool: {}",
            failure.message
        )));
    }
    let code = match failure.kind {
        Kind::Invalid(Invalid::Arguments) => "invalid_arguments".into(),
        _ => failure.code.clone(),
    };
    let mut error = json!({
        "kind": failure.kind.name(),
        "code": code,
        "message": failure.message,
        "effect": failure.effect.name(),
    });
    if let Some(wait) = failure.retry_after {
        error["retry_after"] = answer::seconds(wait).into();
    }
    if !mistakes.is_empty() {
        let mistake = |m: &Mistake| json!({"parameter": m.parameter, "message": m.message});
        error["mistakes"] = mistakes.iter().map(mistake).collect();
    }
    let about = json!({"id": id.to_string(), "state": state.name(), "error": error});
    let text = text_of(&format!("{code}: {}{}", failure.message, hint(&failure)));
    let outcome = failure.outcome.map(|outcome| *outcome);
    let meta = outcome.as_ref().map(beside).unwrap_or_default();
    let Some(outcome) = outcome.filter(|outcome| !is_empty(&outcome.body)) else {
        let head = r#""content":["#;
        let tail = format!(r#"],"structuredContent":{about},"isError":true"#);
        let none = Bytes::new;
        let parts = [head.into(), text, tail.into(), none(), none()];
        return Ok(Members::new(parts).with_meta(meta));
    };
    let Shown {
        content,
        body,
        encoding,
    } = shown(id, outcome.body, &outcome.mimetype);
    let about = without_end(about);
    let head = [&br#""content":["#[..], &text, b","].concat();
    let middle = format!(r#"],"structuredContent":{about},"body":"#);
    let tail = format!(
        r#","encoding":"{encoding}","mimetype":{},"status":{}}},"isError":true"#,
        Value::from(&*outcome.mimetype),
        outcome.status,
    );
    Ok(Members::new([head.into(), content, middle.into(), body, tail.into()]).with_meta(meta))
}

/// What a model should know before it tries again.
fn hint(failure: &Failure) -> &'static str {
    match (failure.kind, failure.effect) {
        (Kind::Unknown, _) => " (nobody knows whether it has happened; do not repeat it)",
        (_, Effect::Maybe) => " (it may have happened all the same)",
        _ => "",
    }
}

fn is_empty(body: &Body) -> bool {
    matches!(body.as_bytes(), b"" | b"{}")
}

/// What came with a body.
fn beside(outcome: &Outcome) -> Map<String, Value> {
    let mut meta = Map::new();
    if !outcome.headers.is_empty() {
        let headers = answer::headers_json(outcome.headers.clone());
        meta.insert(HEADERS.to_owned(), headers);
    }
    if !outcome.logs.is_empty() {
        meta.insert(LOGS.to_owned(), outcome.logs.clone().into());
    }
    meta
}

/// A body for models, and for programs.
struct Shown {
    content: Bytes,
    /// As JSON; null where it is in the content alone.
    body: Bytes,
    encoding: &'static str,
}

fn shown(id: CallId, body: Body, mimetype: &str) -> Shown {
    match body {
        Body::Json(json) => {
            let text = String::from_utf8_lossy(json.as_bytes());
            Shown {
                content: text_of(&text),
                body: json.bytes(),
                encoding: "json",
            }
        }
        Body::Text(text) => {
            let block = text_of(&text);
            // The same text, as it stands in the block.
            let body = block.slice(TEXT.len()..block.len() - 1);
            Shown {
                content: block,
                body,
                encoding: "text",
            }
        }
        Body::Bytes(bytes) => Shown {
            content: binary(id, &bytes, mimetype),
            body: Bytes::from_static(b"null"),
            encoding: "content",
        },
    }
}

const TEXT: &str = r#"{"type":"text","text":"#;

/// A block of text.
fn text_of(text: &str) -> Bytes {
    let mut block = Vec::with_capacity(TEXT.len() + text.len() + text.len() / 8 + 16);
    block.extend_from_slice(TEXT.as_bytes());
    // A text can always be written, and so can a vector.
    let _ = serde_json::to_writer(&mut block, text);
    block.push(b'}');
    block.into()
}

/// A block of what is no text: a picture, a sound, or something else.
fn binary(id: CallId, bytes: &[u8], mimetype: &str) -> Bytes {
    let data = STANDARD.encode(bytes);
    let kind = mimetype.split(['/', ';']).next().unwrap_or_default();
    let mimetype = Value::from(mimetype);
    match kind {
        "image" | "audio" => {
            format!(r#"{{"type":"{kind}","data":"{data}","mimeType":{mimetype}}}"#).into()
        }
        _ => format!(
            r#"{{"type":"resource","resource":{{"uri":"crosspoint:call/{id}","mimeType":{mimetype},"blob":"{data}"}}}}"#
        )
        .into(),
    }
}

/// An object as text to which further members are added.
fn without_end(object: Value) -> String {
    let mut text = object.to_string();
    text.pop();
    text
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
