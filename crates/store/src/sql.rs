//! The statements, in the SQL that both databases understand.

use std::borrow::Cow;
use std::fmt::Write as _;

use crosspoint_broker::ledger::{Filter, MAY_HAVE_ARRIVED, State};

use crate::record::cut;
use crate::value::{Statement, Value};

/// What differs between the databases.
pub(crate) struct Dialect {
    /// Its type for bytes.
    pub(crate) blob: &'static str,
    /// Its type for text that is compared by bytes.
    pub(crate) text: &'static str,
    /// Whether long lists of parameters are numbered. SQLite looks numbers up one by one.
    pub(crate) numbered: bool,
    /// Its clock, in milliseconds since 1970, for when none is given.
    pub(crate) now: &'static str,
    /// How rows that somebody else is just taking are passed over.
    pub(crate) skip_locked: &'static str,
    /// Whether several owners are alive at once and have leases.
    pub(crate) leases: bool,
    /// Keeps others from changing the schema until the transaction ends, where beginning one does
    /// not do that by itself.
    pub(crate) lock: Option<&'static str>,
}

/// The columns that are set when a row is made, in the order of [`crate::record::Insert`].
const MADE: &str = "id, key_hash, scope, key, fingerprint, ingress, caller, instance, model, task, \
     request_id, connector, command, created, owner, callback, arguments, argument_bytes, \
     sealed_call, deliveries, profile, uses";

/// The columns that change with the state, in the order of [`crate::record::Change`].
const CHANGED: &str = "state, attempts, started, ended, status, mimetype, code, effect, may_pass, \
     result_bytes, size, deliver_at, message, summary, sealed_result";

pub(crate) const MADE_COLUMNS: usize = 22;
pub(crate) const CHANGED_COLUMNS: usize = 15;

/// What is read of a row, in the order of [`crate::codec::row`].
pub(crate) const ROW: &str = "id, scope, key, fingerprint, ingress, caller, instance, model, task, \
     request_id, connector, command, created, callback, arguments, argument_bytes, state, attempts, \
     owner, started, ended, status, mimetype, code, message, effect, may_pass, summary, \
     result_bytes, deliveries, deliver_at, delivery_error, \
     CAST(CASE WHEN sealed_call IS NULL THEN 0 ELSE 1 END AS BIGINT), \
     CAST(CASE WHEN sealed_result IS NULL THEN 0 ELSE 1 END AS BIGINT), profile, uses";

/// How many columns that is.
pub(crate) const ROW_COLUMNS: usize = 36;

pub(crate) const SELECT_META: &str = "SELECT value FROM crosspoint_meta WHERE name = $1";
pub(crate) const INSERT_META: &str =
    "INSERT INTO crosspoint_meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// A row that nobody is going to run: whoever began it did not hear that it was written.
pub(crate) const WITHDRAW: &str = "DELETE FROM crosspoint_calls WHERE id = $1 AND owner = $2 \
     AND state IN ('received', 'accepted', 'running')";

pub(crate) const STATE: &str = "SELECT state, owner FROM crosspoint_calls WHERE id = $1";
pub(crate) const SEALED_CALL: &str = "SELECT sealed_call FROM crosspoint_calls WHERE id = $1";
pub(crate) const SEALED_RESULT: &str = "SELECT sealed_result FROM crosspoint_calls WHERE id = $1";

pub(crate) const AGAIN: &str = "UPDATE crosspoint_calls SET state = 'running', \
     attempts = attempts + 1, owner = $2, started = $3, ended = NULL, status = NULL, \
     mimetype = NULL, code = NULL, message = NULL, effect = NULL, may_pass = NULL, \
     summary = NULL, result_bytes = NULL, sealed_result = NULL, deliver_at = NULL, \
     callback = CASE WHEN state = 'delivered' THEN NULL ELSE callback END, \
     deliveries = CASE WHEN state = 'delivered' THEN 0 ELSE deliveries END \
     WHERE id = $1 AND state = $4 AND attempts = $5 RETURNING id";

