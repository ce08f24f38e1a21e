//! Calls that never return, and workers that have served long enough.

use std::collections::HashSet;
use std::time::Duration;

use crosspoint_core::{Kind, Mount, Refusal};
use crosspoint_runtimes::python::{Recycle, Settings};
use serde_json::json;

use crate::support::*;

fn hasty() -> Settings {
    Settings {
        overdue_after: Duration::from_millis(200),
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_call_that_never_returns_has_its_worker_replaced_after_the_others_have_ended() {
    let zoo = Zoo::with(hasty());
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let old = pid(&probe).await;
    let held = Held::begin(&zoo, &probe, "held").await;
    let late = call_within(&probe, "Loop", json!({}), Duration::from_millis(300));
    let failure = late.await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::DeadlineExceeded));

    // Another worker takes over while the old one still has a call that is in time.
    while pid(&probe).await == old {}
    assert!(lives(old));
    assert_eq!(number(held.end().await), old);
    until("the stuck worker is gone", || !lives(old)).await;
    pid(&probe).await;
    mount.close().await;
}

#[tokio::test]
async fn a_call_that_is_late_but_returns_costs_no_worker() {
    let zoo = Zoo::with(Settings {
        overdue_after: Duration::from_secs(60),
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let old = pid(&probe).await;
    let held = Held::begin_within(&zoo, &probe, "held", Duration::from_secs(2)).await;
    held.answer.await.unwrap().unwrap_err();
    touch(&held.release);
    assert_eq!(pid(&probe).await, old);
    mount.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recycling_under_load_loses_no_call() {
    let zoo = Zoo::with(Settings {
        recycle: Recycle {
            calls: Some(25),
            ..Recycle::default()
        },
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let probe = probe.clone();
            tokio::spawn(async move {
                let mut pids = HashSet::new();
                // Until it has seen three workers, and some calls more.
                while pids.len() < 3 {
                    pids.insert(pid(&probe).await);
                }
                for _ in 0..20 {
                    pids.insert(pid(&probe).await);
                }
                pids
            })
        })
        .collect();
    let mut pids = HashSet::new();
    for task in tasks {
        pids.extend(task.await.unwrap());
    }
    let now = pid(&probe).await;
    for old in pids.into_iter().filter(|pid| *pid != now) {
        until("those that have served are gone", || !lives(old)).await;
    }
    mount.close().await;
}

#[tokio::test]
async fn a_worker_that_is_old_or_large_is_replaced() {
    let age = Recycle {
        age: Some(Duration::from_millis(1)),
        ..Recycle::default()
    };
    let memory = Recycle {
        memory: Some(1),
        ..Recycle::default()
    };
    for recycle in [age, memory] {
        let zoo = Zoo::with(Settings {
            ping_every: Duration::from_millis(50),
            recycle,
            ..Settings::default()
        });
        let mount = zoo.mount().await;
        let probe = probe(&mount);
        let old = pid(&probe).await;
        while pid(&probe).await == old {}
        until("the old one is gone", || !lives(old)).await;
        mount.close().await;
    }
}

#[tokio::test]
async fn a_worker_with_living_threads_is_not_recycled() {
    let zoo = Zoo::with(Settings {
        ping_every: Duration::from_millis(20),
        recycle: Recycle {
            calls: Some(2),
            ..Recycle::default()
        },
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let release = zoo.path("release");
    let old = number(call(&probe, "Linger", json!({"until": release})).await);
    // Many more calls than it should have, and time for many pings.
    for _ in 0..50 {
        assert_eq!(pid(&probe).await, old);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    touch(&release);
    while pid(&probe).await == old {}
    mount.close().await;
}
