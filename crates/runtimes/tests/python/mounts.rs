//! What a mount offers, and what it says about the rest.

use std::path::PathBuf;
use std::time::Duration;

use crosspoint_core::{Kind, Mount, Refusal};
use crosspoint_runtimes::python::{At, PythonMount, Settings, Source};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn one_connector_that_cannot_be_loaded_leaves_the_others() {
    let mut zoo = Zoo::new();
    zoo.add("broken", "import no_such_library");
    zoo.list("missing");
    let mount = zoo.mount().await;
    let mounted = mounted(&mount);
    assert_eq!(mounted.connectors.len(), 1, "{mounted:?}");
    assert_eq!(mounted.problems.len(), 2, "{mounted:?}");
    for (name, why) in [
        ("broken", "no_such_library"),
        ("missing", "connector_missing"),
    ] {
        let about = |p: &&String| p.starts_with(name) && p.contains(why);
        assert!(mounted.problems.iter().any(|p| about(&p)), "{mounted:?}");
    }
    pid(&probe(&mount)).await;
    mount.close().await;
}

#[tokio::test]
async fn a_module_that_cannot_be_imported_leaves_the_commands_of_the_others() {
    let zoo = Zoo::new();
    let module = zoo.package("probe").join("commands/broken.py");
    std::fs::write(module, "import no_such_library").unwrap();
    let mount = zoo.mount().await;
    let mounted = mounted(&mount);
    assert!(mounted.problems[0].contains("broken"), "{mounted:?}");
    assert!(
        mounted.problems[0].contains("no_such_library"),
        "{mounted:?}"
    );
    pid(&probe(&mount)).await;
    mount.close().await;
}

#[tokio::test]
async fn a_single_file_is_a_connector() {
    let mut zoo = Zoo::new();
    let file = zoo.path("tools.py");
    std::fs::write(&file, crate::zoo::PROBE).unwrap();
    zoo.program.connectors = vec![Source {
        name: "tools".to_owned(),
        at: At::File(file),
    }];
    let mount = zoo.mount().await;
    pid(&connector(&mount, "tools")).await;
    mount.close().await;
}

#[tokio::test]
async fn one_package_may_be_there_twice_under_two_names() {
    let mut zoo = Zoo::new();
    let again = Source {
        name: "second".to_owned(),
        at: At::Module("connector_probe".to_owned()),
    };
    zoo.program.connectors.push(again);
    let mount = zoo.mount().await;
    let (first, second) = (probe(&mount), connector(&mount, "second"));
    assert_ne!(pid(&first).await, pid(&second).await);
    mount.close().await;
}

#[tokio::test]
async fn names_that_cannot_be_used_are_told() {
    let mut zoo = Zoo::new();
    zoo.list("probe");
    zoo.list("a b");
    let mount = zoo.mount().await;
    let mounted = mounted(&mount);
    assert_eq!(mounted.connectors.len(), 1);
    assert_eq!(mounted.problems.len(), 2, "{mounted:?}");
    mount.close().await;
}

#[tokio::test]
async fn an_interpreter_that_is_not_there_is_named() {
    let mut zoo = Zoo::new();
    zoo.program.python = PathBuf::from("/no/such/python");
    let mount = zoo.mount().await;
    let mounted = mounted(&mount);
    assert!(mounted.connectors.is_empty());
    assert!(
        mounted.problems[0].contains("/no/such/python"),
        "{mounted:?}"
    );
    mount.close().await;
}

#[tokio::test]
async fn a_connector_that_does_not_load_in_time_is_told() {
    let mut zoo = Zoo::with(Settings {
        start_timeout: Duration::from_secs(5),
        ..Settings::default()
    });
    zoo.write("probe", "import time; time.sleep(1000)");
    zoo.add("quick", crate::zoo::PROBE);
    let mount = zoo.mount().await;
    let mounted = mounted(&mount);
    assert_eq!(mounted.connectors.len(), 1, "{mounted:?}");
    assert!(mounted.problems[0].contains("within 5 s"), "{mounted:?}");
    mount.close().await;
}

#[tokio::test]
async fn an_environment_that_cannot_be_prepared_settles_with_its_reason() {
    let mount = PythonMount::start(async { Err("no space left".to_owned()) });
    let mut connectors = mount.connectors();
    let mounted = connectors
        .wait_for(|mounted| mounted.settled)
        .await
        .unwrap()
        .clone();
    assert_eq!(*mounted.problems, ["no space left".to_owned()]);
    mount.close().await;
}

#[tokio::test]
async fn closing_ends_every_process_and_turns_calls_away() {
    let zoo = Zoo::with(Settings {
        workers: 2,
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let held = Held::begin(&zoo, &probe, "held").await;
    let worker = pid(&probe).await;
    touch(&held.release);
    mount.close().await;
    assert!(!lives(worker));
    // It was told to answer what it had before it left.
    held.answer.await.unwrap().unwrap();
    let failure = call(&probe, "Pid", json!({})).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::ShuttingDown));
}

#[tokio::test]
async fn a_worker_that_does_not_leave_is_killed() {
    let zoo = Zoo::with(Settings {
        patience: Duration::from_millis(300),
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let worker = number(call(&probe(&mount), "Stubborn", json!({})).await);
    mount.close().await;
    assert!(!lives(worker));
}

#[tokio::test]
async fn a_mount_that_is_dropped_leaves_no_process_behind() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let worker = pid(&probe(&mount)).await;
    drop(mount);
    until("the worker is gone", || !lives(worker)).await;
}

#[test]
fn a_runtime_that_ends_takes_its_workers_with_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mount, worker) = runtime.block_on(async {
        let zoo = Zoo::new();
        let mount = zoo.mount().await;
        let worker = number(call(&probe(&mount), "Stubborn", json!({})).await);
        (mount, worker)
    });
    drop(runtime);
    drop(mount);
    for _ in 0..10_000 {
        if !lives(worker) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the worker lives");
}
