//! One row per key.

use std::time::Duration;

use crosspoint_broker::ledger::{Begun, State, Store, Wait};
use futures_util::future::join_all;

use crate::kit::{Lock, Place, begun, end, found, keyed, on_both};

on_both!(
    of_a_hundred_beginnings_with_one_key_one_wins,
    whoever_finds_a_key_taken_gets_its_row,
    equal_keys_of_two_scopes_are_two_keys,
    keys_may_hold_anything_and_be_of_any_length,
    a_beginning_that_nobody_waits_for_any_more_leaves_its_key_free,
    two_stores_that_take_many_keys_in_opposite_orders_both_get_answers,
);

async fn of_a_hundred_beginnings_with_one_key_one_wins(place: Place) {
    let stores = [place.open().await, place.open().await];
    let tasks = (0..100).map(|n| {
        let store = stores[n % 2].clone();
        tokio::spawn(async move {
            let row = keyed("caller", "key");
            let id = row.id.clone();
            (id, store.begin(row, Wait::Committed).await.unwrap())
        })
    });
    let (mut winners, mut known) = (Vec::new(), Vec::new());
    for done in join_all(tasks).await {
        match done.unwrap() {
            (id, Begun::New) => winners.push(id),
            (_, Begun::Known(row)) => known.push(row.id),
        }
    }
    assert_eq!((winners.len(), known.len()), (1, 99));
    assert!(known.iter().all(|id| *id == winners[0]));
}

async fn whoever_finds_a_key_taken_gets_its_row(place: Place) {
    let store = place.open().await;
    let mut row = keyed("caller", "key");
    row.about.task = Some("task".to_owned());
    let first = begun(&*store, row.clone()).await;
    let mut second = keyed("caller", "key");
    second.about.command = "Another".to_owned();
    let known = store.begin(second, Wait::Committed).await.unwrap();
    let Begun::Known(known) = known else {
        panic!("the key is taken");
    };
    assert_eq!(known.id, first);
    assert_eq!((known.key, known.about), (row.key, row.about));
    assert_eq!((known.state, known.attempts), (State::Running, 1));
    assert_eq!(known.owner, store.owner());
    let by_key = store.find_key("caller", "key").await.unwrap();
    assert_eq!(by_key.unwrap().id, first);
    assert_eq!(store.find_key("caller", "other").await.unwrap(), None);
}

async fn equal_keys_of_two_scopes_are_two_keys(place: Place) {
    let store = place.open().await;
    begun(&*store, keyed("a", "bc")).await;
    begun(&*store, keyed("ab", "c")).await;
    begun(&*store, keyed("", "abc")).await;
}

async fn keys_may_hold_anything_and_be_of_any_length(place: Place) {
    let store = place.open().await;
    let long = "k".repeat(1 << 20);
    let keys = [
        "",
        "\0",
        "a\0b",
        "a\u{10FFFF}0b",
        "'; --",
        "\u{202e}é",
        &long,
    ];
    for key in keys {
        let id = begun(&*store, keyed("\0scope", key)).await;
        let row = store.find_key("\0scope", key).await.unwrap().unwrap();
        assert_eq!((&row.id, &*row.key.unwrap().text), (&id, key));
    }
}

async fn a_beginning_that_nobody_waits_for_any_more_leaves_its_key_free(place: Place) {
    let store = place.open().await;
    let row = keyed("caller", "key");
    let first = row.id.clone();
    let lock = Lock::take(&place).await;
    let mut beginning = store.begin(row, Wait::Committed);
    // Queued by the first look at it, and given up while it is being written.
    let pause = tokio::time::sleep(Duration::from_millis(50));
    tokio::select! {
        begun = &mut beginning => panic!("it cannot be written: {begun:?}"),
        () = pause => {}
    }
    drop(beginning);
    lock.release().await;
    begun(&*store, keyed("caller", "key")).await;
    assert_eq!(store.find(&first).await.unwrap(), None);
}

async fn two_stores_that_take_many_keys_in_opposite_orders_both_get_answers(place: Place) {
    let stores = [place.open().await, place.open().await];
    let mut tasks = Vec::new();
    for n in 0..200 {
        for (store, key) in [(0, n), (1, 199 - n)] {
            let store = stores[store].clone();
            tasks.push(tokio::spawn(async move {
                let row = keyed("caller", &format!("key {key}"));
                store.begin(row, Wait::Committed).await.unwrap()
            }));
        }
    }
    let mut won = 0;
    for done in join_all(tasks).await {
        won += usize::from(matches!(done.unwrap(), Begun::New));
    }
    assert_eq!(won, 200);
    let row = stores[0]
        .find_key("caller", "key 7")
        .await
        .unwrap()
        .unwrap();
    let owner = stores
        .iter()
        .find(|store| store.owner() == row.owner)
        .unwrap();
    let done = owner.end(end(&row.id, State::Succeeded), Wait::Committed);
    done.await.unwrap();
    assert_eq!(found(&**owner, &row.id).await.state, State::Succeeded);
}
