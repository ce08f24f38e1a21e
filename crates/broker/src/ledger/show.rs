//! A row as programs read it: what `crosspoint ledger list --json` prints, and what the API answers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Row;

/// A call with everything that is kept of it in clear. What is absent is null.
pub fn row_json(row: &Row) -> Value {
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
        "created": time_json(about.created),
        "started": row.started.and_then(time_json),
        "ended": ending.and_then(|ending| time_json(ending.ended)),
        "milliseconds": row.took(),
        "status": ending.and_then(|ending| ending.status),
        "mimetype": ending.and_then(|ending| ending.mimetype.as_ref()),
        "code": ending.and_then(|ending| ending.code.as_ref()),
        "message": ending.and_then(|ending| ending.message.as_ref()),
        "effect": ending.and_then(|ending| ending.effect).map(|effect| effect.name()),
        "arguments": row.readable_arguments(),
        "argument_bytes": about.argument_bytes,
        "result": row.readable_result(),
        "result_bytes": ending.map(|ending| ending.result_bytes),
        "callback": about.callback,
        "profile": about.profile,
        "uses": row.uses(),
        "deliveries": delivery.attempts,
        "next_delivery": delivery.next.and_then(time_json),
        "delivery_error": delivery.error,
        "replayable": row.kept.replay,
        "result_kept": row.kept.result,
    })
}

/// A time to the millisecond: UTC, in the spelling of RFC 3339.
pub fn time_json(ms: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(ms).ok()?;
    Some(format!("{time:.3}"))
}

/// A time as in RFC 3339, in milliseconds since 1970.
pub fn read_time(text: &str) -> Option<i64> {
    let time = text.trim().parse::<Timestamp>().ok()?;
    Some(time.as_millisecond())
}

// === impl Row ===

impl Row {
    /// How long the last attempt took, in milliseconds.
    pub fn took(&self) -> Option<i64> {
        let (started, ending) = (self.started?, self.ending.as_ref()?);
        Some((ending.ended - started).max(0))
    }

    /// The references to the secrets and tokens that it runs with.
    pub fn uses(&self) -> Option<Vec<&str>> {
        Some(self.about.uses.as_deref()?.split_whitespace().collect())
    }

    /// The readable summary of the arguments.
    pub fn readable_arguments(&self) -> Option<Value> {
        parsed(self.about.arguments.as_deref())
    }

    /// The readable summary of the result.
    pub fn readable_result(&self) -> Option<Value> {
        parsed(self.ending.as_ref()?.summary.as_deref())
    }
}

fn parsed(summary: Option<&str>) -> Option<Value> {
    serde_json::from_str(summary?).ok()
}
