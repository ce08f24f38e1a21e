//! A new master key: nothing is lost, however it ends.

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crosspoint_broker::cabinet::{Cabinet, Drawer, Expected};
use crosspoint_broker::ledger::{State, Store, Wait};
use crosspoint_store::{KeyError, OpenError, RotateError, Rotated, rotate};

use crate::kit::{Place, begun, end, keyed, on_both};

on_both!(
    everything_opens_with_the_new_key_alone,
    one_that_is_broken_off_anywhere_goes_on,
    who_works_with_the_store_is_not_disturbed,
    a_wrong_key_replaces_nothing,
    what_cannot_be_opened_is_told_and_left,
    where_the_file_cannot_be_written_it_is_done_by_hand,
);

const CALLS: usize = 30;
const SECRETS: usize = 230;

/// What is kept in a place, by id.
async fn filled(place: &Place) -> Vec<String> {
    let store = place.open().await;
    for n in 0..SECRETS {
        let (id, body) = (n.to_string(), format!("secret {n}"));
        let put = store.put(Drawer::Secret, &id, body.into(), None, Expected::Any);
        put.await.unwrap();
    }
    let mut calls = Vec::new();
    for n in 0..CALLS {
        let mut row = keyed("caller", &n.to_string());
        // Some are large enough for a step of their own.
        let size = if n % 10 == 0 { 300_000 } else { 10 };
        row.replay = Some(Bytes::from(vec![n as u8; size]));
        let id = begun(&*store, row).await;
        let mut done = end(&id, State::Succeeded);
        done.result = (n % 3 > 0).then(|| Bytes::from(format!("result {n}")));
        store.end(done, Wait::Committed).await.unwrap();
        calls.push(id);
    }
    store.close().await;
    calls
}

async fn check(place: &Place, calls: &[String]) {
    let store = place.open().await;
    let secrets = Cabinet::list(&*store, Drawer::Secret).await.unwrap();
    assert_eq!(secrets.len(), SECRETS);
    for secret in secrets {
        assert_eq!(secret.body, format!("secret {}", secret.id));
    }
    for (n, id) in calls.iter().enumerate() {
        let replay = store.replay(id).await.unwrap().unwrap();
        assert!(replay.iter().all(|byte| *byte == n as u8));
        let result = store.result(id).await.unwrap();
        let wanted = (n % 3 > 0).then(|| Bytes::from(format!("result {n}")));
        assert_eq!(result, wanted);
    }
    store.close().await;
}

fn key(place: &Place) -> String {
    std::fs::read_to_string(&place.options.master_key).unwrap()
}

async fn rotated(place: &Place) -> Result<Rotated, RotateError> {
    rotate(&place.url, &place.options, &|_, _| {}).await
}

async fn everything_opens_with_the_new_key_alone(place: Place) {
    let calls = filled(&place).await;
    let old = key(&place);
    let seen = AtomicU64::new(0);
    let progress = |done: u64, total: u64| {
        assert!(done <= total);
        seen.store(done, Ordering::Relaxed);
    };
    let done = rotate(&place.url, &place.options, &progress).await.unwrap();
    let results = CALLS - CALLS.div_ceil(3);
    assert_eq!(done.resealed, (SECRETS + CALLS + results) as u64);
    assert_eq!((done.resumed, done.stays), (false, None));
    assert_eq!(seen.into_inner(), (SECRETS + CALLS) as u64);
    let new = key(&place);
    assert_eq!(new.lines().count(), 1);
    assert_ne!(new.trim(), old.trim());
    check(&place, &calls).await;
    place.write_key(&old);
    let error = place.try_open().await.err().unwrap();
    assert!(
        matches!(error, OpenError::Key(KeyError::Wrong(_))),
        "{error}"
    );
    place.write_key(&new);
    // And once more.
    rotated(&place).await.unwrap();
    check(&place, &calls).await;
}

