//! The commands.

use crosspoint_core::{Context, Execute, Failure, Json, Outcome, Safety};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::field::display;

use super::Connector;

/// How much of a text a line of the log holds, in characters.
const LONGEST: usize = 8000;

/// Under which name the lines can be chosen by the log's filter.
macro_rules! line {
    ($level:ident, $($rest:tt)+) => {
        tracing::event!(
            target: "crosspoint::connector::logging",
            tracing::Level::$level,
            $($rest)+
        )
    };
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Level {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

/// Writes a line to the log and answers with what it was given.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Write {
    /// The line. Line breaks in it are written as `\n`.
    message: String,
    /// How much it matters; `info` when absent.
    level: Option<Level>,
    /// Names and values that belong to it.
    fields: Option<Map<String, Value>>,
}

/// Writes a line of the level `trace`, which is usually not shown, and answers with what it was
/// given.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Trace {
    /// Names and values to write.
    fields: Option<Map<String, Value>>,
}

/// What was logged.
#[derive(Serialize)]
struct Echo {
    message: String,
    level: &'static str,
    fields: Map<String, Value>,
}

// === impl Write ===

impl Execute<Connector> for Write {
    const NAME: &'static str = "Write";
    const SAFETY: Safety = Safety::Idempotent;

    async fn execute(self, _: &Connector, _: &Context) -> Result<Outcome, Failure> {
        let (message, fields) = (one_line(&self.message), self.fields.unwrap_or_default());
        let text = text(&fields);
        let text = text.as_deref().map(display);
        let level = match self.level.unwrap_or_default() {
            Level::Debug => {
                line!(DEBUG, fields = text, "{message}");
                "debug"
            }
            Level::Info => {
                line!(INFO, fields = text, "{message}");
                "info"
            }
            Level::Warn => {
                line!(WARN, fields = text, "{message}");
                "warn"
            }
            Level::Error => {
                line!(ERROR, fields = text, "{message}");
                "error"
            }
        };
        let message = self.message;
        answer(Echo {
            message,
            level,
            fields,
        })
    }
}

// === impl Trace ===

impl Execute<Connector> for Trace {
    const NAME: &'static str = "Trace";
    const SAFETY: Safety = Safety::Idempotent;

    async fn execute(self, _: &Connector, _: &Context) -> Result<Outcome, Failure> {
        let message = "A process was here.";
        let fields = self.fields.unwrap_or_default();
        let text = text(&fields);
        line!(TRACE, fields = text.as_deref().map(display), "{message}");
        answer(Echo {
            message: message.to_owned(),
            level: "trace",
            fields,
        })
    }
}

fn answer(echo: Echo) -> Result<Outcome, Failure> {
    let json = Json::of(&echo);
    let json = json.map_err(|error| Failure::arguments(format!("writing the answer: {error}")))?;
    Ok(Outcome::json(json))
}

/// The fields as one line of JSON, if there are some.
fn text(fields: &Map<String, Value>) -> Option<String> {
    let json = serde_json::to_string(fields).ok()?;
    (!fields.is_empty()).then(|| one_line(&json))
}

/// The text without anything that would begin a line of its own or move a terminal's cursor, so
/// that nobody forges lines of the log.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars().take(LONGEST) {
        match c {
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                line.extend(c.escape_default());
            }
            c => line.push(c),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}
