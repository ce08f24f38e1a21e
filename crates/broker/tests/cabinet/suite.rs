//! What every cabinet does. Each test gets two views of one cabinet, as two processes have them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use crosspoint_broker::cabinet::{Act, Cabinet, Drawer, Expected};
use futures_util::future::join_all;

type View = Arc<dyn Cabinet>;

/// In milliseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_millis() as i64
}

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);

async fn put(cabinet: &View, drawer: Drawer, id: &str, body: &'static str) -> i64 {
    let put = cabinet.put(drawer, id, body.into(), None, Expected::Any);
    put.await.unwrap().unwrap()
}

async fn body(cabinet: &View, drawer: Drawer, id: &str) -> Option<Bytes> {
    Some(cabinet.get(drawer, id).await.unwrap()?.body)
}

pub async fn what_is_put_is_there_for_everybody_with_a_greater_revision(a: View, b: View) {
    let first = put(&a, Drawer::Secret, "two", "2").await;
    put(&a, Drawer::Secret, "one", "1").await;
    put(&a, Drawer::Profile, "two", "other drawer").await;
    let second = put(&b, Drawer::Secret, "two", "3").await;
    assert!(second > first);
    let items = a.list(Drawer::Secret).await.unwrap();
    let found: Vec<_> = items.iter().map(|i| (&*i.id, &*i.body)).collect();
    assert_eq!(found, [("one", &b"1"[..]), ("two", &b"3"[..])]);
    assert_eq!((items[1].revision, items[1].expires), (second, None));
    assert!((items[1].changed - now()).abs() < 600_000);
    assert!(b.remove(Drawer::Secret, "two").await.unwrap());
    assert!(!a.remove(Drawer::Secret, "two").await.unwrap());
    assert_eq!(body(&a, Drawer::Secret, "two").await, None);
    assert!(body(&a, Drawer::Profile, "two").await.is_some());
    // One that was there before does not come back by its revision.
    assert!(put(&a, Drawer::Secret, "two", "4").await > second);
}

pub async fn a_change_is_made_only_where_what_is_there_was_expected(a: View, b: View) {
    let attempt = async |cabinet: &View, text: &'static str, expected| {
        let put = cabinet.put(Drawer::Grant, "g", text.into(), None, expected);
        put.await.unwrap()
    };
    assert_eq!(attempt(&a, "x", Expected::Revision(1)).await, None);
    let first = attempt(&a, "1", Expected::Absent).await.unwrap();
    assert_eq!(attempt(&b, "x", Expected::Absent).await, None);
    let second = Expected::Revision(first);
    let second = attempt(&b, "2", second).await.unwrap();
    assert_eq!(attempt(&a, "x", Expected::Revision(first)).await, None);
    assert_eq!(body(&a, Drawer::Grant, "g").await.unwrap(), "2");
    // Of many who all expect the same, one is right.
    let expected = Expected::Revision(second);
    let tries = [&a, &b].repeat(4);
    let tries = tries.iter().map(|view| attempt(view, "3", expected));
    let made = join_all(tries).await;
    assert_eq!(made.iter().flatten().count(), 1);
}

pub async fn an_item_is_taken_by_one_of_many(a: View, b: View) {
    put(&a, Drawer::State, "s", "verifier").await;
    let tries = [&a, &b].repeat(4);
    let taken = tries.iter().map(|view| view.take(Drawer::State, "s"));
    let taken = join_all(taken).await;
    let taken: Vec<_> = taken.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].body, "verifier");
    assert_eq!(b.take(Drawer::State, "s").await.unwrap(), None);
}

pub async fn a_claim_is_had_by_one_of_many_until_it_ends(a: View, b: View) {
    let claim = async |view: &View, revision, lease| {
        let claim = view.claim(Drawer::Grant, "g", revision, lease);
        claim.await.unwrap()
    };
    assert!(!claim(&a, 1, LONG).await);
    let first = put(&a, Drawer::Grant, "g", "1").await;
    let tries = [&a, &b].repeat(4);
    let claims = tries.iter().map(|view| claim(view, first, LONG));
    let claims = join_all(claims).await;
    assert_eq!(claims.iter().filter(|claimed| **claimed).count(), 1);
    let second = put(&b, Drawer::Grant, "g", "2").await;
    assert!(!claim(&a, first, LONG).await);
    assert!(claim(&a, second, Duration::from_millis(1)).await);
    // It ends by itself.
    while !claim(&b, second, LONG).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!claim(&a, second, LONG).await);
}

