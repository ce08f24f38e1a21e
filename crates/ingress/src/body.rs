//! Reads a request's body within limits.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

/// How much of a body that is too large is read and thrown away, so that the client gets to see
/// the answer instead of a broken connection.
const THROW_AWAY: usize = 64 * 1024 * 1024;

/// How long that may take.
const THROW_AWAY_TIME: Duration = Duration::from_secs(5);

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);

/// Why there is no body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// More than the limit.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The client broke off.
    Broken,
}

// === impl BodyError ===

impl BodyError {
    /// What the client is told. `limit` is in bytes.
    pub(crate) fn told(&self, limit: usize) -> (StatusCode, &'static str, String) {
        match self {
            BodyError::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "request_too_large",
                format!("the request body is larger than {limit} bytes (setting max_body)"),
            ),
            BodyError::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "the request body did not arrive in time".to_owned(),
            ),
            BodyError::Broken => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "the request body broke off".to_owned(),
            ),
        }
    }
}

/// The whole body, at most `limit` bytes. One that came in one piece is not copied.
pub(crate) async fn read(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let announced = body.size_hint().lower() as usize;
    if announced > limit {
        throw_away(body, 0).await;
        return Err(BodyError::TooLarge);
    }
    let until = Instant::now() + ARRIVAL;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = timeout_at(until, body.frame())
            .await
            .map_err(|_| BodyError::TooSlow)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
            continue;
        };
        let length = first.len().max(rest.len()) + data.len();
        if length > limit {
            drop((first, rest));
            throw_away(body, length).await;
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.reserve(announced.max(length));
            rest.extend_from_slice(&first);
            first = Bytes::new();
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

async fn throw_away(mut body: Body, mut seen: usize) {
    let until = Instant::now() + THROW_AWAY_TIME;
    while seen < THROW_AWAY
        && let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await
    {
        seen += frame.data_ref().map_or(0, Bytes::len);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    fn chunks(chunks: &[&'static str]) -> Body {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|c| Ok::<_, Infallible>(Bytes::from_static(c.as_bytes())))
            .collect();
        Body::from_stream(stream::iter(chunks))
    }

    #[tokio::test]
    async fn chunks_are_joined_up_to_the_limit() {
        assert_eq!(
            read(chunks(&["ab", "", "cd", "e"]), 5).await.unwrap(),
            "abcde"
        );
        assert_eq!(
            read(chunks(&["ab", "cd", "e"]), 4).await,
            Err(BodyError::TooLarge)
        );
        assert_eq!(read(Body::empty(), 0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn one_piece_is_not_copied() {
        let piece = Bytes::from_static(b"whole");
        let read = read(Body::from(piece.clone()), 10).await.unwrap();
        assert_eq!(read.as_ptr(), piece.as_ptr());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let endless = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        assert_eq!(read(endless, 10).await, Err(BodyError::TooSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn throwing_away_ends_when_the_client_only_drips() {
        let more = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"too much")) });
        let body = Body::from_stream(futures_util::StreamExt::chain(more, stream::pending()));
        assert_eq!(read(body, 3).await, Err(BodyError::TooLarge));
    }
}
