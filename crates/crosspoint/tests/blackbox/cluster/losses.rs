//! One of three replicas is killed, or paused for longer than its lease, under load.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::{join, spawn};

use super::{SHORT, alive, taken_over, three};
use crate::harness::{Answer, Effects, Gate, Proxy, until};
use crate::ledger::load::Load;
use crate::ledger::long::{accepted, begin, config, with_callback};
use crate::ledger::{UNKNOWN, expect, keyed, post};

/// Calls that are certain to be under way when something happens to the replica that has them.
struct Held {
    effects: Effects,
    gate: Gate,
    /// The answers to the one with a key that is not safe to repeat, and to the one that is.
    answers: [JoinHandle<reqwest::Result<Answer>>; 2],
    /// Where the results of the long ones go, in the same order.
    urls: [String; 2],
}

const COMMANDS: [&str; 2] = ["http/PostRequestV2", "http/PutRequestV2"];
const KEYED: [&str; 2] = ["key-once", "key-again"];
const LONG: [&str; 2] = ["long-once", "long-again"];

// === impl Held ===

impl Held {
    async fn at(replica: &Proxy, load: &Load) -> Held {
        let gate = Gate::new();
        let shut = gate.clone();
        let effects = Effects::with(move |seen, id, n| {
            // The second attempt is not held back.
            let reply = Effects::usual(seen, id, n);
            if n == 1 { reply.behind(&shut) } else { reply }
        });
        let effects = effects.await;
        let answers = [0, 1].map(|n| {
            let arguments = effects.arguments(KEYED[n]);
            spawn(keyed(replica, COMMANDS[n], &arguments, KEYED[n]).try_send())
        });
        let urls = [0, 1].map(|_| load.engine.callback([]));
        for n in [0, 1] {
            let arguments = with_callback(effects.arguments(LONG[n]), &urls[n]);
            accepted(&begin(replica, LONG[n], COMMANDS[n], arguments).await);
        }
        effects.arrived(4).await;
        Held {
            effects,
            gate,
            answers,
            urls,
        }
    }

    /// The answer of a replica to the key of a call that is safe to repeat, or not.
    async fn ask(&self, replica: &Proxy, n: usize) -> Answer {
        let arguments = self.effects.arguments(KEYED[n]);
        keyed(replica, COMMANDS[n], &arguments, KEYED[n])
            .send()
            .await
    }

    fn effects(&self) -> [usize; 4] {
        [KEYED[0], KEYED[1], LONG[0], LONG[1]].map(|id| self.effects.of(id))
    }
}

fn effect(id: &str, count: usize) -> Value {
    json!({"id": id, "effect": count})
}

/// Waits until the load has got so many answers more.
async fn goes_on(load: &Load) {
    let (answered, _) = load.so_far();
    until("calls are answered", async || {
        load.so_far().0 > answered + 40
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_killed_loses_nothing_and_repeats_nothing() {
    let load = Load::on_several().await;
    let config = format!("{SHORT}{}", config(&load.engine, "0s"));
    let (place, [first, second, third]) = three(&config).await;
    let done = AtomicBool::new(false);
    let events = async {
        goes_on(&load).await;
        let held = Held::at(&third, &load).await;
        third.signal("KILL");
        taken_over(&place.database, 2).await;
        goes_on(&load).await;
        done.store(true, Ordering::SeqCst);
        held
    };
    let replicas = [&first, &second, &third];
    let go_on = || !done.load(Ordering::SeqCst);
    let ((), held) = join!(load.work_on(&replicas, go_on), events);
    for answer in held.answers {
        assert!(answer.await.unwrap().is_err());
    }
    let [once, again] = &held.urls;
    let put = load.engine.result(again).await;
    assert_eq!(put.success(), effect(LONG[1], 2));
    load.end(&first).await;
    for (id, state) in [
        (KEYED[0], "unknown"),
        (KEYED[1], "succeeded"),
        (LONG[0], "unknown"),
        (LONG[1], "delivered"),
    ] {
        first.row_in(id, state).await;
    }
    assert_eq!(load.engine.puts(once).len(), 0);
    assert_eq!(load.engine.taken(again), 1);
    for replica in [first, second] {
        assert_eq!(replica.problems().await, "[]");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_paused_neither_repeats_nor_overwrites_anything_when_it_goes_on() {
    let load = Load::on_several().await;
    let config = format!("{SHORT}{}", config(&load.engine, "0s"));
    let (place, [first, second, third]) = three(&config).await;
    let done = AtomicBool::new(false);
    let events = async {
        goes_on(&load).await;
        let held = Held::at(&third, &load).await;
        third.signal("STOP");
        taken_over(&place.database, 2).await;
        // Nobody knows of the one, the other was done again.
        expect(&held.ask(&first, 0).await, UNKNOWN);
        assert_eq!(held.ask(&second, 1).await.success(), effect(KEYED[1], 2));
        first.row_in(LONG[0], "unknown").await;
        second.row_in(LONG[1], "delivered").await;
        goes_on(&load).await;
        // The answers wait for it when it goes on.
        held.gate.open();
        third.signal("CONT");
        until("it counts as alive again", async || {
            alive(&place.database).await == 3
        })
        .await;
        goes_on(&load).await;
        done.store(true, Ordering::SeqCst);
        held
    };
    let replicas = [&first, &second, &third];
    let go_on = || !done.load(Ordering::SeqCst);
    let ((), mut held) = join!(load.work_on(&replicas, go_on), events);
    // Whoever waited all the time has the answer, and what was unknown is known.
    let waited = &mut held.answers[0];
    let answer = waited.await.unwrap().unwrap();
    assert_eq!(answer.success(), effect(KEYED[0], 1));
    load.end(&first).await;
    for replica in [&first, &second, &third] {
        assert_eq!(held.ask(replica, 0).await.text, answer.text);
        assert_eq!(held.ask(replica, 1).await.success(), effect(KEYED[1], 2));
    }
    for (n, count) in [(0, 1), (1, 2)] {
        let put = load.engine.result(&held.urls[n]).await;
        assert_eq!(put.success(), effect(LONG[n], count));
        first.row_in(LONG[n], "delivered").await;
        assert_eq!(load.engine.puts(&held.urls[n]).len(), 1, "{}", LONG[n]);
    }
    assert_eq!(held.effects(), [1, 2, 1, 2]);
    for replica in [&first, &second, &third] {
        assert_eq!(replica.problems().await, "[]");
    }
    let fresh = held.effects.arguments("fresh");
    let answer = post(&third, &fresh, "fresh").await;
    assert_eq!(answer.success(), effect("fresh", 1));
}
