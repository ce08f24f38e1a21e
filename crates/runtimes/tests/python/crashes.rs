//! Workers that die, and what their calls hear of it.

use std::time::Duration;

use crosspoint_core::{Effect, Kind, Mount};
use crosspoint_runtimes::python::Settings;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_killed_worker_fails_its_calls_and_the_next_call_finds_another() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let victim = pid(&probe).await;
    let mut held = Vec::new();
    for n in 0..8 {
        held.push(Held::begin(&zoo, &probe, &format!("held-{n}")).await);
    }
    kill(victim);
    for held in held {
        let failure = held.answer.await.unwrap().unwrap_err();
        assert_eq!(
            (failure.kind, &*failure.code),
            (Kind::Crashed, "worker_crashed")
        );
        assert_eq!(failure.effect, Effect::Maybe);
        assert!(failure.message.contains("signal 9 (SIGKILL)"), "{failure}");
    }
    assert_ne!(pid(&probe).await, victim);
    mount.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_workers_under_load_loses_no_call_but_those_under_way() {
    const TASKS: usize = 8;
    const KILLS: usize = 5;
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let done = zoo.path("done");
    let load = (0..TASKS).map(|_| {
        let (probe, done) = (probe.clone(), done.clone());
        tokio::spawn(async move {
            let (mut answered, mut crashed) = (0, 0);
            while !done.exists() {
                match call(&probe, "Pid", json!({})).await {
                    Ok(_) => answered += 1,
                    Err(failure) if failure.code == "worker_crashed" => crashed += 1,
                    Err(failure) => panic!("{failure}"),
                }
            }
            (answered, crashed)
        })
    });
    let load: Vec<_> = load.collect();
    let mut victims = Vec::new();
    for _ in 0..KILLS {
        // Between two kills some call may be the one that is killed.
        let victim = loop {
            match call(&probe, "Pid", json!({})).await {
                Ok(outcome) => break number(Ok(outcome)),
                Err(failure) => assert_eq!(failure.code, "worker_crashed"),
            }
        };
        assert!(!victims.contains(&victim), "a dead worker answered");
        victims.push(victim);
        kill(victim);
        until("the victim is gone", || !lives(victim)).await;
    }
    touch(&done);
    let counts: Vec<(usize, usize)> = join_all(load)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let answered: usize = counts.iter().map(|(answered, _)| answered).sum();
    let crashed: usize = counts.iter().map(|(_, crashed)| crashed).sum();
    assert!(answered >= KILLS, "{counts:?}");
    assert!(crashed <= KILLS * TASKS, "{counts:?}");
    mount.close().await;
}

#[tokio::test]
async fn a_worker_that_exits_leaves_its_status_and_its_last_words_to_the_operator() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let failure = call(&probe, "Exit", json!({"status": 3}))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "worker_crashed");
    assert!(failure.message.contains("exit status 3"), "{failure}");
    assert!(!failure.message.contains("last words"), "{failure}");
    assert!(failure.detail.unwrap().contains("very last words"));
    pid(&probe).await;
    mount.close().await;
}

#[tokio::test]
async fn a_segfault_ends_one_worker_and_nothing_else() {
    let mut zoo = Zoo::new();
    zoo.add("other", crate::zoo::PROBE);
    let mount = zoo.mount().await;
    let (probe, other) = (probe(&mount), connector(&mount, "other"));
    let neighbour = pid(&other).await;
    let failure = call(&probe, "Segfault", json!({})).await.unwrap_err();
    assert!(failure.message.contains("signal 11 (SIGSEGV)"), "{failure}");
    assert!(failure.detail.unwrap().contains("Segmentation fault"));
    pid(&probe).await;
    assert_eq!(pid(&other).await, neighbour);
    mount.close().await;
}

#[tokio::test]
async fn crashes_in_a_row_are_all_answered() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    for status in 1..5 {
        let failure = call(&probe, "Exit", json!({"status": status}))
            .await
            .unwrap_err();
        assert_eq!(failure.code, "worker_crashed");
    }
    pid(&probe).await;
    mount.close().await;
}

#[tokio::test]
async fn a_worker_that_loses_its_connection_is_ended() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let victim = pid(&probe).await;
    let failure = call(&probe, "Hide", json!({})).await.unwrap_err();
    assert_eq!(failure.code, "worker_crashed");
    assert!(!lives(victim));
    pid(&probe).await;
    mount.close().await;
}

#[tokio::test]
async fn what_a_worker_started_dies_with_it() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let child = number(call(&probe, "Spawn", json!({})).await);
    assert!(lives(child));
    kill(pid(&probe).await);
    until("the orphan is gone", || !lives(child)).await;

    let child = number(call(&probe, "Spawn", json!({})).await);
    mount.close().await;
    until("the orphan is gone", || !lives(child)).await;
}

#[tokio::test]
async fn a_worker_that_lets_no_thread_run_is_killed() {
    let zoo = Zoo::with(Settings {
        ping_every: Duration::from_millis(100),
        unresponsive_after: Duration::from_secs(3),
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let failure = call(&probe, "Freeze", json!({})).await.unwrap_err();
    assert_eq!(failure.code, "worker_crashed");
    assert!(
        failure.message.contains("did not answer for 3 s"),
        "{failure}"
    );
    pid(&probe).await;
    mount.close().await;
}

#[tokio::test]
async fn a_worker_whose_threads_are_all_busy_is_well() {
    let zoo = Zoo::with(Settings {
        threads: 2,
        ping_every: Duration::from_millis(50),
        unresponsive_after: Duration::from_secs(2),
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let (first, second) = (
        Held::begin(&zoo, &probe, "first").await,
        Held::begin(&zoo, &probe, "second").await,
    );
    // Longer than it may take to answer.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(number(first.end().await), number(second.end().await));
    mount.close().await;
}

#[tokio::test]
async fn a_connector_that_cannot_be_started_again_says_so_at_once_and_recovers() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let victim = pid(&probe).await;
    zoo.write("probe", "import a_library_that_is_gone");
    kill(victim);
    // Until the first attempt has failed a call waits for it; whatever it hears is the reason.
    let failure = loop {
        match call(&probe, "Pid", json!({})).await {
            Ok(_) => {}
            Err(failure) if failure.code == "worker_crashed" => {}
            Err(failure) => break failure,
        }
    };
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Crashed, "worker_unavailable")
    );
    assert_eq!(failure.effect, Effect::None);
    assert!(
        failure.message.contains("a_library_that_is_gone"),
        "{failure}"
    );
    let problems = mounted(&mount).problems;
    assert!(
        problems
            .iter()
            .any(|p| p.contains("a_library_that_is_gone")),
        "{problems:?}"
    );

    zoo.write("probe", crate::zoo::PROBE);
    let mut mounted = mount.connectors();
    mounted
        .wait_for(|mounted| mounted.problems.is_empty())
        .await
        .unwrap();
    assert_ne!(pid(&probe).await, victim);
    mount.close().await;
}
