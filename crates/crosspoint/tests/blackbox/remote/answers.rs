//! Answers of both versions, by the letter of the protocol and beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{CATALOGUE, fake, serve};
use crate::harness::{Reply, Setup, Upstream};

#[tokio::test]
async fn answers_of_both_versions_and_failures_are_those_of_the_proxy() {
    let upstream = Upstream::start(|seen| match &*seen.target {
        "/gone" => Reply::status(404)
            .header("content-type", "text/plain")
            .body("not here"),
        _ => Reply::ok("text/plain", "1.50 as it is"),
    })
    .await;
    let other = Setup::new().serve().await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"{}\"",
        other.url("")
    ))
    .await;
    for (command, arguments) in [
        ("http/GetRequest", json!({"url": upstream.url("/")})),
        ("http/GetRequest", json!({"url": upstream.url("/gone")})),
        ("http/GetRequestV2", json!({"url": upstream.url("/")})),
        ("http/GetRequestV2", json!({"url": upstream.url("/gone")})),
        ("http/GetRequestV2", json!({"url": "http://"})),
        (
            "http/GetRequestV2",
            json!({"url": upstream.url("/"), "atempts": 2}),
        ),
    ] {
        let ask = |proxy: &crate::harness::Proxy, command: &str| {
            proxy.do_(command).json(&arguments).verbatim().send()
        };
        let direct = ask(&other, command).await;
        let through = ask(&proxy, &format!("branch_{command}")).await;
        assert_eq!(
            (
                through.status,
                through.text.as_str(),
                through.header("content-type")
            ),
            (
                direct.status,
                direct.text.as_str(),
                direct.header("content-type")
            ),
            "{command} {arguments}"
        );
    }
    let listed = proxy.run(&["ledger", "list", "--json"]).await;
    assert!(listed.stdout.contains("HttpError404"), "{}", listed.stdout);
}

#[tokio::test]
async fn an_answer_that_will_come_later_stays_one() {
    let other = fake(|_| {
        let accepted = json!({"command_response": {"body": {}, "mimetype": "application/json"},
            "command_response_version": 2, "error": null, "spiff__logs": []});
        Reply::status(202)
            .header("content-type", "application/json")
            .body(accepted.to_string())
    })
    .await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"{}\"",
        other.url("")
    ))
    .await;
    let arguments = json!({"name": "x", "spiff__callback_url": "http://127.0.0.1:1/cb"});
    let answer = proxy.call("branch_crm/Find", arguments).await;
    assert_eq!(
        (answer.status, &*answer.code()),
        (202, ""),
        "{}",
        answer.text
    );
    let listed = proxy.run(&["ledger", "list", "--json"]).await;
    assert!(listed.stdout.contains("handed_over"), "{}", listed.stdout);
}

#[tokio::test]
async fn answers_beside_the_protocol_are_brought_to_it() {
    let answers = [
        r#"{"command_response": {"body": {"a": 1.50}, "mimetype": "application/json", "http_status": "200"},
            "command_response_version": 2, "error": null, "spiff__logs": []}"#,
        r#"{"command_response": {"body": {}, "mimetype": "application/json", "http_status": 200},
            "command_response_version": 2, "error": "no such customer", "spiff__logs": []}"#,
        r#"{"command_response": {"body": {}}, "command_response_version": "2", "error": {"message": "odd"}}"#,
    ];
    let other = fake(move |seen| {
        let which: usize = seen.json()["name"].as_str().unwrap().parse().unwrap();
        Reply::json(answers[which])
    })
    .await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"{}\"",
        other.url("")
    ))
    .await;
    let call = |n: usize| proxy.call("branch_crm/Find", json!({"name": n.to_string()}));
    let first = call(0).await;
    assert_eq!((first.success(), first.inner()), (json!({"a": 1.5}), 200));
    let second = call(1).await;
    assert_eq!(
        (&*second.code(), &*second.message()),
        ("ProxyError", "no such customer")
    );
    let third = call(2).await;
    assert_eq!((&*third.code(), &*third.message()), ("ProxyError", "odd"));
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_is_a_failure_of_its_status() {
    let other = fake(|seen| match seen.text().contains("teapot") {
        true => Reply::ok("text/html", "<p>hello"),
        false => Reply::status(502)
            .header("content-type", "text/html")
            .body("<h1>Bad Gateway"),
    })
    .await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"{}\"",
        other.url("")
    ))
    .await;
    let call = |name: &str| {
        proxy
            .do_("branch_crm/Find")
            .json(&json!({"name": name}))
            .verbatim()
            .send()
    };
    let bad = call("x").await;
    assert_eq!((bad.status, &*bad.text), (502, "<h1>Bad Gateway"));
    // A version 1 answer may be a page.
    let page = call("teapot").await;
    assert_eq!((page.status, &*page.text), (200, "<p>hello"));
    let api = proxy.api("branch_crm/Find", json!({"name": "x"})).await;
    assert_eq!(api.json()["error"]["code"], "HttpError502", "{}", api.text);
}

#[tokio::test]
async fn a_page_is_no_result_where_the_catalogue_has_become_one_too() {
    let gone = Arc::new(AtomicBool::new(false));
    let login = gone.clone();
    let other = Upstream::start(move |seen| match login.load(Ordering::SeqCst) {
        false if seen.target == "/v1/commands" => Reply::json(CATALOGUE),
        _ => Reply::ok("text/html", "<h1>Log in"),
    })
    .await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"{}\"",
        other.url("")
    ))
    .await;
    gone.store(true, Ordering::SeqCst);
    let answer = proxy.call("branch_crm/Find", json!({"name": "x"})).await;
    assert_eq!(answer.failure(), (200, 502, "ProxyError".to_owned()));
    assert!(answer.message().contains("a web page"), "{}", answer.text);
}
