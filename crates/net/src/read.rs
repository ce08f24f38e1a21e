//! Reading the body of an answer, within its limits.

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, timeout_at};

use crate::error::{About, NetError, NetErrorKind};

/// Reads a body, at most `limit` bytes after decompression, until `deadline`. A body that comes
/// in one piece is not copied.
pub(crate) async fn body(
    answer: &mut reqwest::Response,
    limit: usize,
    deadline: Instant,
    about: &About,
) -> Result<Bytes, NetError> {
    // Known only when nothing is decompressed, and when there is a body: the answer to a HEAD
    // request may announce what it does not bring.
    let announced = answer.content_length().unwrap_or_default();
    if announced > limit as u64 {
        return Err(too_large(limit, about));
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(chunk) = next(answer, deadline, about).await? {
        if chunk.len() > limit - first.len().max(all.len()) {
            return Err(too_large(limit, about));
        }
        if first.is_empty() && all.is_empty() {
            first = chunk;
            continue;
        }
        // Copied rather than kept in pieces: a server that sends single bytes would make us keep
        // a buffer for each.
        if all.is_empty() {
            all.reserve((announced as usize).max(first.len() + chunk.len()));
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&chunk);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

async fn next(
    answer: &mut reqwest::Response,
    deadline: Instant,
    about: &About,
) -> Result<Option<Bytes>, NetError> {
    // A body that is always ready would otherwise never see its deadline.
    if Instant::now() >= deadline {
        return Err(NetError::read_timeout(&about.origin));
    }
    match timeout_at(deadline, answer.chunk()).await {
        Ok(chunk) => chunk.map_err(|error| NetError::reading(error, about)),
        Err(_) => Err(NetError::read_timeout(&about.origin)),
    }
}

fn too_large(limit: usize, about: &About) -> NetError {
    let message = format!(
        "the answer of {} is larger than {limit} bytes",
        about.origin
    );
    NetError::new(NetErrorKind::AnswerTooLarge, message)
}
