//! What is removed, what is kept, and how rows are listed.

use std::time::Duration;

use bytes::Bytes;
use crosspoint_broker::ledger::{Filter, NewRow, Pruned, Retention, State, Store, Wait};

use crate::kit::{Place, begun, end, found, keyed, new_row, on_both, row_in};

on_both!(
    what_is_older_than_the_age_goes_with_its_key,
    open_rows_and_results_to_deliver_never_go,
    the_oldest_go_until_the_size_fits,
    rows_are_listed_from_the_newest_in_pages,
    a_filter_finds_exactly_its_rows,
);

/// An id of a call that came in so long ago.
fn id_before(age: Duration) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let then = now.unwrap() - age;
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    let ms = u64::try_from(then.as_millis()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(ms, &random)
        .into_uuid()
        .to_string()
}

fn old(row: NewRow, days: u64) -> NewRow {
    let id = id_before(Duration::from_secs(days * 86_400));
    NewRow { id, ..row }
}

const A_WEEK: Retention = Retention {
    age: Some(Duration::from_secs(7 * 86_400)),
    bytes: None,
};

async fn what_is_older_than_the_age_goes_with_its_key(place: Place) {
    let store = place.open().await;
    let mut gone = Vec::new();
    for (n, state) in [State::Succeeded, State::Failed, State::Unknown]
        .into_iter()
        .enumerate()
    {
        let id = begun(&*store, old(keyed("caller", &n.to_string()), 8)).await;
        store.end(end(&id, state), Wait::Committed).await.unwrap();
        gone.push(id);
    }
    let kept = begun(&*store, old(keyed("caller", "kept"), 6)).await;
    store
        .end(end(&kept, State::Succeeded), Wait::Committed)
        .await
        .unwrap();
    let pruned = store.prune(A_WEEK).await.unwrap();
    assert_eq!(pruned.rows, 3);
    for id in &gone {
        assert_eq!(store.find(id).await, Ok(None));
    }
    assert_eq!(found(&*store, &kept).await.state, State::Succeeded);
    begun(&*store, keyed("caller", "0")).await;
    assert_eq!(store.prune(A_WEEK).await, Ok(Pruned::default()));
}

async fn open_rows_and_results_to_deliver_never_go(place: Place) {
    let store = place.open().await;
    for state in [State::Received, State::Accepted, State::Running] {
        begun(&*store, old(new_row(state), 100)).await;
    }
    let id = begun(&*store, old(new_row(State::Running), 100)).await;
    store
        .end(end(&id, State::Finished), Wait::Committed)
        .await
        .unwrap();
    let watched = row_in(&*store, State::Undeliverable).await;
    let all = Retention {
        bytes: Some(0),
        ..A_WEEK
    };
    assert_eq!(store.prune(all).await, Ok(Pruned::default()));
    assert_eq!(found(&*store, &watched).await.state, State::Undeliverable);
}

async fn the_oldest_go_until_the_size_fits(place: Place) {
    let store = place.open().await;
    let mut ids = Vec::new();
    for _ in 0..100 {
        let mut row = new_row(State::Running);
        row.replay = Some(Bytes::from(vec![1; 10_000]));
        let id = begun(&*store, row).await;
        store
            .end(end(&id, State::Succeeded), Wait::Committed)
            .await
            .unwrap();
        ids.push(id);
    }
    let half = Retention {
        age: None,
        bytes: Some(500_000),
    };
    let pruned = store.prune(half).await.unwrap();
    assert!((50..80).contains(&pruned.rows), "{pruned:?}");
    let kept = store.list(&Filter::default(), 1000, None).await.unwrap();
    let kept: Vec<_> = kept.into_iter().rev().map(|row| row.id).collect();
    assert_eq!(kept, ids[pruned.rows as usize..]);
}

async fn rows_are_listed_from_the_newest_in_pages(place: Place) {
    let store = place.open().await;
    let mut ids = Vec::new();
    for _ in 0..25 {
        ids.push(row_in(&*store, State::Succeeded).await);
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store
            .list(&Filter::default(), 10, before.as_deref())
            .await
            .unwrap();
        let Some(last) = page.last() else {
            break;
        };
        before = Some(last.id.clone());
        seen.extend(page.into_iter().map(|row| row.id));
    }
    seen.reverse();
    assert_eq!(seen, ids);
}

async fn a_filter_finds_exactly_its_rows(place: Place) {
    let store = place.open().await;
    let mut ids = Vec::new();
    for n in 0..8 {
        let mut row = old(new_row(State::Running), 20 - n);
        row.about.connector = if n % 2 == 0 { "http" } else { "smtp" }.to_owned();
        row.about.command = format!("Command{}", n % 4);
        row.about.task = Some(format!("task {n} {}", "x".repeat(2_000)));
        row.about.instance = (n == 3).then(|| "instance".to_owned());
        row.about.request_id = if n == 5 {
            "theirs".to_owned()
        } else {
            row.id.clone()
        };
        let id = begun(&*store, row).await;
        let state = if n == 6 {
            State::Failed
        } else {
            State::Succeeded
        };
        store.end(end(&id, state), Wait::Committed).await.unwrap();
        ids.push(id);
    }
    let time = |n: u64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        i64::try_from(now.unwrap().as_millis()).unwrap() - (n as i64) * 86_400_000
    };
    let text = |text: &str| Some(text.to_owned());
    let none = Filter::default;
    for (filter, wanted) in [
        (
            Filter {
                connector: text("smtp"),
                ..none()
            },
            vec![7, 5, 3, 1],
        ),
        (
            Filter {
                command: text("Command1"),
                ..none()
            },
            vec![5, 1],
        ),
        (
            Filter {
                state: Some(State::Failed),
                ..none()
            },
            vec![6],
        ),
        (
            Filter {
                state: Some(State::Succeeded),
                connector: text("http"),
                ..none()
            },
            vec![4, 2, 0],
        ),
        (
            Filter {
                task: Some(format!("task 2 {}", "x".repeat(2_000))),
                ..none()
            },
            vec![2],
        ),
        (
            Filter {
                instance: text("instance"),
                ..none()
            },
            vec![3],
        ),
        (
            Filter {
                request_id: text("theirs"),
                ..none()
            },
            vec![5],
        ),
        (
            Filter {
                request_id: Some(ids[4].clone()),
                ..none()
            },
            vec![4],
        ),
        // Rows come in 20, 19, 18 … days ago, a moment before the times asked for.
        (
            Filter {
                since: Some(time(15)),
                ..none()
            },
            vec![7, 6],
        ),
        (
            Filter {
                until: Some(time(18)),
                connector: text("http"),
                ..none()
            },
            vec![2, 0],
        ),
        (
            Filter {
                connector: text("' OR 1=1 --"),
                ..none()
            },
            vec![],
        ),
    ] {
        let rows = store.list(&filter, 100, None).await.unwrap();
        let found: Vec<_> = rows.into_iter().map(|row| row.id).collect();
        let wanted: Vec<_> = wanted.into_iter().map(|n: usize| ids[n].clone()).collect();
        assert_eq!(found, wanted, "{filter:?}");
    }
}
