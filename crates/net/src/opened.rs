//! An answer whose body is still to come.

use std::fmt;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::HeaderMap;
use tokio::time::Instant;

use crate::error::{About, NetError};
use crate::read;

/// The head of an answer, whatever its status, and the way to its body. Dropping it breaks it off.
pub struct Opened {
    /// The status, 100 to 599 and beyond.
    pub status: u16,
    /// The headers. When the body is decompressed, `content-encoding` and `content-length` are gone.
    pub headers: HeaderMap,
    pub(crate) answer: reqwest::Response,
    pub(crate) about: About,
}

// === impl Opened ===

impl Opened {
    /// The whole body, at most `limit` bytes after decompression, until `deadline`.
    pub async fn read(mut self, limit: usize, deadline: Instant) -> Result<Bytes, NetError> {
        read::body(&mut self.answer, limit, deadline, &self.about).await
    }

    /// The body in pieces, as they come. Nobody limits how many or how long that takes. An error is the
    /// last of them.
    pub fn chunks(self) -> impl Stream<Item = Result<Bytes, NetError>> + Send + 'static {
        stream::unfold(Some((self.answer, self.about)), |left| async {
            let (mut answer, about) = left?;
            match answer.chunk().await {
                Ok(Some(chunk)) => Some((Ok(chunk), Some((answer, about)))),
                Ok(None) => None,
                Err(error) => Some((Err(NetError::reading(error, &about)), None)),
            }
        })
    }
}

/// Bodies and headers are other people's data: debug output shows their size.
impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}
