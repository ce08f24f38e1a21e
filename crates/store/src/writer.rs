//! The one task that writes. It takes what has queued, puts it into one transaction and answers
//! everybody who waits: the price of a commit is shared.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crosspoint_broker::ledger::{Begun, StoreError};
use tokio::time::{Instant, sleep};

use crate::batch::{Answer, Scribe};
use crate::engine::{Engine, Fault};
use crate::queue::Queue;
use crate::work::{Record, Work};

/// The pauses between attempts while the database is down.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// What the writer and those who look at it share.
pub(crate) struct Shared {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) queue: Queue,
    /// Why the last attempt to write failed.
    problem: Mutex<Option<String>>,
}

/// The writing task.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    scribe: Scribe,
    /// Rows that may be in the ledger although whoever began them was told otherwise.
    withdrawn: Vec<Arc<str>>,
    pause: Duration,
}

/// Why a transaction was not committed, and whether it may have been after all.
struct Failed {
    fault: Fault,
    in_doubt: bool,
}

// === impl Shared ===

impl Shared {
    pub(crate) fn new(engine: Arc<dyn Engine>, capacity: usize) -> Shared {
        Shared {
            engine,
            queue: Queue::new(capacity),
            problem: Mutex::default(),
        }
    }

    pub(crate) fn problem(&self) -> Option<String> {
        let problem = self.problem.lock();
        problem.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says aloud when the state changes, and only then.
    fn set_problem(&self, problem: Option<&str>) {
        let mut current = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*current, problem) {
            (None, Some(problem)) => {
                tracing::error!(problem, "The ledger cannot be written.");
            }
            (Some(_), None) => {
                let lost = self.queue.lost();
                tracing::info!(lost, "The ledger can be written again.");
            }
            _ => {}
        }
        *current = problem.map(str::to_owned);
    }
}