/// $1 id, $2 owner, $3 callback.
pub(crate) const PROMISE: &str = "UPDATE crosspoint_calls SET callback = $3 \
     WHERE id = $1 AND owner = $2 AND state = 'running' RETURNING id";

pub(crate) const SETTLE: &str = "UPDATE crosspoint_calls SET state = $2, ended = $3, status = $4, \
     mimetype = $5, code = $6, effect = $7, may_pass = $8, result_bytes = $9, size = size + $10, \
     deliver_at = $11, message = $12, summary = $13, sealed_result = $14 \
     WHERE id = $1 AND state = 'unknown' RETURNING id";

pub(crate) const DELIVERED: &str = "UPDATE crosspoint_calls SET state = 'delivered', \
     deliveries = deliveries + 1, deliver_at = NULL, deliver_until = NULL, delivery_error = NULL \
     WHERE id = $1 AND state = 'finished' RETURNING id";

/// $1 id, $2 owner, $3 error. Only who has taken a result may say that it did not arrive; that it did
/// is true whoever says it.
pub(crate) const UNDELIVERABLE: &str = "UPDATE crosspoint_calls SET state = 'undeliverable', \
     deliveries = deliveries + 1, deliver_at = NULL, deliver_until = NULL, delivery_error = $3 \
     WHERE id = $1 AND owner = $2 AND state = 'finished' RETURNING id";

pub(crate) const REDELIVER: &str = "UPDATE crosspoint_calls SET state = 'finished', \
     deliver_at = 0, deliver_until = NULL WHERE id = $1 AND state = 'undeliverable' RETURNING id";

pub(crate) const FORGET_OWNER: &str = "DELETE FROM crosspoint_owners WHERE owner = $1";

/// All deliveries are due at once after a start: with SQLite the clock that their times were set
/// by is gone.
pub(crate) fn all_due() -> String {
    format!(
        "UPDATE crosspoint_calls SET deliver_at = 0, {}, deliver_until = NULL \
         WHERE state <> 'succeeded' AND state = 'finished'",
        in_doubt()
    )
}

/// Notes of a delivery that was taken, and of which no word came, that it may have arrived.
fn in_doubt() -> String {
    format!(
        "delivery_error = CASE WHEN deliver_until IS NULL THEN delivery_error \
         ELSE '{MAY_HAVE_ARRIVED}' END"
    )
}

/// Rows that must not be removed yet; those that somebody has to look at; and the rest.
pub(crate) const OPEN: &str = "('received', 'accepted', 'running', 'finished')";
pub(crate) const WATCHED: &str =
    "('received', 'accepted', 'running', 'finished', 'unknown', 'undeliverable')";

// === impl Dialect ===

impl Dialect {
    /// A statement of the schema with this database's types.
    pub(crate) fn spell(&self, sql: &str) -> String {
        sql.replace("{blob}", self.blob)
            .replace("{text}", self.text)
    }

    /// `$n`, or this database's own clock when that is null.
    pub(crate) fn now(&self, n: usize) -> String {
        format!("COALESCE(${n}, {})", self.now)
    }

    /// `rows` lists of `columns` parameters.
    fn lists(&self, rows: usize, columns: usize) -> String {
        let mut lists = String::with_capacity(rows * columns * 6);
        for row in 0..rows {
            lists.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..columns {
                lists.push_str(if column == 0 { "" } else { ", " });
                if self.numbered {
                    let _ = write!(lists, "${}", row * columns + column + 1);
                } else {
                    lists.push('?');
                }
            }
            lists.push(')');
        }
        lists
    }

    /// Makes rows whose ids are free.
    pub(crate) fn insert(&self, rows: usize) -> String {
        let lists = self.lists(rows, MADE_COLUMNS + CHANGED_COLUMNS);
        format!(
            "INSERT INTO crosspoint_calls ({MADE}, {CHANGED}) VALUES {lists} \
             ON CONFLICT DO NOTHING"
        )
    }

