//! Keeps workers alive: starts them again, asks how they are, and replaces those that are stuck or
//! have served long enough.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use tokio::sync::{SemaphorePermit, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::pool::Shared;
use super::settings::{Recycle, Settings};
use super::wire::Pong;
use super::worker::Worker;
use crate::process::Backoff;

/// A worker that lived that long is no reason to wait before the next one is started.
const PROVED: Duration = Duration::from_secs(60);

/// Whether a worker should be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    /// No.
    Keep,
    /// When there is another one: it has served long enough.
    Recycle,
    /// At once: calls do not come back from it.
    Replace,
    /// It has ended.
    Ended,
}

/// A worker that is looked after.
struct Kept {
    worker: Arc<Worker>,
    wish: watch::Receiver<Wish>,
    retire: CancellationToken,
}

/// Sees to it that there is one worker, until the pool ends.
pub(super) async fn seat(pool: Arc<Shared>) {
    let ending = async {
        tokio::select! {
            () = pool.retire.cancelled() => {}
            () = pool.stop.cancelled() => pool.slots.close(),
        }
    };
    tokio::select! {
        () = keep_one(&pool) => {}
        () = ending => {}
    }
}

async fn keep_one(pool: &Arc<Shared>) {
    let mut backoff = Backoff::default();
    // Serves on until the next one is there.
    let mut before: Option<Kept> = None;
    loop {
        let renewals = pool.renewals.subscribe();
        let turn = match &mut before {
            Some(before) => before.turn(pool).await,
            None => None,
        };
        let Ok(worker) = pool.start_one().await else {
            sleep(backoff.after_failed_start()).await;
            continue;
        };
        let mut kept = Kept::new(pool, worker, renewals);
        drop(turn);
        if let Some(before) = before.take() {
            before.retire();
        }
        match kept.wish().await {
            Wish::Keep | Wish::Recycle => before = Some(kept),
            Wish::Replace => kept.retire(),
            Wish::Ended => sleep(backoff.after_end(kept.worker.has_proved_itself(PROVED))).await,
        }
    }
}

// === impl Kept ===

impl Kept {
    /// Gives a worker its calls, and has it looked after to its end.
    /// `renewals` were counted before it was started.
    fn new(pool: &Arc<Shared>, worker: Arc<Worker>, renewals: watch::Receiver<u64>) -> Kept {
        let idle = pool.slots.join(worker.id, worker.clone());
        if worker.is_over() {
            pool.slots.leave(worker.id);
        }
        let (connector, pid) = (&*worker.origin.connector, worker.origin.worker);
        tracing::debug!(connector, worker = pid, "A Python worker is ready.");
        let (sender, wish) = watch::channel(Wish::Keep);
        // The pool's end is the end of each worker, whoever replaces it.
        let retire = pool.retire.child_token();
        let care = Care {
            pool: pool.clone(),
            worker: worker.clone(),
            retire: retire.clone(),
            idle,
            renewals,
            wish: sender,
        };
        pool.tasks.spawn(care.take());
        Kept {
            worker,
            wish,
            retire,
        }
    }

    /// Returns when the worker should be replaced.
    async fn wish(&mut self) -> Wish {
        let wish = self.wish.wait_for(|wish| *wish != Wish::Keep).await;
        wish.map_or(Wish::Ended, |wish| *wish)
    }

    /// Waits until it is this worker's turn to be replaced. One that ends meanwhile waits no more.
    async fn turn<'p>(&mut self, pool: &'p Shared) -> Option<SemaphorePermit<'p>> {
        tokio::select! {
            turn = pool.turn.acquire() => turn.ok(),
            _ = self.wish.wait_for(|wish| *wish > Wish::Recycle) => None,
        }
    }

    /// Lets the worker end what it has, and leave.
    fn retire(&self) {
        self.retire.cancel();
    }
}

/// What looking after a worker takes.
struct Care {
    pool: Arc<Shared>,
    worker: Arc<Worker>,
    retire: CancellationToken,
    idle: CancellationToken,
    renewals: watch::Receiver<u64>,
    wish: watch::Sender<Wish>,
}

// === impl Care ===

impl Care {
    async fn take(self) {
        tokio::select! {
            () = self.worker.ended() => {}
            () = self.ask_how_it_is() => {}
            () = self.watch_deadlines() => {}
            () = self.say_farewell() => {}
        }
        self.worker.ended().await;
        self.wish.send_replace(Wish::Ended);
        self.report();
    }

