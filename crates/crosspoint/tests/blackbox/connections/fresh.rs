//! Calls that get a fresh token: once it is refused, one refresh serves them all.

use futures_util::future::join_all;
use serde_json::json;

use super::rotating::{Rotating, asked, authorise, profile};
use crate::harness::{Proxy, Reply, Setup, Upstream};
use crate::python::support::{connector, ready, zoo};

async fn authorised(system: &Rotating) -> (Proxy, Upstream) {
    let upstream = system.start().await;
    let config = connector("authed", zoo("connector-authed")) + &profile("authed", &upstream, "");
    let proxy = Setup::new().config(&config).serve().await;
    ready(&proxy).await;
    authorise(&proxy, "authed").await;
    (proxy, upstream)
}

#[tokio::test]
async fn two_hundred_calls_whose_token_is_refused_share_one_refresh() {
    let system = Rotating::default();
    let (proxy, upstream) = authorised(&system).await;
    let fetch = async |url: String| {
        let ask = proxy.do_("authed/Fetch").verbatim();
        let answer = ask.json(&json!({"url": url})).send().await;
        (answer.status, answer.text)
    };
    let fine = (200, "for access-1".to_owned());
    assert_eq!(fetch(upstream.url("/thing")).await, fine);
    assert_eq!(asked(&upstream), 1);
    // Long before its end the token is taken no more.
    let strict = Upstream::start(|seen| match seen.header("authorization") {
        "Bearer access-2" => Reply::ok("text/plain", "fresh"),
        _ => Reply::status(401).body("token expired"),
    })
    .await;
    let calls = (0..200).map(|_| fetch(strict.url("/thing")));
    let answers = join_all(calls).await;
    let fresh = (200, "fresh".to_owned());
    assert!(answers.iter().all(|a| *a == fresh), "{answers:?}");
    assert_eq!(asked(&upstream), 2);
    let metrics = proxy.get("/metrics").await.text;
    let line = "crosspoint_token_refreshes_total{connector=\"authed\",profile=\"prod\",\
                outcome=\"refreshed\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn a_dead_grant_says_who_has_to_do_what_everywhere() {
    let system = Rotating::default();
    let (proxy, _upstream) = authorised(&system).await;
    system.state().revoked = true;
    let refusing = Upstream::start(|_| Reply::status(401)).await;
    let arguments = json!({"url": refusing.url("/")});
    let answer = proxy.call("authed/Fetch", arguments.clone()).await;
    assert_eq!(answer.code(), "not_authorised", "{}", answer.text);
    assert!(
        answer
            .message()
            .contains("crosspoint auth login authed/prod"),
        "{}",
        answer.text
    );
    let seen = refusing.seen().len();
    assert_eq!(
        proxy.call("authed/Fetch", arguments).await.code(),
        "not_authorised"
    );
    assert_eq!(
        refusing.seen().len(),
        seen,
        "the system is not asked in vain"
    );
    let problems = proxy.get("/readyz").await.text;
    assert!(
        problems.contains("authed/prod has to be authorised again"),
        "{problems}"
    );
    let listed = proxy.run(&["auth", "list"]).await.stdout;
    assert!(listed.contains("DEAD (invalid_grant)"), "{listed}");
}
