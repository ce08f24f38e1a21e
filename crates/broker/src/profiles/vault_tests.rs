//! Against a server that answers as Vault does.

use std::sync::{Arc, Mutex};

use crosspoint_net::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const TOKEN: &str = "hvs.canary-token";

/// What Vault says, by the path: shapes as in its documentation.
fn says(request: &str) -> (u16, &'static str) {
    if !request.contains(&format!("x-vault-token: {TOKEN}\r\n")) {
        return (403, r#"{"errors":["permission denied"]}"#);
    }
    match request.split(' ').nth(1).unwrap_or_default() {
        "/v1/secret/data/apps/crm" => (
            200,
            r#"{"request_id":"1","lease_id":"","renewable":false,"lease_duration":0,"data":{
                "data":{"token":"canary-value","port":5432},
                "metadata":{"created_time":"2026-01-01T00:00:00Z","custom_metadata":null,
                "deletion_time":"","destroyed":false,"version":2}},"wrap_info":null,
                "warnings":null,"auth":null}"#,
        ),
        "/v1/secret/data/a%20b/%23c" => (200, r#"{"data":{"data":{"x":"odd"},"metadata":{}}}"#),
        "/v1/secret/data/deleted" => (
            404,
            r#"{"data":{"data":null,"metadata":{"deletion_time":"2026-01-02T00:00:00Z",
                "destroyed":false,"version":2}}}"#,
        ),
        "/v1/secret/data/destroyed" => (
            404,
            r#"{"data":{"data":null,"metadata":{"deletion_time":"","destroyed":true}}}"#,
        ),
        "/v1/secret/data/denied" => (403, r#"{"errors":["1 error occurred: denied"]}"#),
        "/v1/secret/data/sealed" => (503, r#"{"errors":["Vault is sealed"]}"#),
        "/v1/secret/data/standby" => (307, ""),
        "/v1/secret/data/v1" => (200, r#"{"data":{"token":"canary-value"}}"#),
        "/v1/secret/data/html" => (200, "<html>canary-value</html>"),
        "/v1/secret/data/broken" => (500, r#"{"errors":["canary-value"]}"#),
        _ => (404, r#"{"errors":[]}"#),
    }
}

/// Its address, and the requests that came.
async fn vault() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let requests = requests.clone();
            tokio::spawn(async move {
                let mut text = String::new();
                let mut piece = [0; 4096];
                while !text.ends_with("\r\n\r\n") {
                    let read = stream.read(&mut piece).await.unwrap_or(0);
                    text.push_str(&String::from_utf8_lossy(&piece[..read]));
                    if read == 0 {
                        return;
                    }
                }
                let (status, body) = says(&text);
                requests.lock().unwrap().push(text);
                let head = format!(
                    "HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + body).as_bytes()).await;
            });
        }
    });
    (address, seen)
}

fn asking(address: &str, token: Option<&str>) -> VaultKv {
    let vault = HashiCorp {
        address: address.to_owned(),
        token: token.map(|token| Secret::new(token.to_owned())),
        namespace: Some("team".to_owned()),
        mount: "secret".to_owned(),
        ttl: Duration::from_secs(300),
    };
    VaultKv::new(vault, Http::new(Settings::default()).unwrap())
}

#[tokio::test]
async fn a_field_is_read_with_token_and_namespace() {
    let (address, seen) = vault().await;
    let vault = asking(&address, Some(TOKEN));
    let value = vault.read("apps/crm", "token").await.unwrap();
    assert_eq!(value.expose(), "canary-value");
    assert_eq!(vault.read("/a b/#c/", "x").await.unwrap().expose(), "odd");
    let first = seen.lock().unwrap()[0].to_ascii_lowercase();
    assert!(first.contains("x-vault-namespace: team\r\n"), "{first}");
    assert_eq!(vault.ttl(), Duration::from_secs(300));
}

#[tokio::test]
async fn each_reason_for_no_value_is_told_and_nothing_secret() {
    let (address, _) = vault().await;
    let asked = asking(&address, Some(TOKEN));
    for (path, field, part) in [
        ("apps/crm", "none", "no such field"),
        ("apps/crm", "port", "is not text"),
        ("nowhere", "x", "no secret at this path"),
        ("deleted", "x", "was deleted"),
        ("destroyed", "x", "was destroyed"),
        ("denied", "x", "refuses the token (403)"),
        ("sealed", "x", "is sealed"),
        ("standby", "x", "points elsewhere (307)"),
        ("v1", "token", "not that of a KV engine, version 2"),
        ("html", "x", "is not JSON"),
        ("broken", "x", "answers with 500"),
        ("../sys/seal", "x", "not a path of Vault"),
    ] {
        let why = asked.read(path, field).await.unwrap_err();
        assert!(why.contains(part), "{path}: {why}");
        assert!(!why.contains("canary"), "{why}");
    }
    let without = asking(&address, None).read("apps/crm", "token").await;
    assert!(without.unwrap_err().contains("403"));
    let away = asking("http://127.0.0.1:1", Some(TOKEN))
        .read("a", "b")
        .await;
    let away = away.unwrap_err();
    assert!(away.starts_with("cannot be read: asking Vault: "), "{away}");
    assert!(!format!("{:?}", asked.vault).contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let why = asking(&address, Some(TOKEN)).read("a", "b").await;
    assert!(why.unwrap_err().contains("does not answer in time"));
}