pub async fn an_item_that_has_expired_is_as_if_it_were_not_there(a: View, b: View) {
    let put = async |expires, expected| {
        let put = a.put(Drawer::State, "s", "x".into(), expires, expected);
        put.await.unwrap()
    };
    let old = put(Some(now() - 600_000), Expected::Absent).await.unwrap();
    assert_eq!(b.get(Drawer::State, "s").await.unwrap(), None);
    assert_eq!(b.list(Drawer::State).await.unwrap(), []);
    assert!(!b.claim(Drawer::State, "s", old, LONG).await.unwrap());
    assert_eq!(put(None, Expected::Revision(old)).await, None);
    assert_eq!(b.take(Drawer::State, "s").await.unwrap(), None);
    put(Some(now() - 600_000), Expected::Any).await.unwrap();
    let later = Some(now() + 600_000);
    put(later, Expected::Absent).await.unwrap();
    let item = b.get(Drawer::State, "s").await.unwrap().unwrap();
    assert_eq!(item.expires, later);
}

pub async fn the_version_changes_with_what_others_must_hear_of_and_only_then(a: View, b: View) {
    let version = async || b.version().await.unwrap();
    let mut before = version().await;
    for drawer in Drawer::ALL {
        put(&a, drawer, "x", "1").await;
        let after = version().await;
        assert_eq!(after > before, drawer.is_versioned(), "{drawer:?}");
        before = after;
        // What was not done is no change.
        let absent = a.put(drawer, "x", "2".into(), None, Expected::Absent);
        assert_eq!(absent.await.unwrap(), None);
        assert!(!a.remove(drawer, "y").await.unwrap());
        assert_eq!(version().await, before, "{drawer:?}");
        assert!(a.remove(drawer, "x").await.unwrap());
        let after = version().await;
        assert_eq!(after > before, drawer.is_versioned(), "{drawer:?}");
        before = after;
    }
}

pub async fn of_many_changes_at_once_each_has_a_revision_of_its_own(a: View, b: View) {
    let views = [&a, &b].repeat(10);
    let puts = views.iter().enumerate().map(async |(n, view)| {
        let id = (n % 3).to_string();
        put(view, Drawer::Secret, &id, "x").await
    });
    let mut revisions = join_all(puts).await;
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!(revisions.len(), 20);
    assert!(a.version().await.unwrap() >= 20);
}

pub async fn acts_are_listed_from_the_newest_to_the_oldest(a: View, b: View) {
    for n in 0..5 {
        let view = if n % 2 == 0 { &a } else { &b };
        let act = Act {
            id: String::new(),
            at: n,
            actor: "root".to_owned(),
            ingress: "cli".to_owned(),
            act: "secret.set".to_owned(),
            subject: format!("s{n}"),
            detail: (n == 3).then(|| "more".to_owned()),
        };
        view.record(act).await.unwrap();
    }
    let newest = a.acts(2, None).await.unwrap();
    let subjects: Vec<_> = newest.iter().map(|act| &*act.subject).collect();
    assert_eq!(subjects, ["s4", "s3"]);
    assert_eq!(
        (newest[1].at, newest[1].detail.as_deref()),
        (3, Some("more"))
    );
    assert_eq!((&*newest[0].actor, &*newest[0].ingress), ("root", "cli"));
    let older = b.acts(9, Some(&newest[1].id)).await.unwrap();
    let subjects: Vec<_> = older.iter().map(|act| &*act.subject).collect();
    assert_eq!(subjects, ["s2", "s1", "s0"]);
}

pub async fn hostile_names_and_large_bodies_come_back_as_they_were(a: View, b: View) {
    for id in [
        "",
        "a\0b",
        "'; DROP TABLE crosspoint_items; --",
        "\u{10FFFF}0",
    ] {
        put(&a, Drawer::Check, id, "x").await;
        let item = b.get(Drawer::Check, id).await.unwrap().unwrap();
        assert_eq!(item.id, id);
    }
    let large = Bytes::from(vec![7; 1 << 20]);
    let put = a.put(Drawer::Check, "l", large.clone(), None, Expected::Any);
    put.await.unwrap();
    assert!(body(&b, Drawer::Check, "l").await.unwrap() == large);
}
