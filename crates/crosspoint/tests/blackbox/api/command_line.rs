//! `crosspoint call --server`.

use serde_json::json;

use crate::harness::{Effects, Ended, Proxy, Reply, Setup, Upstream, json as read};

/// Runs it away from the server: what is configured there does not count.
async fn call(setup: Setup, proxy: &Proxy, arguments: &[&str]) -> Ended {
    let server = proxy.url("");
    let all = [&["call", "--server", &server], arguments].concat();
    setup.run(&all).await
}

#[tokio::test]
async fn the_command_runs_in_the_server_and_its_result_is_printed() {
    let proxy = Setup::new().serve().await;
    let upstream = Upstream::start(|seen| match &*seen.target {
        "/text" => Reply::ok("text/plain", "a \"b\""),
        "/gone" => Reply::status(404).body("nothing here"),
        _ => Reply::json(r#"{"n": 1.50}"#),
    })
    .await;
    for (target, code, stdout) in [
        ("/", 0, "{\"n\": 1.50}\n"),
        ("/text", 0, "{\"raw_response\":\"a \\\"b\\\"\"}\n"),
        ("/gone", 1, "{\"raw_response\":\"nothing here\"}\n"),
    ] {
        let url = format!("url={}", upstream.url(target));
        let ended = call(Setup::new(), &proxy, &["http/GetRequestV2", &url]).await;
        assert_eq!(
            (ended.code, &*ended.stdout),
            (Some(code), stdout),
            "{ended:?}"
        );
    }
    let url = format!("url={}", upstream.url("/gone"));
    let ended = call(Setup::new(), &proxy, &["http/GetRequestV2", &url, "--json"]).await;
    let whole = read(&ended.stdout);
    assert_eq!(
        (&whole["succeeded"], &whole["status"]),
        (&json!(false), &json!(404))
    );
    assert_eq!(whole["error"]["error_code"], "HttpError404");
    let row = &proxy.rows(&[]).await[0];
    assert_eq!(row.ingress, "api");
}

#[tokio::test]
async fn a_key_has_one_effect_and_who_does_not_wait_gets_the_id() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let input = effects.arguments("pay").to_string();
    let setup = Setup::new().file("pay.json", &input);
    let arguments = [
        "http/PostRequestV2",
        "--input",
        "pay.json",
        "--key",
        "order-7",
    ];
    let later = [&arguments[..], &["--no-wait"]].concat();
    let ended = call(setup.clone(), &proxy, &later).await;
    let id = ended.text(0).trim().to_owned();
    let place = proxy.url(&format!("/api/v1/calls/{id}"));
    assert!(
        ended.stderr.contains(&format!("curl -s {place}")),
        "{ended:?}"
    );
    proxy.recorded_in(&id, "succeeded").await;
    let ended = call(setup.clone(), &proxy, &arguments).await;
    assert_eq!(ended.json(), json!({"id": "pay", "effect": 1}));
    let ended = call(setup, &proxy, &[&later[..], &["--json"]].concat()).await;
    assert_eq!(ended.json(), json!({"id": id, "url": place}));
    assert_eq!(effects.of("pay"), 1);
}

#[tokio::test]
async fn refusals_and_mistakes_have_their_exit_codes() {
    let config = "[access]\napi_keys = [\"shop-key-4711\"]\n";
    let proxy = Setup::new().config(config).serve().await;
    let ended = call(Setup::new(), &proxy, &["http/GetRequestV2"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--api-key-env"), "{ended:?}");
    let keyed = || Setup::new().env("SHOP", "shop-key-4711");
    for (arguments, code, said) in [
        (&["http/GetRequestV2"][..], 2, "missing parameter 'url'"),
        (&["http/Nothing"], 2, "command_not_found"),
        (
            &["http/GetRequestV2", "url=http://169.254.169.254/"],
            1,
            "EgressRefused",
        ),
    ] {
        let all = [arguments, &["--api-key-env", "SHOP"]].concat();
        let ended = call(keyed(), &proxy, &all).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
        assert!(!ended.stderr.contains("shop-key-4711"), "{ended:?}");
    }
    // The usual variable needs no naming.
    let usual = Setup::new().env("CONNECTOR_PROXY_API_KEY", "shop-key-4711");
    let ended = call(usual, &proxy, &["http/Nothing"]).await;
    assert!(ended.stderr.contains("command_not_found"), "{ended:?}");
    let missing = call(
        Setup::new(),
        &proxy,
        &["http/Nothing", "--api-key-env", "SHOP"],
    )
    .await;
    assert_eq!(missing.code, Some(2), "{missing:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_or_is_none_is_told() {
    let (_kept, closed) = crate::harness::closed_port();
    let other = Upstream::start(|_| Reply::ok("text/html", "<h1>hello</h1>")).await;
    let url = format!("http://{closed}");
    for (server, code, said) in [
        (&*url, 1, "ConnectionError"),
        (&other.url(""), 2, "its address?"),
        ("ftp://h/", 2, "http or https"),
    ] {
        let ended = Setup::new()
            .run(&["call", "--server", server, "http/GetRequestV2"])
            .await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
    for option in [&["--no-wait"][..], &["--key", "k"], &["--api-key-env", "K"]] {
        let ended = Setup::new()
            .run(&[&["call", "http/GetRequestV2"], option].concat())
            .await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("--server"), "{ended:?}");
    }
}