    /// Kills it when it does not answer.
    async fn ask_how_it_is(&self) {
        let settings = self.settings();
        let mut renewals = self.renewals.clone();
        let mut renewed = false;
        loop {
            tokio::select! {
                () = sleep(settings.ping_every) => {}
                () = self.worker.used_up.notified() => {}
                // The sender is there as long as the pool.
                _ = renewals.changed() => renewed = true,
            }
            let patience = settings.unresponsive_after;
            let answer = timeout(patience, self.worker.request("ping", &Map::new())).await;
            if self.worker.is_leaving() {
                // That has a patience of its own.
                return std::future::pending().await;
            }
            let Ok(answer) = answer else {
                let seconds = patience.as_secs_f64();
                let reason = format!("was killed because it did not answer for {seconds} s");
                return self.worker.kill(reason);
            };
            let pong = answer
                .ok()
                .and_then(|pong| serde_json::from_slice(&pong).ok());
            if pong.is_some_and(|pong| self.has_served(&settings.recycle, renewed, &pong)) {
                self.wish(Wish::Recycle);
            }
        }
    }

    /// Whether it should be replaced though nothing is wrong; `renewed`: because values that it may hold
    /// have changed. Threads that the connector started
    /// are work under way, which its end would break off.
    fn has_served(&self, recycle: &Recycle, renewed: bool, pong: &Pong) -> bool {
        let calls = recycle
            .calls
            .is_some_and(|most| self.worker.calls() >= most);
        let age = recycle
            .age
            .is_some_and(|most| self.worker.started.elapsed() >= most);
        let memory = recycle.memory.is_some_and(|most| pong.resident > most);
        pong.threads == 0 && (renewed || calls || age || memory)
    }

    /// Has it replaced when a call does not come back, and kills it once no other call is on it.
    async fn watch_deadlines(&self) {
        let grace = self.settings().overdue_after;
        loop {
            sleep(grace.clamp(Duration::from_millis(50), Duration::from_secs(1))).await;
            let (late, on_time) = self.worker.overdue(grace);
            if late == 0 {
                continue;
            }
            if self.wish(Wish::Replace) {
                let (connector, worker) =
                    (&*self.worker.origin.connector, self.worker.origin.worker);
                tracing::warn!(
                    connector,
                    worker,
                    late,
                    "A Python worker is stuck and is replaced."
                );
            }
            if self.retire.is_cancelled() && on_time == 0 {
                let reason = "was killed because its calls went on after their deadline";
                return self.worker.kill(reason);
            }
        }
    }

    /// Once it is to leave: no new calls, the last answer, good-bye.
    async fn say_farewell(&self) {
        let (pool, settings) = (&self.pool, self.settings());
        let last_answer = async {
            self.retire.cancelled().await;
            pool.slots.retire(self.worker.id);
            self.idle.cancelled().await;
        };
        tokio::select! {
            () = last_answer => {}
            () = pool.stop.cancelled() => pool.slots.retire(self.worker.id),
        }
        self.worker.shut_down();
        sleep(settings.patience).await;
        let seconds = settings.patience.as_secs_f64();
        let reason = format!("was killed because it did not leave within {seconds} s");
        self.worker.kill(reason);
    }

    /// Tells the wish unless it is no more than the last one.
    fn wish(&self, new: Wish) -> bool {
        self.wish.send_if_modified(|wish| {
            let more = new > *wish;
            *wish = new.max(*wish);
            more
        })
    }

    fn report(&self) {
        let (connector, worker) = (&*self.worker.origin.connector, self.worker.origin.worker);
        let Some(end) = self.worker.last_words() else {
            return;
        };
        if self.worker.is_leaving() && self.worker.kill_reason().is_none() {
            return tracing::debug!(
                connector,
                worker,
                how = end.message,
                "A Python worker has left."
            );
        }
        let (how, detail) = (&end.message, end.detail.as_deref());
        match self.worker.kill_reason() {
            // One of our limits spoke.
            Some(_) => tracing::warn!(connector, worker, how, detail, "A Python worker died."),
            None => tracing::error!(connector, worker, how, detail, "A Python worker died."),
        }
    }

    fn settings(&self) -> &Settings {
        &self.pool.program.settings
    }
}
