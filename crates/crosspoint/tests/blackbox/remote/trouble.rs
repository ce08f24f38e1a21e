//! Proxies that are down, want another key, or lead elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{CATALOGUE, envelope, fake, ids, problems, serve};
use crate::harness::{Reply, Setup, Upstream, closed_port, until};

#[tokio::test]
async fn a_proxy_that_is_down_hides_nothing_else_and_comes_back_by_itself() {
    let (socket, address) = closed_port();
    let upstream = Upstream::echo().await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"http://{address}\""
    ))
    .await;
    let told = problems(&proxy).await;
    assert!(
        told.contains("branch") && told.contains("ConnectionError"),
        "{told}"
    );
    let other = proxy
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await;
    assert_eq!(other.status, 200);
    let _branch = Upstream::open(socket, |seen| match &*seen.target {
        "/v1/commands" => Reply::json(CATALOGUE),
        _ => envelope(&json!("found")),
    });
    until("it is back", async || {
        !ids(&proxy, "branch_crm").await.is_empty()
    })
    .await;
    let found = proxy.call("branch_crm/Find", json!({"name": "x"})).await;
    assert_eq!(found.success(), "found");
    until("nothing is wrong any more", async || {
        problems(&proxy).await == "[]"
    })
    .await;
}

#[tokio::test]
async fn a_proxy_that_goes_down_keeps_its_place() {
    let other = Setup::new().serve().await;
    let config = format!(
        "[connectors.branch]\nremote = \"{}\"\nrefresh = \"1s\"",
        other.url("")
    );
    let proxy = serve(&config).await;
    other.kill().await;
    until("it is missed", async || {
        problems(&proxy).await.contains("branch")
    })
    .await;
    assert!(!ids(&proxy, "branch_http").await.is_empty());
    let answer = proxy
        .call("branch_http/GetRequestV2", json!({"url": "http://h"}))
        .await;
    assert_eq!(answer.failure(), (200, 500, "ConnectionError".to_owned()));
}

#[tokio::test]
async fn a_wrong_key_is_told_and_is_not_the_callers() {
    let other = Setup::new()
        .config("access.api_keys = [\"the-right-key-1234\"]")
        .serve()
        .await;
    let config = |key: &str| {
        format!(
            "[connectors.branch]\nremote = \"{}\"\napi_key = \"{key}\"",
            other.url("")
        )
    };
    let proxy = serve(&config("a-wrong-key-12345")).await;
    let told = problems(&proxy).await;
    assert!(told.contains("does not take the API key"), "{told}");
    // One whose key is not taken any more while it is mounted.
    let lets_in = Arc::new(AtomicBool::new(true));
    let refuses = lets_in.clone();
    let refusing = Upstream::start(move |seen| match refuses.load(Ordering::SeqCst) {
        true if seen.target == "/v1/commands" => Reply::json(CATALOGUE),
        _ => Reply::status(401).body(UNAUTHORIZED),
    })
    .await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"{}\"",
        refusing.url("")
    ))
    .await;
    // As long as it lists its commands, it is not our key that is wrong.
    let call = || proxy.do_("branch_crm/Find").json(&json!({"name": "x"}));
    let passed = call().verbatim().send().await;
    assert_eq!((passed.status, &*passed.text), (401, UNAUTHORIZED));
    lets_in.store(false, Ordering::SeqCst);
    let answer = call().send().await;
    assert_eq!(answer.failure(), (200, 401, "ProxyUnauthorized".to_owned()));
}

const UNAUTHORIZED: &str = r#"{"error": "Unauthorized"}"#;

