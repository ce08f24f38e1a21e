//! Runs a job: one transaction on one connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crosspoint_core::{Context, Effect, Failure, Json, Outcome};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::Connector;
use super::bind;
use super::dsn::Dsn;
use super::fault;
use super::job::{Answer, Job};
use super::pool::Lease;
use super::step;

/// How much earlier than the call's deadline the server gives up by itself, so that it can say so.
const HEAD_START: Duration = Duration::from_millis(500);

/// What the parts of a call share.
struct Run<'a> {
    connector: &'a Connector,
    job: &'a Job,
    deadline: Instant,
    /// Whether the SQL itself has begun to commit, so that a later error does not undo all.
    committed: AtomicBool,
    /// Whether the last commit has begun.
    saving: AtomicBool,
}

/// What a job has brought so far.
#[derive(Default)]
pub(super) struct Brought {
    /// A JSON list of lists.
    pub rows: Option<String>,
    /// Of the last statement; nothing for one that does not count.
    pub count: Option<u64>,
}

/// Types asked for instead of the server's guess: of which step, for which of its values.
pub(super) type Asked = HashMap<(usize, usize), Type>;

/// Why a transaction did not come to its end.
pub(super) enum Stopped {
    /// The call fails.
    Failed(Failure),
    /// The server cannot tell the type of this value of this step and must be told.
    Untyped(Failure, (usize, usize)),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Stopped {
        Stopped::Failed(failure)
    }
}

/// Runs `job` against the database that `dsn` names.
pub(super) async fn run(
    connector: &Connector,
    dsn: &str,
    job: &Job,
    cx: &Context,
) -> Result<Outcome, Failure> {
    let parsed = Dsn::parse(dsn).map_err(fault::dsn)?;
    if let Some(Ok(password)) = parsed.config.get_password().map(std::str::from_utf8) {
        cx.protect(password);
    }
    let run = Run {
        connector,
        job,
        deadline: cx.deadline,
        committed: AtomicBool::new(false),
        saving: AtomicBool::new(false),
    };
    let working = timeout_at(cx.deadline, run.work(dsn, &parsed));
    let stopped = tokio::select! {
        done = working => match done {
            Ok(result) => return result,
            Err(_) => "the database did not answer in time",
        },
        () = cx.cancelled.cancelled() => "the caller went away",
    };
    let known = !run.saving.load(Ordering::Relaxed);
    let failure = fault::connecting(stopped, None);
    Err(run.honest(match known {
        true => failure,
        false => failure.with_effect(Effect::Maybe),
    }))
}

// === impl Run ===

