//! The way of a row, and who may take it where.

use bytes::Bytes;
use crosspoint_broker::ledger::{End, Ending, State, Store, StoreError, Version, Wait};
use crosspoint_core::Effect;
use futures_util::future::join_all;

use crate::kit::{Place, begun, end, found, keyed, new_row, on_both, row_in};

on_both!(
    exactly_the_steps_of_the_table_are_taken,
    a_call_that_nobody_waits_for_is_written_with_its_end,
    steps_that_are_not_allowed_after_what_is_queued_are_refused_at_once,
    what_an_end_says_is_read_back,
    of_many_who_run_a_call_again_one_may,
    a_row_that_runs_again_has_forgotten_its_end,
    only_what_is_unknown_is_settled,
    a_row_that_was_taken_over_is_not_ended_by_its_old_owner,
    an_end_that_nobody_waits_for_settles_what_became_unknown,
    an_end_that_shares_a_commit_comes_with_the_next_or_by_itself,
    an_end_that_waits_for_company_goes_before_what_comes_after_it,
    what_is_queued_is_seen_by_whoever_runs_it_again,
    what_is_not_there_is_named,
);

/// Tries every way there is into a state.
async fn step(store: &dyn Store, id: &str, to: State) -> bool {
    let row = found(store, id).await;
    let version = Version {
        state: row.state,
        attempts: row.attempts,
    };
    match to {
        State::Received | State::Accepted => false,
        State::Running => {
            store.start(id, 5, Wait::Committed).await.is_ok()
                || store.again(id, version, 5).await == Ok(true)
        }
        State::Delivered => store.delivered(id).await.is_ok(),
        State::Undeliverable => store.undeliverable(id, "no").await.is_ok(),
        to => {
            store.end(end(id, to), Wait::Committed).await.is_ok()
                || store.settle(end(id, to)).await == Ok(true)
                || (to == State::Finished && store.redeliver(id).await == Ok(true))
        }
    }
}

async fn exactly_the_steps_of_the_table_are_taken(place: Place) {
    let store = place.open().await;
    for from in State::ALL {
        for to in State::ALL {
            let id = row_in(&*store, from).await;
            let stepped = step(&*store, &id, to).await;
            assert_eq!(stepped, from.may_become(to), "from {from} to {to}");
            let state = if stepped { to } else { from };
            assert_eq!(
                found(&*store, &id).await.state,
                state,
                "from {from} to {to}"
            );
        }
    }
    assert_eq!(store.health().lost, 0);
}

async fn a_call_that_nobody_waits_for_is_written_with_its_end(place: Place) {
    let store = place.open().await;
    let row = new_row(State::Received);
    let id = row.id.clone();
    store.begin(row, Wait::No).await.unwrap();
    store.start(&id, 77, Wait::No).await.unwrap();
    let done = end(&id, State::Succeeded);
    store.end(done, Wait::No).await.unwrap();
    assert_eq!(store.health().queued, 1);
    store.flush().await.unwrap();
    let row = found(&*store, &id).await;
    assert_eq!(
        (row.state, row.attempts, row.started),
        (State::Succeeded, 1, Some(77))
    );
    let health = store.health();
    assert_eq!((health.queued, health.lost, health.problem), (0, 0, None));
}

async fn steps_that_are_not_allowed_after_what_is_queued_are_refused_at_once(place: Place) {
    let store = place.open().await;
    let row = new_row(State::Running);
    let id = row.id.clone();
    store.begin(row, Wait::No).await.unwrap();
    store
        .end(end(&id, State::Succeeded), Wait::No)
        .await
        .unwrap();
    store.end(end(&id, State::Failed), Wait::No).await.unwrap();
    let refused = store.end(end(&id, State::Failed), Wait::Committed).await;
    assert!(
        matches!(refused, Err(StoreError::NotAllowed { .. })),
        "{refused:?}"
    );
    store.flush().await.unwrap();
    assert_eq!(found(&*store, &id).await.state, State::Succeeded);
    assert_eq!(store.health().lost, 1);
}

