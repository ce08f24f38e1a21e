//! Databases that refuse, and queues that are full.

use crosspoint_broker::ledger::{Begun, State, Store, StoreError, Wait};
use futures_util::future::join_all;

use crate::kit::{
    IMPATIENCE, Lock, Place, begun, end, found, is_unavailable, keyed, new_row, on_both,
};

on_both!(
    a_record_that_is_refused_does_not_harm_those_beside_it,
    a_database_that_does_not_answer_is_an_error_in_time,
);

/// Makes the database refuse rows of the command `Poison`.
async fn poison(place: &Place) {
    if place.is_sqlite() {
        place
            .sql(
                "CREATE TRIGGER poison BEFORE INSERT ON crosspoint_calls \
                 WHEN NEW.command = 'Poison' BEGIN SELECT RAISE(ABORT, 'poisoned'); END",
            )
            .await;
        return;
    }
    place
        .sql(
            "CREATE FUNCTION poison() RETURNS trigger AS $$ BEGIN \
             IF NEW.command = 'Poison' THEN RAISE EXCEPTION 'poisoned'; END IF; \
             RETURN NEW; END $$ LANGUAGE plpgsql; \
             CREATE TRIGGER poison BEFORE INSERT ON crosspoint_calls \
             FOR EACH ROW EXECUTE FUNCTION poison()",
        )
        .await;
}

async fn a_record_that_is_refused_does_not_harm_those_beside_it(place: Place) {
    let store = place.open().await;
    poison(&place).await;
    let tasks = (0..60).map(|n| {
        let store = store.clone();
        let mut row = keyed("caller", &n.to_string());
        let poisoned = n % 20 == 7;
        if poisoned {
            row.about.command = "Poison".to_owned();
        }
        async move {
            (
                poisoned,
                row.id.clone(),
                store.begin(row, Wait::Committed).await,
            )
        }
    });
    for (poisoned, id, begun) in join_all(tasks).await {
        match begun {
            Ok(Begun::New) => assert!(!poisoned && store.find(&id).await.unwrap().is_some()),
            Err(StoreError::Refused(reason)) => {
                assert!(poisoned && reason.contains("poisoned"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    let mut row = new_row(State::Running);
    row.about.command = "Poison".to_owned();
    store.begin(row, Wait::No).await.unwrap();
    store.flush().await.unwrap();
    let health = store.health();
    assert_eq!((health.lost, health.problem), (1, None));
}

async fn a_database_that_does_not_answer_is_an_error_in_time(mut place: Place) {
    place.options.patience = IMPATIENCE;
    place.options.queue = 40;
    let store = place.open().await;
    let before = begun(&*store, new_row(State::Running)).await;
    let lock = Lock::take(&place).await;
    let late = store.begin(keyed("caller", "late"), Wait::Committed).await;
    assert!(is_unavailable(&late), "{late:?}");
    // Those who do not wait never do, and only as much is kept as there is room for.
    let rows: Vec<_> = (0..100).map(|_| new_row(State::Running)).collect();
    for row in &rows {
        store.begin(row.clone(), Wait::No).await.unwrap();
    }
    store
        .end(end(&before, State::Succeeded), Wait::No)
        .await
        .unwrap();
    let health = store.health();
    assert!(health.lost >= 70 && health.queued <= 40, "{health:?}");
    assert!(store.flush().await.is_err());
    lock.release().await;
    while store.health().queued > 0 {
        let _ = store.flush().await;
    }
    store.flush().await.unwrap();
    assert_eq!(found(&*store, &before).await.state, State::Succeeded);
    let mut kept = 0;
    for row in &rows {
        kept += u64::from(store.find(&row.id).await.unwrap().is_some());
    }
    assert_eq!(kept + store.health().lost, 100);
    // Nobody ran it, so that its key is free.
    begun(&*store, keyed("caller", "late")).await;
}
