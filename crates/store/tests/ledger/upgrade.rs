//! A ledger that an older program made.

use bytes::Bytes;
use crosspoint_broker::cabinet::{Cabinet, Drawer, Expected};
use crosspoint_broker::ledger::{Filter, State, Store, Wait};

use crate::kit::{Place, begun, end, found, keyed, new_row, on_both};

on_both!(
    a_ledger_of_schema_1_keeps_its_rows_and_gets_what_is_new,
    many_who_open_a_ledger_of_schema_1_at_once_bring_it_up_to_date_once,
);

/// What the second migration brought, taken back.
const TO_SCHEMA_1: [&str; 6] = [
    "ALTER TABLE crosspoint_calls DROP COLUMN profile",
    "ALTER TABLE crosspoint_calls DROP COLUMN uses",
    "DROP TABLE crosspoint_items",
    "DROP TABLE crosspoint_acts",
    "DROP TABLE crosspoint_counters",
    "UPDATE crosspoint_schema SET version = 1",
];

/// A ledger of schema 1 with two rows, the first of them with sealed parts.
async fn old(place: &Place) -> [String; 2] {
    let store = place.open().await;
    let mut row = keyed("caller", "key");
    row.replay = Some(Bytes::from("arguments"));
    let whole = begun(&*store, row).await;
    let mut done = end(&whole, State::Succeeded);
    done.result = Some(Bytes::from("result"));
    store.end(done, Wait::Committed).await.unwrap();
    let open = begun(&*store, new_row(State::Running)).await;
    store.close().await;
    for sql in TO_SCHEMA_1 {
        place.sql(sql).await;
    }
    [whole, open]
}

async fn a_ledger_of_schema_1_keeps_its_rows_and_gets_what_is_new(place: Place) {
    let [whole, open] = old(&place).await;
    let store = place.open().await;
    let row = found(&*store, &whole).await;
    assert_eq!((row.about.profile, row.about.uses), (None, None));
    assert_eq!(store.result(&whole).await.unwrap().unwrap(), "result");
    assert_eq!(store.replay(&whole).await.unwrap().unwrap(), "arguments");
    assert_eq!(found(&*store, &open).await.state, State::Running);
    let mut new = new_row(State::Running);
    new.about.profile = Some("crm/prod".to_owned());
    new.about.uses = Some("secret:crm".to_owned());
    let about = new.about.clone();
    let id = begun(&*store, new).await;
    assert_eq!(found(&*store, &id).await.about, about);
    let all = Store::list(&*store, &Filter::default(), 9, None)
        .await
        .unwrap();
    assert_eq!(all.len(), 3);
    let put = store.put(Drawer::Secret, "crm", "x".into(), None, Expected::Absent);
    assert!(put.await.unwrap().is_some());
    let versions = "SELECT CAST(MAX(version) AS TEXT) FROM crosspoint_schema";
    assert_eq!(place.sql(versions).await.as_deref(), Some("2"));
}

async fn many_who_open_a_ledger_of_schema_1_at_once_bring_it_up_to_date_once(place: Place) {
    let [whole, _] = old(&place).await;
    let opened = futures_util::future::join_all((0..6).map(|_| place.open())).await;
    for store in opened {
        assert_eq!(found(&*store, &whole).await.id, whole);
        assert_eq!(store.version().await.unwrap(), 0);
    }
    let versions = "SELECT CAST(COUNT(*) AS TEXT) FROM crosspoint_schema";
    assert_eq!(place.sql(versions).await.as_deref(), Some("2"));
}
