//! What outlives the process beside calls: items in drawers, sealed, and what was done to them.
//!
//! Every change takes its revision from one counter, in the transaction that makes it: no two are
//! alike, and on PostgreSQL changes come one after the other.

use std::time::Duration;

use bytes::Bytes;
use crosspoint_broker::cabinet::{Act, Cabinet, Drawer, Expected, Item};
use crosspoint_broker::ledger::StoreError;
use futures_util::future::BoxFuture;

use crate::ledger::{Ledger, error, ms};
use crate::sealer::NotSealedHere;
use crate::sql::Dialect;
use crate::value::{Columns, Rows, Statement, Value};

const VERSION: &str = "SELECT value FROM crosspoint_counters WHERE name = 'version'";
const NEXT_REVISION: &str =
    "UPDATE crosspoint_counters SET value = value + 1 WHERE name = 'revision'";
const NEXT_VERSION: &str =
    "UPDATE crosspoint_counters SET value = value + 1 WHERE name = 'version'";
const REVISION: &str = "(SELECT value FROM crosspoint_counters WHERE name = 'revision')";

/// $1 to $6: when, actor, ingress, act, subject, detail.
const RECORD: &str = "INSERT INTO crosspoint_acts (id, at, actor, ingress, act, subject, detail) \
     SELECT value, $1, $2, $3, $4, $5, $6 FROM crosspoint_counters WHERE name = 'revision' \
     RETURNING id";
const ACTS: &str = "SELECT id, at, actor, ingress, act, subject, detail FROM crosspoint_acts \
     WHERE id < $1 ORDER BY id DESC LIMIT $2";

/// What is read of an item, in the order of [`Ledger::item`].
const ITEM: &str = "id, revision, changed, expires, sealed";

/// Of which drawer an item is, bound to what is in it.
pub(crate) fn part(drawer: &str) -> String {
    format!("item {drawer}")
}

// === impl Dialect ===

impl Dialect {
    /// Whether an item is there; `now` is the number of the parameter.
    fn is_there(&self, now: usize) -> String {
        format!(
            "(crosspoint_items.expires IS NULL OR crosspoint_items.expires > {})",
            self.now(now)
        )
    }

    /// $1 drawer, $2 now.
    fn items(&self) -> String {
        let there = self.is_there(2);
        format!("SELECT {ITEM} FROM crosspoint_items WHERE drawer = $1 AND {there} ORDER BY id")
    }

    /// $1 drawer, $2 id, $3 now.
    fn item(&self) -> String {
        let there = self.is_there(3);
        format!("SELECT {ITEM} FROM crosspoint_items WHERE drawer = $1 AND id = $2 AND {there}")
    }

    /// $1 drawer, $2 id, $3 now. Answers with what was there.
    fn take_item(&self) -> String {
        let there = self.is_there(3);
        format!(
            "DELETE FROM crosspoint_items WHERE drawer = $1 AND id = $2 AND {there} \
             RETURNING {ITEM}"
        )
    }

    /// $1 drawer, $2 id, $3 now, $4 expires, $5 sealed, and $6 the revision that is expected.
    fn put_item(&self, expected: Expected) -> String {
        let (now, gone) = (self.now(3), format!("NOT {}", self.is_there(3)));
        let set = format!(
            "revision = {REVISION}, changed = {now}, expires = $4, claimed = NULL, sealed = $5"
        );
        let insert = format!(
            "INSERT INTO crosspoint_items (drawer, id, revision, changed, expires, sealed) \
             VALUES ($1, $2, {REVISION}, {now}, $4, $5) ON CONFLICT (drawer, id) DO UPDATE SET {set}"
        );
        match expected {
            Expected::Any => format!("{insert} RETURNING revision"),
            Expected::Absent => format!("{insert} WHERE {gone} RETURNING revision"),
            Expected::Revision(_) => format!(
                "UPDATE crosspoint_items SET {set} WHERE drawer = $1 AND id = $2 \
                 AND revision = $6 AND {} RETURNING revision",
                self.is_there(3)
            ),
        }
    }

    /// $1 drawer, $2 id, $3 now, $4 revision, $5 lease in milliseconds.
    fn claim_item(&self) -> String {
        let (now, there) = (self.now(3), self.is_there(3));
        format!(
            "UPDATE crosspoint_items SET claimed = {now} + $5 WHERE drawer = $1 AND id = $2 \
             AND revision = $4 AND (claimed IS NULL OR claimed <= {now}) AND {there} RETURNING id"
        )
    }

    /// $1 now.
    fn remove_expired(&self) -> String {
        let now = self.now(1);
        format!("DELETE FROM crosspoint_items WHERE expires IS NOT NULL AND expires <= {now}")
    }
}

// === impl Ledger ===

impl Ledger {
    /// Removes items that are as if they were not there.
    pub(crate) async fn remove_expired(&self) -> Result<(), StoreError> {
        let sql = self.dialect().remove_expired();
        self.ask(Statement::new(sql, [self.now()])).await.map(drop)
    }

    /// Reads the columns of [`ITEM`], and opens what is sealed.
    fn item(&self, drawer: Drawer, columns: &dyn Columns) -> Result<Item, StoreError> {
        let item = read(columns).map_err(odd)?;
        let opened = self.sealer.open(&item.id, &part(drawer.name()), &item.body);
        match opened {
            Ok(body) => Ok(Item {
                body: body.into(),
                ..item
            }),
            Err(NotSealedHere) => Err(StoreError::Sealed {
                id: format!("{} {}", drawer.name(), item.id),
                part: "value",
            }),
        }
    }

