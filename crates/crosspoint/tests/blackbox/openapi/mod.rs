//! OpenAPI documents as connectors: those of the examples with systems that behave like the real ones, and
//! documents that do not mean well.

mod accounts;
mod begin;
mod documents;
mod examples;
mod requests;
mod tokens;
mod watching;
mod xero;

use crate::harness::{Proxy, Setup, Upstream, until};

/// A proxy that mounts one document as `api`, with these lines in its table.
async fn serve(document: &str, lines: &str) -> Proxy {
    let setup = Setup::new().file("api.yaml", document);
    started(
        setup,
        &format!("[connectors.api]\nopenapi = \"api.yaml\"\n{lines}\n"),
    )
    .await
}

async fn started(setup: Setup, config: &str) -> Proxy {
    serving(setup.config(config), &[]).await
}

/// The same with options.
async fn serving(setup: Setup, options: &[&str]) -> Proxy {
    let proxy = setup.serve_with(options).await;
    until("it is ready", async || {
        proxy.get("/readyz").await.status == 200
    })
    .await;
    proxy
}

/// What does not work, as `/readyz` tells it.
async fn problems(proxy: &Proxy) -> String {
    proxy.get("/readyz").await.json()["problems"].to_string()
}

/// `server = …` for a local system.
fn server(upstream: &Upstream) -> String {
    format!("server = \"{}\"", upstream.url(""))
}

/// A command as the catalogue lists it.
async fn listed(proxy: &Proxy, id: &str) -> serde_json::Value {
    let list = proxy.get("/v1/commands").await.json();
    let found = list.as_array().unwrap().iter().find(|one| one["id"] == id);
    found
        .unwrap_or_else(|| panic!("{id} is not in {list}"))
        .clone()
}

/// Its parameters, each with its type and whether it must be there.
async fn parameters(proxy: &Proxy, id: &str) -> Vec<(String, String, bool)> {
    let command = listed(proxy, id).await;
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let parameters = command["parameters"].as_array().unwrap().iter();
    parameters
        .map(|p| (text(&p["id"]), text(&p["type"]), p["required"] == true))
        .collect()
}

/// The same as it is written down in a test.
fn wanted(list: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    let one = |(name, kind, required): &(&str, &str, bool)| {
        ((*name).to_owned(), (*kind).to_owned(), *required)
    };
    list.iter().map(one).collect()
}
