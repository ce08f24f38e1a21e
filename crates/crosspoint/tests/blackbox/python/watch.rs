//! `crosspoint serve --watch`: changes are taken up by themselves.

use std::fs;

use serde_json::json;

use super::support::{bare, connector, copy, ids, ready, until, zoo};
use crate::harness::{Proxy, Setup};

async fn watching(setup: Setup) -> Proxy {
    let proxy = setup.serve_with(&["--watch"]).await;
    ready(&proxy).await;
    proxy
}

#[tokio::test]
async fn edited_code_is_run_under_load_and_no_call_is_dropped() {
    let setup = Setup::new();
    copy(zoo("farm"), setup.path().join("farm"));
    let proxy = watching(setup.config(&connector("farm", "./farm"))).await;
    let file = proxy
        .path()
        .join("farm/src/connector_cat/commands/sound.py");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(bare(&proxy, "farm_cat/Meow", json!({})).await, "cat");
    for sound in ["cow", "pig"] {
        // Of the same length, and perhaps within the second in which it was compiled.
        fs::write(&file, text.replace("f\"cat ", &format!("f\"{sound} "))).unwrap();
        let mut before = String::new();
        until("the new code runs", async || {
            let now = bare(&proxy, "farm_cat/Meow", json!({})).await;
            assert!(now == sound || before != sound, "the old code came back");
            before.clone_from(&now);
            now == sound
        })
        .await;
    }
    assert_eq!(bare(&proxy, "farm_dog/Bark", json!({})).await, "dog");
}

#[tokio::test]
async fn the_configuration_is_watched_too() {
    let proxy = watching(Setup::new().config(&connector("first", zoo("post.py")))).await;
    let both = connector("first", zoo("post.py")) + &connector("second", zoo("post.py"));
    fs::write(proxy.path().join("crosspoint.toml"), both).unwrap();
    until("the second one is there", async || {
        !ids(&proxy, "second/").await.is_empty()
    })
    .await;
    assert_eq!(ids(&proxy, "first/").await.len(), 2);
}

#[tokio::test]
async fn a_mistake_is_told_once_and_mended_by_the_next_change() {
    let setup = Setup::new();
    copy(zoo("farm"), setup.path().join("farm"));
    let proxy = watching(setup.config(&connector("farm", "./farm"))).await;
    let config = proxy.path().join("crosspoint.toml");
    fs::write(&config, "[connectors.farm\n").unwrap();
    proxy.log_line(&["Not reloaded"]).await;
    assert_eq!(bare(&proxy, "farm_cat/Meow", json!({})).await, "cat");
    fs::write(&config, connector("barn", "./farm")).unwrap();
    until("it is mended", async || {
        !ids(&proxy, "barn_").await.is_empty()
    })
    .await;
    assert_eq!(proxy.log().matches("Not reloaded").count(), 1);
}

#[tokio::test]
async fn nothing_is_reloaded_when_nothing_changes() {
    let proxy = watching(Setup::new().config(&connector("post", zoo("post.py")))).await;
    for _ in 0..50 {
        bare(&proxy, "post/Send", json!({"to": "x"})).await;
    }
    let second = connector("post", zoo("post.py")) + &connector("more", zoo("post.py"));
    fs::write(proxy.path().join("crosspoint.toml"), second).unwrap();
    until("the change is seen", async || {
        !ids(&proxy, "more/").await.is_empty()
    })
    .await;
    proxy.log_line(&["Reloaded"]).await;
    assert_eq!(
        proxy.log().matches("Reloaded").count(),
        1,
        "{}",
        proxy.log()
    );
}
