//! A disk that is full. A limit on the size of files stands for it, which needs no rights and is
//! there everywhere; since it counts for a whole process, the test runs in one of its own.

use std::process::Command;
use std::time::Duration;

use crosspoint_broker::ledger::{Begun, State, Store, StoreError, Wait};
use rlimit::Resource;

use crate::kit::{Place, begun, found, keyed, new_row, row_in};

const CHILD: &str = "CROSSPOINT_TEST_FULL_DISK";
const LIMIT: u64 = 1 << 20;

#[test]
fn a_full_disk_harms_no_file_and_nobody_who_does_not_wait() {
    if std::env::var_os(CHILD).is_some() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(on_a_full_disk());
    }
    // A process that writes too much gets a signal, which would end it; a shell can have it
    // ignored.
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new("/bin/sh");
    child
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(program);
    child.args(["--exact", "--nocapture"]);
    child.arg("sqlite_faults::a_full_disk_harms_no_file_and_nobody_who_does_not_wait");
    let output = child.env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.contains("1 passed"), "{said}");
}

async fn on_a_full_disk() {
    let place = Place::sqlite();
    let store = place.open().await;
    let before = row_in(&*store, State::Succeeded).await;
    let (_, hard) = Resource::FSIZE.get().unwrap();
    Resource::FSIZE.set(LIMIT, hard).unwrap();
    let mut written = Vec::new();
    let full = loop {
        let mut row = keyed("caller", &written.len().to_string());
        row.replay = Some(vec![1; 20_000].into());
        let id = row.id.clone();
        match store.begin(row, Wait::Committed).await {
            Ok(Begun::New) => written.push(id),
            Ok(Begun::Known(row)) => panic!("{row:?}"),
            Err(error) => break error,
        }
    };
    assert!(!written.is_empty());
    assert!(matches!(full, StoreError::Unavailable(_)), "{full}");
    assert!(full.to_string().contains("check the disk"), "{full}");
    let unwaited = new_row(State::Running);
    let id = unwaited.id.clone();
    store.begin(unwaited, Wait::No).await.unwrap();
    assert!(store.health().problem.is_some());
    // What is there can be read.
    assert_eq!(found(&*store, &before).await.state, State::Succeeded);
    // There is room again.
    Resource::FSIZE.set(hard, hard).unwrap();
    while store.flush().await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.health().problem, None);
    assert_eq!(store.health().lost, 0);
    assert_eq!(found(&*store, &id).await.state, State::Running);
    for id in &written {
        assert_eq!(found(&*store, id).await.state, State::Running);
    }
    let refused = written.len().to_string();
    begun(&*store, keyed("caller", &refused)).await;
    let verdict = place.sql("PRAGMA integrity_check").await;
    assert_eq!(verdict.as_deref(), Some("ok"));
}