    /// The same. Answers the ids of those whose id and key were free.
    pub(crate) fn insert_keyed(&self, rows: usize) -> String {
        format!("{} RETURNING id", self.insert(rows))
    }

    /// The same. Answers their ids.
    pub(crate) fn change_heard(&self, rows: usize) -> String {
        format!("{} RETURNING crosspoint_calls.id", self.change(rows))
    }

    /// Changes rows of one owner that are in a state from which that is allowed.
    pub(crate) fn change(&self, rows: usize) -> String {
        let lists = self.lists(rows, 3 + CHANGED_COLUMNS);
        format!(
            "WITH e (call, by, sources, {CHANGED}) AS (VALUES {lists}) \
             UPDATE crosspoint_calls SET state = e.state, \
             attempts = crosspoint_calls.attempts + e.attempts, \
             started = COALESCE(e.started, crosspoint_calls.started), ended = e.ended, \
             status = e.status, mimetype = e.mimetype, code = e.code, effect = e.effect, \
             may_pass = e.may_pass, result_bytes = e.result_bytes, \
             size = crosspoint_calls.size + e.size, deliver_at = e.deliver_at, \
             message = e.message, summary = e.summary, sealed_result = e.sealed_result \
             FROM e WHERE crosspoint_calls.id = e.call AND crosspoint_calls.owner = e.by \
             AND e.sources LIKE '%,' || crosspoint_calls.state || ',%'"
        )
    }

    /// $1 owner, $2 lease in milliseconds, $3 now. Answers 1 where the lease before was not over.
    pub(crate) fn renew(&self) -> String {
        format!(
            "WITH before AS (SELECT lease FROM crosspoint_owners WHERE owner = $1) \
             INSERT INTO crosspoint_owners (owner, lease) VALUES ($1, {now} + $2) \
             ON CONFLICT (owner) DO UPDATE SET lease = EXCLUDED.lease RETURNING \
             (SELECT CAST(COUNT(*) AS BIGINT) FROM before WHERE before.lease > {now})",
            now = self.now(3)
        )
    }

    /// Whether the owner of a row is gone; `now` is the number of the parameter.
    fn gone(&self, now: usize) -> String {
        format!(
            "NOT EXISTS (SELECT 1 FROM crosspoint_owners o \
             WHERE o.owner = crosspoint_calls.owner AND o.lease > {})",
            self.now(now)
        )
    }

    /// $1 owner, $2 how many, $3 now.
    pub(crate) fn recover(&self) -> String {
        let gone = match self.leases {
            false => String::new(),
            true => format!("AND {}", self.gone(3)),
        };
        format!(
            "UPDATE crosspoint_calls SET owner = $1 WHERE id IN (\
             SELECT id FROM crosspoint_calls WHERE state <> 'succeeded' \
             AND state IN ('received', 'accepted', 'running') AND owner <> $1 {gone} \
             ORDER BY id LIMIT $2{}) RETURNING {ROW}",
            self.skip_locked
        )
    }

    /// $1 lease in milliseconds, $2 how many, $3 now, $4 owner. What somebody took who is gone is not
    /// waited for.
    pub(crate) fn due(&self) -> String {
        let now = self.now(3);
        let gone = match self.leases {
            false => String::new(),
            true => format!(" OR {}", self.gone(3)),
        };
        format!(
            "UPDATE crosspoint_calls SET {}, deliver_until = {now} + $1, owner = $4 WHERE id IN (\
             SELECT id FROM crosspoint_calls WHERE state <> 'succeeded' AND state = 'finished' \
             AND deliver_at <= {now} AND (deliver_until IS NULL OR deliver_until <= {now}{gone}) \
             ORDER BY id LIMIT $2{}) RETURNING {ROW}, sealed_result",
            in_doubt(),
            self.skip_locked
        )
    }

