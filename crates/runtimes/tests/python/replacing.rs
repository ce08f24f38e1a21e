//! Packages that change while they are served.

use std::sync::Arc;

use crosspoint_core::{Connector, Mount};
use crosspoint_runtimes::python::{PythonMount, Settings};
use futures_util::FutureExt;
use serde_json::json;

use crate::support::*;
use crate::zoo::PROBE;

const NEWER: &str = "
class Newer:
    def execute(self, config, task_data):
        return {'response': 'new', 'mimetype': 'text/plain'}
";

fn newer() -> String {
    format!("{PROBE}{NEWER}")
}

fn has_newer(connector: &Arc<dyn Connector>) -> bool {
    let mut commands = connector.manifest().commands.iter();
    commands.any(|command| command.name == "Newer")
}

async fn until_newer(mount: &PythonMount) {
    let mut mounted = mount.connectors();
    mounted
        .wait_for(|mounted| mounted.connectors.iter().any(has_newer))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_changed_environment_takes_over_and_calls_under_way_end_on_the_old_one() {
    let mut zoo = Zoo::new();
    let mount = zoo.mount().await;
    let old = probe(&mount);
    let old_pid = pid(&old).await;
    let held = Held::begin(&zoo, &old, "held").await;

    zoo.write("probe", &newer());
    zoo.program.fingerprint = "2".to_owned();
    mount.replace(vec![zoo.program.clone()]).await;
    let new = probe(&mount);
    assert!(has_newer(&new));
    assert_ne!(pid(&new).await, old_pid);
    // Whoever still holds the old one can still call it.
    assert_eq!(pid(&old).await, old_pid);
    assert_eq!(number(held.end().await), old_pid);
    drop(old);
    until("the old worker is gone", || !lives(old_pid)).await;
    mount.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_under_load_drops_no_call() {
    let mut zoo = Zoo::new();
    let mount = Arc::new(zoo.mount().await);
    let done = zoo.path("done");
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (mount, done) = (mount.clone(), done.clone());
            tokio::spawn(async move {
                let mut pids = std::collections::HashSet::new();
                while !done.exists() {
                    pids.insert(pid(&probe(&mount)).await);
                }
                pids
            })
        })
        .collect();
    for fingerprint in ["2", "3", "4"] {
        zoo.program.fingerprint = fingerprint.to_owned();
        mount.replace(vec![zoo.program.clone()]).await;
        pid(&probe(&mount)).await;
    }
    touch(&done);
    let last = pid(&probe(&mount)).await;
    for task in load {
        for old in task.await.unwrap().into_iter().filter(|pid| *pid != last) {
            until("the old workers are gone", || !lives(old)).await;
        }
    }
    mount.close().await;
}

#[tokio::test]
async fn a_replacement_while_the_first_is_prepared_comes_after_it() {
    let mut zoo = Zoo::new();
    let first = zoo.program.clone();
    let (prepared, wait) = tokio::sync::oneshot::channel();
    let mount = PythonMount::start(async move {
        wait.await.unwrap();
        Ok(vec![first].into())
    });
    zoo.add("other", PROBE);
    let mut replacing = Box::pin(mount.replace(vec![zoo.program.clone()]));
    assert!((&mut replacing).now_or_never().is_none());
    prepared.send(()).unwrap();
    replacing.await;
    assert_eq!(mounted(&mount).connectors.len(), 2);
    mount.close().await;
}

#[tokio::test]
async fn what_did_not_change_is_not_started_again() {
    let mut zoo = Zoo::new();
    zoo.add("other", PROBE);
    let mount = zoo.mount().await;
    let (kept, gone) = (
        pid(&probe(&mount)).await,
        pid(&connector(&mount, "other")).await,
    );
    zoo.program.connectors.pop();
    zoo.add("third", PROBE);
    let before = probe(&mount);
    mount.replace(vec![zoo.program.clone()]).await;
    assert!(Arc::ptr_eq(&before, &probe(&mount)));
    assert_eq!(pid(&probe(&mount)).await, kept);
    pid(&connector(&mount, "third")).await;
    assert_eq!(mounted(&mount).connectors.len(), 2);
    until("the one that was taken out is gone", || !lives(gone)).await;
    mount.close().await;
}

#[tokio::test]
async fn a_broken_change_leaves_the_old_connector_in_place_and_mends_itself() {
    let mut zoo = Zoo::new();
    let mount = zoo.mount().await;
    let old = pid(&probe(&mount)).await;
    zoo.write("probe", "import no_such_library");
    zoo.program.fingerprint = "2".to_owned();
    mount.replace(vec![zoo.program.clone()]).await;
    assert_eq!(pid(&probe(&mount)).await, old);
    let problems = mounted(&mount).problems;
    assert!(problems[0].contains("no_such_library"), "{problems:?}");

    zoo.write("probe", &newer());
    until_newer(&mount).await;
    assert!(mounted(&mount).problems.is_empty());
    assert_ne!(pid(&probe(&mount)).await, old);
    until("the old worker is gone", || !lives(old)).await;
    mount.close().await;
}

#[tokio::test]
async fn a_worker_that_finds_another_package_after_a_restart_is_offered_as_it_is() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let before = probe(&mount);
    assert!(!has_newer(&before));
    zoo.write("probe", &newer());
    kill(pid(&before).await);
    until_newer(&mount).await;
    let answer = call(&probe(&mount), "Newer", json!({})).await;
    assert_eq!(body(answer), json!("new"));
    mount.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewing_replaces_every_worker_and_drops_no_call() {
    let zoo = Zoo::with(Settings {
        workers: 2,
        ..Settings::default()
    });
    let mount = Arc::new(zoo.mount().await);
    let connector = probe(&mount);
    let held = Held::begin(&zoo, &connector, "held").await;
    let done = zoo.path("done");
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (connector, done) = (connector.clone(), done.clone());
            tokio::spawn(async move {
                let mut pids = std::collections::HashSet::new();
                while !done.exists() {
                    pids.insert(pid(&connector).await);
                }
                pids
            })
        })
        .collect();
    let before = pid(&connector).await;
    connector.renew();
    // A worker with a call under way waits for its end.
    let mut successor = before;
    while successor == before {
        successor = pid(&connector).await;
    }
    let old = number(held.end().await);
    for gone in [before, old] {
        until("the old workers are gone", || !lives(gone)).await;
    }
    touch(&done);
    let last = pid(&connector).await;
    for task in load {
        let pids = task.await.unwrap();
        assert!(!pids.is_empty() && last != before && last != old);
    }
    mount.close().await;
}
