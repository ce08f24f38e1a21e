//! Lists of the ledger: narrowed, and followed.

use jiff::Timestamp;
use serde_json::json;

use super::place::Place;
use super::records::request;
use super::{keyed, post};
use crate::harness::{Effects, Gate, Reply, Row, Setup, Upstream, until};

#[tokio::test]
async fn a_list_can_be_narrowed() {
    let proxy = Setup::new().serve().await;
    let effects = Effects::start().await;
    let gone = Upstream::start(|_| Reply::status(404)).await;
    let call = async |id: &str, command: &str, url: String, task: &str, instance: u32| {
        let arguments = json!({
            "url": url, "spiff__task_id": task, "spiff__process_instance_id": instance,
        });
        request(&proxy, id, command, arguments).await;
    };
    let good = || effects.arguments("x")["url"].as_str().unwrap().to_owned();
    call("one", "http/GetRequestV2", good(), "task-a", 1).await;
    call("two", "http/GetRequestV2", gone.url("/"), "task-b", 1).await;
    call("three", "http/PostRequestV2", good(), "task-b", 2).await;
    let log = json!({"message": "x", "level": "info"});
    request(&proxy, "four", "logging/Write", log).await;
    let names = async |filters: &[&str]| {
        let rows = proxy.rows(filters).await.into_iter();
        rows.map(|row| row.request_id).collect::<Vec<_>>()
    };
    until("the calls are written", async || {
        names(&[]).await.len() >= 3
    })
    .await;
    proxy.row_in("three", "succeeded").await;
    let hour = jiff::SignedDuration::from_hours(1);
    let (before, after) = (Timestamp::now() - hour, Timestamp::now() + hour);
    let (before, after) = (before.to_string(), after.to_string());
    let http = ["--connector", "http"];
    let cases: [(&[&str], &[&str]); 14] = [
        (&[], &["three", "two", "one"]),
        (&["--command", "GetRequestV2"], &["two", "one"]),
        (&["--state", "failed"], &["two"]),
        (&["--state", "running"], &[]),
        (&["--task", "task-b"], &["three", "two"]),
        (&["--instance", "1"], &["two", "one"]),
        (&["--instance", "1", "--task", "task-b"], &["two"]),
        (&["--request", "one"], &["one"]),
        (&["--since", "2h"], &["three", "two", "one"]),
        (&["--until", "2h"], &[]),
        (&["--since", &before], &["three", "two", "one"]),
        (&["--since", &after], &[]),
        (
            &["--since", &before, "--until", &after, "--task", "task-a"],
            &["one"],
        ),
        (&["--limit", "2"], &["three", "two"]),
    ];
    for (filters, expected) in cases {
        let all = [&http[..], filters].concat();
        assert_eq!(names(&all).await, expected, "{filters:?}");
    }
    for (bad, named) in [
        (&["--state", "done"][..], "handed_over"),
        (&["--since", "yesterday"], "yesterday"),
        (&["--limit", "many"], "many"),
    ] {
        let ended = proxy.ledger(&[&["list"], bad].concat()).await;
        ended.text(2);
        assert!(ended.stderr.contains(named), "{bad:?}: {}", ended.stderr);
    }
    let nobody = proxy.ledger(&["show", "nobody"]).await;
    nobody.text(1);
    assert!(nobody.stderr.contains("nobody"), "{}", nobody.stderr);
}

#[tokio::test]
async fn a_list_that_follows_shows_new_calls_and_their_ends() {
    for place in Place::both("").await {
        let proxy = place.setup.serve().await;
        let gate = Gate::new();
        let shut = gate.clone();
        let effects = Effects::with(move |seen, id, n| match id {
            "slow" => Effects::usual(seen, id, n).behind(&shut),
            _ => Effects::usual(seen, id, n),
        })
        .await;
        let follow = proxy
            .setup()
            .start(&["ledger", "list", "--follow", "--json"]);
        until("it follows", async || {
            post(
                &proxy,
                &effects.arguments("fast"),
                &format!("fast-{}", effects.of("fast")),
            )
            .await
            .success();
            follow.stdout().contains("fast-")
        })
        .await;
        let arguments = effects.arguments("slow");
        let ask = keyed(&proxy, "http/PostRequestV2", &arguments, "slow");
        let call = tokio::spawn(ask.send());
        let shown = || {
            let text = follow.stdout();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let rows = whole
                .lines()
                .map(|line| serde_json::from_str::<Row>(line).unwrap());
            let states = rows
                .filter(|row| row.request_id == "slow")
                .map(|row| row.state);
            states.collect::<Vec<_>>()
        };
        until("the call is shown", async || {
            shown().last().is_some_and(|s| s == "running")
        })
        .await;
        gate.open();
        call.await.unwrap().success();
        until("its end is shown", async || {
            shown().last().is_some_and(|s| s == "succeeded")
        })
        .await;
        assert_eq!(follow.stderr(), "");
    }
}
