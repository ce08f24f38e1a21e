//! JSON-RPC 2.0 messages as they come in. What they carry shares the memory of their text.

use bytes::Bytes;
use crosspoint_core::{Json, shorten};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::fault::Fault;

/// The most messages that may come as one.
const LARGEST_BATCH: usize = 100;

/// The id of a request as it was spelled: a text or a whole number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id(Bytes);

/// A request, or a notification where it has no id.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Not yet known to be an object.
    pub(crate) params: Option<Json>,
}

/// One message.
#[derive(Debug)]
pub(crate) enum Message {
    Request(Id, Asked),
    Notification(Asked),
    /// Nothing was asked for here that could be answered.
    Response,
}

/// What is no message, with its id where that could be read.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) Option<Id>, pub(crate) Fault);

/// What came in.
#[derive(Debug)]
pub(crate) enum Incoming {
    One(Message),
    Batch(Vec<Result<Message, Unreadable>>),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// A member that is there, though it may be null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

// === impl Id ===

impl Id {
    /// Nothing where it is neither a text nor a whole number.
    fn read(text: &Bytes, raw: &RawValue) -> Option<Id> {
        let json = Json::part(text, raw).ok()?;
        let number = || json.read::<i64>().is_ok();
        (json.as_text().is_some() || number()).then(|| Id(json.bytes()))
    }

    /// The id that a `notifications/cancelled` names.
    pub(crate) fn of(json: &Json) -> Id {
        Id(json.bytes())
    }

    /// As JSON.
    pub(crate) fn text(&self) -> &str {
        // It is a part of JSON text.
        std::str::from_utf8(&self.0).unwrap_or("null")
    }

    /// As JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.0).unwrap_or_default()
    }
}

// === impl Incoming ===

impl Incoming {
    /// Reads what came in one piece.
    pub(crate) fn read(text: &Bytes) -> Result<Incoming, Unreadable> {
        let syntax = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            let message = format!("not valid JSON at line {line}, column {column}");
            Unreadable(None, Fault::parse(message))
        };
        if text.trim_ascii_start().first() != Some(&b'[') {
            // What is valid and no message is told from what is not valid.
            let whole: &RawValue = serde_json::from_slice(text).map_err(syntax)?;
            return one(text, whole).map(Incoming::One);
        }
        let parts: Vec<&RawValue> = serde_json::from_slice(text).map_err(syntax)?;
        if !(1..=LARGEST_BATCH).contains(&parts.len()) {
            let message = format!("a batch has 1 to {LARGEST_BATCH} messages");
            return Err(Unreadable(None, Fault::invalid_request(message)));
        }
        let read = parts.into_iter().map(|part| one(text, part));
        Ok(Incoming::Batch(read.collect()))
    }
}

fn one(text: &Bytes, raw: &RawValue) -> Result<Message, Unreadable> {
    let none = |message: &str| Unreadable(None, Fault::invalid_request(message));
    let envelope: Envelope<'_> =
        serde_json::from_str(raw.get()).map_err(|_| none("a message is a JSON object"))?;
    let id = envelope.id.map(|raw| Id::read(text, raw));
    let wrong = |message: &str| {
        let id = id.clone().flatten();
        Unreadable(id, Fault::invalid_request(message))
    };
    if envelope.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
        return Err(wrong("'jsonrpc' must be \"2.0\""));
    }
    let Some(method) = envelope.method else {
        let response = envelope.result.is_some() || envelope.error.is_some();
        return match response {
            true => Ok(Message::Response),
            false => Err(wrong("'method' is missing")),
        };
    };
    let method = Json::part(text, method).ok().and_then(|m| m.as_text());
    let method = method.ok_or_else(|| wrong("'method' must be text"))?;
    let params = envelope.params.map(|raw| Json::part(text, raw)).transpose();
    let params = params.map_err(|error| wrong(&format!("'params': {error}")))?;
    let asked = Asked { method, params };
    match id {
        None => Ok(Message::Notification(asked)),
        Some(Some(id)) => Ok(Message::Request(id, asked)),
        Some(None) => Err(wrong("'id' must be text or a whole number")),
    }
}

// === impl Asked ===

impl Asked {
    /// The method as messages show it.
    pub(crate) fn shown(&self) -> String {
        shorten(&self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<Incoming, Unreadable> {
        Incoming::read(&Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn requests_notifications_and_responses_are_told_apart() {
        let request = r#"{"jsonrpc": "2.0", "id": "7", "method": "ping", "params": {"a": 1.0}}"#;
        let Ok(Incoming::One(Message::Request(id, asked))) = read(request) else {
            panic!("no request");
        };
        assert_eq!((id.text(), &*asked.method), (r#""7""#, "ping"));
        assert_eq!(asked.params.unwrap().as_bytes(), br#"{"a": 1.0}"#);
        let notification = r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#;
        let read_back = read(notification);
        assert!(matches!(
            read_back,
            Ok(Incoming::One(Message::Notification(_)))
        ));
        let response = r#"{"jsonrpc": "2.0", "id": 1, "result": null}"#;
        assert!(matches!(
            read(response),
            Ok(Incoming::One(Message::Response))
        ));
    }

    #[test]
    fn what_is_no_message_says_why_and_keeps_its_id_where_it_has_one() {
        for (text, code, id) in [
            ("nope", -32700, None),
            ("", -32700, None),
            ("5", -32600, None),
            ("[]", -32600, None),
            (r#"{"id": 1, "method": "ping"}"#, -32600, Some("1")),
            (r#"{"jsonrpc": "2.0", "id": 1}"#, -32600, Some("1")),
            (
                r#"{"jsonrpc": "2.0", "id": null, "method": "ping"}"#,
                -32600,
                None,
            ),
            (
                r#"{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}"#,
                -32600,
                None,
            ),
            (
                r#"{"jsonrpc": "2.0", "id": 1, "method": 5}"#,
                -32600,
                Some("1"),
            ),
        ] {
            let Unreadable(found, fault) = read(text).unwrap_err();
            assert_eq!(fault.code, code, "{text}");
            assert_eq!(found.as_ref().map(Id::text), id, "{text}");
        }
        let deep = format!(
            r#"{{"jsonrpc": "2.0", "id": 1, "method": "m", "params": {}{}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        let Unreadable(_, fault) = Incoming::read(&deep.into()).unwrap_err();
        assert!(fault.message.contains("deeper"), "{}", fault.message);
    }

    #[test]
    fn each_message_of_a_batch_is_read_by_itself() {
        let batch = r#"[{"jsonrpc": "2.0", "id": 1, "method": "ping"}, 5]"#;
        let Ok(Incoming::Batch(messages)) = read(batch) else {
            panic!("no batch");
        };
        assert!(messages[0].is_ok() && messages[1].is_err());
        let large = format!("[{}]", vec!["5"; LARGEST_BATCH + 1].join(","));
        assert!(Incoming::read(&large.into()).is_err());
    }
}
