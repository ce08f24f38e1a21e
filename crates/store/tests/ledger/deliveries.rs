//! The results of long calls on their way to the engine.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_broker::ledger::{MAY_HAVE_ARRIVED, State, Store, StoreError, Version, Wait};

use crate::kit::{Place, begun, end, found, new_row, on_both, row_in};

const LONG: Duration = Duration::from_secs(3600);

on_both!(
    a_result_is_due_with_all_that_its_delivery_needs,
    what_somebody_has_taken_is_not_due_until_the_lease_has_passed,
    a_delivery_that_failed_is_due_again_after_its_pause,
    what_was_given_up_is_due_again_when_somebody_says_so,
    no_two_stores_get_the_same_delivery,
    what_a_process_was_delivering_is_due_after_its_end,
    a_delivery_of_which_no_word_came_is_noted_as_in_doubt,
    only_who_has_taken_a_result_says_that_it_did_not_arrive,
    only_a_call_that_runs_here_is_promised,
    a_delivered_failure_runs_again_without_its_delivery,
);

async fn finished(store: &dyn Store) -> String {
    let mut row = new_row(State::Accepted);
    row.about.callback = Some("http://engine/callback/1".to_owned());
    let id = begun(store, row).await;
    store.start(&id, 5, Wait::Committed).await.unwrap();
    let mut end = end(&id, State::Finished);
    end.result = Some(Bytes::from_static(b"the result"));
    store.end(end, Wait::Committed).await.unwrap();
    id
}

