//! What a tool answered, or why it did not, as an outcome or a failure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crosspoint_core::{Body, Context, Effect, Failure, Json, Kind, Outcome, Refusal};
use crosspoint_net::NetError;
use rmcp::model::{ErrorCode, ErrorData};
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::about::quoted;
use crate::envelope::present;
use crate::process::Problem;

/// The code of a failure that a tool reports without one of its own.
const TOOL_ERROR: &str = "ToolError";

/// How much of what a tool says about its failure is its message, in characters.
const LONGEST: usize = 2000;

/// The result of `tools/call`, revisions 2024-11-05 to 2026-07-28.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Returned<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    structured_content: Option<&'a RawValue>,
    #[serde(default)]
    is_error: Option<bool>,
    result_type: Option<String>,
}

/// A block of content, as far as it is one of those that have a body of their own.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    #[serde(rename_all = "camelCase")]
    Image {
        data: String,
        mime_type: String,
    },
    #[serde(rename_all = "camelCase")]
    Audio {
        data: String,
        mime_type: String,
    },
    Resource {
        resource: Resource,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    mime_type: Option<String>,
    text: Option<String>,
    blob: Option<String>,
}

/// How a failure may say what it is, in the structured content of an error.
#[derive(Deserialize)]
struct Reported {
    error_code: String,
    message: Option<String>,
}

/// The result of a tool. Structured content is the body; without it the content is: see
/// `docs/mcp.md`. Bodies that are JSON share the memory of `result`.
pub(super) fn returned(result: &Bytes, cx: &Context) -> Result<Outcome, Failure> {
    let returned: Returned<'_> =
        serde_json::from_slice(result).map_err(|error| unusable(&error.to_string()))?;
    if let Some(kind) = returned
        .result_type
        .as_deref()
        .filter(|kind| *kind != "complete")
    {
        let kind = quoted(kind);
        let message =
            format!("the tool did not end: it answers '{kind}', which nobody here can serve");
        return Err(Failure::reported("InputRequired", message).with_effect(Effect::Maybe));
    }
    let outcome = body(result, &returned)?;
    match returned.is_error {
        Some(true) => Err(reported(&returned, outcome, cx)),
        _ => Ok(outcome),
    }
}

fn body(result: &Bytes, returned: &Returned<'_>) -> Result<Outcome, Failure> {
    if let Some(structured) = returned.structured_content {
        return Ok(Outcome::json(part(result, structured)?));
    }
    let Some(content) = returned.content else {
        return Ok(nothing());
    };
    let blocks: Vec<&RawValue> =
        serde_json::from_str(content.get()).map_err(|error| unusable(&error.to_string()))?;
    match blocks[..] {
        [] => Ok(nothing()),
        [block] => single(result, block),
        // Several have no common form but their own.
        _ => Ok(Outcome::json(part(result, content)?)),
    }
}

fn nothing() -> Outcome {
    Outcome::json(serde_json::Value::Null.into())
}

/// The body of a block that stands alone.
fn single(result: &Bytes, raw: &RawValue) -> Result<Outcome, Failure> {
    let block: Block =
        serde_json::from_str(raw.get()).map_err(|error| unusable(&error.to_string()))?;
    match block {
        Block::Text { text } => Ok(text_body(text, None)),
        Block::Image { data, mime_type } | Block::Audio { data, mime_type } => {
            bytes_body(&data, Some(mime_type))
        }
        Block::Resource { resource } => match (resource.text, resource.blob) {
            (Some(text), _) => Ok(text_body(text, resource.mime_type)),
            (None, Some(blob)) => bytes_body(&blob, resource.mime_type),
            (None, None) => Err(unusable("a resource has neither text nor blob")),
        },
        Block::Other => Ok(Outcome::json(part(result, raw)?)),
    }
}

/// Text that is a JSON object or list is JSON: so answer servers that know no structured content.
fn text_body(text: String, mimetype: Option<String>) -> Outcome {
    let structured = text.trim_start().starts_with(['{', '[']);
    let says_otherwise = mimetype.as_deref().is_some_and(|t| t != "application/json");
    if structured && !says_otherwise {
        let text = Bytes::from(text);
        return match Json::parse(text.clone()) {
            Ok(json) => Outcome::json(json),
            Err(_) => Outcome::text(String::from_utf8_lossy(&text)),
        };
    }
    Outcome::new(
        Body::Text(text),
        mimetype.unwrap_or_else(|| "text/plain".to_owned()),
    )
}

fn bytes_body(base64: &str, mimetype: Option<String>) -> Result<Outcome, Failure> {
    let bytes = STANDARD.decode(base64);
    let bytes = bytes.map_err(|error| unusable(&error.to_string()))?;
    let mimetype = mimetype.unwrap_or_else(|| "application/octet-stream".to_owned());
    Ok(Outcome::new(Body::Bytes(bytes.into()), mimetype))
}

