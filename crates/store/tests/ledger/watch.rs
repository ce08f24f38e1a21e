//! Noticing what comes in and what changes.

use std::sync::Arc;

use crosspoint_broker::ledger::{
    About, End, Ending, Filter, NewRow, Row, State, Store, Version, Wait, Watch,
};
use crosspoint_core::CallId;
use crosspoint_store::Ledger;

use crate::kit::{Place, on_both};

/// How many calls the watch reads at once, and of how many older ones it looks at each.
const STEP: usize = 200;
const OPEN: usize = 100;

on_both!(
    a_change_is_seen_however_many_calls_came_after,
    of_one_state_only_what_gets_into_it_is_seen,
    who_was_away_gets_what_has_come_and_changed_meanwhile,
);

async fn begin(ledger: &Arc<Ledger>) -> String {
    let row = NewRow {
        id: CallId::generate().to_string(),
        key: None,
        about: About::default(),
        state: State::Running,
        replay: None,
    };
    let id = row.id.clone();
    ledger.begin(row, Wait::No).await.unwrap();
    id
}

async fn end(ledger: &Arc<Ledger>, id: &str, state: State, ended: i64) {
    let end = End {
        id: id.to_owned(),
        state,
        ending: Ending {
            ended,
            ..Ending::default()
        },
        result: None,
    };
    ledger.end(end, Wait::Committed).await.unwrap();
}

fn ids(rows: Vec<Row>) -> Vec<String> {
    rows.into_iter().map(|row| row.id).collect()
}

async fn a_change_is_seen_however_many_calls_came_after(place: Place) {
    let ledger = place.open().await;
    let mut known = Vec::new();
    for _ in 0..3 * STEP {
        known.push(begin(&ledger).await);
    }
    ledger.flush().await.unwrap();
    let mut watch = Watch::new(Filter::default());
    let first = watch.begin(&*ledger, 2).await.unwrap();
    assert_eq!(ids(first), known[known.len() - 2..]);
    assert_eq!(ids(watch.look(&*ledger).await.unwrap()), [""; 0]);

    // The last that are looked at one by one, since they may change.
    let oldest = &known[known.len() - STEP - OPEN];
    end(&ledger, oldest, State::Succeeded, 0).await;
    let seen = watch.look(&*ledger).await.unwrap();
    assert_eq!(ids(seen), *std::slice::from_ref(oldest));

    let mut new = Vec::new();
    for _ in 0..3 * STEP {
        new.push(begin(&ledger).await);
    }
    ledger.flush().await.unwrap();
    assert_eq!(ids(watch.look(&*ledger).await.unwrap()), new);
    assert_eq!(ids(watch.look(&*ledger).await.unwrap()), [""; 0]);
}

async fn of_one_state_only_what_gets_into_it_is_seen(place: Place) {
    let ledger = place.open().await;
    let (one, two) = (begin(&ledger).await, begin(&ledger).await);
    ledger.flush().await.unwrap();
    let mut watch = Watch::new(Filter {
        state: Some(State::Failed),
        ..Filter::default()
    });
    assert_eq!(ids(watch.begin(&*ledger, 50).await.unwrap()), [""; 0]);
    end(&ledger, &two, State::Failed, 0).await;
    let seen = watch.look(&*ledger).await.unwrap();
    assert_eq!(ids(seen), *std::slice::from_ref(&two));
    let failed = Version {
        state: State::Failed,
        attempts: 1,
    };
    assert!(ledger.again(&two, failed, 0).await.unwrap());
    end(&ledger, &one, State::Failed, 0).await;
    assert_eq!(ids(watch.look(&*ledger).await.unwrap()), [one]);
    end(&ledger, &two, State::Failed, 0).await;
    assert_eq!(ids(watch.look(&*ledger).await.unwrap()), [two]);
}

async fn who_was_away_gets_what_has_come_and_changed_meanwhile(place: Place) {
    let ledger = place.open().await;
    let (old, changed) = (begin(&ledger).await, begin(&ledger).await);
    end(&ledger, &old, State::Succeeded, 1).await;
    let last = begin(&ledger).await;
    end(&ledger, &changed, State::Succeeded, i64::MAX / 2).await;
    let mut new = Vec::new();
    for _ in 0..7 * STEP {
        new.push(begin(&ledger).await);
    }
    ledger.flush().await.unwrap();
    let mut watch = Watch::new(Filter::default());
    let missed = ids(watch.resume(&*ledger, &last).await.unwrap());
    assert_eq!(missed[..2], [changed, last]);
    assert_eq!(missed[2..], new);
    assert_eq!(ids(watch.look(&*ledger).await.unwrap()), [""; 0]);
}
