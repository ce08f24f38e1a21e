//! Kill -9 at random moments under load, again and again in one folder.

use std::time::Duration;

use tokio::join;
use tokio::time::sleep;

use super::load::Load;
use super::long::config;
use crate::harness::Setup;

const ROUNDS: usize = 50;

/// The longest that a process lives after it listens, in milliseconds.
const LIFE: u64 = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_times_kill_9_under_load_loses_nothing_and_repeats_nothing() {
    let load = Load::new().await;
    let mut setup = Setup::new().config(&config(&load.engine, "0s"));
    for _ in 0..ROUNDS {
        let proxy = setup.serve().await;
        let life = Duration::from_millis(load.dice.roll(LIFE));
        let kill = async {
            sleep(life).await;
            proxy.signal("KILL");
        };
        join!(load.work(&proxy, || true), kill);
        setup = proxy.kill().await;
    }
    let proxy = setup.serve().await;
    load.end(&proxy).await;
    assert_eq!(proxy.problems().await, "[]");
}
