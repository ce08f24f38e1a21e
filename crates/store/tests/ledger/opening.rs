//! What is checked before a ledger is used.

use crosspoint_broker::ledger::{State, Store};
use crosspoint_store::{KeyError, OpenError};
use futures_util::future::join_all;

use crate::kit::{Place, found, on_both, row_in};

on_both!(
    many_who_open_a_new_place_at_once_make_one_ledger,
    a_newer_schema_is_refused_and_left_alone,
    a_wrong_master_key_is_refused_and_nothing_overwritten,
    a_lost_master_key_is_not_replaced,
    a_place_that_cannot_be_reached_is_named,
    on_sqlite_one_process_serves_and_others_may_look,
);

async fn many_who_open_a_new_place_at_once_make_one_ledger(place: Place) {
    let place = std::sync::Arc::new(place);
    let tasks = (0..8).map(|_| {
        let place = place.clone();
        tokio::spawn(async move { place.open().await })
    });
    let stores: Vec<_> = join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let id = row_in(&*stores[0], State::Succeeded).await;
    for store in &stores {
        assert_eq!(found(&**store, &id).await.state, State::Succeeded);
    }
    let versions = "SELECT CAST(COUNT(*) AS TEXT) FROM crosspoint_schema";
    assert_eq!(place.sql(versions).await.as_deref(), Some("1"));
}

async fn a_newer_schema_is_refused_and_left_alone(place: Place) {
    place.open().await.close().await;
    place
        .sql("INSERT INTO crosspoint_schema (version) VALUES (999)")
        .await;
    place.sql("DROP TABLE crosspoint_owners").await;
    let error = place.try_open().await.err().unwrap();
    assert!(
        matches!(error, OpenError::Newer { found: 999, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("newer program"), "{error}");
    let count = "SELECT CAST(COUNT(*) AS TEXT) FROM crosspoint_schema";
    assert_eq!(place.sql(count).await.as_deref(), Some("2"));
}

async fn a_wrong_master_key_is_refused_and_nothing_overwritten(place: Place) {
    let store = place.open().await;
    let id = row_in(&*store, State::Succeeded).await;
    store.close().await;
    let path = &place.options.master_key;
    let right = std::fs::read(path).unwrap();
    let wrong = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    std::fs::write(path, wrong).unwrap();
    let error = place.try_open().await.err().unwrap();
    assert!(
        matches!(error, OpenError::Key(KeyError::Wrong(_))),
        "{error}"
    );
    assert!(error.to_string().contains("master.key"), "{error}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), wrong);
    std::fs::write(path, right).unwrap();
    assert_eq!(found(&*place.open().await, &id).await.id, id);
}

async fn a_lost_master_key_is_not_replaced(place: Place) {
    place.open().await.close().await;
    let path = &place.options.master_key;
    std::fs::remove_file(path).unwrap();
    let error = place.try_open().await.err().unwrap();
    assert!(
        matches!(error, OpenError::Key(KeyError::Missing { .. })),
        "{error}"
    );
    assert!(
        error.to_string().contains("restore it from a copy"),
        "{error}"
    );
    assert!(!path.exists());
}

async fn a_place_that_cannot_be_reached_is_named(mut place: Place) {
    place.url = match place.is_sqlite() {
        true => format!("sqlite:{}/missing/ledger.db", place.folder.path().display()),
        false => "postgres://nobody:hunter2@127.0.0.1:1/none".to_owned(),
    };
    let error = place.try_open().await.err().unwrap().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    assert!(error.starts_with("opening the ledger: "), "{error}");
}

#[tokio::test]
async fn with_postgresql_no_master_key_is_made() {
    let place = Place::postgres().await;
    std::fs::remove_file(&place.options.master_key).unwrap();
    let error = place.try_open().await.err().unwrap().to_string();
    assert!(error.contains("head -c 32"), "{error}");
    assert!(!place.options.master_key.exists());
}

#[tokio::test]
async fn where_nothing_may_be_made_nothing_is() {
    let mut place = Place::sqlite();
    place.options.create = false;
    let error = place.try_open().await.err().unwrap();
    assert!(matches!(error, OpenError::Missing(_)), "{error}");
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_url_is_not_repeated() {
    let mut place = Place::sqlite();
    place.url = "mysql://root:hunter2@host/db".to_owned();
    let error = place.try_open().await.err().unwrap().to_string();
    assert!(
        error.contains("'mysql:…'") && !error.contains("hunter2"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let place = Place::sqlite();
    let file = place.folder.path().join("ledger.db");
    let text = "not a database, but somebody's diary\n".repeat(500);
    std::fs::write(&file, &text).unwrap();
    let error = place.try_open().await.err().unwrap().to_string();
    assert!(error.contains("damaged or no SQLite database"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

async fn on_sqlite_one_process_serves_and_others_may_look(mut place: Place) {
    let looking = place.options.clone();
    place.options.serves = true;
    let first = place.open().await;
    if !place.is_sqlite() {
        place.open().await;
        return;
    }
    let error = place.try_open().await.err().unwrap();
    assert!(matches!(error, OpenError::Taken(_)), "{error}");
    assert!(error.to_string().contains("store.url"), "{error}");
    let id = row_in(&*first, State::Succeeded).await;
    let other = crosspoint_store::open(&place.url, &looking).await.unwrap();
    assert_eq!(found(&*other, &id).await.state, State::Succeeded);
    first.close().await;
    drop(first);
    place.open().await;
}
