//! Mounts that lead in a circle.

use std::sync::{Arc, OnceLock};

use serde_json::json;

use super::{CATALOGUE, ids, problems, serve, settled};
use crate::harness::{PATIENCE, Reply, Setup, Upstream, json as read, until};

#[tokio::test]
async fn two_proxies_that_mount_each_other_do_not_grow() {
    let first = Setup::new().config("builtin = [\"http\"]").serve().await;
    let second = serve(&format!(
        "builtin = [\"slack\"]\n[connectors.first]\nremote = \"{}\"\nrefresh = \"1s\"",
        first.url("")
    ))
    .await;
    first.setup().config(&format!(
        "builtin = [\"http\"]\n[connectors.second]\nremote = \"{}\"\nrefresh = \"1s\"",
        second.url("")
    ));
    let reload = first.run(&["reload"]).await;
    assert_eq!(reload.code, Some(0), "{}", reload.stderr);
    settled(&first).await;
    assert_eq!(ids(&first, "second_").await, ["second_slack/PostMessage"]);
    let told = problems(&first).await;
    assert!(
        told.contains("connectors that come from here are left out (first_http)"),
        "{told}"
    );
    until("the other one knows", async || {
        problems(&second).await.contains("left out (second_slack)")
    })
    .await;
    assert!(ids(&second, "first_second").await.is_empty());
}

#[tokio::test]
async fn a_call_that_comes_back_is_refused_with_508() {
    // A proxy that keeps no such rules hands every call back to the one that it came from.
    let target: Arc<OnceLock<String>> = Arc::default();
    let back = target.clone();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    let client = client.tls_backend_preconfigured(no_tls()).build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let inner = Upstream::start(|_| Reply::json(CATALOGUE)).await;
    let catalogue = inner.address;
    tokio::spawn(forward(listener, catalogue, back, client));
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"http://{address}\""
    ))
    .await;
    target.set(proxy.url("/v1/do/branch_crm/Find")).unwrap();
    let answer = proxy.call("branch_crm/Find", json!({"name": "x"})).await;
    assert_eq!(
        (answer.status, &*answer.code()),
        (508, "loop_detected"),
        "{}",
        answer.text
    );
    // Nor does one that comes from far too far.
    let far = proxy
        .do_("branch_crm/Find")
        .header("crosspoint-via", "1, 2, 3, 4, 5, 6, 7, 8");
    let far = far.json(&json!({"name": "x"})).send().await;
    assert_eq!((far.status, &*far.code()), (508, "loop_detected"));
}

fn no_tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// Serves the catalogue of another address, and posts calls to the target with all their headers.
async fn forward(
    listener: tokio::net::TcpListener,
    catalogue: std::net::SocketAddr,
    target: Arc<OnceLock<String>>,
    client: reqwest::Client,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    while let Ok((mut stream, _)) = listener.accept().await {
        let (target, client) = (target.clone(), client.clone());
        tokio::spawn(async move {
            let mut text = Vec::new();
            let (head, body) = loop {
                if stream.read_buf(&mut text).await.ok()? == 0 {
                    return None;
                }
                let whole = String::from_utf8_lossy(&text).into_owned();
                let Some((head, body)) = whole.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    break (head.to_owned(), body.to_owned());
                }
            };
            let asked = if head.starts_with("GET") {
                client.get(format!("http://{catalogue}/v1/commands"))
            } else {
                let via = head
                    .lines()
                    .find_map(|line| line.strip_prefix("crosspoint-via: "));
                let ask = client
                    .post(target.get()?)
                    .header("content-type", "application/json");
                ask.header("crosspoint-via", via.unwrap_or_default())
                    .body(body)
            };
            let answer = asked.send().await.ok()?;
            let status = answer.status().as_u16();
            let text = answer.text().await.ok()?;
            read(&text);
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n",
                text.len()
            );
            stream
                .write_all(format!("{head}{text}").as_bytes())
                .await
                .ok()
        });
    }
}