// === impl Writer ===

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, owner: Arc<str>) -> Writer {
        Writer {
            scribe: Scribe::new(shared.engine.dialect(), owner),
            shared,
            withdrawn: Vec::new(),
            pause: FIRST_PAUSE,
        }
    }

    /// Writes until the queue is closed and empty.
    pub(crate) async fn run(mut self) {
        while let Some(works) = self.shared.queue.next(self.latest()).await {
            self.write(works).await;
        }
        if !self.withdrawn.is_empty() {
            let _ = self.attempt(&[]).await;
        }
    }

    /// When there is something to write at the latest, though nothing has queued.
    fn latest(&self) -> Option<Instant> {
        (!self.withdrawn.is_empty()).then(Instant::now)
    }

    async fn write(&mut self, works: Vec<Work>) {
        match self.attempt(&works).await {
            Ok(answers) => self.answer(works, answers),
            Err(failed) if matches!(failed.fault, Fault::Statement(_)) => {
                self.write_singly(works, failed).await;
            }
            Err(failed) => self.wait(works, failed).await,
        }
    }

    /// One of them is to blame; the others must not suffer.
    async fn write_singly(&mut self, works: Vec<Work>, failed: Failed) {
        if works.len() <= 1 {
            let message = failed.fault.message();
            tracing::error!(reason = message, "The ledger refuses a record.");
            let error = StoreError::Refused(message.to_owned());
            works.into_iter().for_each(|work| self.refuse(work, &error));
            return;
        }
        let mut works = works.into_iter();
        while let Some(work) = works.next() {
            let single = [work];
            match self.attempt(&single).await {
                Ok(answers) => self.answer(single.into(), answers),
                Err(failed) if matches!(failed.fault, Fault::Statement(_)) => {
                    Box::pin(self.write_singly(single.into(), failed)).await;
                }
                Err(failed) => {
                    let rest = single.into_iter().chain(works.by_ref()).collect();
                    return self.wait(rest, failed).await;
                }
            }
        }
    }

    async fn attempt(&mut self, works: &[Work]) -> Result<Vec<Answer>, Failed> {
        let safe = |fault| Failed {
            fault,
            in_doubt: false,
        };
        let mut transaction = self.shared.engine.begin().await.map_err(safe)?;
        let written = async {
            self.scribe
                .withdraw(&mut *transaction, &self.withdrawn)
                .await?;
            self.scribe.run(&mut *transaction, works).await
        };
        let answers = match written.await {
            Ok(answers) => answers,
            Err(fault) => {
                if matches!(fault, Fault::Statement(_)) {
                    transaction.rollback().await;
                }
                return Err(safe(fault));
            }
        };
        transaction.commit().await.map_err(|fault| Failed {
            // A database that says no has not committed.
            in_doubt: matches!(fault, Fault::Unreachable(_)),
            fault,
        })?;
        self.withdrawn.clear();
        self.pause = FIRST_PAUSE;
        self.shared.set_problem(None);
        Ok(answers)
    }

    fn answer(&mut self, works: Vec<Work>, answers: Vec<Answer>) {
        let mut repeat = Vec::new();
        for (work, answer) in works.into_iter().zip(answers) {
            match (work, answer) {
                (Work::Record(record), Answer::Record(begun, changed)) => {
                    self.answer_record(*record, begun, changed);
                }
                (Work::Ask(ask), Answer::Rows(rows)) => drop(ask.answer.send(Ok(rows))),
                (work, _) => repeat.push(work),
            }
        }
        self.shared.queue.put_back(repeat);
    }

    fn answer_record(
        &mut self,
        record: Record,
        begun: Option<Begun>,
        changed: Result<(), StoreError>,
    ) {
        let unheard = record.changed.is_none() && record.begun.is_none();
        match &changed {
            // It has an end, by whoever took it.
            Err(error @ StoreError::TakenOver(_)) if unheard => {
                tracing::warn!(id = %record.id, %error, "The end of this call is not recorded.");
            }
            Err(error) if unheard => {
                tracing::error!(id = %record.id, %error, "A record is lost to the ledger.");
                self.shared.queue.lose(1);
            }
            _ => {}
        }
        if let (Some(waiter), Some(begun)) = (record.begun, begun)
            && let Err(Ok(Begun::New)) = waiter.send(Ok(begun))
        {
            self.withdrawn.push(record.id);
        }
        if let Some(waiter) = record.changed {
            let _ = waiter.send(changed);
        }
    }

    fn refuse(&mut self, work: Work, error: &StoreError) {
        match work {
            Work::Ask(ask) => drop(ask.answer.send(Err(error.clone()))),
            Work::Record(record) => {
                if record.begun.is_none() && record.changed.is_none() {
                    self.shared.queue.lose(1);
                }
                if let Some(waiter) = record.begun {
                    let _ = waiter.send(Err(error.clone()));
                }
                if let Some(waiter) = record.changed {
                    let _ = waiter.send(Err(error.clone()));
                }
            }
        }
    }

    /// Keeps what is worth keeping while the database is down, and waits a moment. The connection
    /// may be back at once; whoever waits for a database that says no gets the answer now.
    async fn wait(&mut self, works: Vec<Work>, failed: Failed) {
        let message = failed.fault.message();
        self.shared.set_problem(Some(message));
        let says_no = matches!(failed.fault, Fault::Broken(_));
        let error = StoreError::Unavailable(message.to_owned());
        let kept = works
            .into_iter()
            .filter_map(|work| match work {
                // Done twice it may do harm, and nobody knows whether it was done.
                Work::Ask(ask) if says_no || failed.in_doubt || ask.answer.is_closed() => {
                    let _ = ask.answer.send(Err(error.clone()));
                    None
                }
                Work::Ask(ask) => Some(Work::Ask(ask)),
                Work::Record(mut record) => {
                    record.tried |= failed.in_doubt;
                    let record = self.keep(record, says_no.then_some(&error))?;
                    Some(Work::Record(record))
                }
            })
            .collect();
        self.shared.queue.put_back(kept);
        if self.shared.queue.is_closed() {
            return self.shared.queue.abandon();
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// A beginning that somebody waits for is worth nothing without them; ends always are.
    fn keep(
        &mut self,
        mut record: Box<Record>,
        answer: Option<&StoreError>,
    ) -> Option<Box<Record>> {
        if let (Some(_), Some(error)) = (&record.changed, answer)
            && let Some(waiter) = record.changed.take()
        {
            let _ = waiter.send(Err(error.clone()));
        }
        let Some(waiter) = record.begun.take() else {
            return Some(record);
        };
        match answer {
            None if !waiter.is_closed() => {
                record.begun = Some(waiter);
                return Some(record);
            }
            None => {}
            Some(error) => drop(waiter.send(Err(error.clone()))),
        }
        if record.tried {
            self.withdrawn.push(record.id.clone());
        }
        None
    }
}
