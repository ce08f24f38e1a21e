//! The messages between Crosspoint and a worker, as `docs/python-worker.md` has them.

use std::borrow::Cow;

use bytes::Bytes;
use crosspoint_core::{Call, Json, Profile, Trace};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio_util::codec::LengthDelimitedCodec;

use crate::process::Level;

/// The version of the wire that this side speaks.
pub(super) const PROTOCOL: u32 = 1;

/// How many bytes a byte of an answer may take: JSON spells control characters with six.
const SPELLED: usize = 6;

/// How long a message may be whatever the largest answer is: a description of many commands is none.
const ROOM: usize = 16 * 1024 * 1024;

/// The headers of W3C Trace Context.
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// What a worker said.
pub(super) enum Message {
    /// The answer to a request: its result, or its error, both as JSON text.
    Answer {
        id: u64,
        answer: Result<Bytes, Bytes>,
    },
    /// A line for the log.
    Line(Line),
    /// A notification of a later version of the wire.
    Other,
}

/// A line that a connector printed, or a record that it logged.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Line {
    /// The call in which that happened.
    pub call: Option<String>,
    /// How much it matters.
    pub level: Level,
    /// `stdout`, `stderr` or the name of a Python logger.
    pub source: String,
    /// The text.
    pub message: String,
}

/// The error of a request.
#[derive(Debug, Deserialize)]
pub(super) struct Trouble {
    /// What went wrong, by JSON-RPC.
    pub message: String,
    /// What went wrong with a call.
    #[serde(default)]
    pub data: Option<Raised>,
}

/// What went wrong with a call.
#[derive(Debug, Deserialize)]
pub(super) struct Raised {
    pub kind: RaisedKind,
    pub code: String,
    pub message: String,
    #[serde(default)]
    pub detail: Option<String>,
    pub effect: Effect,
}

/// At which step a call went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RaisedKind {
    Arguments,
    Raised,
    Result,
    Unknown,
    Busy,
}

/// Whether the outside world may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Effect {
    None,
    Maybe,
    Done,
}

/// The parameters of `describe_auth`.
#[derive(Debug, Serialize)]
pub(super) struct DescribeAuth<'a> {
    /// By which its lines are known.
    pub call: &'a str,
    /// The name that the worker knows.
    pub connector: &'a str,
    /// The class.
    pub auth: &'a str,
    /// What its constructor gets.
    pub arguments: &'a Json,
    /// Values that its `config` has before all others.
    pub config: &'a Map<String, Value>,
}

/// The answer to `describe_auth`.
#[derive(Debug, Deserialize)]
pub(super) struct Described {
    /// What the class said.
    pub description: Json,
}

/// The answer to `ping`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Pong {
    /// Living non-daemon threads of the connector's.
    pub threads: u64,
    /// Resident memory in bytes.
    pub resident: u64,
}

/// Text that borrows from its message where JSON spells it as it is. (In an option, a bare [`Cow`]
/// would always be a copy.)
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The parts that all messages are made of.
#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// How frames are told apart: a length of four bytes, big-endian, before each.
pub(super) fn frames(max_answer: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .max_frame_length(max_answer.saturating_mul(SPELLED).saturating_add(ROOM))
        .new_codec()
}

/// Reads a frame. Results share its memory.
pub(super) fn read(frame: &Bytes) -> Result<Message, serde_json::Error> {
    let envelope: Envelope<'_> = serde_json::from_slice(frame)?;
    let part = |raw: &RawValue| frame.slice_ref(raw.get().as_bytes());
    let answer = match (envelope.result, envelope.error) {
        (Some(result), _) => Some(Ok(part(result))),
        (None, Some(error)) => Some(Err(part(error))),
        (None, None) => None,
    };
    Ok(match (envelope.id, answer, envelope.params) {
        (Some(id), Some(answer), _) => Message::Answer { id, answer },
        (None, _, Some(params)) if envelope.method.is_some_and(|method| method.0 == "log") => {
            Message::Line(serde_json::from_str(params.get())?)
        }
        _ => Message::Other,
    })
}

