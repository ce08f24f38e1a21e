//! What the writer does within one transaction.

use std::collections::HashSet;
use std::sync::Arc;

use crosspoint_broker::ledger::{Begun, State, StoreError};

use crate::codec;
use crate::engine::{Fault, Transaction};
use crate::sql::{CHANGED_COLUMNS, Dialect, MADE_COLUMNS, SETTLE, STATE, WITHDRAW, select_key};
use crate::value::{Rows, Statement, Value};
use crate::work::{Ask, Record, Work};

/// How many rows go into one statement. Few sizes, so that few statements have to be prepared; and
/// enough of them, since each statement costs a change of thread or a way over the network.
const ROWS: [usize; 5] = [16, 8, 4, 2, 1];

/// What became of one work.
pub(crate) enum Answer {
    /// The answers to who began it and to who changed it.
    Record(Option<Begun>, Result<(), StoreError>),
    Rows(Rows),
    /// The key's row disappeared while it was looked at.
    Repeat,
}

/// Who writes, in what SQL.
pub(crate) struct Scribe {
    pub(crate) owner: Arc<str>,
    insert: [String; ROWS.len()],
    insert_keyed: [String; ROWS.len()],
    change: [String; ROWS.len()],
    change_heard: [String; ROWS.len()],
}

// === impl Scribe ===

impl Scribe {
    pub(crate) fn new(dialect: &'static Dialect, owner: Arc<str>) -> Scribe {
        Scribe {
            owner,
            insert: ROWS.map(|rows| dialect.insert(rows)),
            insert_keyed: ROWS.map(|rows| dialect.insert_keyed(rows)),
            change: ROWS.map(|rows| dialect.change(rows)),
            change_heard: ROWS.map(|rows| dialect.change_heard(rows)),
        }
    }

    /// Takes rows back that nobody is going to run.
    pub(crate) async fn withdraw(
        &self,
        transaction: &mut dyn Transaction,
        ids: &[Arc<str>],
    ) -> Result<(), Fault> {
        for id in ids {
            let withdraw = Statement::new(WITHDRAW, [id.into(), (&self.owner).into()]);
            transaction.run(&withdraw).await?;
        }
        Ok(())
    }

    /// Makes rows, then changes rows, then asks, and answers for each work in its order.
    pub(crate) async fn run(
        &self,
        transaction: &mut dyn Transaction,
        works: &[Work],
    ) -> Result<Vec<Answer>, Fault> {
        let mut answers: Vec<Answer> = works.iter().map(|_| Answer::Repeat).collect();
        let mut changes: Vec<usize> = Vec::new();
        self.insert(transaction, works, &mut answers, &mut changes)
            .await?;
        let changed = |index: &usize| {
            let Work::Record(record) = &works[*index] else {
                return false;
            };
            record.insert.is_none()
        };
        changes.extend((0..works.len()).filter(changed));
        // Two changes of one call come one after the other.
        while !changes.is_empty() {
            let mut seen = HashSet::new();
            let (round, rest): (Vec<usize>, Vec<usize>) = changes
                .into_iter()
                .partition(|index| seen.insert(record(works, *index).id.clone()));
            self.change(transaction, works, &mut answers, round).await?;
            changes = rest;
        }
        for (work, answer) in works.iter().zip(&mut answers) {
            if let Work::Ask(ask) = work {
                *answer = Answer::Rows(asked(transaction, ask).await?);
            }
        }
        Ok(answers)
    }

    async fn insert(
        &self,
        transaction: &mut dyn Transaction,
        works: &[Work],
        answers: &mut [Answer],
        changes: &mut Vec<usize>,
    ) -> Result<(), Fault> {
        let inserts = (0..works.len())
            .filter(|index| matches!(&works[*index], Work::Record(r) if r.insert.is_some()));
        let keyed = |index: &usize| {
            let insert = record(works, *index).insert.as_ref();
            insert.is_some_and(|insert| insert.key_hash.is_some())
        };
        let (mut inserts, plain): (Vec<usize>, Vec<usize>) = inserts.partition(keyed);
        // Every process takes keys in the same order, so that no two wait for each other.
        inserts.sort_by_key(|index| {
            let record = record(works, *index);
            record.insert.as_ref().and_then(|insert| insert.key_hash)
        });
        let values = |index: &usize, values: &mut Vec<Value>| {
            if let Some(insert) = &record(works, *index).insert {
                insert.values(values);
            }
        };
        // Where there is no key, an id that is taken is that of this very row, written by a
        // transaction whose end was not heard.
        for (statement, _) in statements(&self.insert, &plain, values) {
            transaction.execute(&statement).await?;
        }
        for index in plain {
            answers[index] = Answer::Record(Some(Begun::New), Ok(()));
            changes.extend(record(works, index).change.is_some().then_some(index));
        }
        let made = self
            .many(transaction, &self.insert_keyed, &inserts, values)
            .await?;
        for index in inserts {
            let record = record(works, index);
            if made.contains(&*record.id) {
                answers[index] = Answer::Record(Some(Begun::New), Ok(()));
            } else {
                answers[index] = self.known(transaction, record).await?;
            }
            let is_ours = matches!(answers[index], Answer::Record(Some(Begun::New), _));
            if is_ours && record.change.is_some() {
                changes.push(index);
            }
        }
        Ok(())
    }