async fn one_that_is_broken_off_anywhere_goes_on(place: Place) {
    let calls = filled(&place).await;
    let mut steps = 0;
    for at in 0.. {
        let count = Arc::new(AtomicU64::new(0));
        let (reached, mut wait) = tokio::sync::mpsc::unbounded_channel();
        let (url, options) = (place.url.clone(), place.options.clone());
        let task = tokio::spawn(async move {
            let progress = move |_, _| {
                if count.fetch_add(1, Ordering::Relaxed) == at {
                    let _ = reached.send(());
                    // Long enough for the task to be broken off here.
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
            };
            rotate(&url, &options, &progress).await
        });
        let reached = wait.recv().await.is_some();
        task.abort();
        let ended = task.await;
        if !place.is_sqlite() {
            place.end_leases().await;
        }
        check(&place, &calls).await;
        if let Ok(done) = ended {
            let done = done.unwrap();
            assert_eq!((done.resumed, done.resealed), (false, 230 + 30 + 20));
            assert_eq!(key(&place).lines().count(), 1);
            if reached {
                // It was too quick for that.
                continue;
            }
            break;
        }
        if key(&place).lines().count() == 1 {
            // Nothing but leaving was left to do.
            continue;
        }
        let done = rotated(&place).await.unwrap();
        assert!(done.resumed && done.damaged.is_empty());
        assert_eq!(key(&place).lines().count(), 1);
        check(&place, &calls).await;
        steps += 1;
    }
    assert!(steps >= 2, "{steps}");
}

async fn who_works_with_the_store_is_not_disturbed(mut place: Place) {
    let calls = filled(&place).await;
    let before = key(&place);
    let looks = place.open().await;
    let error = rotated(&place).await.unwrap_err();
    match place.is_sqlite() {
        true => assert!(matches!(error, RotateError::Busy), "{error}"),
        false => assert!(matches!(error, RotateError::Serves), "{error}"),
    }
    looks.close().await;
    drop(looks);
    place.options.serves = true;
    let serves = place.open().await;
    let error = rotated(&place).await.unwrap_err();
    assert!(matches!(error, RotateError::Serves), "{error}");
    assert_eq!(key(&place), before);
    serves.close().await;
    drop(serves);
    rotated(&place).await.unwrap();
    check(&place, &calls).await;
}

async fn a_wrong_key_replaces_nothing(place: Place) {
    filled(&place).await;
    for wrong in [
        STANDARD.encode([1; 32]),
        format!(
            "{}\n{}\n",
            STANDARD.encode([1; 32]),
            STANDARD.encode([2; 32])
        ),
    ] {
        place.write_key(&wrong);
        let error = rotated(&place).await.unwrap_err();
        let is_wrong = matches!(error, RotateError::Open(OpenError::Key(KeyError::Wrong(_))));
        assert!(is_wrong, "{error}");
        assert_eq!(key(&place), wrong);
    }
}

async fn what_cannot_be_opened_is_told_and_left(place: Place) {
    filled(&place).await;
    let sealed = match place.is_sqlite() {
        true => "x'0102'",
        false => "'\\x0102'::bytea",
    };
    let damage = format!("UPDATE crosspoint_items SET sealed = {sealed} WHERE id = '7'");
    place.sql(&damage).await;
    let done = rotated(&place).await.unwrap();
    assert_eq!(done.damaged, ["secret 7"]);
    let store = place.open().await;
    assert!(store.get(Drawer::Secret, "7").await.is_err());
    let eight = store.get(Drawer::Secret, "8").await.unwrap().unwrap();
    assert_eq!(eight.body, "secret 8");
}

async fn where_the_file_cannot_be_written_it_is_done_by_hand(mut place: Place) {
    let calls = filled(&place).await;
    let old = key(&place);
    // A file without a name can be read and has no place where another could be put.
    let nameless = |text: &str| {
        let path = place.folder.path().join("nameless");
        std::fs::write(&path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let name = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        (file, name.into())
    };
    let (_one, path) = nameless(&old);
    let (_two, both) = nameless(&format!("{}\n{old}", STANDARD.encode([9; 32])));
    let (_new, new) = nameless(&STANDARD.encode([9; 32]));
    place.options.master_key = path;
    let error = rotated(&place).await.unwrap_err();
    assert!(matches!(error, RotateError::ByHand { .. }), "{error}");
    assert!(error.to_string().contains("head -c 32"), "{error}");
    check(&place, &calls).await;
    place.options.master_key = both;
    let done = rotated(&place).await.unwrap();
    assert!(done.resumed && done.stays.is_some());
    place.options.master_key = new;
    check(&place, &calls).await;
}