    fn only(&self, drawer: Drawer, rows: &Rows) -> Result<Option<Item>, StoreError> {
        let first = rows.first();
        first.map(|row| self.item(drawer, &**row)).transpose()
    }

    /// Changes an item, and with it the version where it counts.
    async fn change_item(
        &self,
        drawer: Drawer,
        before: Option<Statement>,
        statement: Statement,
    ) -> Result<Rows, StoreError> {
        let after = drawer
            .is_versioned()
            .then(|| Statement::new(NEXT_VERSION, []));
        let answered = self.queued_between(before, statement, after)?;
        self.wait(answered).await
    }

    fn of(&self, drawer: Drawer, id: &str) -> Vec<Value> {
        vec![drawer.name().into(), id.into(), self.now()]
    }

    async fn take_item(&self, drawer: Drawer, id: &str) -> Result<Rows, StoreError> {
        let take = Statement::new(self.dialect().take_item(), self.of(drawer, id));
        self.change_item(drawer, None, take).await
    }
}

impl Cabinet for Ledger {
    fn version(&self) -> BoxFuture<'_, Result<i64, StoreError>> {
        Box::pin(async move {
            let rows = self.read(Statement::new(VERSION, [])).await?;
            Ok(number(&rows)?.unwrap_or(0))
        })
    }

    fn list(&self, drawer: Drawer) -> BoxFuture<'_, Result<Vec<Item>, StoreError>> {
        Box::pin(async move {
            let values = [drawer.name().into(), self.now()];
            let rows = self
                .read(Statement::new(self.dialect().items(), values))
                .await?;
            rows.iter().map(|row| self.item(drawer, &**row)).collect()
        })
    }

    fn get<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Item>, StoreError>> {
        Box::pin(async move {
            let item = Statement::new(self.dialect().item(), self.of(drawer, id));
            self.only(drawer, &self.read(item).await?)
        })
    }

    fn put<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
        body: Bytes,
        expires: Option<i64>,
        expected: Expected,
    ) -> BoxFuture<'a, Result<Option<i64>, StoreError>> {
        Box::pin(async move {
            let sealed = self.sealer.seal(id, &part(drawer.name()), &body);
            let sealed = sealed
                .map_err(|NotSealedHere| StoreError::Refused(format!("{id} is too large")))?;
            let mut values = self.of(drawer, id);
            values.extend([expires.into(), sealed.as_slice().into()]);
            if let Expected::Revision(revision) = expected {
                values.push(revision.into());
            }
            let put = Statement::new(self.dialect().put_item(expected), values);
            let before = Some(Statement::new(NEXT_REVISION, []));
            number(&self.change_item(drawer, before, put).await?)
        })
    }

    fn remove<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        // Also one that cannot be opened.
        Box::pin(async move { Ok(!self.take_item(drawer, id).await?.is_empty()) })
    }

    fn take<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Item>, StoreError>> {
        Box::pin(async move { self.only(drawer, &self.take_item(drawer, id).await?) })
    }

    fn claim<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
        revision: i64,
        lease: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut values = self.of(drawer, id);
            values.extend([revision.into(), ms(lease).into()]);
            let claim = Statement::new(self.dialect().claim_item(), values);
            Ok(!self.ask(claim).await?.is_empty())
        })
    }

    fn record(&self, act: Act) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let values = [
                act.at.into(),
                act.actor.as_str().into(),
                act.ingress.as_str().into(),
                act.act.as_str().into(),
                act.subject.as_str().into(),
                act.detail.as_deref().into(),
            ];
            let before = Some(Statement::new(NEXT_REVISION, []));
            let record = Statement::new(RECORD, values);
            let answered = self.queued_between(before, record, None)?;
            self.wait(answered).await.map(drop)
        })
    }

    fn acts<'a>(
        &'a self,
        limit: u32,
        before: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Act>, StoreError>> {
        Box::pin(async move {
            let before = match before.map(str::parse::<i64>) {
                None => i64::MAX,
                Some(Ok(before)) => before,
                Some(Err(_)) => {
                    return Err(StoreError::Refused("this is no id of an act".to_owned()));
                }
            };
            let values = [before.into(), i64::from(limit).into()];
            let rows = self.read(Statement::new(ACTS, values)).await?;
            let acts = rows.iter().map(|row| read_act(&**row));
            acts.collect::<Result<_, _>>().map_err(odd)
        })
    }
}

/// An item whose body is still sealed.
fn read(columns: &dyn Columns) -> Result<Item, sqlx::Error> {
    Ok(Item {
        id: columns.text(0)?.unwrap_or_default(),
        revision: columns.int(1)?.unwrap_or_default(),
        changed: columns.int(2)?.unwrap_or_default(),
        expires: columns.int(3)?,
        body: columns.blob(4)?.unwrap_or_default().into(),
    })
}

fn read_act(columns: &dyn Columns) -> Result<Act, sqlx::Error> {
    let text = |column| columns.text(column).map(Option::unwrap_or_default);
    let number = |column| columns.int(column).map(Option::unwrap_or_default);
    Ok(Act {
        // As text they have the order of the numbers.
        id: format!("{:020}", number(0)?),
        at: number(1)?,
        actor: text(2)?,
        ingress: text(3)?,
        act: text(4)?,
        subject: text(5)?,
        detail: columns.text(6)?,
    })
}

/// The one number of the one row.
fn number(rows: &Rows) -> Result<Option<i64>, StoreError> {
    let number = rows.first().map(|row| row.int(0)).transpose();
    Ok(number.map_err(odd)?.flatten())
}

fn odd(fault: sqlx::Error) -> StoreError {
    error(fault.into())
}
