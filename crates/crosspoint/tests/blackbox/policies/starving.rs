//! What is slow does not hold up what is quick.

use serde_json::json;
use tokio::task::JoinSet;

use super::{get, refused};
use crate::harness::{Gate, Proxy, Reply, Setup, Upstream};

const CALLS: usize = 500;

/// Five hundred calls to an upstream that hangs, and five hundred to one that does not, at once.
/// Of the first so many come as far as the upstream.
async fn together(proxy: &'static Proxy, arrive: usize) {
    let gate = Gate::new();
    let shut = gate.clone();
    let slow = Upstream::start(move |_| Reply::json(r#"{"slow": true}"#).behind(&shut)).await;
    let quick = Upstream::echo().await;
    let (mut hanging, mut calls) = (JoinSet::new(), JoinSet::new());
    for number in 0..CALLS {
        let url = json!({"url": slow.url("/")});
        hanging.spawn(proxy.do_("http/GetRequestV2").json(&url).send());
        let url = json!({"url": quick.url(&format!("/{number}"))});
        calls.spawn(async move {
            let answer = proxy.call("http/PostRequestV2", url).await;
            (number, answer.success())
        });
    }
    for (number, body) in calls.join_all().await {
        assert_eq!(body["target"], format!("/{number}"));
    }
    assert!(hanging.try_join_next().is_none());
    slow.arrived(arrive).await;
    assert_eq!((quick.seen().len(), slow.seen().len()), (CALLS, arrive));
    if arrive < CALLS {
        let labels = r#"{connector="http",command="GetRequestV2"}"#;
        let waiting = (CALLS - arrive) as f64;
        proxy
            .counts(&format!("crosspoint_calls_waiting{labels}"), waiting)
            .await;
        proxy
            .counts(&format!("crosspoint_calls_running{labels}"), arrive as f64)
            .await;
        refused(&get(proxy, &slow).await, 503, "overloaded");
    }
    gate.open();
    for answer in hanging.join_all().await {
        assert_eq!(answer.success(), json!({"slow": true}));
    }
    assert_eq!(slow.seen().len(), CALLS);
}

async fn lasting(config: &str) -> &'static Proxy {
    // Ended by what watches over proxies that nobody drops.
    let proxy = Box::leak(Box::new(Setup::new().config(config).serve().await));
    Box::leak(Box::new(crate::harness::outlive_nobody(proxy)));
    proxy
}

#[tokio::test]
async fn five_hundred_quick_calls_are_answered_while_as_many_slow_ones_hang() {
    let proxy = lasting("[spiff]\ndeadline = \"1h\"\n").await;
    together(proxy, CALLS).await;
}

#[tokio::test]
async fn a_slow_command_with_places_of_its_own_leaves_the_others_alone() {
    let config = "[spiff]\ndeadline = \"1h\"\n\
                  [connectors.http.commands.GetRequestV2.policy]\n\
                  concurrency = 50\nqueue = 450\n";
    let proxy = lasting(config).await;
    together(proxy, 50).await;
}
