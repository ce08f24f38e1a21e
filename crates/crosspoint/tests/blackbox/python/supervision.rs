//! Workers that are killed, and what becomes of calls and processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::json;

use super::support::{Held, children, client, connector, kill, lives, pid, serve, until, zoo};
use crate::harness::Proxy;

/// The same connector twice: one to kill, one to see that it goes on.
async fn two(more: &str) -> Proxy {
    let project = zoo("connector-gallery");
    serve(&(connector("other", &project) + &connector("gallery", &project) + more)).await
}

#[tokio::test]
async fn a_worker_killed_under_load_fails_the_calls_on_it_and_no_other() {
    let proxy = two("").await;
    let victim = pid(&proxy, "gallery").await;
    let mut held = Vec::new();
    for n in 0..10 {
        held.push(Held::begin(&proxy, "gallery", &format!("call-{n}")).await);
    }
    let elsewhere = Held::begin(&proxy, "other", "elsewhere").await;
    let load: Vec<_> = (0..200)
        .map(|_| tokio::spawn(proxy.do_("gallery/Pid").json(&json!({})).send()))
        .collect();
    kill(victim);
    for call in held {
        let answer = call.answer().await;
        assert_eq!(
            (answer.status, answer.code()),
            (500, "worker_crashed".to_owned())
        );
    }
    let mut counts = BTreeMap::<String, usize>::new();
    for call in load {
        let answer = call.await.unwrap();
        let what = match answer.status {
            200 if answer.success() == victim => "by the old one".to_owned(),
            200 => "by the new one".to_owned(),
            _ => answer.code(),
        };
        *counts.entry(what).or_default() += 1;
    }
    assert_eq!(counts.values().sum::<usize>(), 200, "{counts:?}");
    let known = ["by the old one", "by the new one", "worker_crashed"];
    assert!(
        counts.keys().all(|what| known.contains(&what.as_str())),
        "{counts:?}"
    );
    let after = pid(&proxy, "gallery").await;
    assert_ne!(after, victim);
    elsewhere.end().await.success();
    let health = proxy.get("/readyz").await.json();
    assert_eq!(health["ready"], true, "{health}");
}

#[tokio::test]
async fn nothing_is_left_of_a_proxy_that_is_killed() {
    let proxy = two("workers = 2\nthreads = 1\n").await;
    let first = Held::begin(&proxy, "gallery", "first").await;
    let second = Held::begin(&proxy, "gallery", "second").await;
    let third = pid(&proxy, "other").await;
    let list = children(proxy.id().into());
    assert!(list.len() >= 3 && list.contains(&third), "{list:?}");
    kill(proxy.id().into());
    until("every worker is gone", async || {
        !list.iter().any(|pid| lives(*pid))
    })
    .await;
    drop((first, second));
}

#[tokio::test]
async fn a_worker_is_replaced_when_it_is_killed_while_idle() {
    let proxy = two("").await;
    let before = pid(&proxy, "gallery").await;
    let other = pid(&proxy, "other").await;
    kill(before);
    until("it is gone", async || !lives(before)).await;
    assert_ne!(pid(&proxy, "gallery").await, before);
    assert_eq!(pid(&proxy, "other").await, other);
}

#[tokio::test]
async fn a_call_under_way_ends_before_the_proxy_does() {
    let proxy = two("").await;
    let worker = pid(&proxy, "gallery").await;
    let held = Held::begin(&proxy, "gallery", "call").await;
    proxy.terminate();
    proxy.log_line(&["Stopping"]).await;
    assert!(lives(worker));
    held.end().await.success();
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    until("the worker is gone", async || !lives(worker)).await;
}

#[tokio::test]
async fn what_takes_longer_than_the_drain_is_given_up() {
    let gallery = connector("gallery", zoo("connector-gallery"));
    let proxy = serve(&format!("drain = \"1s\"\n{gallery}")).await;
    let worker = pid(&proxy, "gallery").await;
    let url = proxy.url("/v1/do/gallery/Hold");
    let begun = proxy.path().join("begun");
    let body = json!({"begun": begun, "until": "/nowhere/at/all"}).to_string();
    let client = client();
    let request = client.post(url).header("content-type", "application/json");
    let call = tokio::spawn(request.body(body).send());
    until("the call has begun", async || begun.exists()).await;
    let ended = proxy.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    until("the worker is gone", async || !lives(worker)).await;
    // Answered or cut off, but not left waiting.
    let _ = call.await.unwrap();
}

#[tokio::test]
async fn workers_share_the_calls() {
    let proxy = two("workers = 2\nthreads = 1\n").await;
    let first = Held::begin(&proxy, "gallery", "first").await;
    let second = Held::begin(&proxy, "gallery", "second").await;
    assert_ne!(first.end().await.success(), second.end().await.success());
}

#[tokio::test]
async fn a_worker_is_recycled_after_its_calls_and_none_is_lost() {
    let proxy = two("recycle = { calls = 20 }\n").await;
    let mut workers = BTreeSet::new();
    until("a third worker serves", async || {
        workers.insert(pid(&proxy, "gallery").await);
        workers.len() == 3
    })
    .await;
}

#[tokio::test]
async fn a_connector_that_always_ends_at_its_start_is_tried_again() {
    let setup = crate::harness::Setup::new();
    let text = "import os\nif os.path.exists('broken'): os._exit(1)\n\
        class Fine:\n    def execute(self, config, task_data):\n        return {'response': 'fine'}\n";
    let project = setup.path().join("connector-moody");
    fs::create_dir_all(project.join("src/connector_moody/commands")).unwrap();
    for file in [
        "src/connector_moody/__init__.py",
        "src/connector_moody/commands/__init__.py",
    ] {
        fs::write(project.join(file), "").unwrap();
    }
    fs::write(project.join("src/connector_moody/commands/fine.py"), text).unwrap();
    fs::write(project.join("broken"), "").unwrap();
    let table = connector("moody", "./connector-moody");
    let proxy = super::support::serve_setup(setup.config(&table)).await;
    assert_eq!(super::support::ready(&proxy).await.len(), 1);
    fs::remove_file(project.join("broken")).unwrap();
    until("it is well again", async || {
        let ask = proxy.do_("moody/Fine").json(&json!({})).verbatim();
        ask.send().await.text == "fine"
    })
    .await;
    assert!(super::support::ready(&proxy).await.is_empty());
}