    /// What is there in the place of a row that was not made.
    async fn known(
        &self,
        transaction: &mut dyn Transaction,
        record: &Record,
    ) -> Result<Answer, Fault> {
        let hash = record.insert.as_ref().and_then(|insert| insert.key_hash);
        let Some(hash) = hash else {
            return Ok(Answer::Repeat);
        };
        let select = Statement::new(select_key(), [hash.as_slice().into()]);
        let rows = transaction.run(&select).await?;
        let Some(row) = rows.first() else {
            return Ok(Answer::Repeat);
        };
        Ok(match codec::row(&**row) {
            Ok(row) if *row.id == *record.id => Answer::Record(Some(Begun::New), Ok(())),
            Ok(row) => {
                let taken = "another call has its key".to_owned();
                let known = Begun::Known(Box::new(row));
                Answer::Record(Some(known), Err(StoreError::Refused(taken)))
            }
            Err(error) => Answer::Record(None, Err(error)),
        })
    }

    async fn change(
        &self,
        transaction: &mut dyn Transaction,
        works: &[Work],
        answers: &mut [Answer],
        mut round: Vec<usize>,
    ) -> Result<(), Fault> {
        round.sort_by_key(|index| record(works, *index).id.clone());
        let values = |index: &usize, values: &mut Vec<Value>| {
            let record = record(works, *index);
            if let Some(change) = &record.change {
                change.row(&record.id, &self.owner, values);
            }
        };
        let heard = |index: &usize| record(works, *index).changed.is_some();
        let (heard, plain): (Vec<usize>, Vec<usize>) = round.into_iter().partition(heard);
        let ids = self
            .many(transaction, &self.change_heard, &heard, values)
            .await?;
        let is_heard = |index: &usize| ids.contains(&*record(works, *index).id);
        let mut changed: HashSet<usize> = heard.iter().copied().filter(is_heard).collect();
        for (statement, rows) in statements(&self.change, &plain, values) {
            // Usually all of them are changed. If not, each is looked at.
            if transaction.execute(&statement).await? == rows.len() as u64 {
                changed.extend(rows);
            }
        }
        for index in heard.into_iter().chain(plain) {
            let result = match changed.contains(&index) {
                true => Ok(()),
                false => self.refused(transaction, record(works, index)).await?,
            };
            let begun = match std::mem::replace(&mut answers[index], Answer::Repeat) {
                Answer::Record(begun, _) => begun,
                _ => None,
            };
            answers[index] = Answer::Record(begun, result);
        }
        Ok(())
    }

    /// Why a row was not changed, if it was not changed that way before.
    async fn refused(
        &self,
        transaction: &mut dyn Transaction,
        record: &Record,
    ) -> Result<Result<(), StoreError>, Fault> {
        let Some(change) = &record.change else {
            return Ok(Ok(()));
        };
        let select = Statement::new(STATE, [Value::from(&record.id)]);
        let rows = transaction.run(&select).await?;
        let id = record.id.to_string();
        let Some(row) = rows.first() else {
            return Ok(Err(StoreError::NotFound(id)));
        };
        let from: Option<State> = row.text(0)?.and_then(|name| name.parse().ok());
        let owner = row.text(1)?.unwrap_or_default();
        Ok(match from {
            // Written by a transaction whose end was not heard, or just now among others.
            Some(from)
                if owner == *self.owner
                    && from == change.state
                    && (record.tried || record.changed.is_none()) =>
            {
                Ok(())
            }
            Some(from) if owner == *self.owner => Err(StoreError::NotAllowed {
                id,
                from,
                to: change.state,
            }),
            Some(State::Unknown) if record.changed.is_none() && change.is_end() => {
                // Whoever took it could not know what is known here.
                let settle = Statement::new(SETTLE, change.settlement(&id));
                match transaction.run(&settle).await?.is_empty() {
                    true => Err(StoreError::TakenOver(id)),
                    false => Ok(()),
                }
            }
            _ => Err(StoreError::TakenOver(id)),
        })
    }

    /// Runs a statement over many rows; answers the ids that it answers.
    async fn many(
        &self,
        transaction: &mut dyn Transaction,
        sql: &[String; ROWS.len()],
        rows: &[usize],
        values: impl Fn(&usize, &mut Vec<Value>),
    ) -> Result<HashSet<String>, Fault> {
        let mut ids = HashSet::with_capacity(rows.len());
        for (statement, _) in statements(sql, rows, values) {
            for row in transaction.run(&statement).await? {
                ids.extend(row.text(0)?);
            }
        }
        Ok(ids)
    }
}

async fn asked(transaction: &mut dyn Transaction, ask: &Ask) -> Result<Rows, Fault> {
    if let Some(before) = &ask.before {
        transaction.run(before).await?;
    }
    let rows = transaction.run(&ask.statement).await?;
    if let (Some(after), false) = (&ask.after, rows.is_empty()) {
        transaction.run(after).await?;
    }
    Ok(rows)
}

/// Statements of the sizes that there are, each with its rows.
fn statements<'r>(
    sql: &[String; ROWS.len()],
    mut rows: &'r [usize],
    values: impl Fn(&usize, &mut Vec<Value>),
) -> Vec<(Statement, &'r [usize])> {
    let mut statements = Vec::new();
    for (size, sql) in ROWS.into_iter().zip(sql) {
        while let Some((chunk, rest)) = rows.split_at_checked(size) {
            rows = rest;
            let mut all = Vec::with_capacity(size * (MADE_COLUMNS + CHANGED_COLUMNS));
            chunk.iter().for_each(|index| values(index, &mut all));
            statements.push((Statement::new(sql.clone(), all), chunk));
        }
    }
    statements
}

fn record(works: &[Work], index: usize) -> &Record {
    match &works[index] {
        Work::Record(record) => record,
        Work::Ask(_) => unreachable!("only records are made and changed"),
    }
}