    /// $1 id, $2 pause in milliseconds, $3 now, $4 error, $5 owner.
    pub(crate) fn delivery_failed(&self) -> String {
        format!(
            "UPDATE crosspoint_calls SET deliveries = deliveries + 1, deliver_at = {} + $2, \
             deliver_until = NULL, delivery_error = $4 \
             WHERE id = $1 AND owner = $5 AND state = 'finished' RETURNING id",
            self.now(3)
        )
    }

    /// The oldest rows before an id ($1) that are in none of the `kept` states; at most $2.
    pub(crate) fn remove(&self, kept: &str) -> String {
        format!(
            "DELETE FROM crosspoint_calls WHERE id IN (SELECT id FROM crosspoint_calls \
             WHERE id < $1 AND state NOT IN {kept} ORDER BY id LIMIT $2{}) RETURNING size",
            self.skip_locked
        )
    }
}

/// The row with a key, $1 its hash.
pub(crate) fn select_key() -> Cow<'static, str> {
    format!("SELECT {ROW} FROM crosspoint_calls WHERE key_hash = $1").into()
}

/// The row with an id.
pub(crate) fn select_id() -> Cow<'static, str> {
    format!("SELECT {ROW} FROM crosspoint_calls WHERE id = $1").into()
}

/// Rows from the newest to the oldest.
pub(crate) fn list(filter: &Filter, limit: u32, before: Option<&str>) -> Statement {
    let mut sql = format!("SELECT {ROW} FROM crosspoint_calls WHERE 1 = 1");
    let mut values: Vec<Value> = Vec::new();
    let mut and = |condition: &str, value: Value| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('?', &format!("${}", values.len())));
    };
    for (condition, wanted) in [
        ("connector = ?", &filter.connector),
        ("command = ?", &filter.command),
        ("task = ?", &filter.task),
        ("instance = ?", &filter.instance),
        // Spelled so that the index of foreign request ids can be used.
        (
            "(id = ? OR (request_id = ? AND request_id <> id))",
            &filter.request_id,
        ),
    ] {
        if let Some(wanted) = wanted {
            and(condition, cut(wanted).into());
        }
    }
    match filter.state {
        None => {}
        Some(State::Succeeded) => and("state = ?", State::Succeeded.name().into()),
        // Only so the index of the other states can be used.
        Some(state) => and("state = ? AND state <> 'succeeded'", state.name().into()),
    }
    if let Some(since) = filter.since {
        and("id >= ?", first_id(since).as_str().into());
    }
    if let Some(until) = filter.until {
        and("id < ?", first_id(until).as_str().into());
    }
    if let Some(before) = before {
        and("id < ?", before.into());
    }
    let _ = write!(sql, " ORDER BY id DESC LIMIT {limit}");
    Statement::new(sql, values)
}

/// The text that no id of this millisecond, or of a later one, sorts before.
pub(crate) fn first_id(ms: i64) -> String {
    let ms = ms.clamp(0, (1 << 48) - 1);
    let hex = format!("{ms:012x}");
    format!("{}-{}", &hex[..8], &hex[8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_columns_are_right() {
        let count = |list: &str| list.split(", ").count();
        assert_eq!(count(MADE), MADE_COLUMNS);
        assert_eq!(count(CHANGED), CHANGED_COLUMNS);
        assert_eq!(count(ROW), ROW_COLUMNS);
    }

    #[test]
    fn ids_sort_with_the_bounds_of_their_time() {
        let at = |ms: u64| uuid::Builder::from_unix_timestamp_millis(ms, &[7; 10]).into_uuid();
        let id = at(1_700_000_000_123).to_string();
        assert!(first_id(1_700_000_000_123) <= id);
        assert!(first_id(1_700_000_000_124) > id);
        assert!(first_id(-5) < id && first_id(i64::MAX) > id);
    }
}
