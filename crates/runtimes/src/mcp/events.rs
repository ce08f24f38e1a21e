//! Streams of events, in which servers elsewhere answer and notify.

use std::sync::Arc;

use bytes::Bytes;
use crosspoint_net::Opened;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use rmcp::transport::streamable_http_client::SseError;
use sse_stream::{Sse, SseStream};

use super::inbox::{Inbox, Taken};
use crate::process::Level;

/// The events of a stream as the library takes them.
pub(super) type Events = BoxStream<'static, Result<Sse, SseError>>;

/// The events of an answer, without what the library need not see. `longest`: how large one may be.
/// `id`: the request that they answer, if they do.
pub(super) fn events(opened: Opened, inbox: Arc<Inbox>, longest: usize, id: Option<i64>) -> Events {
    let mut size = EventSize::default();
    let chunks = opened.chunks().map_err(std::io::Error::other);
    let heard = inbox.clone();
    let chunks = chunks.map(move |chunk| {
        let chunk = chunk?;
        heard.hears();
        match size.add(&chunk) <= longest {
            true => Ok(chunk),
            false => Err(std::io::Error::other(TooLarge)),
        }
    });
    let events = SseStream::from_bytes_stream(chunks).map(move |event| match event {
        Ok(event) => Ok(take(&inbox, event)),
        Err(error) => match id.filter(|id| is_too_large(&error) && inbox.too_large(*id)) {
            Some(id) => Ok(Sse::default().data(nothing(id))),
            None => Err(error),
        },
    });
    events.boxed()
}

/// Takes what an event holds. Its id stays: the stream is resumed from there.
fn take(inbox: &Inbox, event: Sse) -> Sse {
    let Some(data) = &event.data else {
        return event;
    };
    let text = Bytes::copy_from_slice(data.as_bytes());
    let data = match inbox.take(&text) {
        Ok(Taken::Whole) => return event,
        Ok(Taken::Seen(id)) if !data.contains("\"tools\"") => Some(nothing(id)),
        Ok(Taken::Seen(_)) => return event,
        Ok(Taken::Nothing) => None,
        Err(_) if text.trim_ascii().is_empty() => None,
        Err(_) => {
            inbox.write(Level::Warning, "stream", data);
            None
        }
    };
    Sse { data, ..event }
}

/// What the library sees of an answer that was taken out.
fn nothing(id: i64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
}

/// How large the event is of which something has come.
#[derive(Default)]
struct EventSize {
    bytes: usize,
    /// Whether the line so far is empty.
    blank: bool,
}

// === impl EventSize ===

impl EventSize {
    /// Takes more of the stream; gives the size of the largest event in it so far.
    fn add(&mut self, chunk: &[u8]) -> usize {
        let mut largest = 0;
        for byte in chunk {
            self.bytes += 1;
            match byte {
                b'\n' if self.blank => self.bytes = 0,
                b'\n' => self.blank = true,
                b'\r' => {}
                _ => self.blank = false,
            }
            largest = largest.max(self.bytes);
        }
        largest
    }
}

/// An event is larger than a message may be.
#[derive(Debug, thiserror::Error)]
#[error("an event is too large")]
struct TooLarge;

fn is_too_large(error: &SseError) -> bool {
    let SseError::Body(error) = error else {
        return false;
    };
    let inner = error.downcast_ref::<std::io::Error>();
    inner.is_some_and(|error| error.get_ref().is_some_and(|inner| inner.is::<TooLarge>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_an_event_ends_with_its_blank_line() {
        let sizes = |chunks: &[&str]| {
            let mut size = EventSize::default();
            chunks
                .iter()
                .map(|c| size.add(c.as_bytes()))
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(&["data: 1\n\n", "data: 22\r\n\r\n"]), [8, 11]);
        assert_eq!(
            sizes(&["data: ", "more", "\n", "\n", "x"]),
            [6, 10, 11, 0, 1]
        );
    }
}