/// What a tool says about its failure: an `error_code` and a `message` in its structured content, else
/// its text.
fn reported(returned: &Returned<'_>, outcome: Outcome, cx: &Context) -> Failure {
    let own: Option<Reported> = match &outcome.body {
        Body::Json(json) => json.read().ok(),
        Body::Text(_) | Body::Bytes(_) => None,
    };
    let text = || texts(returned.content).unwrap_or_else(|| "the tool says no more".to_owned());
    let (code, message) = match own {
        Some(own) if !own.error_code.is_empty() => {
            (own.error_code, own.message.unwrap_or_else(text))
        }
        _ => (TOOL_ERROR.to_owned(), text()),
    };
    let message = cx.masked(message);
    let mut short: String = message.chars().take(LONGEST).collect();
    if short.len() < message.len() {
        short.push('…');
    }
    Failure::reported(code, short).with_outcome(outcome.with_status(400))
}

/// The text blocks of a content, a line each.
fn texts(content: Option<&RawValue>) -> Option<String> {
    let blocks: Vec<&RawValue> = serde_json::from_str(content?.get()).ok()?;
    let texts = blocks
        .iter()
        .filter_map(|block| match serde_json::from_str(block.get()).ok()? {
            Block::Text { text } => Some(text),
            _ => None,
        });
    let text = texts.collect::<Vec<_>>().join("\n");
    (!text.trim().is_empty()).then_some(text)
}

/// The server says that it cannot run the tool.
pub(super) fn refused(error: &ErrorData) -> Failure {
    let message = quoted(&error.message);
    let code = error.code.0;
    match error.code {
        // The tool was not run.
        ErrorCode::INVALID_PARAMS => Failure::arguments(format!("the server says: {message}")),
        ErrorCode::METHOD_NOT_FOUND | ErrorCode::INVALID_REQUEST => {
            Failure::reported("McpError", format!("{message} (error {code})"))
                .with_effect(Effect::None)
        }
        _ => Failure::reported("McpError", format!("{message} (error {code})"))
            .with_effect(Effect::Maybe),
    }
}

/// Why a message was not sent, or what the server says to it by HTTP.
pub(super) fn over_http(error: &StreamableHttpError<NetError>) -> Failure {
    match error {
        StreamableHttpError::Client(error) => error.clone().into(),
        StreamableHttpError::HttpStatus(error) => {
            status(error.status, error.retry_after.as_deref())
        }
        StreamableHttpError::ReinitializationFailed(error) => refused(error),
        StreamableHttpError::SessionExpired => {
            let message = "the session has expired, and the server gives no other";
            Failure::transport("ConnectionError", message)
        }
        other => {
            let message = format!(
                "the server does not answer as MCP wants it: {}",
                quoted(&other.to_string())
            );
            Failure::transport("ConnectionError", message)
        }
    }
}

fn status(status: u16, retry_after: Option<&str>) -> Failure {
    let message = match status {
        401 | 403 => format!("the server does not take the account: it answers {status}"),
        _ => format!("the server answers {status}"),
    };
    let mut failure = Failure::reported(format!("HttpError{status}"), message)
        .with_outcome(Outcome::empty(status));
    // It said no before it looked at the message, or it may have done anything.
    failure.effect = match status {
        401 | 403 | 404 | 405 | 429 => Effect::None,
        _ => Effect::Maybe,
    };
    let seconds = retry_after.and_then(|text| text.trim().parse().ok());
    failure.retry_after = seconds.map(Duration::from_secs);
    failure
}

/// The conversation with a server elsewhere broke off.
pub(super) fn broke_off() -> Failure {
    let message = "the server broke off while it ran this call";
    Failure::transport("ConnectionError", message)
}

/// An answer that is longer than a message may be.
pub(super) fn too_large(max: usize) -> Failure {
    let message = format!("the answer of the tool is larger than {max} bytes");
    Failure::reported("AnswerTooLarge", message)
}

/// The deadline has passed.
pub(super) fn overdue(name: &str, sent: bool) -> Failure {
    let effect = if sent { Effect::Maybe } else { Effect::None };
    let message = format!("{name} did not answer before its deadline");
    Failure::refused(Refusal::DeadlineExceeded, message).with_effect(effect)
}

/// The server went while it ran the call.
pub(super) fn lost(end: &Problem) -> Failure {
    let message = format!("the server that ran this call {}", end.message);
    let mut failure = Failure::new(Kind::Crashed, "worker_crashed", message);
    failure.detail = end.detail.clone();
    failure
}

/// There is no server to ask.
pub(super) fn unavailable(name: &str, problem: &Problem) -> Failure {
    let message = format!("the server of {name} {}", problem.message);
    let mut failure = Failure::new(Kind::Crashed, "worker_unavailable", message);
    failure.detail = problem.detail.clone();
    failure.with_effect(Effect::None)
}

fn part(result: &Bytes, raw: &RawValue) -> Result<Json, Failure> {
    Json::part(result, raw).map_err(|error| unusable(&error.to_string()))
}

fn unusable(why: &str) -> Failure {
    let message = format!("the tool ran, but its answer cannot be used: {why}");
    Failure::reported("InvalidResult", message)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
