//! How messages of a server get to the client.

use std::io;

use bytes::Bytes;
use crosspoint_net::Opened;
use futures_util::StreamExt;
use serde_json::{Value, json};
use sse_stream::SseStream;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// What is said to the client.
pub(super) type Out = mpsc::Sender<Bytes>;

/// Passes on each message of a stream.
pub(super) async fn relay(answer: Opened, out: &Out) -> Result<(), String> {
    let events = SseStream::from_bytes_stream(Box::pin(answer.chunks()));
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| format!("reading the server's answer: {error}"))?;
        if let Some(data) = event.data.filter(|data| !data.is_empty()) {
            let _ = out.send(one_line(data.as_bytes())).await;
        }
    }
    Ok(())
}

/// Writes messages, one a line.
pub(super) async fn write(
    mut messages: mpsc::Receiver<Bytes>,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    while let Some(message) = messages.recv().await {
        output.write_all(&message).await?;
        output.write_all(b"\n").await?;
        output.flush().await?;
    }
    Ok(())
}

/// Line breaks in JSON can only be white space.
pub(super) fn one_line(text: &[u8]) -> Bytes {
    let plain = |b: &u8| match b {
        b'\n' | b'\r' => b' ',
        b => *b,
    };
    text.iter().map(plain).collect::<Vec<u8>>().into()
}

/// That a request came to nothing.
pub(super) fn fault(id: Option<&str>, message: &str) -> Bytes {
    let error = json!({"code": -32603, "message": message});
    let id = id.map_or_else(String::new, |id| format!(r#""id":{id},"#));
    format!(r#"{{"jsonrpc":"2.0",{id}"error":{error}}}"#).into()
}

/// Why a server did not take a message.
pub(super) fn refusal(status: u16, body: &Bytes) -> String {
    let read = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let message = read["error"]["message"].as_str().unwrap_or_default();
    let hint = match status {
        401 | 403 => "; name the variable that holds its key with --api-key-env",
        _ => "",
    };
    format!("the server answers {status}: {message}{hint}")
}
