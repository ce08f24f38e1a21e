//! What is readable at rest, and what is noticed when it was changed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use crosspoint_broker::ledger::{State, Store, StoreError, Wait};

use crate::kit::{Place, begun, end, keyed, on_both};

const CANARY: &str = "canary-in-the-coal-mine";

on_both!(
    no_canary_is_readable_at_rest,
    a_flipped_bit_is_an_error_of_that_row_alone,
);

async fn with_canaries(store: &dyn Store, key: &str) -> String {
    let mut row = keyed("caller", key);
    row.replay = Some(Bytes::from(format!("arguments {CANARY}").repeat(1000)));
    let id = begun(store, row).await;
    let mut done = end(&id, State::Succeeded);
    done.result = Some(Bytes::from(format!("result {CANARY}")));
    store.end(done, Wait::Committed).await.unwrap();
    id
}

/// Whether any file of a directory holds a text. Asked of a program that this project has no part
/// in, and which is known to find something.
fn holds(directory: &Path, text: &str) -> bool {
    let grep = Command::new("grep")
        .args(["-r", "-a", "-q", "-F", "-e", text])
        .arg(directory)
        .status();
    grep.unwrap().success()
}

async fn no_canary_is_readable_at_rest(place: Place) {
    let store = place.open().await;
    let id = with_canaries(&*store, "not-secret-key").await;
    let directory = if place.is_sqlite() {
        place.folder.path().to_owned()
    } else {
        place.sql("CHECKPOINT").await;
        place.sql("SHOW data_directory").await.unwrap().into()
    };
    // Still open, so that the files beside a SQLite database are there, too.
    assert!(
        holds(&directory, "not-secret-key"),
        "the right place is looked at"
    );
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for form in [CANARY, &hex] {
        assert!(
            !holds(&directory, form),
            "{form} is in {}",
            directory.display()
        );
    }
    if place.is_sqlite() {
        for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "master.key"] {
            let file = std::fs::metadata(directory.join(file)).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }
    }
    let result = store.result(&id).await.unwrap().unwrap();
    assert_eq!(result, format!("result {CANARY}"));
}

async fn a_flipped_bit_is_an_error_of_that_row_alone(place: Place) {
    let store = place.open().await;
    let (bad, good) = (
        with_canaries(&*store, "1").await,
        with_canaries(&*store, "2").await,
    );
    let changed = if place.is_sqlite() {
        "CAST(substr(sealed_result, 1, 40) || x'00' || substr(sealed_result, 42) AS BLOB)"
    } else {
        "set_byte(sealed_result, 40, get_byte(sealed_result, 40) # 1)"
    };
    place
        .sql(&format!(
            "UPDATE crosspoint_calls SET sealed_result = {changed} WHERE id = '{bad}'"
        ))
        .await;
    let error = store.result(&bad).await.unwrap_err();
    let sealed = StoreError::Sealed {
        id: bad.clone(),
        part: "result",
    };
    assert_eq!(error, sealed);
    assert!(error.to_string().contains(&bad), "{error}");
    assert!(store.replay(&bad).await.is_ok());
    assert!(store.result(&good).await.is_ok());
    // What belongs to another row does not open, either.
    let moved = format!(
        "UPDATE crosspoint_calls SET sealed_call = (SELECT sealed_call FROM crosspoint_calls \
         WHERE id = '{bad}') WHERE id = '{good}'"
    );
    place.sql(&moved).await;
    assert!(store.replay(&good).await.is_err());
}
