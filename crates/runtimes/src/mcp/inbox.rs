//! What a server says, on its way to the library: answers that somebody waits for are taken out
//! here as they are, notifications become lines, and what has no place is dropped.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use crosspoint_core::Json;
use rmcp::model::{ErrorData, NumberOrString, ServerJsonRpcMessage, ServerResult};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::waiting::{Answer, Requests};
use crate::envelope::present;
use crate::process::{Allowance, Level, Lines, Origin, Piece};

/// How many requests of a server may be unanswered. Further ones are dropped.
const MOST_ASKED: usize = 64;

/// How much of an error is quoted that is none, in characters.
const QUOTED: usize = 200;

/// Where everything that a server says comes by.
pub(super) struct Inbox {
    pub(super) origin: Origin,
    pub(super) requests: Requests,
    /// Told when the server says that its tools have changed.
    pub(super) changed: Notify,
    /// When it said something last.
    heard: watch::Sender<Instant>,
    asked: AtomicUsize,
    lines: Mutex<Lines>,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nothing more has to be done about it.
    Nothing,
    /// The answer to this request was taken out. The library has to see that it is there, and no
    /// more.
    Seen(i64),
    /// The library has to see it.
    Whole,
}

/// The parts by which messages are told apart.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    /// `null` is a result, though none that can be used.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Progress {
    #[serde(rename = "progressToken")]
    token: Value,
    progress: Value,
    total: Option<Value>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct LogRecord {
    level: String,
    logger: Option<String>,
    data: Value,
}

// === impl Inbox ===

impl Inbox {
    /// `allowance` is what it may write to the log.
    pub(super) fn new(origin: Origin, allowance: Allowance) -> Inbox {
        Inbox {
            origin,
            requests: Requests::default(),
            changed: Notify::new(),
            heard: watch::Sender::new(Instant::now()),
            asked: AtomicUsize::new(0),
            lines: Mutex::new(Lines::new(allowance)),
        }
    }

    /// When the server said something last, and each time that it does.
    pub(super) fn heard(&self) -> watch::Receiver<Instant> {
        self.heard.subscribe()
    }

    /// The server said something, whatever it was.
    pub(super) fn hears(&self) {
        self.heard.send_replace(Instant::now());
    }

    /// We have answered a request of the server.
    pub(super) fn has_answered(&self) {
        let less = |asked: usize| Some(asked.saturating_sub(1));
        let _ = self
            .asked
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Takes a message. Fails with the reason when the text is none.
    pub(super) fn take(&self, text: &Bytes) -> Result<Taken, String> {
        let head: Head<'_> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        match (&head.method, head.id, head.result, head.error) {
            (Some(method), None, _, _) => Ok(self.notified(method, head.params)),
            (Some(_), Some(_), _, _) => {
                if self.asked.fetch_add(1, Ordering::Relaxed) >= MOST_ASKED {
                    self.has_answered();
                    return Ok(Taken::Nothing);
                }
                Ok(Taken::Whole)
            }
            // Some send both, one of them `null`.
            (None, Some(id), Some(result), error) if error.is_none() || result.get() != "null" => {
                match number(id.get()) {
                    Some(id) if self.requests.awaits(id) => {
                        let answer = Json::part(text, result).map_err(|error| error.to_string())?;
                        self.requests.answered(id, Answer::Result(answer.bytes()));
                        Ok(Taken::Seen(id))
                    }
                    _ => Ok(Taken::Whole),
                }
            }
            (None, None, None, Some(error)) => Ok(self.failed(error)),
            (None, Some(id), _, Some(error)) => Ok(self.refused(id, error)),
            _ => Err("it is neither a request nor a notification nor an answer".to_owned()),
        }
    }

    /// An answer was too long to be kept. Tells whether somebody waits for it.
    pub(super) fn too_large(&self, id: i64) -> bool {
        self.requests.answered(id, Answer::TooLarge)
    }

    /// An error without an id: the server could not read what it was sent.
    fn failed(&self, error: &RawValue) -> Taken {
        let error = serde_json::from_str::<ErrorData>(error.get());
        let Some((id, error)) = self.requests.only().zip(error.ok()) else {
            return Taken::Nothing;
        };
        match self.requests.answered(id, Answer::Error(error)) {
            true => Taken::Seen(id),
            false => Taken::Nothing,
        }
    }

    /// An error that names its request. One that is none is no reason to wait for another answer.
    fn refused(&self, id: &RawValue, error: &RawValue) -> Taken {
        if serde_json::from_str::<ErrorData>(error.get()).is_ok() {
            return Taken::Whole;
        }
        let text: String = error.get().chars().take(QUOTED).collect();
        let message = format!("the server reports an error that is none of JSON-RPC: {text}");
        let error = Answer::Error(ErrorData::internal_error(message, None));
        match number(id.get()) {
            Some(id) if self.requests.answered(id, error) => Taken::Seen(id),
            _ => Taken::Nothing,
        }
    }

    fn notified(&self, method: &str, params: Option<&RawValue>) -> Taken {
        match method {
            "notifications/progress" => self.progressed(params),
            "notifications/message" => self.logged(params),
            "notifications/tools/list_changed" => self.changed.notify_one(),
            "notifications/cancelled" | "notifications/subscriptions/acknowledged" => {
                return Taken::Whole;
            }
            // The rest is about things that we do not use.
            _ => {}
        }
        Taken::Nothing
    }

    fn progressed(&self, params: Option<&RawValue>) {
        let Some(said) = read::<Progress>(params) else {
            return;
        };
        let token = match &said.token {
            Value::String(text) => text.parse().ok(),
            token => token.as_i64(),
        };
        let Some(waiting) = token.and_then(|token| self.requests.of_token(token)) else {
            return;
        };
        waiting.add_progress(&said.line());
    }

    fn logged(&self, params: Option<&RawValue>) {
        let Some(said) = read::<LogRecord>(params) else {
            return;
        };
        let level = match said.level.as_str() {
            "debug" => Level::Debug,
            "info" | "notice" => Level::Info,
            "warning" => Level::Warning,
            _ => Level::Error,
        };
        let text = match said.data {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let source = said.logger.unwrap_or_else(|| "log".to_owned());
        self.write(level, &source, &text);
    }

    /// Writes lines of the log, as far as they do not come too fast.
    pub(super) fn write(&self, level: Level, source: &str, text: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut emit = |piece: Piece<'_>| match piece {
            Piece::Line(line) => self.origin.write(level, source, None, line),
            Piece::Dropped(bytes) => {
                let text = format!("({bytes} bytes more came too fast and were dropped)");
                self.origin.write(Level::Warning, source, None, &text);
            }
        };
        lines.feed(text.as_bytes(), now, &mut emit);
        lines.feed(b"\n", now, &mut emit);
    }
}

// === impl Progress ===

impl Progress {
    fn line(&self) -> String {
        let mut line = format!("progress {}", self.progress);
        if let Some(total) = &self.total {
            line.push_str(&format!(" of {total}"));
        }
        if let Some(message) = self.message.as_deref().filter(|text| !text.is_empty()) {
            line.push_str(&format!(": {message}"));
        }
        line
    }
}

fn read<T: for<'de> Deserialize<'de>>(params: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(params?.get()).ok()
}

/// What the library sees of an answer that was taken out.
pub(super) fn seen(id: i64) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::response(ServerResult::empty(()), NumberOrString::Number(id))
}

/// The number of an id; some servers spell ours as text.
pub(super) fn number(id: &str) -> Option<i64> {
    id.trim().trim_matches('"').parse().ok()
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
