//! Calls that are known to work, or to fail in a known way.
//!
//! The file is a JSON object of command ids, each with a list of samples:
//!
//! ```json
//! {
//!   "http/GetRequestV2": [
//!     {"arguments": {"url": "http://{{env:UPSTREAM}}/json"}, "result_schema": {"type": "object"}},
//!     {"arguments": {"url": "http://{{env:UPSTREAM}}/404"}, "expect": {"error_code": "HttpError404"}}
//!   ]
//! }
//! ```

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Samples by command.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<(String, Vec<Sample>)>);

/// One call and how it should end.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The arguments. In texts, `{{unique}}` becomes a text that no other call has, and
    /// `{{env:NAME}}` what the samples' reader puts in its place.
    #[serde(default)]
    pub arguments: Map<String, Value>,
    /// How the call should end. Default: with success.
    #[serde(default)]
    pub expect: Expect,
    /// JSON Schema (2020-12) of the result of a success.
    pub result_schema: Option<Value>,
    /// This call may be made though its command is not read-only. Default: false.
    #[serde(default)]
    pub effects: bool,
    /// How long the call may take, in milliseconds. Default: 30,000.
    #[serde(default = "half_a_minute")]
    pub deadline_ms: u64,
    /// The answer is one of SpiffArena's version 1: bare, without envelope. Default: false.
    #[serde(default)]
    pub version_1: bool,
}

/// How a call should end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// With a result.
    #[default]
    Success,
    /// With a result, or with a failure in good order.
    Anything,
    /// With a failure of this code.
    ErrorCode(String),
}

/// What keeps a text from being samples.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SamplesError {
    /// Not JSON, or not an object of lists.
    #[error("samples are a JSON object of command ids with lists of samples: {0}")]
    Form(String),
    /// One sample is wrong.
    #[error("sample {number} of {command}: {what}")]
    Sample {
        /// The command's id.
        command: String,
        /// Counted from 1.
        number: usize,
        /// Why.
        what: String,
    },
}

fn half_a_minute() -> u64 {
    30_000
}

// === impl Samples ===

impl Samples {
    /// No samples.
    pub fn none() -> Samples {
        Samples::default()
    }

    /// Reads a file's text. `lookup` gives what `{{env:NAME}}` stands for.
    pub fn parse(
        text: &str,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Samples, SamplesError> {
        let form = |error: serde_json::Error| SamplesError::Form(error.to_string());
        let file: Map<String, Value> = serde_json::from_str(text).map_err(form)?;
        let mut samples = Samples::default();
        for (command, list) in file {
            let list: Vec<Value> = serde_json::from_value(list).map_err(form)?;
            for (index, value) in list.into_iter().enumerate() {
                let wrong = |what: String| SamplesError::Sample {
                    command: command.clone(),
                    number: index + 1,
                    what,
                };
                let mut sample: Sample =
                    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
                for value in sample.arguments.values_mut() {
                    fill(value, &lookup).map_err(wrong)?;
                }
                samples.add(&command, sample);
            }
        }
        Ok(samples)
    }

    /// Adds a sample.
    pub fn add(&mut self, command: &str, sample: Sample) {
        match self.0.iter_mut().find(|(id, _)| id == command) {
            Some((_, list)) => list.push(sample),
            None => self.0.push((command.to_owned(), vec![sample])),
        }
    }

    /// Keeps the samples of the commands for which `keep` holds.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|(command, _)| keep(command));
    }

    /// The samples of a command.
    pub fn of(&self, command: &str) -> &[Sample] {
        let found = self.0.iter().find(|(id, _)| id == command);
        found.map(|(_, list)| list.as_slice()).unwrap_or_default()
    }

    /// All commands that there are samples of.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(id, _)| id.as_str())
    }
}

// === impl Sample ===

impl Sample {
    /// A call that should succeed.
    pub fn new(arguments: Map<String, Value>) -> Sample {
        Sample {
            arguments,
            expect: Expect::Success,
            result_schema: None,
            effects: false,
            deadline_ms: half_a_minute(),
            version_1: false,
        }
    }

    /// How long the call may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// The arguments with `unique` in its places.
    pub fn arguments(&self, unique: &str) -> Map<String, Value> {
        let mut arguments = self.arguments.clone();
        for value in arguments.values_mut() {
            for_each_text(value, &mut |text| *text = text.replace(UNIQUE, unique));
        }
        arguments
    }

    /// Whether two calls of it differ.
    pub fn has_unique(&self) -> bool {
        let mut found = false;
        for value in self.arguments.clone().values_mut() {
            for_each_text(value, &mut |text| found |= text.contains(UNIQUE));
        }
        found
    }
}

/// What stands for a text of each call's own.
pub(super) const UNIQUE: &str = "{{unique}}";

/// Replaces each `{{env:NAME}}` in the texts of a value.
fn fill(value: &mut Value, lookup: &impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let mut missing = None;
    for_each_text(value, &mut |text| {
        while let Some((before, rest)) = text.split_once("{{env:") {
            let Some((name, after)) = rest.split_once("}}") else {
                missing = Some("{{env: without }}".to_owned());
                return;
            };
            let Some(filled) = lookup(name) else {
                missing = Some(format!("{name} is not set"));
                return;
            };
            *text = format!("{before}{filled}{after}");
        }
    });
    missing.map_or(Ok(()), Err)
}

fn for_each_text(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| for_each_text(value, change)),
        Value::Object(map) => map
            .values_mut()
            .for_each(|value| for_each_text(value, change)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Samples, SamplesError> {
        let env = |name: &str| (name == "HOST").then(|| "127.0.0.1:1".to_owned());
        Samples::parse(text, env)
    }

    #[test]
    fn placeholders_are_filled_wherever_a_text_is() {
        let text = r#"{"a/B": [{"arguments": {"url": "http://{{env:HOST}}/", "x": [{"y": "{{unique}}"}]}}]}"#;
        let samples = parse(text).unwrap();
        let sample = &samples.of("a/B")[0];
        assert!(sample.has_unique());
        let arguments = Value::Object(sample.arguments("u1"));
        assert_eq!(
            arguments,
            json!({"url": "http://127.0.0.1:1/", "x": [{"y": "u1"}]})
        );
    }

    #[test]
    fn a_sample_expects_success_unless_it_says_otherwise() {
        let text = r#"{"a/B": [{}, {"expect": "anything"}, {"expect": {"error_code": "E"}}]}"#;
        let samples = parse(text).unwrap();
        let expected: Vec<_> = samples.of("a/B").iter().map(|s| &s.expect).collect();
        let code = Expect::ErrorCode("E".to_owned());
        assert_eq!(expected, [&Expect::Success, &Expect::Anything, &code]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, part) in [
            ("[]", "JSON object of command ids"),
            (r#"{"a/B": {}}"#, "JSON object of command ids"),
            (
                r#"{"a/B": [{}, {"arguements": {}}]}"#,
                "sample 2 of a/B: unknown field",
            ),
            (
                r#"{"a/B": [{"arguments": {"x": "{{env:NONE}}"}}]}"#,
                "NONE is not set",
            ),
            (
                r#"{"a/B": [{"arguments": {"x": "{{env:NONE"}}]}"#,
                "without }}",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