/// A request as a frame.
pub(super) fn request(id: u64, method: &str, params: &impl Serialize) -> Bytes {
    #[derive(Serialize)]
    struct Request<'a, P> {
        jsonrpc: &'static str,
        id: u64,
        method: &'a str,
        params: P,
    }
    let jsonrpc = "2.0";
    frame(|text| {
        let message = Request {
            jsonrpc,
            id,
            method,
            params,
        };
        write(text, &message);
    })
}

/// A notification as a frame.
pub(super) fn notification(method: &str, params: &impl Serialize) -> Bytes {
    #[derive(Serialize)]
    struct Notification<'a, P> {
        jsonrpc: &'static str,
        method: &'a str,
        params: P,
    }
    let jsonrpc = "2.0";
    frame(|text| {
        let message = Notification {
            jsonrpc,
            method,
            params,
        };
        write(text, &message);
    })
}

/// A call as a frame, with its arguments as they were spelled. `connector` is the name that the
/// worker knows, which need not be the one that the caller used. `trace` stands in the headers in
/// the place of the caller's. The values of `profile` are the call's own `config`.
pub(super) fn call(
    id: u64,
    connector: &str,
    call: &Call,
    profile: &Profile,
    trace: Option<&Trace>,
) -> Bytes {
    let arguments = call.arguments.iter();
    let size: usize = arguments
        .map(|(n, v)| n.len() + v.as_bytes().len() + 8)
        .sum();
    let task_data = call.task_data.as_ref();
    let size = size + task_data.map_or(0, |data| data.as_bytes().len()) + 512;
    frame(|text| {
        text.reserve(size);
        text.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        write(text, &id);
        text.extend_from_slice(br#","method":"call","params":{"call":""#);
        text.extend_from_slice(call.id.to_string().as_bytes());
        text.extend_from_slice(br#"","connector":"#);
        write(text, connector);
        text.extend_from_slice(br#","command":"#);
        write(text, &*call.command.command);
        write_arguments(text, call);
        if let Some(task_data) = task_data {
            text.extend_from_slice(br#","task_data":"#);
            text.extend_from_slice(task_data.as_bytes());
        }
        if !profile.values().is_empty() {
            text.extend_from_slice(br#","config":"#);
            write(text, profile.values());
        }
        if let Some(url) = &call.callback {
            text.extend_from_slice(br#","callback_url":"#);
            write(text, url.as_str());
        }
        text.extend_from_slice(br#","headers":"#);
        write(text, &headers(call, trace));
        text.extend_from_slice(b"}}");
    })
}

fn write_arguments(text: &mut Vec<u8>, call: &Call) {
    text.extend_from_slice(br#","arguments":{"#);
    for (at, (name, value)) in call.arguments.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        write(text, name);
        text.push(b':');
        text.extend_from_slice(value.as_bytes());
    }
    text.push(b'}');
}

fn headers<'c>(call: &'c Call, trace: Option<&'c Trace>) -> Vec<(&'c str, Cow<'c, str>)> {
    let headers = call.headers.iter();
    let headers = headers
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .filter(|(name, _)| trace.is_none() || !matches!(*name, TRACEPARENT | TRACESTATE));
    let parent = trace.map(|trace| (TRACEPARENT, trace.header().into()));
    let state = trace.and_then(|trace| trace.state.as_deref());
    let state = state.map(|state| (TRACESTATE, state.into()));
    headers.chain(parent).chain(state).collect()
}

/// Leaves four bytes for the length, lets `body` write, and fills them in.
fn frame(body: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut text = vec![0; 4];
    body(&mut text);
    // No request that came in by any way is that long; a length cut short would end the worker.
    let length = u32::try_from(text.len() - 4).unwrap_or(u32::MAX);
    text[..4].copy_from_slice(&length.to_be_bytes());
    text.into()
}

/// Cannot fail: everything written here has text for keys, and memory takes any text.
fn write<T: Serialize + ?Sized>(text: &mut Vec<u8>, value: &T) {
    let _ = serde_json::to_writer(text, value);
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
