//! Secrets of a few characters: cutting them out would spell them, so the whole text is withheld.

use http::Method;
use serde_json::json;

use crate::harness::{Reply, Setup, Upstream};

/// What no other text has.
const SHORT: &str = "§q~";

#[tokio::test]
async fn a_short_password_withholds_the_message_that_has_it() {
    let proxy = Setup::new().env("CROSSPOINT_LOG", "trace").serve().await;
    let upstream = Upstream::start(|seen| match &*seen.target {
        "/tells" => Reply::status(403).body("no entry for §q~ today"),
        _ => Reply::status(403).body("no entry today"),
    })
    .await;
    let call = async |path: &str| {
        let arguments = json!({
            "url": upstream.url(path), "basic_auth_username": "u", "basic_auth_password": SHORT,
        });
        proxy.call("http/GetRequestV2", arguments).await
    };
    let told = call("/tells").await;
    assert_eq!(told.failure(), (200, 403, "HttpError403".to_owned()));
    assert!(
        !told.message().contains(SHORT) && !told.message().contains("entry"),
        "{}",
        told.text
    );
    assert!(told.message().contains("withheld"), "{}", told.message());
    let silent = call("/says-nothing").await;
    assert!(
        silent.message().contains("no entry today"),
        "{}",
        silent.message()
    );
    let log = proxy.stop().await.stderr;
    assert!(!log.contains(SHORT), "{log}");
}

#[tokio::test]
async fn a_short_key_of_the_configuration_withholds_lines_of_the_log_but_leaves_the_others() {
    let setup = Setup::new().env("CROSSPOINT_LOG", "info,crosspoint=trace");
    let proxy = setup.env("CONNECTOR_PROXY_API_KEY", "~q^").serve().await;
    let upstream = Upstream::start(|_| Reply::status(403).body("no entry for ~q^ today")).await;
    let ask = proxy
        .do_("http/GetRequestV2")
        .json(&json!({"url": upstream.url("/")}));
    let answer = ask.header("authorization", "Bearer ~q^").send().await;
    assert!(!answer.message().contains("~q^"), "{}", answer.text);
    let ask = proxy
        .ask(Method::GET, "/v1/commands")
        .header("authorization", "Bearer ~q^");
    let id = ask.send().await.header("x-request-id").to_owned();
    let ask = proxy
        .ask(Method::GET, "/~q^~q^")
        .header("authorization", "Bearer ~q^");
    ask.send().await;
    let last = proxy
        .ask(Method::GET, "/v1/auths")
        .header("authorization", "Bearer ~q^")
        .send()
        .await;
    let log = proxy.stop().await.stderr;
    assert!(!log.contains("~q^"), "{log}");
    for id in [id.as_str(), last.header("x-request-id")] {
        let line = log.lines().find(|line| line.contains(id));
        let line = line.unwrap_or_else(|| panic!("{id} is not in:\n{log}"));
        assert!(
            !line.contains("withheld"),
            "a withheld line runs into the next: {line}"
        );
    }
}
