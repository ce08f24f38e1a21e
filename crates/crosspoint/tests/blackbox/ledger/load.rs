//! Clients that send many calls of every kind, and know afterwards what must have become of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::json;
use tokio::join;
use tokio::time::{Instant, sleep};

use super::dice::Dice;
use super::long::with_callback;
use super::{UNAVAILABLE, UNKNOWN, keyed};
use crate::harness::{Answer, Effects, Engine, PATIENCE, Proxy, Row, until};

/// Calls with a key that run at a time, calls without, and long ones.
const WORKERS: (usize, usize, usize) = (4, 2, 2);

/// Between the long calls of a worker, which would be too many otherwise.
const PACE: Duration = Duration::from_millis(25);

/// A delivery that was handed out when the database went away is handed out again after a minute.
pub const HANDED_OUT: Duration = PATIENCE.saturating_mul(3);

/// Of each kind so many at least must have come to an end.
const ENOUGH: usize = 20;

/// The same at each of several replicas.
const WORKERS_EACH: (usize, usize, usize) = (2, 1, 1);

/// How long a client waits for one of several replicas before it turns to another, and how long it
/// rests after a replica did not answer and between two long calls.
const TURN: Duration = Duration::from_secs(3);
const REST: Duration = Duration::from_millis(50);

/// What the clients know.
pub struct Load {
    pub dice: Dice,
    pub engine: Engine,
    effects: Effects,
    next: AtomicU64,
    /// How often the ledger was not available.
    refused: AtomicUsize,
    /// Keys whose calls were not answered: they are sent again.
    pending: Mutex<BTreeSet<String>>,
    /// The answers to the other keys; of none it is unknown what happened.
    answered: Mutex<BTreeMap<String, Option<String>>>,
    long: Mutex<Vec<Long>>,
    /// Whether there are several replicas, of which one may be paused.
    several: bool,
    turn: Duration,
}

/// A long call.
struct Long {
    id: String,
    command: &'static str,
    url: String,
    /// Whether the client has read the 202.
    accepted: bool,
}

// === impl Load ===

impl Load {
    pub async fn new() -> Load {
        let turn = Arc::new(AtomicU64::new(0));
        let effects = Effects::with(move |seen, id, n| {
            let pause = turn.fetch_add(7, Ordering::SeqCst) % 30;
            Effects::usual(seen, id, n).after(Duration::from_millis(pause))
        });
        Load {
            dice: Dice::new(),
            effects: effects.await,
            engine: Engine::start().await,
            next: AtomicU64::new(0),
            refused: AtomicUsize::new(0),
            pending: Mutex::default(),
            answered: Mutex::default(),
            long: Mutex::default(),
            several: false,
            turn: PATIENCE,
        }
    }

    /// One for [`Load::work_on`].
    pub async fn on_several() -> Load {
        Load {
            several: true,
            turn: TURN,
            ..Load::new().await
        }
    }

    fn name(&self, kind: &str) -> String {
        format!("{kind}-{}", self.next.fetch_add(1, Ordering::SeqCst))
    }

    /// How many keys have their answer, and how many calls were refused since the ledger was not
    /// available.
    pub fn so_far(&self) -> (usize, usize) {
        let answered = self.answered.lock().unwrap().len();
        (answered, self.refused.load(Ordering::SeqCst))
    }

    /// Everybody works until the process is gone, or the clients shall not go on.
    pub async fn work(&self, proxy: &Proxy, go_on: impl Fn() -> bool) {
        let (keyed, plain, long) = WORKERS;
        let pay = async || while go_on() && self.pay(&[proxy]).await {};
        let read = async || while go_on() && self.read(proxy).await {};
        let begin = async || {
            while go_on() && self.begin(proxy).await {
                sleep(PACE).await;
            }
        };
        join!(
            join_all((0..keyed).map(|_| pay())),
            join_all((0..plain).map(|_| read())),
            join_all((0..long).map(|_| begin())),
        );
    }

