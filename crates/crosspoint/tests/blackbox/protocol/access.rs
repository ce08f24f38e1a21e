//! Who may ask.

use http::Method;
use serde_json::json;

use crate::harness::{Proxy, RawAnswer, Setup, Upstream, check, shared};

const OPEN: [&str; 5] = ["/", "/liveness", "/v1/liveness", "/healthz", "/readyz"];

const KEYED: [&str; 6] = [
    "/v1/commands",
    "/v1/auths",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/no/such/path",
];

const CONFIG: &str = r#"
[access]
api_keys = ["first-key-4711", { name = "engine", key = "env:SECOND" }]
"#;

async fn keyed() -> Proxy {
    let setup = Setup::new().config(CONFIG).env("SECOND", "second key/+=");
    setup
        .env("CONNECTOR_PROXY_API_KEY", "third-key-4711")
        .serve()
        .await
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_nothing_is_told() {
    let proxy = keyed().await;
    for path in KEYED {
        let answer = proxy.get(path).await;
        assert_eq!(
            (answer.status, answer.json()),
            (401, json!({"error": "Unauthorized"}))
        );
        for (name, value) in [
            ("spiff-connector-proxy-api-key", "first-key-4712"),
            ("spiff-connector-proxy-api-key", ""),
            ("spiff-connector-proxy-api-key", "first-key-471"),
            ("authorization", "Bearer wrong"),
            ("authorization", "Basic first-key-4711"),
            ("authorization", "first-key-4711"),
        ] {
            let answer = proxy
                .ask(Method::GET, path)
                .header(name, value)
                .send()
                .await;
            assert_eq!(answer.status, 401, "{path} {name}: {value}");
        }
    }
}

#[tokio::test]
async fn a_call_without_a_key_does_nothing() {
    let (proxy, upstream) = (keyed().await, Upstream::echo().await);
    let arguments = json!({"url": upstream.url("/")});
    let answer = proxy.call("http/GetRequestV2", arguments.clone()).await;
    assert_eq!(
        (answer.status, answer.json()),
        (401, json!({"error": "Unauthorized"}))
    );
    assert!(upstream.seen().is_empty());
    let ask = proxy.do_("http/GetRequestV2").json(&arguments);
    let ask = ask.header("spiff-connector-proxy-api-key", "first-key-4711");
    ask.send().await.success();
    // The key is ours: no upstream gets to see it.
    assert!(!upstream.last().everything().contains("first-key-4711"));
}

#[tokio::test]
async fn each_key_opens_by_either_header() {
    let proxy = keyed().await;
    for key in ["first-key-4711", "second key/+=", "third-key-4711"] {
        let ask = || proxy.ask(Method::GET, "/v1/commands");
        let named = ask()
            .header("Spiff-Connector-Proxy-Api-Key", key)
            .send()
            .await;
        let bearer = ask()
            .header("authorization", &format!("Bearer {key}"))
            .send()
            .await;
        assert_eq!((named.status, bearer.status), (200, 200), "{key}");
    }
}

#[tokio::test]
async fn probes_need_no_key() {
    let proxy = keyed().await;
    for path in OPEN {
        assert_eq!(proxy.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn with_keys_any_host_is_served() {
    let proxy = keyed().await;
    assert_eq!(
        proxy
            .with_host("/healthz", Some("proxy.example"))
            .await
            .status,
        200
    );
    assert_eq!(
        proxy
            .with_host("/v1/commands", Some("proxy.example"))
            .await
            .status,
        401
    );
}

fn denied(answer: &RawAnswer, path: &str) {
    check(path, answer.status, &answer.body);
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.head.contains("x-request-id"), "{}", answer.head);
}

#[tokio::test]
async fn without_keys_a_foreign_host_is_403() {
    let proxy = shared().await;
    for path in [
        "/v1/commands",
        "/v1/do/http/GetRequestV2",
        "/",
        "/metrics",
        "/nowhere",
    ] {
        for host in [
            Some("evil.example"),
            Some("127.0.0.1.evil.example"),
            Some("10.0.0.1"),
            None,
        ] {
            denied(&proxy.with_host(path, host).await, path);
        }
    }
    let absolute = "GET http://evil.example/v1/commands HTTP/1.1\r\nhost: localhost\r\n\
                    connection: close\r\n\r\n";
    denied(&proxy.raw(absolute).await, "/v1/commands");
    denied(
        &proxy.raw("GET /v1/commands HTTP/1.0\r\n\r\n").await,
        "/v1/commands",
    );
}

#[tokio::test]
async fn without_keys_loopback_hosts_are_served() {
    let proxy = shared().await;
    for host in [
        "localhost",
        "localhost:7004",
        "127.0.0.1:1",
        "[::1]:7004",
        "app.localhost",
    ] {
        assert_eq!(
            proxy.with_host("/v1/commands", Some(host)).await.status,
            200,
            "{host}"
        );
    }
}

#[tokio::test]
async fn further_hosts_are_configured() {
    let config = "[access]\nhosts = [\"proxy.example\"]\n";
    let proxy = Setup::new().config(config).serve().await;
    assert_eq!(
        proxy
            .with_host("/v1/commands", Some("proxy.example:7004"))
            .await
            .status,
        200
    );
    assert_eq!(
        proxy
            .with_host("/v1/commands", Some("other.example"))
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn an_anonymous_proxy_serves_everybody() {
    let setup = Setup::new().env("CROSSPOINT_LISTEN", "0.0.0.0:0");
    let proxy = setup
        .env("CROSSPOINT_ACCESS__ANONYMOUS", "true")
        .serve()
        .await;
    assert_eq!(
        proxy
            .with_host("/v1/commands", Some("proxy.example"))
            .await
            .status,
        200
    );
}