#[tokio::test]
async fn what_may_have_happened_is_sent_once_whatever_its_status() {
    let other = fake(|seen| {
        match &*seen.json()["name"].to_string() {
        "\"refused\"" => Reply::status(503).header("content-type", "application/json").body(
            r#"{"command_response": {}, "error": {"error_code": "circuit_open", "message": "m"}}"#,
        ),
        name => Reply::status(name.trim_matches('"').parse().unwrap()).body("{}"),
    }
    })
    .await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"{}\"\n\
         policy = {{ retries = 2, retry_pause = \"10ms\", retry_budget = \"100%\" }}",
        other.url("")
    ))
    .await;
    let sent = || {
        let seen = other.seen();
        seen.iter()
            .filter(|seen| seen.target.starts_with("/v1/do"))
            .count()
    };
    for status in ["503", "429"] {
        let before = sent();
        for _ in 0..2 {
            let call = proxy.do_("branch_crm/Find").json(&json!({"name": status}));
            let answer = call
                .header("idempotency-key", status)
                .verbatim()
                .send()
                .await;
            assert_eq!(answer.status.to_string(), status, "{}", answer.text);
        }
        assert_eq!(sent() - before, 1, "{status}");
    }
    let before = sent();
    let answer = proxy
        .call("branch_crm/Find", json!({"name": "refused"}))
        .await;
    assert_eq!(answer.code(), "circuit_open", "{}", answer.text);
    assert_eq!(sent() - before, 3);
}

#[tokio::test]
async fn what_is_no_proxy_is_said() {
    let page = Upstream::start(|_| Reply::ok("text/html", "<!doctype html><p>Welcome")).await;
    let text = Upstream::start(|_| Reply::json("{\"hello\": 1}")).await;
    let cut = Upstream::start(|_| Reply::status(500).body("oops")).await;
    let endless = Upstream::start(|_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[";
        Reply::endless(head, b"          ", std::time::Duration::ZERO)
    })
    .await;
    let proxy = serve(&format!(
        "[connectors.page]\nremote = \"{}\"\n[connectors.text]\nremote = \"{}\"\n\
         [connectors.cut]\nremote = \"{}\"\n[connectors.endless]\nremote = \"{}\"\nmax_answer = \"64KiB\"\n\
         [connectors.unsafe]\nremote = \"http://169.254.169.254\"\n",
        page.url(""), text.url(""), cut.url(""), endless.url("")
    ))
    .await;
    let told = problems(&proxy).await;
    for text in [
        "a web page in place of a list of commands",
        "an object that is no list of commands",
        "answers 500 to the question what commands it has",
        "AnswerTooLarge",
        "EgressRefused",
    ] {
        assert!(told.contains(text), "{text} is not in {told}");
    }
    assert!(!ids(&proxy, "http/").await.is_empty());
}

#[tokio::test]
async fn a_catalogue_beside_the_protocol_is_tolerated_and_named() {
    let odd = Upstream::start(|_| {
        Reply::json(r#"{"commands": [{"id": "crm/Find", "parameters": [{"id": "d", "type": "dict", "required": true}]},
            {"id": "no command"}]}"#)
    })
    .await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"{}\"",
        odd.url("")
    ))
    .await;
    assert_eq!(ids(&proxy, "branch_").await, ["branch_crm/Find"]);
    let told = problems(&proxy).await;
    for text in [
        "an object in place of a list",
        "dict in crm/Find",
        "are left out (no command)",
    ] {
        assert!(told.contains(text), "{text} is not in {told}");
    }
}

#[tokio::test]
async fn the_key_and_the_call_go_to_the_configured_origin_alone() {
    let thief = Upstream::echo().await;
    let away = thief.url("/v1/do/crm/Find");
    let other = fake(move |seen| match &*seen.target {
        "/v1/do/crm/Find" if seen.text().contains("away") => Reply::redirect(307, &away),
        "/v1/do/crm/Find" => Reply::redirect(308, "/moved"),
        _ => envelope(&json!("here")),
    })
    .await;
    let config = format!(
        "[connectors.branch]\nremote = \"{}\"\napi_key = \"a-key-of-branch\"",
        other.url("")
    );
    let proxy = serve(&config).await;
    let moved = proxy.call("branch_crm/Find", json!({"name": "x"})).await;
    assert_eq!(moved.success(), "here");
    assert_eq!(
        other.last().header("spiff-connector-proxy-api-key"),
        "a-key-of-branch"
    );
    let answer = proxy.call("branch_crm/Find", json!({"name": "away"})).await;
    assert_eq!(answer.code(), "RedirectRefused", "{}", answer.text);
    assert!(thief.seen().is_empty());
}
