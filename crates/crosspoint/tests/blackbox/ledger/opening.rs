//! Ledgers that cannot be opened, or not read in places: what is said, and that nothing is changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use super::long::{accepted, begin, config, with_callback};
use super::place::Place;
use super::post;
use crate::harness::{Database, Effects, Ended, Engine, Setup, Turn, until};

const WRONG_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

/// Fails unless neither the server nor the command line starts, and both say all this.
async fn refused(setup: &Setup, parts: &[&str]) {
    for command in [&["serve"][..], &["ledger", "list"]] {
        let ended: Ended = setup.clone().run(command).await;
        assert_eq!((ended.code, &*ended.stdout), (Some(2), ""), "{ended:?}");
        for part in parts {
            let said = &ended.stderr;
            assert!(said.contains(part), "{command:?}: {part} is not in {said}");
        }
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}

/// What lies in the files that must not change.
fn contents(folder: &Path) -> Vec<Option<Vec<u8>>> {
    let names = ["crosspoint.db", "master.key"];
    names.map(|name| fs::read(folder.join(name)).ok()).into()
}

/// Writes a master key, for this user alone.
fn write_key(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A setup whose ledger has been used, and the folder where that is.
async fn used() -> (Setup, std::path::PathBuf) {
    let setup = Setup::new();
    let proxy = setup.clone().serve().await;
    let effects = Effects::start().await;
    post(&proxy, &effects.arguments("pay"), "key")
        .await
        .success();
    assert_eq!(proxy.stop().await.code, Some(0));
    let folder = setup.path().join(".crosspoint");
    (setup, folder)
}

#[tokio::test]
async fn a_second_server_on_one_data_directory_is_refused() {
    let proxy = Setup::new().serve().await;
    let ended = proxy.run(&["serve"]).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(2), ""), "{ended:?}");
    for part in [".crosspoint", "another `crosspoint serve`", "data_dir"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let effects = Effects::start().await;
    post(&proxy, &effects.arguments("pay"), "key")
        .await
        .success();
    proxy.row_in("key", "succeeded").await;
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_told() {
    let url = |url: &str| Setup::new().config(&format!("[store]\nurl = \"{url}\"\n"));
    for (setup, part) in [
        (url("sqlite:no/such/folder/x.db"), "no/such/folder"),
        (url("mysql://root:hunter2@127.0.0.1/x"), "sqlite:"),
        (
            url("postgres://nobody:hunter2@127.0.0.1:1/x")
                .file("key", WRONG_KEY)
                .env("CROSSPOINT_STORE__MASTER_KEY", "key"),
            "ledger",
        ),
        (
            url("env:THE_STORE").env("THE_STORE", "sqlite:no/such/folder/x.db"),
            "no/such/folder",
        ),
    ] {
        refused(&setup, &[part]).await;
    }
}

#[tokio::test]
async fn what_is_no_ledger_is_left_alone() {
    let diary = "not a database, but somebody's diary\n".repeat(500);
    let setup = Setup::new()
        .config("[store]\nurl = \"sqlite:diary.txt\"\n")
        .file("diary.txt", &diary);
    refused(&setup, &["no SQLite database"]).await;
    let after = fs::read_to_string(setup.path().join("diary.txt")).unwrap();
    assert_eq!(after, diary);
}

#[tokio::test]
async fn a_ledger_of_a_newer_version_is_left_alone() {
    let (setup, folder) = used().await;
    let database = Database::file(&folder.join("crosspoint.db"));
    let newer = "INSERT INTO crosspoint_schema (version) VALUES (999)";
    database.sql(newer).await;
    let before = contents(&folder);
    refused(&setup, &["999", "newer"]).await;
    assert_eq!(contents(&folder), before);
    database
        .sql("DELETE FROM crosspoint_schema WHERE version = 999")
        .await;
    setup.serve().await.row_in("key", "succeeded").await;
}

#[tokio::test]
async fn a_master_key_that_is_missing_or_wrong_is_told_and_nothing_changed() {
    let (setup, folder) = used().await;
    let key = folder.join("master.key");
    let right = fs::read(&key).unwrap();
    for (text, part) in [
        (None, "restore"),
        (Some(WRONG_KEY), "another master key"),
        (Some("hunter2\n"), "not a master key"),
        (Some(""), "not a master key"),
    ] {
        match text {
            None => fs::remove_file(&key).unwrap(),
            Some(text) => write_key(&key, text),
        }
        let before = contents(&folder);
        refused(&setup, &["master.key", part]).await;
        assert_eq!(contents(&folder), before, "{text:?}");
    }
    fs::write(&key, right).unwrap();
    setup.serve().await.row_in("key", "succeeded").await;
}

#[tokio::test]
async fn with_postgresql_a_master_key_is_given_and_none_is_made() {
    let place = Place::postgres("").await;
    let key = place.setup.path().join("master.key");
    fs::remove_file(&key).unwrap();
    refused(&place.setup, &["master.key", "head -c 32"]).await;
    assert!(!key.exists());
}

#[tokio::test]
async fn a_reference_to_a_secret_store_is_refused_by_its_name() {
    let config = "[spiff]\ncallback_token = \"secret:engine\"\n";
    refused(&Setup::new().config(config), &["secret:", "callback_token"]).await;
}

/// Flips a bit in a sealed column of a call.
async fn flip(place: &Place, column: &str, request: &str) {
    let changed = match place.is_sqlite {
        true => format!(
            "CAST(substr({column}, 1, 40) || CASE substr({column}, 41, 1) WHEN x'00' THEN x'01' \
             ELSE x'00' END || substr({column}, 42) AS BLOB)"
        ),
        false => format!("set_byte({column}, 40, get_byte({column}, 40) # 1)"),
    };
    let sql =
        format!("UPDATE crosspoint_calls SET {column} = {changed} WHERE request_id = '{request}'");
    place.database.sql(&sql).await;
}

#[tokio::test]
async fn a_flipped_bit_is_told_of_its_row_and_harms_no_other() {
    for place in Place::both("").await {
        let effects = Effects::start().await;
        let proxy = place.setup.clone().serve().await;
        for key in ["good", "bad"] {
            post(&proxy, &effects.arguments(key), key).await.success();
        }
        let (_kept, closed) = crate::harness::closed_port();
        let arguments = json!({"url": format!("http://{closed}/"), "data": {}});
        post(&proxy, &arguments, "failed").await;
        let setup = proxy.kill().await;
        flip(&place, "sealed_result", "bad").await;
        flip(&place, "sealed_call", "failed").await;
        let proxy = setup.serve().await;
        post(&proxy, &effects.arguments("good"), "good")
            .await
            .success();
        let bad = post(&proxy, &effects.arguments("bad"), "bad").await;
        assert!(bad.status >= 400 && !bad.code().is_empty(), "{}", bad.text);
        // Whatever is told, it does not happen again.
        assert_eq!((effects.of("good"), effects.of("bad")), (1, 1));
        let row = proxy.row_in("bad", "succeeded").await;
        let failed = proxy.row_in("failed", "failed").await;
        for command in [&["show", &row.id, "--result"][..], &["replay", &failed.id]] {
            let ended = proxy.ledger(command).await;
            ended.text(1);
            assert!(
                ended.stderr.contains("cannot be opened"),
                "{}",
                ended.stderr
            );
        }
        proxy.ledger(&["show", &row.id]).await.text(0);
    }
}

#[tokio::test]
async fn a_result_that_cannot_be_opened_is_not_delivered_and_its_row_says_why() {
    let (engine, effects) = (Engine::start().await, Effects::start().await);
    engine.rest(Turn::Status(503));
    let place = Place::sqlite(&config(&engine, "0s"));
    let proxy = place.setup.clone().serve().await;
    let urls = [engine.callback([]), engine.callback([])];
    for (name, url) in ["bad", "good"].into_iter().zip(&urls) {
        let arguments = with_callback(effects.arguments(name), url);
        accepted(&begin(&proxy, name, "http/PostRequestV2", arguments).await);
        engine.arrived(url, 1).await;
        proxy.row_in(name, "finished").await;
    }
    let setup = proxy.kill().await;
    flip(&place, "sealed_result", "bad").await;
    engine.rest(Turn::Usual);
    let proxy = setup.serve().await;
    proxy.row_in("good", "delivered").await;
    until("the row says so", async || {
        let rows = proxy.rows(&["--request", "bad"]).await;
        let error = rows[0].delivery_error.as_deref().unwrap_or_default();
        error.contains("cannot be opened")
    })
    .await;
    assert_eq!((engine.taken(&urls[0]), engine.taken(&urls[1])), (0, 1));
}
