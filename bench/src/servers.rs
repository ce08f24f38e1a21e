//! The servers that Crosspoint is put before or compared with. They do their one job and no more.

use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpSocket};

/// What the upstream always answers. The load generators look for [`MARK`] in each answer.
const ANSWER: &str = r#"{"mark":"upstream","id":7,"name":"Ada","tags":["guest","early"]}"#;

/// A piece of text that only the upstream's answer contains.
pub(crate) const MARK: &str = "\"upstream\"";

/// Thousands of connections arrive in the same instant.
const BACKLOG: u32 = 4096;

#[derive(Deserialize)]
struct Wait {
    ms: u64,
}

#[derive(Deserialize)]
struct Forward {
    url: String,
}

/// Small JSON answers: at once at `/` (GET and POST), after `ms` milliseconds at `/slow?ms=`.
pub(crate) fn upstream() -> Router {
    let at_once = get(async || json(ANSWER)).post(async || json(ANSWER));
    let slow = get(async |Query(wait): Query<Wait>| {
        tokio::time::sleep(Duration::from_millis(wait.ms)).await;
        json(ANSWER)
    });
    Router::new().route("/", at_once).route("/slow", slow)
}

/// The bare axum and reqwest forwarder: POST `{"url": …}` gets that URL and answers its bytes.
pub(crate) fn forwarder() -> Result<Router> {
    // Whoever came first installed the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .context("building the client")?;
    Ok(Router::new()
        .route("/", post(forward).get(async || "forwarder"))
        .with_state(client))
}

/// Answers what it was sent.
pub(crate) fn echo() -> Router {
    Router::new().route("/", post(async |body: Bytes| body).get(async || "echo"))
}

/// Serves on a free loopback port, and says on stdout which one.
pub(crate) async fn serve(router: Router) -> Result<()> {
    let listener = listen()?;
    println!(
        "listening on http://{}",
        listener.local_addr().context("reading the address")?
    );
    axum::serve(listener, router).await.context("serving")
}

fn listen() -> Result<TcpListener> {
    let socket = TcpSocket::new_v4().context("opening a socket")?;
    socket
        .bind(([127, 0, 0, 1], 0).into())
        .context("binding a loopback port")?;
    socket.listen(BACKLOG).context("listening")
}

async fn forward(
    State(client): State<reqwest::Client>,
    Json(request): Json<Forward>,
) -> Result<Response, (StatusCode, String)> {
    let failed = |error: reqwest::Error| (StatusCode::BAD_GATEWAY, error.to_string());
    let answer = client.get(request.url).send().await.map_err(failed)?;
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let body = answer.bytes().await.map_err(failed)?;
    let mut reply = Response::new(body.into());
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .extend(kind.map(|kind| (header::CONTENT_TYPE, kind)));
    Ok(reply)
}

fn json(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Serves in the background of a test; returns the URL.
#[cfg(test)]
pub(crate) async fn started(router: Router) -> String {
    let listener = listen().unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}
