//! Calls as JSON, and how one is found.

use anyhow::Result;
use crosspoint_broker::ledger::{Filter, Row, Store};
use crosspoint_core::CallId;
use serde_json::{Value, json};

use super::time::milliseconds;

/// More calls of one request are not listed.
const ALIKE: u32 = 20;

/// What an id leads to.
#[derive(Debug)]
pub enum Found {
    /// This call.
    One(Box<Row>),
    /// Nothing.
    None,
    /// Several calls with this request id, the newest first.
    Several(Vec<Row>),
}

/// Finds a call by its id or by its request id.
pub async fn find(store: &dyn Store, id: &str) -> Result<Found> {
    let id = id.trim();
    // However the id is spelled.
    if let Ok(call) = id.parse::<CallId>()
        && let Some(row) = store.find(&call.to_string()).await?
    {
        return Ok(Found::One(Box::new(row)));
    }
    let filter = Filter {
        request_id: Some(id.to_owned()),
        ..Filter::default()
    };
    let mut rows = store.list(&filter, ALIKE, None).await?;
    Ok(match rows.len() {
        0 => Found::None,
        1 => Found::One(Box::new(rows.remove(0))),
        _ => Found::Several(rows),
    })
}

/// A call with everything that is kept of it in clear. What is absent is null.
pub fn json(row: &Row) -> Value {
    let (about, ending, delivery) = (&row.about, row.ending.as_ref(), &row.delivery);
    let key = row.key.as_ref();
    json!({
        "id": row.id,
        "state": row.state.name(),
        "connector": about.connector,
        "command": about.command,
        "ingress": about.ingress,
        "caller": about.caller,
        "instance": about.instance,
        "model": about.model,
        "task": about.task,
        "request_id": about.request_id,
        "key": key.map(|key| &key.text),
        "key_scope": key.map(|key| &key.scope),
        "attempts": row.attempts,
        "created": milliseconds(about.created),
        "started": row.started.and_then(milliseconds),
        "ended": ending.and_then(|ending| milliseconds(ending.ended)),
        "milliseconds": duration(row),
        "status": ending.and_then(|ending| ending.status),
        "mimetype": ending.and_then(|ending| ending.mimetype.as_ref()),
        "code": ending.and_then(|ending| ending.code.as_ref()),
        "message": ending.and_then(|ending| ending.message.as_ref()),
        "effect": ending.and_then(|ending| ending.effect).map(|effect| effect.name()),
        "arguments": parsed(about.arguments.as_deref()),
        "argument_bytes": about.argument_bytes,
        "result": ending.and_then(|ending| parsed(ending.summary.as_deref())),
        "result_bytes": ending.map(|ending| ending.result_bytes),
        "callback": about.callback,
        "deliveries": delivery.attempts,
        "next_delivery": delivery.next.and_then(milliseconds),
        "delivery_error": delivery.error,
        "replayable": row.kept.replay,
        "result_kept": row.kept.result,
    })
}

/// How long the last attempt took, in milliseconds.
pub fn duration(row: &Row) -> Option<i64> {
    let (started, ending) = (row.started?, row.ending.as_ref()?);
    Some((ending.ended - started).max(0))
}

/// A readable summary, which is JSON.
pub fn parsed(summary: Option<&str>) -> Option<Value> {
    serde_json::from_str(summary?).ok()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crosspoint_broker::ledger::{About, Delivery, Ending, Kept, Key, State};
    use crosspoint_core::Effect;

    /// A call with something in every field.
    pub fn full() -> Row {
        Row {
            id: "0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77".to_owned(),
            key: Some(Key {
                scope: "key:engine".to_owned(),
                text: "order-7".to_owned(),
                fingerprint: [7; 32],
            }),
            about: About {
                ingress: "spiff".to_owned(),
                caller: Some("engine".to_owned()),
                instance: Some("12".to_owned()),
                model: Some("orders/pay".to_owned()),
                task: Some("t-1".to_owned()),
                request_id: "request-1".to_owned(),
                connector: "http".to_owned(),
                command: "PostRequestV2".to_owned(),
                created: 1_772_352_000_123,
                arguments: Some(
                    r#"{"url": "http://bank/", "data": "object, 12 bytes"}"#.to_owned(),
                ),
                argument_bytes: 40,
                callback: Some("http://engine/cb".to_owned()),
            },
            state: State::Unknown,
            attempts: 2,
            owner: "owner".to_owned(),
            started: Some(1_772_352_001_000),
            ending: Some(Ending {
                ended: 1_772_352_031_500,
                status: Some(500),
                mimetype: Some("text/plain".to_owned()),
                code: Some("ReadTimeout".to_owned()),
                message: Some("no answer".to_owned()),
                effect: Some(Effect::Maybe),
                may_pass: false,
                summary: Some(r#"{"type": "text", "bytes": 3}"#.to_owned()),
                result_bytes: 3,
            }),
            delivery: Delivery {
                attempts: 3,
                next: Some(1_772_352_040_000),
                error: Some("401".to_owned()),
            },
            kept: Kept {
                replay: true,
                result: true,
            },
        }
    }

    /// A call of which nothing is known but that it came in.
    pub fn bare() -> Row {
        let full = full();
        Row {
            key: None,
            about: About {
                ingress: "spiff".to_owned(),
                request_id: full.id.clone(),
                connector: "http".to_owned(),
                command: "GetRequestV2".to_owned(),
                created: full.about.created,
                ..About::default()
            },
            state: State::Received,
            attempts: 0,
            started: None,
            ending: None,
            delivery: Delivery::default(),
            kept: Kept::default(),
            ..full
        }
    }

    #[test]
    fn a_row_has_all_its_fields_whatever_is_known() {
        let (full, bare) = (json(&full()), json(&bare()));
        let names = |value: &Value| {
            let names = value.as_object().unwrap().keys();
            names.cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(&full), names(&bare));
        let null: Vec<_> = names(&full)
            .into_iter()
            .filter(|name| full[name].is_null())
            .collect();
        assert_eq!(null, [""; 0]);
        assert_eq!(full["created"], "2026-03-01T08:00:00.123Z");
        assert_eq!(full["next_delivery"], "2026-03-01T08:00:40.000Z");
        assert_eq!(full["milliseconds"], 30_500);
        assert_eq!(full["arguments"]["url"], "http://bank/");
        assert_eq!(full["result"], json!({"type": "text", "bytes": 3}));
        for name in [
            "key",
            "started",
            "milliseconds",
            "code",
            "arguments",
            "result",
            "result_bytes",
        ] {
            assert!(bare[name].is_null(), "{name}");
        }
    }
}
