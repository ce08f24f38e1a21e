//! What a process leaves behind when it ends, and who takes it over.

use std::time::Duration;

use bytes::Bytes;
use crosspoint_broker::ledger::{Begun, State, Store, Version, Wait};
use futures_util::future::join_all;

use crate::kit::{Place, begun, end, found, keyed, new_row, on_both, row_in};

on_both!(
    open_rows_of_an_owner_that_is_gone_are_taken_over_once,
    a_recovered_call_can_run_again_with_what_was_kept,
    what_was_acknowledged_survives_a_store_that_is_dropped,
    what_was_queued_is_written_by_closing,
    recovery_goes_through_many_rows_in_steps,
);

async fn open_rows_of_an_owner_that_is_gone_are_taken_over_once(place: Place) {
    let old = place.open().await;
    let mut open = Vec::new();
    for state in State::ALL {
        let id = row_in(&*old, state).await;
        if state.is_open() {
            open.push((id, state));
        }
    }
    drop(old);
    place.end_leases().await;
    let new = place.open().await;
    let recovered = new.recover(100).await.unwrap();
    let rows: Vec<_> = recovered
        .iter()
        .map(|row| (row.id.clone(), row.state))
        .collect();
    assert_eq!(rows, open);
    assert!(recovered.iter().all(|row| row.owner == new.owner()));
    assert_eq!(new.recover(100).await, Ok(Vec::new()));
    for (id, state) in open {
        let next = match state {
            State::Running => State::Unknown,
            State::Accepted => State::Finished,
            _ => State::Failed,
        };
        new.end(end(&id, next), Wait::Committed).await.unwrap();
    }
}

async fn a_recovered_call_can_run_again_with_what_was_kept(place: Place) {
    let old = place.open().await;
    let mut row = keyed("caller", "key");
    row.replay = Some(Bytes::from_static(b"the arguments"));
    let id = begun(&*old, row).await;
    drop(old);
    place.end_leases().await;
    let new = place.open().await;
    let row = new.recover(1).await.unwrap().remove(0);
    assert!(row.kept.replay);
    let replay = new.replay(&id).await.unwrap();
    assert_eq!(replay.as_deref(), Some(&b"the arguments"[..]));
    let from = Version {
        state: row.state,
        attempts: row.attempts,
    };
    assert_eq!(new.again(&id, from, 5).await, Ok(true));
    assert_eq!(found(&*new, &id).await.attempts, 2);
}

async fn what_was_acknowledged_survives_a_store_that_is_dropped(place: Place) {
    let store = place.open().await;
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let row = keyed("caller", &format!("{n}"));
                let id = row.id.clone();
                let _ = store.begin(new_row(State::Running), Wait::No).await;
                let begun = store.begin(row, Wait::Committed).await;
                matches!(begun, Ok(Begun::New)).then_some(id)
            })
        })
        .collect();
    let mut tasks = tasks.into_iter();
    let mut acknowledged: Vec<_> = join_all(tasks.by_ref().take(50)).await;
    // In the middle of the others.
    let rest: Vec<_> = tasks.collect();
    rest.iter().for_each(|task| task.abort());
    drop(store);
    acknowledged.extend(join_all(rest).await);
    let store = place.open().await;
    let mut count = 0;
    for id in acknowledged.into_iter().filter_map(Result::ok).flatten() {
        assert_eq!(found(&*store, &id).await.state, State::Running);
        count += 1;
    }
    assert!(count >= 50, "{count}");
    if place.is_sqlite() {
        let verdict = place.sql("PRAGMA integrity_check").await;
        assert_eq!(verdict.as_deref(), Some("ok"));
    }
}

async fn what_was_queued_is_written_by_closing(place: Place) {
    let store = place.open().await;
    let mut ids = Vec::new();
    for _ in 0..600 {
        let row = new_row(State::Running);
        ids.push(row.id.clone());
        store.begin(row, Wait::No).await.unwrap();
    }
    store.close().await;
    let late = store.begin(new_row(State::Running), Wait::Committed).await;
    assert!(crate::kit::is_unavailable(&late), "{late:?}");
    let store = place.open().await;
    for id in &ids {
        assert_eq!(found(&*store, id).await.state, State::Running);
    }
    // An owner that has closed is gone at once.
    assert_eq!(store.recover(1000).await.unwrap().len(), ids.len());
}

async fn recovery_goes_through_many_rows_in_steps(place: Place) {
    let old = place.open().await;
    for _ in 0..2_000 {
        old.begin(new_row(State::Running), Wait::No).await.unwrap();
    }
    old.close().await;
    let new = place.open().await;
    let mut recovered = 0;
    loop {
        let rows = new.recover(300).await.unwrap();
        if rows.is_empty() {
            break;
        }
        recovered += rows.len();
        let ends = rows
            .iter()
            .map(|row| new.end(end(&row.id, State::Unknown), Wait::Committed));
        assert!(join_all(ends).await.iter().all(Result::is_ok));
    }
    assert_eq!(recovered, 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_leave_each_other_alone_while_they_are_alive() {
    let mut place = Place::postgres().await;
    place.options.lease = Duration::from_millis(600);
    let (alive, other) = (place.open().await, place.open().await);
    let id = begun(&*alive, new_row(State::Running)).await;
    // Longer than the lease, which is renewed meanwhile though nothing is written.
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(other.recover(10).await, Ok(Vec::new()));
    }
    drop(alive);
    loop {
        let rows = other.recover(10).await.unwrap();
        if let [row] = &rows[..] {
            assert_eq!(row.id, id);
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
