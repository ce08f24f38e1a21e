//! The life of a server's process.

use std::time::Duration;

use crosspoint_core::{Effect, Kind, Mount, Refusal};
use crosspoint_runtimes::mcp::McpMount;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_server_that_dies_fails_its_calls_and_the_next_call_finds_another() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let victim = pid(&connector).await;
    let held = Held::begin(&probe, &connector).await;
    kill(victim);
    let failure = held.answer.await.unwrap().unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Crashed, "worker_crashed")
    );
    assert_eq!(failure.effect, Effect::Maybe);
    assert!(failure.message.contains("signal 9 (SIGKILL)"), "{failure}");
    assert_ne!(pid(&connector).await, victim);
    mount.close().await;
}

#[tokio::test]
async fn a_server_that_leaves_in_a_call_is_told_with_its_last_words() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let failure = call(&connector, "leave", json!({"status": 5}))
        .await
        .unwrap_err();
    let wanted = "the server that ran this call ended with exit status 5";
    assert_eq!(failure.message, wanted);
    assert_eq!(failure.detail.as_deref(), Some("last words"));
    pid(&connector).await;
    mount.close().await;
}

#[tokio::test]
async fn a_server_that_cannot_start_is_tried_again_and_comes_back() {
    let mut probe = Probe::new("slow_to_start");
    let there = probe.path("there");
    probe.program().command.push(there.clone().into());
    probe.server.settings.start_timeout = Duration::from_secs(2);
    let mount = probe.mount().await;
    assert!(mounted(&mount).connectors.is_empty());
    assert!(
        mounted(&mount).problems[0].contains("within 2 s"),
        "{:?}",
        mounted(&mount)
    );
    touch(&there);
    until("it is there", || mounted(&mount).connectors.len() == 1).await;
    until("nothing is wrong", || mounted(&mount).problems.is_empty()).await;
    pid(&connector(&mount)).await;
    mount.close().await;
}

#[tokio::test]
async fn a_server_that_is_gone_for_good_says_so_to_each_call() {
    let probe = Probe::new("good");
    let script = probe.path("server.py");
    let mut moved = Probe::new("good");
    std::fs::copy(&moved.program().command[2], &script).unwrap();
    moved.program().command[2] = script.clone().into();
    let mount = moved.mount().await;
    let connector = connector(&mount);
    std::fs::remove_file(&script).unwrap();
    kill(pid(&connector).await);
    until("it is known", || !mounted(&mount).problems.is_empty()).await;
    let failure = call(&connector, "pid", json!({})).await.unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Crashed, "worker_unavailable")
    );
    assert_eq!(failure.effect, Effect::None);
    mount.close().await;
}

#[tokio::test]
async fn a_server_that_dies_again_and_again_is_a_problem_though_it_starts() {
    let mount = Probe::new("Fleeting").mount().await;
    let mut seen = mount.connectors();
    let told = seen.wait_for(|mounted| !mounted.problems.is_empty());
    let told = told.await.unwrap().clone();
    let wanted = "): ended with exit status 4, again and again";
    assert!(told.problems[0].ends_with(wanted), "{told:?}");
    // What it had stays listed: it may come to its senses.
    assert_eq!(told.connectors.len(), 1);
    mount.close().await;
}

#[tokio::test]
async fn a_server_that_hears_nothing_any_more_is_replaced() {
    let mut probe = Probe::new("Quiet");
    probe.server.settings.unresponsive_after = Duration::from_secs(1);
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let stuck = pid(&connector).await;
    let late = Held::begin_within(&probe, &connector, Duration::from_secs(1)).await;
    assert_eq!(
        late.answer.await.unwrap().unwrap_err().code,
        "deadline_exceeded"
    );
    until("the stuck one is gone", || !lives(stuck)).await;
    assert_ne!(pid(&connector).await, stuck);
    mount.close().await;
}

#[tokio::test]
async fn a_server_that_answers_slowly_is_not_replaced() {
    let mut probe = Probe::new("good");
    probe.server.settings.unresponsive_after = Duration::from_secs(10);
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let before = pid(&connector).await;
    for _ in 0..3 {
        let late = Held::begin_within(&probe, &connector, Duration::from_millis(500)).await;
        assert_eq!(
            late.answer.await.unwrap().unwrap_err().code,
            "deadline_exceeded"
        );
        std::fs::remove_file(probe.path("begun")).unwrap();
    }
    assert_eq!(pid(&connector).await, before);
    mount.close().await;
}

#[tokio::test]
async fn closing_ends_the_process_and_turns_calls_away() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let process = pid(&connector).await;
    mount.close().await;
    assert!(!lives(process));
    let failure = call(&connector, "pid", json!({})).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::ShuttingDown));
}

#[tokio::test]
async fn a_server_that_does_not_leave_is_killed() {
    let mut probe = Probe::new("Stubborn");
    probe.server.settings.patience = Duration::from_millis(200);
    let mount = probe.mount().await;
    let process = pid(&connector(&mount)).await;
    mount.close().await;
    assert!(!lives(process));
}

#[tokio::test]
async fn a_mount_that_is_dropped_leaves_no_process_behind() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let process = pid(&connector(&mount)).await;
    drop(mount);
    until("the server is gone", || !lives(process)).await;
}

#[test]
fn a_runtime_that_ends_takes_its_servers_with_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mount, process): (McpMount, i32) = runtime.block_on(async {
        let mount = Probe::new("Stubborn").mount().await;
        let process = pid(&connector(&mount)).await;
        (mount, process)
    });
    drop(runtime);
    drop(mount);
    for _ in 0..10_000 {
        if !lives(process) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the server lives");
}

#[tokio::test]
async fn a_server_has_the_environment_and_the_folder_that_it_is_given_and_no_other() {
    let mut probe = Probe::new("good");
    let folder = probe.folder.path().canonicalize().unwrap();
    probe.program().directory = Some(folder.clone());
    probe
        .program()
        .env
        .push(("CRM_URL".into(), "https://crm.example".into()));
    let mount = probe.mount().await;
    let seen = body(call(&connector(&mount), "env", json!({})).await);
    assert_eq!(seen["folder"], json!(folder));
    assert_eq!(seen["env"]["CRM_URL"], "https://crm.example");
    let names: Vec<_> = seen["env"].as_object().unwrap().keys().collect();
    let known = ["PATH", "CRM_URL", "LC_CTYPE"];
    assert!(
        names.iter().all(|name| known.contains(&name.as_str())),
        "{names:?}"
    );
    mount.close().await;
}

#[tokio::test]
async fn what_binds_a_server_runs_it_in_its_place() {
    let mut probe = Probe::new("good");
    probe.program().bound = vec!["/usr/bin/env".into(), "BOUND=yes".into()];
    let mount = probe.mount().await;
    let seen = body(call(&connector(&mount), "env", json!({})).await);
    assert_eq!(seen["env"]["BOUND"], "yes");
    mount.close().await;
}
