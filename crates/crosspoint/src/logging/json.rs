//! The log for programs: one JSON object a line.

use std::fmt;
use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::LogMask;

/// The members that every line has.
const OURS: [&str; 3] = ["time", "level", "message"];

/// Writes events to standard error: `time`, `level` and `message`, then the fields of the event
/// and of the spans around it, each text masked before it is written. Of two equal names the inner
/// one counts.
pub struct Lines {
    mask: LogMask,
}

/// The fields of a span, or of an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

// === impl Lines ===

impl Lines {
    pub fn new(mask: LogMask) -> Lines {
        Lines { mask }
    }

    fn write(&self, line: &Map<String, Value>) {
        let mut text = Value::Object(line.clone()).to_string();
        text.push('\n');
        // There is nobody to tell that nobody can be told.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    fn masked(&self, value: Value) -> Value {
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let masked = self.mask.apply(&text);
        if masked == text { value } else { masked.into() }
    }

    fn line(&self, level: &str, fields: Fields) -> Map<String, Value> {
        let Fields(mut fields) = fields;
        let message = fields.remove("message").unwrap_or_else(|| "".into());
        let time = format!("{:.6}", Timestamp::now());
        let mut line = Map::from_iter([
            ("time".to_owned(), time.into()),
            ("level".to_owned(), level.into()),
            ("message".to_owned(), self.masked(message)),
        ]);
        for (mut name, value) in fields {
            if OURS.contains(&&*name) {
                name.push('_');
            }
            line.insert(name, self.masked(value));
        }
        line
    }
}

impl<S> Layer<S> for Lines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        // From the inside.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Fields(outer)) = span.extensions().get::<Fields>() {
                for (name, value) in outer {
                    let fields = &mut fields.0;
                    fields.entry(name).or_insert_with(|| value.clone());
                }
            }
        }
        let level = event.metadata().level().as_str();
        self.write(&self.line(level, fields));
    }
}

// === impl Fields ===

impl Fields {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        // What the bridge from the crate `log` adds is its own business.
        if !name.starts_with("log.") {
            let name = name.strip_prefix("r#").unwrap_or(name);
            self.0.insert(name.to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {

    use crosspoint_core::{Mask, WITHHELD};
    use serde_json::json;

    use super::*;

    fn line(secrets: &[&str], fields: Value) -> Value {
        let mask = Mask::new(secrets);
        let lines = Lines::new(LogMask::new(mask));
        let Value::Object(fields) = fields else {
            panic!("no object");
        };
        let mut line = lines.line("INFO", Fields(fields));
        assert!(line.remove("time").is_some());
        Value::Object(line)
    }

    #[test]
    fn every_text_is_masked_for_itself_and_numbers_too() {
        let secret = "se\"cr\\et\nword";
        let fields = json!({"message": format!("a {secret}"), "ms": 31415926, "ok": secret});
        let expected = json!({"level": "INFO", "message": "a ***", "ms": "***", "ok": "***"});
        assert_eq!(line(&[secret, "31415926"], fields), expected);
        let fields = json!({"message": "xy", "ms": 7});
        let expected = json!({"level": "INFO", "message": WITHHELD, "ms": 7});
        assert_eq!(line(&["xy"], fields), expected);
    }

    #[test]
    fn a_field_called_as_one_of_ours_has_another_name() {
        let fields = json!({"message": "m", "level": "high", "time": 1});
        let expected = json!({"level": "INFO", "message": "m", "level_": "high", "time_": 1});
        assert_eq!(line(&[], fields), expected);
    }
}
