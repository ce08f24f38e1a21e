//! Keys as people and programs read them.

use crosspoint_broker::access::KeptKey;
use crosspoint_broker::ledger::time_json;
use serde_json::{Value, json};

/// A line for each, under a head.
pub fn whole(keys: &[KeptKey]) -> String {
    let widest = keys.iter().map(|key| key.key.name.len()).max();
    let width = widest.unwrap_or(0).max(4);
    let mut text = format!(
        "{:<width$}  {:<20}  {:<20}  GOOD FOR\n",
        "NAME", "MADE (UTC)", "EXPIRES"
    );
    for KeptKey { key, created, .. } in keys {
        let expires = match key.expires {
            None => "never".to_owned(),
            Some(_) if key.has_expired() => "has expired".to_owned(),
            Some(expires) => time(expires),
        };
        let (name, made) = (&key.name, time(*created));
        text.push_str(&format!(
            "{name:<width$}  {made:<20}  {expires:<20}  {}\n",
            key.scopes
        ));
    }
    text
}

/// A key without its value, which nobody knows.
pub fn json(key: &KeptKey) -> Value {
    json!({
        "name": key.key.name,
        "scopes": key.key.scopes.texts(),
        "created": time_json(key.created),
        "expires": key.key.expires.and_then(time_json),
        "old_value_until": key.previous.and_then(|(_, until)| time_json(until)),
    })
}

/// To the second.
pub fn time(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms);
    time.map_or_else(|_| "never".to_owned(), |time| format!("{time:.0}"))
}
