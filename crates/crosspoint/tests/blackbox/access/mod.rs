//! Access keys: what they are good for, until when, and how they are made and rotated.

mod audit;
mod kept;
mod scopes;

use http::Method;
use serde_json::json;

use crate::harness::{Answer, Proxy};

/// Asks with a key.
async fn get(proxy: &Proxy, key: &str, path: &str) -> Answer {
    let ask = proxy.ask(Method::GET, path);
    ask.header("authorization", &format!("Bearer {key}"))
        .send()
        .await
}

/// Calls a command that asks nobody, through SpiffArena's protocol.
async fn write(proxy: &Proxy, key: &str) -> Answer {
    let ask = proxy.do_("logging/Write").json(&json!({"message": "x"}));
    ask.header("spiff-connector-proxy-api-key", key)
        .send()
        .await
}

/// The same through the API.
async fn write_by_api(proxy: &Proxy, key: &str) -> Answer {
    let call = json!({"command": "logging/Write", "arguments": {"message": "x"}});
    let ask = proxy.asks(&call);
    ask.header("authorization", &format!("Bearer {key}"))
        .send()
        .await
}