    /// The same with several replicas, of which each may be gone for a while or for good. Everybody
    /// works until the clients shall not go on.
    pub async fn work_on(&self, replicas: &[&Proxy], go_on: impl Fn() -> bool) {
        let (keyed, plain, long) = WORKERS_EACH;
        let rest = async |alive: bool| {
            if !alive {
                sleep(REST).await;
            }
        };
        let at_one = async |n: usize| {
            let mut all = replicas.to_vec();
            all.rotate_left(n);
            let pay = async || {
                while go_on() {
                    rest(self.pay(&all).await).await;
                }
            };
            let read = async || {
                while go_on() {
                    rest(self.read(all[0]).await).await;
                }
            };
            let begin = async || {
                while go_on() {
                    self.begin(all[0]).await;
                    rest(false).await;
                }
            };
            join!(
                join_all((0..keyed).map(|_| pay())),
                join_all((0..plain).map(|_| read())),
                join_all((0..long).map(|_| begin())),
            );
        };
        join_all((0..replicas.len()).map(at_one)).await;
    }

    /// An effect with a key, one that was not answered before if there is any. False when the
    /// process is gone; the others alike.
    async fn pay(&self, replicas: &[&Proxy]) -> bool {
        let waiting = self.pending.lock().unwrap().pop_first();
        let key = waiting.unwrap_or_else(|| self.name("pay"));
        self.pay_once(replicas, key).await
    }

    /// Sends a key to the first, now and then twice at once: the second time to any.
    async fn pay_once(&self, replicas: &[&Proxy], key: String) -> bool {
        let arguments = self.effects.arguments(&key);
        let ask = |n: usize| {
            let ask = keyed(replicas[n], "http/PostRequestV2", &arguments, &key);
            ask.within(self.turn).try_send()
        };
        let answers = match self.dice.roll(4) {
            0 => {
                let second = self.dice.roll(replicas.len() as u64) as usize;
                <[_; 2]>::from(join(ask(0), ask(second)).await).into()
            }
            _ => vec![ask(0).await],
        };
        let asked = answers.len();
        let answers: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
        let alive = answers.len() == asked;
        let mut told: Vec<_> = answers.iter().filter_map(|a| self.told(&key, a)).collect();
        if self.several && told.iter().any(Option::is_some) {
            // One that was paused knows in the end what the others did not.
            told.retain(Option::is_some);
        }
        if told.len() == 2 {
            assert_eq!(told[0], told[1], "{key}");
        }
        match told.into_iter().next() {
            Some(told) => drop(self.answered.lock().unwrap().insert(key, told)),
            None => drop(self.pending.lock().unwrap().insert(key)),
        }
        alive
    }

    /// What an answer tells of a key; nothing when it has to be sent again.
    fn told(&self, key: &str, answer: &Answer) -> Option<Option<String>> {
        let code = answer.code();
        if self.is_refused(answer) {
            return None;
        }
        if (answer.status, code.as_str()) == UNKNOWN {
            return Some(None);
        }
        assert_eq!(answer.success(), json!({"id": key, "effect": 1}));
        Some(Some(answer.text.clone()))
    }

    fn is_refused(&self, answer: &Answer) -> bool {
        let refused = (answer.status, answer.code().as_str()) == UNAVAILABLE;
        self.refused.fetch_add(refused.into(), Ordering::SeqCst);
        refused || self.is_leaving(answer)
    }

    /// Whether one of several replicas is about to end.
    fn is_leaving(&self, answer: &Answer) -> bool {
        self.several && answer.status == 503 && answer.code() == "shutting_down"
    }

    /// Without a key, a call is answered whatever the ledger does.
    async fn read(&self, proxy: &Proxy) -> bool {
        let url = self.effects.arguments("")["url"].clone();
        let ask = proxy.do_("http/GetRequestV2").json(&json!({"url": url}));
        let ask = ask.header("x-request-id", &self.name("read"));
        match ask.within(self.turn).try_send().await {
            Ok(answer) => !self.is_leaving(&answer) && !answer.success().is_null(),
            Err(_) => false,
        }
    }

    async fn begin(&self, proxy: &Proxy) -> bool {
        let (id, url) = (self.name("long"), self.engine.callback([]));
        let command = match self.dice.roll(2) {
            0 => "http/PutRequestV2",
            _ => "http/PostRequestV2",
        };
        let ask = proxy.do_(command);
        let ask = ask.json(&with_callback(self.effects.arguments(&id), &url));
        let ask = ask.header("x-request-id", &id).within(self.turn);
        let answer = ask.try_send().await;
        let (alive, mut accepted) = (answer.is_ok(), false);
        if let Ok(answer) = answer
            && !self.is_refused(&answer)
        {
            assert_eq!(answer.status, 202, "{}", answer.text);
            accepted = true;
        }
        self.long.lock().unwrap().push(Long {
            id,
            command,
            url,
            accepted,
        });
        alive
    }