async fn what_an_end_says_is_read_back(place: Place) {
    let store = place.open().await;
    let id = begun(&*store, new_row(State::Running)).await;
    let ending = Ending {
        ended: 123,
        status: Some(503),
        mimetype: Some("text/plain".to_owned()),
        code: Some("ConnectTimeout".to_owned()),
        message: Some("nobody there".to_owned()),
        effect: Some(Effect::None),
        may_pass: true,
        summary: Some("{}".to_owned()),
        result_bytes: 9,
    };
    let end = End {
        id: id.clone(),
        state: State::Failed,
        ending: ending.clone(),
        result: Some(Bytes::from_static(b"the result")),
    };
    store.end(end, Wait::Committed).await.unwrap();
    let row = found(&*store, &id).await;
    assert_eq!(row.ending, Some(ending));
    assert!(row.kept.result && !row.kept.replay);
    let result = store.result(&id).await.unwrap();
    assert_eq!(result.as_deref(), Some(&b"the result"[..]));
    assert_eq!(store.replay(&id).await, Ok(None));
}

async fn of_many_who_run_a_call_again_one_may(place: Place) {
    let stores = [place.open().await, place.open().await];
    let id = row_in(&*stores[0], State::Failed).await;
    let from = Version {
        state: State::Failed,
        attempts: 1,
    };
    let tasks = (0..40).map(|n| {
        let (store, id) = (stores[n % 2].clone(), id.clone());
        tokio::spawn(async move { (n % 2, store.again(&id, from, 5).await.unwrap()) })
    });
    let done = join_all(tasks).await.into_iter().map(Result::unwrap);
    let won: Vec<usize> = done.filter(|(_, won)| *won).map(|(n, _)| n).collect();
    assert_eq!(won.len(), 1);
    let row = found(&*stores[0], &id).await;
    assert_eq!((row.state, row.attempts), (State::Running, 2));
    assert_eq!(row.owner, stores[won[0]].owner());
    // An old version does not win later, either.
    let failed = end(&id, State::Failed);
    stores[won[0]].end(failed, Wait::Committed).await.unwrap();
    assert_eq!(stores[0].again(&id, from, 5).await, Ok(false));
}

async fn a_row_that_runs_again_has_forgotten_its_end(place: Place) {
    let store = place.open().await;
    let id = begun(&*store, keyed("caller", "key")).await;
    let mut failed = end(&id, State::Failed);
    failed.result = Some(Bytes::from_static(b"an error page"));
    store.end(failed, Wait::Committed).await.unwrap();
    let from = Version {
        state: State::Failed,
        attempts: 1,
    };
    assert_eq!(store.again(&id, from, 99).await, Ok(true));
    let row = found(&*store, &id).await;
    assert_eq!((row.ending, row.started), (None, Some(99)));
    assert_eq!(store.result(&id).await, Ok(None));
    assert_eq!(row.key.unwrap().text, "key");
}

async fn only_what_is_unknown_is_settled(place: Place) {
    let (store, other) = (place.open().await, place.open().await);
    let id = row_in(&*store, State::Unknown).await;
    let mut settled = end(&id, State::Succeeded);
    settled.result = Some(Bytes::from_static(b"it was there"));
    // Whoever owns it.
    assert_eq!(other.settle(settled.clone()).await, Ok(true));
    assert_eq!(other.settle(settled).await, Ok(false));
    let result = store.result(&id).await.unwrap();
    assert_eq!(result.as_deref(), Some(&b"it was there"[..]));
    let refused = store.settle(end(&id, State::Running)).await;
    assert!(
        matches!(refused, Err(StoreError::NotAllowed { .. })),
        "{refused:?}"
    );
}

