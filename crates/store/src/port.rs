//! The port, method by method.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_broker::ledger::{
    Begun, Due, End, Filter, NewRow, Pruned, Retention, Row, State, Store, StoreError, StoreHealth,
    Version, Wait,
};
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::codec;
use crate::ledger::{CALL, Ledger, RESULT, error, ms, sorted};
use crate::record::{Change, Insert, hash_of};
use crate::sql::{self, ROW_COLUMNS};
use crate::value::{Statement, Value};
use crate::work::{Record, Work};

impl Store for Ledger {
    fn owner(&self) -> &str {
        &self.owner
    }

    fn lease(&self) -> Option<Duration> {
        self.alive.is_some().then_some(self.lease)
    }

    fn alive_since(&self, then: Instant) -> bool {
        self.alive.as_ref().is_none_or(|alive| alive.since(then))
    }

    fn begin(&self, row: NewRow, wait: Wait) -> BoxFuture<'_, Result<Begun, StoreError>> {
        Box::pin(async move {
            if !matches!(
                row.state,
                State::Received | State::Accepted | State::Running
            ) {
                let what = format!("a call does not begin as {}", row.state);
                return Err(StoreError::Refused(what));
            }
            let sealed = self.seal(&row.id, CALL, &row.replay)?;
            let insert = Insert::new(&row, &self.owner, sealed);
            if wait == Wait::No {
                self.shared.queue.begin(insert);
                return Ok(Begun::New);
            }
            let (begun, answered) = oneshot::channel();
            let mut record = Record::new(insert.id.clone());
            record.insert = Some(insert);
            record.begun = Some(begun);
            let work = Work::Record(Box::new(record));
            self.shared.queue.push(work).map_err(|_| self.full())?;
            self.wait(answered).await
        })
    }

    fn start<'a>(
        &'a self,
        id: &'a str,
        started: i64,
        wait: Wait,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.change(id, Change::start(started), wait))
    }

    fn end(&self, end: End, wait: Wait) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if !State::Running.may_become(end.state) || end.state.is_open() {
                let what = format!("a call does not end as {}", end.state);
                return Err(StoreError::Refused(what));
            }
            let sealed = self.seal(&end.id, RESULT, &end.result)?;
            let change = Change::end(end.state, end.ending, sealed);
            self.change(&end.id, change, wait).await
        })
    }

    fn again<'a>(
        &'a self,
        id: &'a str,
        from: Version,
        started: i64,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            use State::{Delivered, Failed, Running, Unknown};
            if !matches!(from.state, Failed | Unknown | Running | Delivered) {
                let (id, from, to) = (id.to_owned(), from.state, Running);
                return Err(StoreError::NotAllowed { id, from, to });
            }
            self.shared.queue.hasten(id);
            let values = [
                id.into(),
                (&self.owner).into(),
                started.into(),
                from.state.name().into(),
                i64::from(from.attempts).into(),
            ];
            let changed = self.ask(Statement::new(sql::AGAIN, values)).await?;
            Ok(!changed.is_empty())
        })
    }

    fn promise<'a>(
        &'a self,
        id: &'a str,
        callback: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let values = [id.into(), (&self.owner).into(), callback.into()];
        self.shared.queue.hasten(id);
        Box::pin(self.step(id, State::Finished, Statement::new(sql::PROMISE, values)))
    }

    fn settle(&self, end: End) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            if !State::Unknown.may_become(end.state) || end.state.is_open() {
                let (id, from, to) = (end.id, State::Unknown, end.state);
                return Err(StoreError::NotAllowed { id, from, to });
            }
            self.shared.queue.hasten(&end.id);
            let sealed = self.seal(&end.id, RESULT, &end.result)?;
            let change = Change::end(end.state, end.ending, sealed);
            let values = change.settlement(&end.id);
            let settled = self.ask(Statement::new(sql::SETTLE, values)).await?;
            Ok(!settled.is_empty())
        })
    }

    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Row>, StoreError>> {
        Box::pin(self.find_one(Statement::new(sql::select_id(), [id.into()])))
    }

    fn find_key<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Row>, StoreError>> {
        let hash = hash_of(scope, key);
        let values = [hash.as_slice().into()];
        Box::pin(self.find_one(Statement::new(sql::select_key(), values)))
    }

    fn replay<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(self.sealed(id, CALL, sql::SEALED_CALL))
    }

    fn result<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(self.sealed(id, RESULT, sql::SEALED_RESULT))
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        limit: u32,
        before: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let rows = self.read(sql::list(filter, limit, before)).await?;
            codec::rows(&rows)
        })
    }

    fn recover(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            if self.alive.as_ref().is_some_and(|alive| !alive.may_judge()) {
                return Ok(Vec::new());
            }
            if !self.dialect().leases && !self.recovered.load(Ordering::Relaxed) {
                self.ask(Statement::new(sql::all_due(), [])).await?;
                self.recovered.store(true, Ordering::Relaxed);
            }
            let values = [
                (&self.owner).into(),
                i64::from(limit).into(),
                Value::Int(None),
            ];
            // Waited for to the end: rows that nobody heard of would wait as long as this owner lives.
            let recovering = self.queued(Statement::new(self.dialect().recover(), values))?;
            let rows = recovering.await.map_err(|_| self.closed())??;
            sorted(&rows)
        })
    }

    fn due(&self, lease: Duration, limit: u32) -> BoxFuture<'_, Result<Vec<Due>, StoreError>> {
        Box::pin(async move {
            let limit = i64::from(limit).into();
            let values = [ms(lease).into(), limit, self.now(), (&self.owner).into()];
            let rows = self
                .ask(Statement::new(self.dialect().due(), values))
                .await?;
            let due = rows.iter().map(|columns| {
                let row = codec::row(&**columns)?;
                let sealed = columns.blob(ROW_COLUMNS).map_err(|e| error(e.into()))?;
                let result = self.opened(&row.id, RESULT, sealed);
                Ok(Due { row, result })
            });
            let mut due: Vec<Due> = due.collect::<Result<_, StoreError>>()?;
            due.sort_by(|a, b| a.row.id.cmp(&b.row.id));
            Ok(due)
        })
    }

    fn delivered<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let statement = Statement::new(sql::DELIVERED, [id.into()]);
        Box::pin(self.step(id, State::Delivered, statement))
    }

    fn delivery_failed<'a>(
        &'a self,
        id: &'a str,
        pause: Duration,
        error: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let now = self.now();
        let owner = (&self.owner).into();
        let values = [id.into(), ms(pause).into(), now, error.into(), owner];
        let statement = Statement::new(self.dialect().delivery_failed(), values);
        Box::pin(self.step(id, State::Finished, statement))
    }

    fn undeliverable<'a>(
        &'a self,
        id: &'a str,
        error: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let statement = Statement::new(
            sql::UNDELIVERABLE,
            [id.into(), (&self.owner).into(), error.into()],
        );
        Box::pin(self.step(id, State::Undeliverable, statement))
    }

    fn redeliver<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let redeliver = Statement::new(sql::REDELIVER, [id.into()]);
            Ok(!self.ask(redeliver).await?.is_empty())
        })
    }

    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned, StoreError>> {
        Box::pin(self.remove_old(retention))
    }

    fn health(&self) -> StoreHealth {
        StoreHealth {
            problem: self.problem(),
            lost: self.shared.queue.lost(),
            queued: self.shared.queue.len(),
        }
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let flushed = timeout(self.patience, self.shared.queue.flushed()).await;
            flushed.map_err(|_| self.late())
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if self.shared.queue.is_closed() {
                return;
            }
            let flushed = self.flush().await;
            if let Some(alive) = &self.alive {
                alive.end(self.patience).await;
            }
            if flushed.is_ok() && self.alive.is_some() {
                let forget = Statement::new(sql::FORGET_OWNER, [(&self.owner).into()]);
                let _ = self.ask(forget).await;
            }
            self.shared.queue.close();
            let _ = timeout(self.patience, self.shared.queue.ended()).await;
            self.shared.engine.close().await;
        })
    }
}