async fn a_result_is_due_with_all_that_its_delivery_needs(place: Place) {
    let store = place.open().await;
    let id = finished(&*store).await;
    let due = store.due(LONG, 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!((&due[0].row.id, due[0].row.attempts), (&id, 1));
    let callback = due[0].row.about.callback.as_deref();
    assert_eq!(callback, Some("http://engine/callback/1"));
    let result = due[0].result.clone().unwrap();
    assert_eq!(result.as_deref(), Some(&b"the result"[..]));
    store.delivered(&id).await.unwrap();
    assert!(store.delivered(&id).await.is_err(), "it is delivered once");
    let row = found(&*store, &id).await;
    assert_eq!((row.state, row.delivery.attempts), (State::Delivered, 1));
}

async fn what_somebody_has_taken_is_not_due_until_the_lease_has_passed(place: Place) {
    let store = place.open().await;
    let id = finished(&*store).await;
    assert_eq!(store.due(LONG, 10).await.unwrap().len(), 1);
    assert_eq!(store.due(LONG, 10).await.unwrap().len(), 0);
    store
        .delivery_failed(&id, Duration::ZERO, "x")
        .await
        .unwrap();
    assert_eq!(store.due(Duration::ZERO, 10).await.unwrap().len(), 1);
    assert_eq!(store.due(LONG, 10).await.unwrap().len(), 1);
}

async fn a_delivery_that_failed_is_due_again_after_its_pause(place: Place) {
    let store = place.open().await;
    let id = finished(&*store).await;
    store.due(LONG, 10).await.unwrap();
    let failed = store.delivery_failed(&id, LONG, "the engine answers 500");
    failed.await.unwrap();
    assert_eq!(store.due(LONG, 10).await.unwrap().len(), 0);
    let delivery = found(&*store, &id).await.delivery;
    assert_eq!(delivery.attempts, 1);
    assert_eq!(delivery.error.as_deref(), Some("the engine answers 500"));
    let failed = store.delivery_failed(&id, Duration::from_millis(1), "again");
    failed.await.unwrap();
    while store.due(LONG, 10).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(found(&*store, &id).await.delivery.attempts, 2);
}

async fn what_was_given_up_is_due_again_when_somebody_says_so(place: Place) {
    let store = place.open().await;
    let id = finished(&*store).await;
    assert_eq!(store.redeliver(&id).await, Ok(false));
    store.due(LONG, 10).await.unwrap();
    store.undeliverable(&id, "gone for days").await.unwrap();
    assert_eq!(store.due(LONG, 10).await.unwrap().len(), 0);
    let delivery = found(&*store, &id).await.delivery;
    assert_eq!(delivery.error.as_deref(), Some("gone for days"));
    assert_eq!(store.redeliver(&id).await, Ok(true));
    assert_eq!(store.due(LONG, 10).await.unwrap()[0].row.id, id);
}

async fn no_two_stores_get_the_same_delivery(place: Place) {
    let stores = [place.open().await, place.open().await];
    for _ in 0..60 {
        row_in(&*stores[0], State::Finished).await;
    }
    let tasks = (0..20).map(|n| {
        let store = stores[n % 2].clone();
        tokio::spawn(async move { store.due(LONG, 7).await.unwrap() })
    });
    let mut taken = Vec::new();
    for due in futures_util::future::join_all(tasks).await {
        taken.extend(due.unwrap().into_iter().map(|due| due.row.id));
    }
    // Those who look at the same moment may pass each other over.
    taken.extend(
        stores[0]
            .due(LONG, 60)
            .await
            .unwrap()
            .into_iter()
            .map(|due| due.row.id),
    );
    let different: HashSet<&String> = taken.iter().collect();
    assert_eq!((taken.len(), different.len()), (60, 60));
}

async fn what_a_process_was_delivering_is_due_after_its_end(place: Place) {
    let old = place.open().await;
    let id = finished(&*old).await;
    let lease = Duration::from_millis(if place.is_sqlite() { 3_600_000 } else { 300 });
    assert_eq!(old.due(lease, 10).await.unwrap().len(), 1);
    drop(old);
    let new = place.open().await;
    new.recover(10).await.unwrap();
    // With SQLite at once, with PostgreSQL when the lease has passed.
    loop {
        if let [due] = &new.due(LONG, 10).await.unwrap()[..] {
            assert_eq!(due.row.id, id);
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Recovery in steps does not hand out what was taken since.
    new.recover(10).await.unwrap();
    assert_eq!(new.due(LONG, 10).await.unwrap().len(), 0);
}

async fn a_delivery_of_which_no_word_came_is_noted_as_in_doubt(place: Place) {
    let store = place.open().await;
    let id = finished(&*store).await;
    let first = store.due(Duration::ZERO, 10).await.unwrap();
    assert_eq!(first[0].row.delivery.error, None);
    // The lease is over without a word.
    let second = store.due(LONG, 10).await.unwrap();
    assert_eq!(
        second[0].row.delivery.error.as_deref(),
        Some(MAY_HAVE_ARRIVED)
    );
    store
        .delivery_failed(&id, Duration::ZERO, "refused")
        .await
        .unwrap();
    let third = store.due(LONG, 10).await.unwrap();
    assert_eq!(third[0].row.delivery.error.as_deref(), Some("refused"));
    drop(store);
    let store = place.open().await;
    store.recover(10).await.unwrap();
    if place.is_sqlite() {
        let fourth = store.due(LONG, 10).await.unwrap();
        assert_eq!(
            fourth[0].row.delivery.error.as_deref(),
            Some(MAY_HAVE_ARRIVED)
        );
    }
}

async fn only_who_has_taken_a_result_says_that_it_did_not_arrive(place: Place) {
    let (old, new) = (place.open().await, place.open().await);
    let id = finished(&*old).await;
    assert_eq!(old.due(Duration::ZERO, 10).await.unwrap().len(), 1);
    assert_eq!(new.due(LONG, 10).await.unwrap().len(), 1);
    let taken_over = Err(StoreError::TakenOver(id.clone()));
    assert_eq!(old.undeliverable(&id, "no").await, taken_over);
    let failed = old.delivery_failed(&id, Duration::ZERO, "no");
    assert_eq!(failed.await, taken_over);
    new.delivery_failed(&id, LONG, "not yet").await.unwrap();
    assert_eq!(old.undeliverable(&id, "no").await, taken_over);
    // That it did is so whoever says it.
    old.delivered(&id).await.unwrap();
    assert_eq!(found(&*new, &id).await.state, State::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_replica_was_delivering_is_due_when_that_is_gone() {
    let place = Place::postgres().await;
    let (old, new) = (place.open().await, place.open().await);
    let id = finished(&*old).await;
    assert_eq!(old.due(LONG, 10).await.unwrap().len(), 1);
    assert_eq!(new.due(LONG, 10).await.unwrap().len(), 0);
    drop(old);
    let due = loop {
        let due = new.due(LONG, 10).await.unwrap();
        if !due.is_empty() {
            break due;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(due[0].row.id, id);
    let doubt = due[0].row.delivery.error.as_deref();
    assert_eq!(doubt, Some(MAY_HAVE_ARRIVED));
    // One that ends in good order is gone at once.
    let third = place.open().await;
    new.close().await;
    assert_eq!(third.due(LONG, 10).await.unwrap().len(), 1);
}

async fn only_a_call_that_runs_here_is_promised(place: Place) {
    let store = place.open().await;
    let id = begun(&*store, new_row(State::Running)).await;
    store.promise(&id, "http://engine/cb").await.unwrap();
    let row = found(&*store, &id).await;
    assert_eq!(row.about.callback.as_deref(), Some("http://engine/cb"));
    assert_eq!(row.state, State::Running);
    let ended = row_in(&*store, State::Succeeded).await;
    assert!(store.promise(&ended, "http://engine/cb").await.is_err());
    assert!(store.promise("nobody", "http://engine/cb").await.is_err());
    let other = place.open().await;
    assert!(other.promise(&id, "http://engine/other").await.is_err());
}

async fn a_delivered_failure_runs_again_without_its_delivery(place: Place) {
    let store = place.open().await;
    let id = finished(&*store).await;
    store.due(LONG, 10).await.unwrap();
    store.delivered(&id).await.unwrap();
    let version = Version {
        state: State::Delivered,
        attempts: 1,
    };
    assert_eq!(store.again(&id, version, 7).await, Ok(true));
    let row = found(&*store, &id).await;
    assert_eq!((row.state, row.attempts), (State::Running, 2));
    assert_eq!((row.about.callback, row.delivery.attempts), (None, 0));
}