async fn a_row_that_was_taken_over_is_not_ended_by_its_old_owner(place: Place) {
    let (old, new) = (place.open().await, place.open().await);
    let id = begun(&*old, new_row(State::Running)).await;
    take_over(&place, &*old, &*new).await;
    let late = old.end(end(&id, State::Succeeded), Wait::Committed).await;
    assert_eq!(late, Err(StoreError::TakenOver(id.clone())));
    new.end(end(&id, State::Unknown), Wait::Committed)
        .await
        .unwrap();
    let row = found(&*old, &id).await;
    assert_eq!((row.state, &*row.owner), (State::Unknown, new.owner()));
}

/// Lets one owner take the one open row of another, who is alive.
async fn take_over(place: &Place, from: &dyn Store, to: &dyn Store) {
    loop {
        place.end_lease_of(from).await;
        if to.recover(10).await.unwrap().len() == 1 {
            return;
        }
    }
}

async fn an_end_that_nobody_waits_for_settles_what_became_unknown(place: Place) {
    let (old, new) = (place.open().await, place.open().await);
    for (state, ended) in [
        (State::Unknown, State::Succeeded),
        (State::Failed, State::Failed),
    ] {
        let id = begun(&*old, new_row(State::Running)).await;
        take_over(&place, &*old, &*new).await;
        new.end(end(&id, state), Wait::Committed).await.unwrap();
        old.end(end(&id, State::Succeeded), Wait::No).await.unwrap();
        old.flush().await.unwrap();
        assert_eq!(found(&*new, &id).await.state, ended);
    }
    assert_eq!(old.health().lost, 0);
}

async fn what_is_queued_is_seen_by_whoever_runs_it_again(place: Place) {
    let store = place.open().await;
    let id = begun(&*store, new_row(State::Running)).await;
    store.end(end(&id, State::Failed), Wait::No).await.unwrap();
    let from = Version {
        state: State::Failed,
        attempts: 1,
    };
    assert_eq!(store.again(&id, from, 5).await, Ok(true));
}

async fn what_is_not_there_is_named(place: Place) {
    let store = place.open().await;
    assert_eq!(store.find("nope").await, Ok(None));
    let not_found = Err(StoreError::NotFound("nope".to_owned()));
    let ended = store.end(end("nope", State::Failed), Wait::Committed).await;
    assert_eq!(ended, not_found);
    assert_eq!(store.delivered("nope").await, not_found);
    assert!(store.replay("nope").await.is_err());
    let done = store
        .begin(new_row(State::Succeeded), Wait::Committed)
        .await;
    assert!(matches!(done, Err(StoreError::Refused(_))), "{done:?}");
}

async fn an_end_that_shares_a_commit_comes_with_the_next_or_by_itself(place: Place) {
    let store = place.open().await;
    let id = begun(&*store, new_row(State::Running)).await;
    store
        .end(end(&id, State::Succeeded), Wait::Shared)
        .await
        .unwrap();
    assert_eq!(found(&*store, &id).await.state, State::Succeeded);
    let id = begun(&*store, new_row(State::Running)).await;
    let shared = store.end(end(&id, State::Failed), Wait::Shared);
    let (ended, _) = tokio::join!(shared, begun(&*store, new_row(State::Running)));
    ended.unwrap();
    assert_eq!(found(&*store, &id).await.state, State::Failed);
    let error = store.end(end(&id, State::Failed), Wait::Shared).await;
    assert!(
        matches!(error, Err(StoreError::NotAllowed { .. })),
        "{error:?}"
    );
    assert_eq!(store.health().queued, 0);
}

async fn an_end_that_waits_for_company_goes_before_what_comes_after_it(place: Place) {
    let store = place.open().await;
    let id = begun(&*store, new_row(State::Running)).await;
    let ended = store.end(end(&id, State::Unknown), Wait::Shared);
    let settled = store.settle(end(&id, State::Succeeded));
    let (ended, settled) = tokio::join!(ended, settled);
    assert_eq!((ended.is_ok(), settled), (true, Ok(true)));
    assert_eq!(found(&*store, &id).await.state, State::Succeeded);
}
