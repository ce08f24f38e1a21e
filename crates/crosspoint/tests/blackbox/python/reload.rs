//! Changed configuration and packages, without dropping a call.

use std::fs;

use serde_json::json;

use super::support::{
    Held, bare, client, connector, copy, ids, pid, ready, serve, serve_setup, until, zoo,
};
use crate::harness::{Ended, Proxy, Setup};

/// A connector in one file, which tells its version.
fn told(version: &str) -> String {
    format!(
        "class Version:\n    def execute(self, config, task_data):\n        \
         return {{'response': {version:?}, 'status': 200, 'mimetype': 'text/plain'}}\n"
    )
}

async fn version(proxy: &Proxy) -> String {
    bare(proxy, "told/Version", json!({})).await
}

async fn told_proxy() -> Proxy {
    let setup = Setup::new().file("told.py", &told("version 1"));
    serve_setup(setup.config(&connector("told", "./told.py"))).await
}

fn write(proxy: &Proxy, name: &str, text: &str) {
    fs::write(proxy.path().join(name), text).unwrap();
}

async fn reload(proxy: &Proxy) -> Ended {
    proxy.run(&["reload"]).await
}

#[tokio::test]
async fn a_connector_is_added_and_another_taken_away() {
    let proxy = serve(&connector("first", zoo("post.py"))).await;
    write(
        &proxy,
        "crosspoint.toml",
        &connector("second", zoo("post.py")),
    );
    let ended = reload(&proxy).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("Reloaded:"), "{}", ended.stdout);
    until("the new one is there", async || {
        !ids(&proxy, "second/").await.is_empty()
    })
    .await;
    assert!(ids(&proxy, "first/").await.is_empty());
    let gone = proxy.call("first/Send", json!({"to": "x"})).await;
    assert_eq!(gone.status, 404);
    assert_eq!(
        bare(&proxy, "second/Send", json!({"to": "x"})).await,
        "sent to x"
    );
}

#[tokio::test]
async fn a_hang_up_signal_reloads_too() {
    let proxy = told_proxy().await;
    write(&proxy, "told.py", &told("version 2"));
    proxy.signal("HUP");
    proxy.log_line(&["Reloaded", "SIGHUP"]).await;
    assert_eq!(version(&proxy).await, "version 2");
}

#[tokio::test]
async fn no_call_is_dropped_while_code_changes() {
    let proxy = told_proxy().await;
    let url = proxy.url("/v1/do/told/Version");
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (url, stopped) = (url.clone(), stopped.clone());
            tokio::spawn(async move {
                let client = client();
                let mut seen = Vec::new();
                while !*stopped.borrow() {
                    let request = client.post(&url).header("content-type", "application/json");
                    let answer = request.body("{}").send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                    seen.push(answer.text().await.unwrap());
                }
                seen
            })
        })
        .collect();
    for n in 2..=5 {
        write(&proxy, "told.py", &told(&format!("version {n}")));
        let ended = reload(&proxy).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(version(&proxy).await, format!("version {n}"));
    }
    stop.send(true).unwrap();
    for caller in callers {
        let seen = caller.await.unwrap();
        assert!(seen.is_sorted(), "a version came back: {seen:?}");
        assert!(!seen.is_empty());
    }
}

#[tokio::test]
async fn a_call_under_way_ends_on_the_code_that_it_began_with() {
    let setup = Setup::new();
    copy(zoo("connector-gallery"), setup.path().join("mine"));
    let proxy = serve_setup(setup.config(&connector("gallery", "./mine"))).await;
    let before = pid(&proxy, "gallery").await;
    let held = Held::begin(&proxy, "gallery", "call").await;
    let more = "class More:\n    def execute(self, config, task_data):\n        return {'response': 'more'}\n";
    write(&proxy, "mine/src/connector_gallery/commands/more.py", more);
    let ended = reload(&proxy).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(bare(&proxy, "gallery/More", json!({})).await, "more");
    assert_ne!(pid(&proxy, "gallery").await, before);
    assert_eq!(held.end().await.success(), before);
}

#[tokio::test]
async fn what_did_not_change_goes_on_as_it_is() {
    let setup = Setup::new().file("told.py", &told("version 1"));
    let config = connector("gallery", zoo("connector-gallery")) + &connector("told", "./told.py");
    let proxy = serve_setup(setup.config(&config)).await;
    let before = pid(&proxy, "gallery").await;
    write(&proxy, "told.py", &told("version 2"));
    assert_eq!(reload(&proxy).await.code, Some(0));
    assert_eq!(version(&proxy).await, "version 2");
    assert_eq!(pid(&proxy, "gallery").await, before);
}

#[tokio::test]
async fn a_mistake_leaves_everything_as_it_was() {
    let proxy = told_proxy().await;
    let good = connector("told", "./told.py");
    for (bad, part) in [
        ("[connectors.told\n".to_owned(), "crosspoint.toml"),
        (format!("wrokers = 1\n{good}"), "wrokers"),
        (
            good.clone() + &connector("lost", "./no-such-place"),
            "no-such-place",
        ),
    ] {
        write(&proxy, "crosspoint.toml", &bad);
        proxy.signal("HUP");
        proxy.log_line(&["Not reloaded"]).await;
        let ended = reload(&proxy).await;
        assert_ne!(ended.code, Some(0), "{bad}: {ended:?}");
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        assert_eq!(version(&proxy).await, "version 1");
        assert!(ids(&proxy, "lost").await.is_empty());
    }
    write(&proxy, "crosspoint.toml", &good);
    assert_eq!(reload(&proxy).await.code, Some(0));
    assert_eq!(version(&proxy).await, "version 1");
}

#[tokio::test]
async fn code_that_does_not_load_leaves_the_old_in_place() {
    let proxy = told_proxy().await;
    write(&proxy, "told.py", "this is no Python\n");
    let ended = reload(&proxy).await;
    let said = ended.stdout.clone() + &ended.stderr;
    assert!(said.contains("SyntaxError"), "{ended:?}");
    assert_eq!(version(&proxy).await, "version 1");
    write(&proxy, "told.py", &told("version 2"));
    assert_eq!(reload(&proxy).await.code, Some(0));
    assert_eq!(version(&proxy).await, "version 2");
    assert!(ready(&proxy).await.is_empty());
}

#[tokio::test]
async fn changed_settings_and_variables_reach_the_workers() {
    let project = zoo("connector-gallery");
    let table = |value: &str| {
        connector("gallery", &project) + &format!("config = {{ COLOUR = {value:?} }}\n")
    };
    let proxy = serve(&table("red")).await;
    write(&proxy, "crosspoint.toml", &table("blue"));
    assert_eq!(reload(&proxy).await.code, Some(0));
    let got = proxy
        .call("gallery/Config", json!({"name": "COLOUR"}))
        .await;
    assert_eq!(got.success()["value"], "blue");
}

#[tokio::test]
async fn without_a_server_a_reload_says_so() {
    let ended = Setup::new().run(&["reload"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("crosspoint serve"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn two_servers_do_not_share_a_data_directory() {
    let proxy = serve("").await;
    let second = proxy.run(&["serve"]).await;
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(
        second.stderr.contains("in use by another"),
        "{}",
        second.stderr
    );
    assert_eq!(proxy.get("/liveness").await.status, 200);
}
