//! Other proxies, mounted by their address: real ones, and some that misbehave.

mod answers;
mod circles;
mod mounting;
mod trouble;

use serde_json::Value;

use crate::harness::{Proxy, Reply, Seen, Setup, Upstream, until};

/// A proxy whose first attempt to mount everything has ended.
async fn serve(config: &str) -> Proxy {
    let proxy = Setup::new().config(config).serve().await;
    settled(&proxy).await;
    proxy
}

async fn settled(proxy: &Proxy) {
    until("it is ready", async || {
        proxy.get("/readyz").await.status == 200
    })
    .await;
}

/// What does not work, as `/readyz` tells it.
async fn problems(proxy: &Proxy) -> String {
    proxy.get("/readyz").await.json()["problems"].to_string()
}

/// The ids of all commands of the connectors whose names begin so.
async fn ids(proxy: &Proxy, beginning: &str) -> Vec<String> {
    let list = proxy.get("/v1/commands").await.json();
    let ids = list.as_array().unwrap().iter();
    let ids = ids.filter_map(|command| command["id"].as_str().map(str::to_owned));
    ids.filter(|id| id.starts_with(beginning)).collect()
}

/// A proxy of somebody else: it has one command, and answers its calls by `answer`.
async fn fake(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |seen| match &*seen.target {
        "/v1/commands" => Reply::json(CATALOGUE),
        _ => answer(seen),
    })
    .await
}

const CATALOGUE: &str = r#"[{"id": "crm/Find", "parameters": [
    {"id": "name", "type": "str", "required": true},
    {"id": "token", "type": "str", "required": false}]}]"#;

/// A version 2 answer.
fn envelope(body: &Value) -> Reply {
    let envelope = serde_json::json!({
        "command_response": {"body": body, "mimetype": "application/json", "http_status": 200, "headers": {}},
        "command_response_version": 2, "error": null, "spiff__logs": ["found"],
    });
    Reply::json(&envelope.to_string())
}
