//! Calls as JSON, and how one is found.

use anyhow::Result;
pub use crosspoint_broker::ledger::row_json as json;
use crosspoint_broker::ledger::{Filter, Row, Store};
use crosspoint_core::CallId;

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

#[cfg(test)]
pub mod tests {
    use super::*;
    use crosspoint_broker::ledger::{About, Delivery, Ending, Kept, Key, State};
    use crosspoint_core::Effect;
    use serde_json::{Value, json as value};

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
                profile: Some("bank/prod".to_owned()),
                uses: Some("secret:bank auth:main".to_owned()),
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
        assert_eq!(full["uses"], value!(["secret:bank", "auth:main"]));
        assert_eq!(full["arguments"]["url"], "http://bank/");
        assert_eq!(full["result"], value!({"type": "text", "bytes": 3}));
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
