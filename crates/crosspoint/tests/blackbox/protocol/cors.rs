//! Web pages that call from a browser.

use http::Method;
use serde_json::json;

use crate::harness::{Answer, Proxy, Setup, shared};

const CONSOLE: &str = "https://console.example";

async fn preflight(proxy: &Proxy, origin: &str) -> Answer {
    let ask = proxy
        .ask(Method::OPTIONS, "/v1/do/http/GetRequestV2")
        .header("origin", origin);
    let ask = ask.header("access-control-request-method", "POST");
    let headers = "content-type,spiff-connector-proxy-api-key";
    ask.header("access-control-request-headers", headers)
        .send()
        .await
}

async fn allowed(proxy: &Proxy, path: &str, origin: &str) -> (u16, String) {
    let answer = proxy
        .ask(Method::GET, path)
        .header("origin", origin)
        .send()
        .await;
    (
        answer.status,
        answer.header("access-control-allow-origin").to_owned(),
    )
}

#[tokio::test]
async fn by_default_no_page_may_read_anything() {
    let proxy = shared().await;
    assert_eq!(
        allowed(proxy, "/v1/commands", CONSOLE).await,
        (200, String::new())
    );
    let answer = preflight(proxy, CONSOLE).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn pages_of_the_named_origins_may_call_and_read() {
    let origins = "https://console.example, http://localhost:8001";
    let setup = Setup::new().env("CONNECTOR_PROXY_CORS_ORIGINS", origins);
    let proxy = setup
        .env("CONNECTOR_PROXY_API_KEY", "key-4711-key")
        .serve()
        .await;
    for origin in [CONSOLE, "http://localhost:8001"] {
        let answer = preflight(&proxy, origin).await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert!(
            answer
                .header("access-control-allow-methods")
                .contains("POST"),
            "{answer:?}"
        );
        let headers = answer.header("access-control-allow-headers");
        assert!(
            headers.contains("spiff-connector-proxy-api-key"),
            "{headers}"
        );
        // A refusal, too, is for the page to read.
        assert_eq!(
            allowed(&proxy, "/v1/commands", origin).await,
            (401, origin.to_owned())
        );
    }
    assert_eq!(
        allowed(&proxy, "/liveness", "https://evil.example").await,
        (200, String::new())
    );
    assert_eq!(
        preflight(&proxy, "https://evil.example")
            .await
            .header("access-control-allow-origin"),
        ""
    );
}

#[tokio::test]
async fn a_page_may_read_the_request_id() {
    let proxy = Setup::new()
        .env("CONNECTOR_PROXY_CORS_ORIGINS", CONSOLE)
        .serve()
        .await;
    let ask = proxy
        .do_("http/GetRequestV2")
        .json(&json!({}))
        .header("origin", CONSOLE);
    let answer = ask.send().await;
    assert_eq!(answer.header("access-control-allow-origin"), CONSOLE);
    assert!(
        answer
            .header("access-control-expose-headers")
            .contains("x-request-id")
    );
}

#[tokio::test]
async fn any_page_may_call_where_that_is_configured() {
    let config = "[access]\ncors_origins = [\"*\"]\n";
    let proxy = Setup::new().config(config).serve().await;
    let (status, origin) = allowed(&proxy, "/v1/commands", CONSOLE).await;
    assert_eq!(status, 200);
    assert!(origin == "*" || origin == CONSOLE, "{origin}");
}
