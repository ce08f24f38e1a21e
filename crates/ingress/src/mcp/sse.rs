//! Server-sent events: messages as they come, each on one line.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::time::timeout;

use super::reply::Text;

/// How often something is sent at the least, so that nobody on the way takes the connection for dead.
const ALIVE: Duration = Duration::from_secs(15);

/// Nothing, but sent.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

pub(crate) const MIME: &str = "text/event-stream";

/// Tells proxies not to keep anything back.
static BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// An answer that goes on as long as there are messages.
pub(crate) fn response(messages: impl Stream<Item = Text> + Send + 'static) -> Response {
    let messages = Box::pin(messages);
    let pieces = stream::unfold(messages, |mut messages| async {
        match timeout(ALIVE, messages.next()).await {
            Ok(Some(message)) => Some((event(message), messages)),
            Ok(None) => None,
            Err(_) => Some((vec![COMMENT], messages)),
        }
    });
    // The client learns at once that there is an answer.
    let pieces = stream::iter([vec![COMMENT]]).chain(pieces);
    let pieces = pieces.flat_map(stream::iter).map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MIME));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(&BUFFERING, HeaderValue::from_static("no"));
    response
}

fn event(message: Text) -> Vec<Bytes> {
    let mut pieces = vec![Bytes::from_static(b"event: message\ndata: ")];
    pieces.extend(message.on_one_line());
    pieces.push(Bytes::from_static(b"\n\n"));
    pieces
}
