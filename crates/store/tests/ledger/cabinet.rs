//! The cabinet on both databases: what every cabinet does, and what only a store can.

use std::sync::Arc;

use crosspoint_broker::cabinet::{Cabinet, Drawer, Expected};
use crosspoint_broker::ledger::{Retention, Store, StoreError};

use crate::cabinet_suite::{self as suite, now};
use crate::kit::{Place, on_both};

macro_rules! as_every_cabinet {
    ($($test:ident),* $(,)?) => {
        $(async fn $test(place: Place) {
            let views: [Arc<dyn Cabinet>; 2] = [place.open().await, place.open().await];
            let [a, b] = views;
            suite::$test(a, b).await;
        })*
        on_both!(
            $($test,)*
            what_is_kept_outlives_the_process_and_is_sealed,
            an_item_that_was_changed_or_moved_does_not_open,
            what_has_expired_is_removed_in_time,
        );
    };
}

as_every_cabinet!(
    what_is_put_is_there_for_everybody_with_a_greater_revision,
    a_change_is_made_only_where_what_is_there_was_expected,
    an_item_is_taken_by_one_of_many,
    a_claim_is_had_by_one_of_many_until_it_ends,
    an_item_that_has_expired_is_as_if_it_were_not_there,
    the_version_changes_with_what_others_must_hear_of_and_only_then,
    of_many_changes_at_once_each_has_a_revision_of_its_own,
    acts_are_listed_from_the_newest_to_the_oldest,
    hostile_names_and_large_bodies_come_back_as_they_were,
);

async fn put(cabinet: &dyn Cabinet, drawer: Drawer, id: &str, expires: Option<i64>) {
    let put = cabinet.put(drawer, id, "canary".into(), expires, Expected::Any);
    put.await.unwrap();
}

async fn what_is_kept_outlives_the_process_and_is_sealed(place: Place) {
    let ledger = place.open().await;
    put(&*ledger, Drawer::Secret, "crm", None).await;
    ledger.close().await;
    let item = place.open().await.get(Drawer::Secret, "crm").await;
    assert_eq!(item.unwrap().unwrap().body, "canary");
    let sealed = match place.is_sqlite() {
        true => "SELECT CAST(instr(sealed, 'canary') AS TEXT) FROM crosspoint_items",
        false => "SELECT CAST(position('canary'::bytea IN sealed) AS TEXT) FROM crosspoint_items",
    };
    assert_eq!(place.sql(sealed).await.as_deref(), Some("0"));
}

async fn an_item_that_was_changed_or_moved_does_not_open(place: Place) {
    let ledger = place.open().await;
    for id in ["one", "two", "three"] {
        put(&*ledger, Drawer::Secret, id, None).await;
    }
    let changed = match place.is_sqlite() {
        true => "CAST(substr(sealed, 1, 30) || x'00' || substr(sealed, 32) AS BLOB)",
        false => "set_byte(sealed, 30, get_byte(sealed, 30) # 1)",
    };
    for sql in [
        format!("UPDATE crosspoint_items SET sealed = {changed} WHERE id = 'one'"),
        "UPDATE crosspoint_items SET drawer = 'profile' WHERE id = 'two'".to_owned(),
    ] {
        place.sql(&sql).await;
    }
    let error = ledger.get(Drawer::Secret, "one").await.unwrap_err();
    assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
    assert!(
        error.to_string().contains("secret one cannot be opened"),
        "{error}"
    );
    assert!(Cabinet::list(&*ledger, Drawer::Secret).await.is_err());
    assert!(ledger.get(Drawer::Profile, "two").await.is_err());
    assert!(ledger.get(Drawer::Secret, "three").await.is_ok());
    // It can be replaced, and got rid of.
    put(&*ledger, Drawer::Secret, "one", None).await;
    assert!(ledger.get(Drawer::Secret, "one").await.is_ok());
    assert!(ledger.remove(Drawer::Profile, "two").await.unwrap());
}

async fn what_has_expired_is_removed_in_time(place: Place) {
    let ledger = place.open().await;
    put(&*ledger, Drawer::State, "old", Some(now() - 600_000)).await;
    put(&*ledger, Drawer::State, "young", Some(now() + 600_000)).await;
    put(&*ledger, Drawer::Secret, "ever", None).await;
    ledger.prune(Retention::default()).await.unwrap();
    let ids = "SELECT CAST(COUNT(*) AS TEXT) FROM crosspoint_items";
    assert_eq!(place.sql(ids).await.as_deref(), Some("2"));
}
