//! A server that goes away and comes back, at any point of any transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crosspoint_broker::ledger::{Begun, Filter, State, Store, Wait};
use crosspoint_store::Ledger;
use futures_util::future::join_all;

use crate::kit::{IMPATIENCE, Lock, Place, begun, end, found, is_unavailable, keyed, new_row};
use crate::postgres::server;
use crate::proxy::Proxy;

/// A place whose server can be taken away.
async fn behind_a_proxy() -> (Place, Proxy) {
    let mut place = Place::postgres().await;
    let url = place.url.clone();
    let address = url.rsplit_once('@').unwrap().1;
    let port = address.split(['/', ':']).nth(1).unwrap();
    let proxy = Proxy::start(port.parse().unwrap()).await;
    place.url = url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port));
    (place, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_queued_while_the_server_was_away_is_written_when_it_is_back() {
    let (mut place, proxy) = behind_a_proxy().await;
    place.options.patience = IMPATIENCE;
    let store = place.open().await;
    let running = begun(&*store, new_row(State::Running)).await;
    proxy.close();
    let refused = store.begin(keyed("caller", "key"), Wait::Committed).await;
    assert!(is_unavailable(&refused), "{refused:?}");
    let late = store
        .end(end(&running, State::Succeeded), Wait::Committed)
        .await;
    assert!(is_unavailable(&late), "{late:?}");
    let unwaited = new_row(State::Running);
    let id = unwaited.id.clone();
    store.begin(unwaited, Wait::No).await.unwrap();
    assert!(is_unavailable(&store.find(&running).await));
    assert!(store.health().problem.is_some());
    proxy.open();
    while store.flush().await.is_err() {}
    assert_eq!(found(&*store, &running).await.state, State::Succeeded);
    assert_eq!(found(&*store, &id).await.state, State::Running);
    assert_eq!(store.health().problem, None);
    assert_eq!(store.health().lost, 0);
    begun(&*store, keyed("caller", "key")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_for_longer_than_the_lease_makes_nobody_look_dead() {
    let (mut place, proxy) = behind_a_proxy().await;
    place.options.lease = Duration::from_millis(1500);
    let (one, other) = (place.open().await, place.open().await);
    let id = begun(&*one, new_row(State::Running)).await;
    for _ in 0..3 {
        proxy.close();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let begun = tokio::time::Instant::now();
        proxy.open();
        // Until all is as it was before.
        while begun.elapsed() < Duration::from_secs(3) {
            assert_eq!(other.recover(10).await, Ok(Vec::new()));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    one.end(end(&id, State::Succeeded), Wait::Committed)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_stopped_does_not_keep_others_waiting() {
    let (place, proxy) = behind_a_proxy().await;
    let stopped = place.open().await;
    // From here on its statements are prepared, and one is executed as soon as it is sent.
    begun(&*stopped, keyed("caller", "first")).await;
    let other = Place {
        url: place.url.replace(
            &format!(":{}/", proxy.port),
            &format!(":{}/", server().port),
        ),
        ..place
    };
    let lock = Lock::take(&other).await;
    let waiting = stopped.clone();
    let first = tokio::spawn(async move {
        let row = keyed("caller", "key");
        waiting.begin(row, Wait::Committed).await
    });
    let pid = "SELECT pid::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
               AND datname = current_database()";
    while other.sql(pid).await.is_none() {}
    // Its server side has the key from here on, and hears no more of it.
    proxy.hold().await;
    lock.release().await;
    let store = other.open().await;
    begun(&*store, keyed("caller", "key")).await;
    proxy.open();
    assert!(matches!(first.await.unwrap(), Ok(Begun::Known(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_and_goes_leaves_exactly_what_was_acknowledged() {
    let (mut place, proxy) = behind_a_proxy().await;
    // The one's records are repeated until they are written, the other's often taken back.
    let patient = place.open().await;
    place.options.patience = Duration::from_millis(50);
    let stores = [patient.clone(), place.open().await];
    let done = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..20)
        .map(|n| tokio::spawn(work(stores[n % 2].clone(), n, done.clone())))
        .collect();
    for _ in 0..25 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        proxy.close();
        tokio::time::sleep(Duration::from_millis(20)).await;
        proxy.open();
    }
    done.store(true, Ordering::SeqCst);
    let results = join_all(workers).await.into_iter().map(Result::unwrap);
    let mut acknowledged: Vec<String> = results.flatten().collect();
    acknowledged.sort();
    // What was taken back is so with the next transaction.
    let mut listed = Vec::new();
    for _ in 0..200 {
        let all = patient.list(&Filter::default(), 1_000_000, None).await;
        listed = all.unwrap().into_iter().rev().map(|row| row.id).collect();
        if listed == acknowledged {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(listed.len(), acknowledged.len());
    assert_eq!(listed, acknowledged);
    assert!(!listed.is_empty());
}

/// Begins calls until it is told to end; the ids of those that were acknowledged.
async fn work(store: Arc<Ledger>, worker: usize, done: Arc<AtomicBool>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let row = keyed("caller", &format!("{worker} {n}"));
        let id = row.id.clone();
        match store.begin(row, Wait::Committed).await {
            Ok(Begun::New) => acknowledged.push(id),
            Ok(Begun::Known(row)) => panic!("a new key is known: {row:?}"),
            Err(error) => assert!(is_unavailable(&Err::<(), _>(error))),
        }
    }
    acknowledged
}
