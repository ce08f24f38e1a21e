//! An MCP server that is given by its command line, its program or its address.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use crosspoint_broker::profiles::{Definition, ProfileId, Source, Written};
use crosspoint_core::Secret;
use crosspoint_net::{Http, Request};
use futures_util::StreamExt;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::config::Loaded;
use crate::config::mcp::{McpConnector, McpServer};
use crate::config::mounted::Entry;

/// What the connector is called.
pub(super) const NAME: &str = "mcp";

/// How long an address may take to show what it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of an answer is looked at for that, in bytes.
const ENOUGH: usize = 64 * 1024;

/// The greeting by which a server is recognised.
const GREETING: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"crosspoint","version":"check"}}}"#;

/// Adds the server that a command line starts to the configuration.
pub(super) fn mount_command(command: &[String], loaded: &mut Loaded) {
    mount(McpServer::Command(command.to_vec()), loaded);
}

/// Adds the server at an address to the configuration, and the key as its account.
pub(super) fn mount_url(url: &str, key: Option<Secret<String>>, loaded: &mut Loaded) -> Result<()> {
    let url = url.parse();
    let url = url.map_err(|wrong| anyhow::anyhow!("{wrong}"))?;
    mount(McpServer::Url(url), loaded);
    if let Some(key) = key {
        let mut account = Definition::new(ProfileId::new(NAME, "check"), Written::File);
        account
            .secrets
            .insert("access_token".to_owned(), Source::Value(key));
        loaded.profiles.push(account);
    }
    Ok(())
}

fn mount(server: McpServer, loaded: &mut Loaded) {
    let entry = Entry::Mcp(Box::new(McpConnector::of(server)));
    let mounted = &mut loaded.config.connectors.mounted;
    mounted.insert(NAME.to_owned(), entry);
}

/// Whether a path is that of a program, and no Python connector.
pub(super) fn is_program(what: &str) -> bool {
    let path = Path::new(what);
    let runs = path
        .metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    runs && what.contains('/') && path.extension().is_none_or(|end| end != "py")
}

/// Whether what is at an address answers MCP's greeting: with JSON-RPC, whatever that says.
pub(super) async fn answers(
    client: &Http,
    url: &Url,
    key: Option<&Secret<String>>,
) -> Result<bool> {
    let ask = |method: Method| {
        let mut request = Request::new(method, url.as_str(), Instant::now() + PATIENCE);
        if let Some(key) = key {
            request.set_header("authorization", &format!("Bearer {}", key.expose()))?;
        }
        anyhow::Ok(request)
    };
    let mut request = ask(Method::POST)?;
    let both = HeaderValue::from_static("application/json, text/event-stream");
    request.headers.insert(ACCEPT, both);
    request
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.body = Some(GREETING.into());
    let Ok(opened) = client.open(request).await else {
        // What cannot be reached fails the first test of a proxy, which says why.
        return Ok(false);
    };
    let session = opened.headers.get("mcp-session-id").cloned();
    let mut chunks = Box::pin(opened.chunks());
    let mut seen = Vec::new();
    let speaks = |seen: &[u8]| {
        let text = String::from_utf8_lossy(seen);
        text.contains("\"jsonrpc\"")
    };
    let reading = async {
        while seen.len() < ENOUGH && !speaks(&seen) {
            match chunks.next().await {
                Some(Ok(chunk)) => seen.extend_from_slice(&chunk),
                Some(Err(_)) | None => break,
            }
        }
    };
    // What is slow to show it does not.
    let _ = timeout(PATIENCE, reading).await;
    if let Some(session) = session {
        let mut request = ask(Method::DELETE)?;
        request.headers.insert("mcp-session-id", session);
        // It ends by itself otherwise.
        let _ = client.send(request).await;
    }
    Ok(speaks(&seen))
}
