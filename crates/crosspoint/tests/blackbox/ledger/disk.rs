//! A disk that is full: a small one that is mounted for this test, in a process that sees mounts of
//! its own, so that nothing is left of it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::long::{begin, config, with_callback};
use super::{UNAVAILABLE, expect, post};
use crate::harness::{Database, Effects, Engine, Setup, until};

const CHILD: &str = "CROSSPOINT_TEST_SMALL_DISK";

/// Enough for an empty ledger, and soon full.
const SIZE: &str = "size=4m";

/// A data directory on a disk of its own, until it is dropped.
struct Disk {
    folder: PathBuf,
    /// Lives longer than what is mounted in it.
    setup: Setup,
}

// === impl Disk ===

impl Disk {
    fn mount(config: &str) -> Disk {
        let setup = Setup::new().config(&format!("data_dir = \"data\"\n{config}"));
        let folder = setup.path().join("data");
        fs::create_dir(&folder).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", SIZE, "tmpfs"])
            .arg(&folder);
        assert!(mount.status().unwrap().success(), "mounting a small disk");
        Disk { folder, setup }
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Leaves no room.
    fn fill(&self) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.ballast())
            .unwrap();
        for size in [64 << 10, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

#[test]
fn on_a_full_disk_only_what_must_be_recorded_is_refused() {
    if std::env::var_os(CHILD).is_some() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(on_a_small_disk());
    }
    let mut child = Command::new("unshare");
    // Root needs no more; others become root of what only they see.
    child.args(match fs::metadata("/proc/self").unwrap().uid() {
        0 => &["--mount"][..],
        _ => &["--user", "--map-root-user", "--mount"],
    });
    child.arg(std::env::current_exe().unwrap());
    child.args(["--exact", "--nocapture"]);
    child.arg("ledger::disk::on_a_full_disk_only_what_must_be_recorded_is_refused");
    let output = child.env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.contains("1 passed"), "{said}");
}

async fn on_a_small_disk() {
    let (engine, effects) = (Engine::start().await, Effects::start().await);
    let disk = Disk::mount(&config(&engine, "0s"));
    let proxy = disk.setup.clone().serve().await;
    let call = |id: &str| proxy.call("http/PostRequestV2", effects.arguments(id));
    let mut written = Vec::new();
    for n in 0..10 {
        let key = format!("before-{n}");
        post(&proxy, &effects.arguments(&key), &key).await.success();
        written.push(key);
    }
    disk.fill();
    let mut refused = String::new();
    until("a call with a key is refused", async || {
        refused = format!("full-{}", written.len());
        let answer = post(&proxy, &effects.arguments(&refused), &refused).await;
        if answer.status == 200 {
            written.push(refused.clone());
            return false;
        }
        expect(&answer, UNAVAILABLE);
        true
    })
    .await;
    assert_eq!(effects.of(&refused), 0);
    let url = engine.callback([]);
    let arguments = with_callback(effects.arguments("long"), &url);
    let long = begin(&proxy, "long", "http/PostRequestV2", arguments).await;
    expect(&long, UNAVAILABLE);
    for n in 0..20 {
        call(&format!("unkeyed-{n}")).await.success();
    }
    until("the loss is told", async || {
        proxy
            .problems()
            .await
            .contains("the ledger is not available")
    })
    .await;
    proxy.counts("crosspoint_ledger_available", 0.0).await;

    disk.make_room();
    until("calls with keys are answered again", async || {
        let answer = post(&proxy, &effects.arguments(&refused), &refused).await;
        answer.status == 200
    })
    .await;
    written.push(refused);
    proxy.counts("crosspoint_ledger_available", 1.0).await;
    until("all is well", async || proxy.problems().await == "[]").await;
    for key in &written {
        proxy.row_in(key, "succeeded").await;
        post(&proxy, &effects.arguments(key), key).await.success();
        assert_eq!(effects.of(key), 1, "{key}");
    }
    assert_eq!((effects.of("long"), engine.count()), (0, 0));
    assert_eq!(proxy.stop().await.code, Some(0));
    whole(&disk.folder.join("crosspoint.db")).await;
}

/// Fails unless a file of SQLite is in order.
async fn whole(file: &Path) {
    let verdict = Database::file(file).sql("PRAGMA integrity_check").await;
    assert_eq!(verdict, ["ok"]);
}
