//! Rows of the ledger as the database answers with them.

use crosspoint_broker::ledger::{About, Delivery, Ending, Kept, Key, Row, State, StoreError};
use crosspoint_core::Effect;

use crate::value::{Columns, Rows};

/// Reads the columns of [`crate::sql::ROW`].
pub(crate) fn row(columns: &dyn Columns) -> Result<Row, StoreError> {
    read(columns).map_err(|error| {
        let id = columns.text(0).ok().flatten().unwrap_or_default();
        StoreError::Refused(format!("reading call {id}: {error}"))
    })
}

pub(crate) fn rows(rows: &Rows) -> Result<Vec<Row>, StoreError> {
    rows.iter().map(|columns| row(&**columns)).collect()
}

fn read(columns: &dyn Columns) -> Result<Row, sqlx::Error> {
    let text = |column| columns.text(column);
    let needed = |column| columns.text(column).map(Option::unwrap_or_default);
    let int = |column| columns.int(column);
    let count = |column| columns.int(column).map(|n| n.unwrap_or(0).max(0) as u64);
    let key = match (text(1)?, text(2)?, columns.blob(3)?) {
        (Some(scope), Some(text), Some(fingerprint)) => Some(Key {
            scope,
            text,
            fingerprint: fingerprint
                .try_into()
                .map_err(|_| odd("the fingerprint has another length"))?,
        }),
        _ => None,
    };
    let ending = match int(20)? {
        None => None,
        Some(ended) => Some(Ending {
            ended,
            status: int(21)?.and_then(|status| status.try_into().ok()),
            mimetype: text(22)?,
            code: text(23)?,
            message: text(24)?,
            effect: text(25)?.map(|name| effect(&name)).transpose()?,
            may_pass: count(26)? != 0,
            summary: text(27)?,
            result_bytes: count(28)?,
        }),
    };
    let state = needed(16)?;
    let state: State = state.parse().map_err(|_| odd("the state has no meaning"))?;
    Ok(Row {
        id: needed(0)?,
        key,
        about: About {
            ingress: needed(4)?,
            caller: text(5)?,
            instance: text(6)?,
            model: text(7)?,
            task: text(8)?,
            request_id: needed(9)?,
            connector: needed(10)?,
            command: needed(11)?,
            created: int(12)?.unwrap_or_default(),
            callback: text(13)?,
            arguments: text(14)?,
            argument_bytes: count(15)?,
            profile: text(34)?,
            uses: text(35)?,
        },
        state,
        attempts: count(17)? as u32,
        owner: needed(18)?,
        started: int(19)?,
        ending,
        delivery: Delivery {
            attempts: count(29)? as u32,
            next: int(30)?,
            error: text(31)?,
        },
        kept: Kept {
            replay: count(32)? != 0,
            result: count(33)? != 0,
        },
    })
}

fn effect(name: &str) -> Result<Effect, sqlx::Error> {
    Effect::named(name).ok_or_else(|| odd("the effect has no meaning"))
}

fn odd(what: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}
