//! Keys that the store keeps.

use serde_json::Value;

use super::{get, write};
use crate::harness::{Ended, Proxy, Setup, until};

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

async fn status(proxy: &Proxy, key: &str) -> u16 {
    get(proxy, key, "/v1/commands").await.status
}

#[tokio::test]
async fn a_key_is_made_before_the_first_serve_and_rotated_without_a_restart() {
    let setup = Setup::new().env("CROSSPOINT_ACCESS__REQUIRE_KEY", "true");
    let made = setup
        .clone()
        .run(&["key", "create", "engine", "--scope", "call"])
        .await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let first = made.stdout.trim().to_owned();
    assert!(made.stderr.contains("shown this once"), "{}", made.stderr);
    let twice = setup.clone().run(&["key", "create", "engine"]).await;
    assert_eq!(twice.code, Some(1), "{twice:?}");
    assert!(
        twice.stderr.contains("crosspoint key rotate engine"),
        "{twice:?}"
    );

    let proxy = setup.serve().await;
    assert_eq!(status(&proxy, &first).await, 200);
    assert_eq!(status(&proxy, "wrong").await, 401);
    assert_eq!(write(&proxy, &first).await.status, 200);

    let rotated = json(&proxy.run(&["key", "rotate", "engine", "--json"]).await);
    let second = rotated["key"].as_str().unwrap().to_owned();
    until("the new value is taken", async || {
        status(&proxy, &second).await == 200
    })
    .await;
    assert_eq!(status(&proxy, &first).await, 200, "the old one still is");
    let rotated = proxy
        .run(&["key", "rotate", "engine", "--grace", "0s", "--json"])
        .await;
    let third = json(&rotated)["key"].as_str().unwrap().to_owned();
    until("only the newest is taken", async || {
        status(&proxy, &third).await == 200 && status(&proxy, &second).await == 401
    })
    .await;
    assert_eq!(status(&proxy, &first).await, 401);

    let listed = json(&proxy.run(&["key", "list", "--json"]).await);
    assert_eq!(listed[0]["name"], "engine");
    assert_eq!(listed[0]["scopes"], serde_json::json!(["call"]));
    let removed = proxy.run(&["key", "remove", "engine"]).await;
    assert_eq!(removed.code, Some(0), "{removed:?}");
    until("it is gone", async || status(&proxy, &third).await == 401).await;
    let missing = proxy.run(&["key", "remove", "engine"]).await;
    assert_eq!(missing.code, Some(1), "{missing:?}");

    // Only hashes are kept, and nothing tells a key.
    let stopped = proxy.setup();
    let log = proxy.stop().await.stderr;
    let mut everything = vec![log.into_bytes()];
    for file in std::fs::read_dir(stopped.path().join(".crosspoint")).unwrap() {
        everything.extend(std::fs::read(file.unwrap().path()));
    }
    for key in [first, second, third] {
        let found = |bytes: &Vec<u8>| bytes.windows(key.len()).any(|part| part == key.as_bytes());
        assert!(!everything.iter().any(found), "a key was kept or logged");
    }
}

#[tokio::test]
async fn the_first_kept_key_closes_an_open_proxy() {
    let proxy = Setup::new().serve().await;
    assert_eq!(proxy.get("/v1/commands").await.status, 200);
    let made = proxy
        .run(&[
            "key",
            "create",
            "reader",
            "--scope",
            "read",
            "--expires",
            "90d",
        ])
        .await;
    let key = made.stdout.trim().to_owned();
    until("a key is needed", async || {
        proxy.get("/v1/commands").await.status == 401
    })
    .await;
    assert_eq!(status(&proxy, &key).await, 200);
    assert_eq!(write(&proxy, &key).await.status, 403);
}

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_is_made() {
    for (arguments, told) in [
        (&["key", "create", "a b"][..], "letters, digits"),
        (
            &["key", "create", "a", "--scope", "raed"],
            "did you mean read?",
        ),
        (
            &["key", "create", "a", "--expires", "soon"],
            "neither a duration",
        ),
        (
            &["key", "create", "a", "--expires", "2020-01-01"],
            "that is over already",
        ),
        (&["key", "rotate", "a", "--grace", "x"], "not a duration"),
    ] {
        let setup = Setup::new();
        let ended = setup.clone().run(arguments).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
        assert!(!setup.path().join(".crosspoint").exists());
    }
    let off = Setup::new().env("CROSSPOINT_STORE__URL", "none");
    let ended = off.run(&["key", "create", "a"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("there is no store"),
        "{}",
        ended.stderr
    );
    let config = "[access]\napi_keys = [{ name = \"a\", key = \"key-4711\" }]\n";
    let ended = Setup::new()
        .config(config)
        .run(&["key", "create", "a"])
        .await;
    assert!(
        ended.stderr.contains("the configuration has a key 'a'"),
        "{ended:?}"
    );
}