    /// Waits until every key has its answer and every call has ended, and fails unless all became
    /// of them that must.
    pub async fn end(&self, proxy: &Proxy) {
        until("every key has its answer", async || {
            let waiting = self.pending.lock().unwrap().pop_first();
            if let Some(key) = waiting {
                assert!(self.pay_once(&[proxy], key).await);
            }
            self.pending.lock().unwrap().is_empty()
        })
        .await;
        for state in ["received", "accepted", "running", "finished"] {
            let patience = Instant::now() + HANDED_OUT;
            loop {
                let left = proxy.rows(&["--state", state, "--limit", "3"]).await;
                if left.is_empty() {
                    break;
                }
                assert!(Instant::now() < patience, "these do not end: {left:#?}");
                sleep(PACE).await;
            }
        }
        let all = proxy.rows(&[]).await;
        let count = all.len();
        let rows = all.into_iter().map(|row| (row.request_id.clone(), row));
        let rows: BTreeMap<_, _> = rows.collect();
        assert_eq!(rows.len(), count, "one row for each request");
        self.judge_keys(&rows);
        self.judge_long(&rows);
        for (id, row) in rows.iter().filter(|(id, _)| id.starts_with("read-")) {
            let end = (row.state.as_str(), row.code.as_deref());
            let known = [("succeeded", None), ("failed", Some("interrupted"))];
            // Its client turned to another replica.
            let left = self.several && end == ("failed", Some("abandoned"));
            assert!(left || known.contains(&end), "{id}: {row:?}");
        }
    }

    /// Fails unless each key had its effect once, or nobody knows.
    fn judge_keys(&self, rows: &BTreeMap<String, Row>) {
        let answered = self.answered.lock().unwrap();
        for (key, answer) in &*answered {
            let (row, effects) = (&rows[key], self.effects.of(key));
            assert!(effects <= 1, "{key} had {effects} effects: {row:?}");
            match answer {
                Some(_) => assert_eq!((&*row.state, effects), ("succeeded", 1), "{row:?}"),
                // What a paused replica did not know before, it said when it went on.
                None if self.several && row.state == "succeeded" => {
                    assert_eq!(effects, 1, "{row:?}")
                }
                None => assert_eq!(row.state, "unknown", "{row:?}"),
            }
        }
        let known = answered.values().filter(|answer| answer.is_some()).count();
        assert!(known > ENOUGH, "hardly anything happened: {known}");
    }

    /// Fails unless the engine has the result of each long call that was accepted, once, or
    /// nobody knows it.
    fn judge_long(&self, rows: &BTreeMap<String, Row>) {
        let long = self.long.lock().unwrap();
        for call in &*long {
            let Some(row) = rows.get(&call.id) else {
                assert!(!call.accepted, "{} is lost", call.id);
                continue;
            };
            let (taken, effects) = (self.engine.taken(&call.url), self.effects.of(&call.id));
            if call.command == "http/PostRequestV2" {
                assert!(effects <= 1, "{} had {effects} effects: {row:?}", call.id);
            }
            match &*row.state {
                "delivered" => {
                    assert_eq!(taken, 1, "{row:?}");
                    let puts = self.engine.puts(&call.url);
                    let put = puts.iter().find(|put| put.taken).unwrap();
                    assert_eq!(put.success()["id"], call.id.as_str());
                }
                "unknown" => {
                    assert_eq!(call.command, "http/PostRequestV2", "{row:?}");
                    assert_eq!(taken, 0, "{row:?}");
                }
                // Never promised: it ended before anybody knew of it.
                state => assert!(!call.accepted, "{} is {state}: {row:?}", call.id),
            }
        }
        let accepted = long.iter().filter(|call| call.accepted).count();
        // There are fewer workers for them.
        assert!(
            accepted > ENOUGH / 2,
            "hardly anything happened: {accepted}"
        );
    }
}
