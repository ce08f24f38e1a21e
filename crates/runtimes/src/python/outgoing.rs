//! Frames on their way to a worker.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::Notify;

/// Writes frames in the order they were given. Whoever sends writes at once as much as the socket
/// takes, without a change of task; only what is left over waits for [`Outgoing::pump`].
pub(super) struct Outgoing {
    socket: OwnedWriteHalf,
    waiting: Mutex<VecDeque<Frame>>,
    more: Notify,
}

/// What is left of a frame.
struct Frame {
    /// The request's id; notifications have none.
    id: Option<u64>,
    rest: Bytes,
    begun: bool,
}

// === impl Outgoing ===

impl Outgoing {
    pub(super) fn new(socket: OwnedWriteHalf) -> Outgoing {
        Outgoing {
            socket,
            waiting: Mutex::default(),
            more: Notify::new(),
        }
    }

    /// Sends a frame. What cannot be written because the worker is gone stays where
    /// [`Outgoing::take_back`] finds it.
    pub(super) fn send(&self, id: Option<u64>, rest: Bytes) {
        let mut waiting = self.lock();
        let first = waiting.is_empty();
        let begun = false;
        waiting.push_back(Frame { id, rest, begun });
        if first && matches!(self.write(&mut waiting), Ok(false)) {
            self.more.notify_one();
        }
    }

    /// Takes out a request of which nothing was written yet, and tells whether there was one.
    pub(super) fn take_back(&self, id: u64) -> bool {
        let mut waiting = self.lock();
        let at = waiting
            .iter()
            .position(|frame| frame.id == Some(id) && !frame.begun);
        at.and_then(|at| waiting.remove(at)).is_some()
    }

    /// Writes what is left over whenever the socket takes more. Ends with the socket: the side that
    /// reads learns of that as well, and ends the worker.
    pub(super) async fn pump(&self) -> io::Result<()> {
        loop {
            self.more.notified().await;
            loop {
                self.socket.writable().await?;
                if self.write(&mut self.lock())? {
                    break;
                }
            }
        }
    }

    /// Writes as much as the socket takes; tells whether that was everything.
    fn write(&self, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        while let Some(frame) = waiting.front_mut() {
            match self.socket.try_write(&frame.rest) {
                Ok(written) => {
                    frame.begun |= written > 0;
                    frame.rest.advance(written);
                    if frame.rest.is_empty() {
                        waiting.pop_front();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Frame>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::UnixStream;

    use super::*;

    /// More than a socket takes at once.
    const LARGE: usize = 4 * 1024 * 1024;

    fn pair() -> (Outgoing, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Outgoing::new(ours.into_split().1), theirs)
    }

    fn frame(byte: u8, length: usize) -> Bytes {
        vec![byte; length].into()
    }

    #[tokio::test]
    async fn frames_arrive_whole_and_in_order() {
        let (out, mut theirs) = pair();
        for (id, byte) in (0..).zip(*b"abc") {
            out.send(Some(id), frame(byte, LARGE));
        }
        let mut seen = vec![0; 3 * LARGE];
        tokio::select! {
            result = theirs.read_exact(&mut seen) => drop(result.unwrap()),
            result = out.pump() => result.unwrap(),
        }
        assert!(
            seen.chunks(LARGE)
                .zip(*b"abc")
                .all(|(part, byte)| part.iter().all(|b| *b == byte))
        );
    }

    #[tokio::test]
    async fn what_was_not_begun_can_be_taken_back() {
        let (out, mut theirs) = pair();
        // Until the reactor has said so, nothing is taken for writable.
        out.socket.writable().await.unwrap();
        out.send(Some(1), frame(b'a', LARGE));
        out.send(Some(2), frame(b'b', 1));
        assert!(!out.take_back(1), "a part of it is written");
        assert!(out.take_back(2));
        assert!(!out.take_back(2));
        out.send(Some(3), frame(b'c', 1));
        let mut seen = vec![0; LARGE + 1];
        tokio::select! {
            result = theirs.read_exact(&mut seen) => drop(result.unwrap()),
            result = out.pump() => result.unwrap(),
        }
        assert_eq!(seen[LARGE], b'c');
    }

    #[tokio::test]
    async fn the_end_of_the_socket_is_the_end_of_the_pump() {
        let (out, theirs) = pair();
        out.send(Some(1), frame(b'a', LARGE));
        drop(theirs);
        assert!(out.pump().await.is_err());
        // Nothing writes it any more, so that its request is known to be unread.
        out.send(Some(2), frame(b'b', 1));
        assert!(out.take_back(2));
    }
}
