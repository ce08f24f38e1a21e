//! `crosspoint secret rotate-key`: killed in the middle, beside a server, and with wrong keys.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crosspoint_broker::cabinet::{Cabinet, Drawer};
use crosspoint_broker::ledger::{About, NewRow, State, Store, Wait};
use crosspoint_store::{Options, open};
use tokio::time::{Duration, sleep};

use super::secrets::{list, opened, set};
use crate::harness::{Effects, Setup, until};
use crate::ledger::place::Place;
use crate::ledger::post;

fn key_file(setup: &Setup) -> PathBuf {
    setup.path().join(".crosspoint/master.key")
}

fn keys(setup: &Setup) -> usize {
    fs::read_to_string(key_file(setup)).unwrap().lines().count()
}

async fn rotate(setup: &Setup) -> crate::harness::Ended {
    setup.clone().run(&["secret", "rotate-key"]).await
}

/// Many sealed rows: enough for a rotation to take a while.
async fn fill(setup: &Setup, rows: usize) -> Vec<String> {
    let store = opened(setup).await;
    let mut ids = Vec::new();
    for n in 0..rows {
        let id = uuid_at(n);
        let row = NewRow {
            id: id.clone(),
            key: None,
            about: About {
                ingress: "cli".to_owned(),
                request_id: id.clone(),
                connector: "http".to_owned(),
                command: "GetRequestV2".to_owned(),
                ..About::default()
            },
            state: State::Running,
            replay: Some(Bytes::from(vec![n as u8; 20_000])),
        };
        store.begin(row, Wait::No).await.unwrap();
        ids.push(id);
        if n % 100 == 99 {
            store.flush().await.unwrap();
        }
    }
    store.close().await;
    ids
}

fn uuid_at(n: usize) -> String {
    format!("0193c0de-7f3a-7c11-9a51-{n:012x}")
}

#[tokio::test]
async fn one_that_is_killed_anywhere_loses_nothing_and_goes_on() {
    let setup = Setup::new();
    set(&setup, "CRM", "one").await;
    let ids = fill(&setup, 800).await;
    let mut killed = 0;
    for delay in [0, 20, 60, 150, 300] {
        let running = setup.start(&["secret", "rotate-key"]);
        until("both keys are there", async || {
            keys(&setup) == 2 || !running.stdout().is_empty()
        })
        .await;
        sleep(Duration::from_millis(delay)).await;
        drop(running);
        killed += usize::from(keys(&setup) == 2);
        // Whatever there is opens, and a server works with it and seals more.
        let store = opened(&setup).await;
        for (n, id) in ids.iter().enumerate().step_by(97) {
            let replay = store.replay(id).await.unwrap().unwrap();
            assert!(replay.iter().all(|byte| *byte == n as u8));
        }
        let item = store.get(Drawer::Secret, "CRM").await.unwrap().unwrap();
        assert_eq!(item.body, "one");
        store.close().await;
        drop(store);
    }
    assert!(killed > 0);
    let proxy = setup.clone().serve().await;
    let effects = Effects::start().await;
    post(&proxy, &effects.arguments("pay"), "key")
        .await
        .success();
    assert_eq!(proxy.stop().await.code, Some(0));
    let ended = rotate(&setup).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(keys(&setup), 1);
    let store = opened(&setup).await;
    for (n, id) in ids.iter().enumerate() {
        let replay = store.replay(id).await.unwrap().unwrap();
        assert!(replay.iter().all(|byte| *byte == n as u8));
    }
    let acts = store.acts(1, None).await.unwrap();
    assert_eq!(acts[0].act, "secret.rotate_key");
    store.close().await;
    drop(store);
    // The repeated request is still known.
    let proxy = setup.serve().await;
    post(&proxy, &effects.arguments("pay"), "key")
        .await
        .success();
    assert_eq!(effects.of("pay"), 1);
}

#[tokio::test]
async fn beside_a_server_the_key_is_not_replaced() {
    for place in Place::both("").await {
        set(&place.setup, "CRM", "one").await;
        let proxy = place.setup.clone().serve().await;
        let ended = rotate(&place.setup).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("stop it"), "{ended:?}");
        assert_eq!(proxy.stop().await.code, Some(0));
        let ended = rotate(&place.setup).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(list(&place.setup).await[0]["name"], "CRM");
    }
}

/// Whatever needs the key says what is wrong with it.
async fn nothing_works(setup: &Setup, why: &str) {
    for command in [
        &["secret", "rotate-key"][..],
        &["secret", "list"],
        &["serve"],
    ] {
        let ended = setup.clone().run(command).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(why), "{ended:?}");
    }
}

#[tokio::test]
async fn a_wrong_key_and_one_that_everybody_can_read_are_told() {
    use std::os::unix::fs::PermissionsExt;
    let setup = Setup::new();
    set(&setup, "CRM", "one").await;
    let (path, right) = (key_file(&setup), fs::read(key_file(&setup)).unwrap());
    fs::write(&path, STANDARD.encode([1; 32])).unwrap();
    nothing_works(&setup, "another master key").await;
    fs::write(&path, right).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    nothing_works(&setup, "chmod 600 ").await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let folder = setup.path().join(".crosspoint");
    let url = format!("sqlite:{}", folder.join("crosspoint.db").display());
    assert!(open(&url, &Options::new(path)).await.is_ok());
}
