//! What people and machines send.

use bytes::Bytes;
use crosspoint_broker::ledger::{Key, Row, State, Store, Wait};

use crate::kit::{Place, begun, end, found, new_row, on_both};

on_both!(
    hostile_texts_come_back_as_they_were,
    large_values_come_back_as_they_were
);

fn deep() -> String {
    "[".repeat(200_000) + &"]".repeat(200_000)
}

async fn kept(store: &dyn Store, text: &str) -> Row {
    let mut row = new_row(State::Running);
    let some = || Some(text.to_owned());
    // Digests and seals of large values take their time in a debug build: one of them will do.
    let key = &text[..text.floor_char_boundary(1 << 16)];
    row.key = Some(Key {
        scope: key.to_owned(),
        text: key.to_owned(),
        fingerprint: [0; 32],
    });
    row.about.caller = some();
    row.about.instance = some();
    row.about.model = some();
    row.about.task = some();
    row.about.request_id = text.to_owned();
    row.about.connector = text.to_owned();
    row.about.command = text.to_owned();
    row.about.callback = some();
    row.about.arguments = some();
    row.about.profile = some();
    row.about.uses = some();
    row.replay = Some(Bytes::from(text.to_owned()));
    let (about, whole_key) = (row.about.clone(), row.key.clone());
    let id = begun(store, row).await;
    let mut end = end(&id, State::Failed);
    end.ending.code = some();
    end.ending.message = some();
    end.ending.mimetype = some();
    end.ending.summary = some();
    end.result = Some(Bytes::from(key.to_owned()));
    store.end(end.clone(), Wait::Committed).await.unwrap();
    let found = found(store, &id).await;
    assert_eq!(found.key, whole_key);
    assert_eq!(found.about.arguments, about.arguments);
    assert_eq!(found.about.callback, about.callback);
    assert_eq!(found.about.uses, about.uses);
    assert_eq!(found.ending.as_ref().unwrap().summary, end.ending.summary);
    let (replay, result) = (store.replay(&id).await, store.result(&id).await);
    assert_eq!(replay.unwrap().unwrap(), text.as_bytes());
    assert_eq!(result.unwrap().unwrap(), key.as_bytes());
    if text.len() <= 500 {
        assert_eq!(found.about, about);
        assert_eq!(found.ending, Some(end.ending));
    }
    found
}

async fn hostile_texts_come_back_as_they_were(place: Place) {
    let store = place.open().await;
    for text in [
        "",
        "\0",
        "a\0b\u{10FFFF}1",
        r#"{"text": "\ud800 \udfff \u0000"}"#,
        "'; DROP TABLE crosspoint_calls; --",
        "$1 ? %s \\ \u{feff}\u{202e}",
        "\u{1F600}",
    ] {
        kept(&*store, text).await;
    }
    assert_eq!(store.health().lost, 0);
}

async fn large_values_come_back_as_they_were(place: Place) {
    let store = place.open().await;
    kept(&*store, &deep()).await;
    let row = kept(&*store, &"é".repeat(5 << 20)).await;
    assert_eq!(row.about.task.unwrap().len(), 500);
    assert_eq!(row.ending.unwrap().message.unwrap().len(), 16 << 10);
    assert_eq!(store.health().lost, 0);
}