impl Run<'_> {
    async fn work(&self, text: &str, dsn: &Dsn) -> Result<Outcome, Failure> {
        let mut lease = self.connector.pool.lease(text, dsn, self.deadline).await?;
        let mut asked = Asked::new();
        let failure = loop {
            match self.transact(&mut lease, &asked).await {
                Ok(outcome) => {
                    match self.job.reusable {
                        true => lease.give_back(),
                        false => lease.close(),
                    }
                    return Ok(outcome);
                }
                Err(Stopped::Untyped(failure, at)) => {
                    let value = &self.job.steps[at.0].values[at.1];
                    let repeatable = !self.committed.load(Ordering::Relaxed);
                    if !repeatable || asked.insert(at, bind::natural(value)).is_some() {
                        break failure;
                    }
                }
                Err(Stopped::Failed(failure)) => break failure,
            }
        };
        let session = lease.session();
        if session.budget.is_spent() {
            return Err(self.honest(self.too_large()));
        }
        // Anything else than giving it back ends the connection.
        if !session.client.is_closed() && self.job.reusable {
            lease.give_back();
        }
        Err(self.honest(failure))
    }

    /// One attempt, which leaves no transaction open.
    async fn transact(&self, lease: &mut Lease, asked: &Asked) -> Result<Outcome, Stopped> {
        let session = lease.session();
        session.budget.grant(self.connector.max_answer);
        let timeout = session.own_timeout;
        let begin = session
            .client
            .build_transaction()
            .read_only(self.job.read_only);
        let transaction = begin.start().await.map_err(|error| fault::plain(&error))?;
        match self.steps(&transaction, timeout, asked).await {
            Ok(outcome) => {
                self.saving.store(true, Ordering::Relaxed);
                let saved = transaction.commit().await;
                saved.map_err(|error| fault::committing(&error))?;
                Ok(outcome)
            }
            Err(stopped) => {
                // When this fails the connection is closed, and that undoes it as well.
                let _ = transaction.rollback().await;
                Err(stopped)
            }
        }
    }

    async fn steps(
        &self,
        sql: &Transaction<'_>,
        own_timeout: Option<Duration>,
        asked: &Asked,
    ) -> Result<Outcome, Stopped> {
        let mut brought = Brought::default();
        let mut sum = 0;
        self.settle(sql, own_timeout).await?;
        for (number, step) in self.job.steps.iter().enumerate() {
            let last = number + 1 == self.job.steps.len();
            let fetch = last && self.job.answer == Answer::Rows;
            if step.commits() {
                self.committed.store(true, Ordering::Relaxed);
            }
            let limit = fetch.then_some(self.connector.row_limit);
            brought = step::run(sql, step, number, limit, asked).await?;
            sum += brought.count.unwrap_or_default();
            // The SQL may have ended our transaction. A second BEGIN does no harm.
            if step.controls_transactions() {
                let begun = sql.batch_execute("BEGIN").await;
                begun.map_err(|error| fault::plain(&error))?;
                self.settle(sql, own_timeout).await?;
            }
        }
        Ok(Outcome::json(brought.answer(self.job.answer, sum)?))
    }

    /// Sets what holds until the transaction ends.
    async fn settle(
        &self,
        sql: &Transaction<'_>,
        own_timeout: Option<Duration>,
    ) -> Result<(), Failure> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = left.saturating_sub(HEAD_START.min(left / 4));
        let limits = [own_timeout, self.connector.statement_timeout];
        let time = limits.into_iter().flatten().fold(left, Duration::min);
        let milliseconds = time.as_millis().clamp(1, i32::MAX as u128);
        let settings = format!(
            "SET LOCAL standard_conforming_strings = on; SET LOCAL DateStyle = ISO; \
             SET LOCAL IntervalStyle = iso_8601; SET LOCAL bytea_output = hex; \
             SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = {milliseconds}"
        );
        let set = sql.batch_execute(&settings).await;
        set.map_err(|error| fault::plain(&error))
    }

    /// A failure that does not say that nothing happened when the SQL has committed by itself.
    fn honest(&self, failure: Failure) -> Failure {
        match failure.effect {
            Effect::None if self.committed.load(Ordering::Relaxed) => {
                failure.with_effect(Effect::Maybe)
            }
            _ => failure,
        }
    }

    fn too_large(&self) -> Failure {
        let limit = self.connector.max_answer;
        fault::undone(
            "AnswerTooLarge",
            format!("the database sent more than {limit} bytes, so the transaction was undone"),
        )
    }
}

// === impl Brought ===

impl Brought {
    fn answer(self, wanted: Answer, sum: u64) -> Result<Json, Failure> {
        let affected = |count| format!(r#"{{"result":"{count} rows affected"}}"#);
        let text = match (wanted, self.rows, self.count) {
            (Answer::Rows, rows, _) => rows.unwrap_or_else(|| "[]".to_owned()),
            (Answer::Sum, ..) => affected(sum),
            (Answer::Count, _, Some(count)) => affected(count),
            (Answer::Count, _, None) => r#"{"result":"ok"}"#.to_owned(),
        };
        Json::parse(text).map_err(|error| {
            let message = format!("the rows cannot be written as JSON: {error}");
            fault::undone("DataError", message)
        })
    }
}
