//! Reads the text of a document, within bounds.

use std::cell::Cell;

use serde_json::Value;

/// So many values a document may have, names of members counted and aliases of YAML followed. Large ones
/// of public systems have a million; an object with one member takes half a kilobyte.
const MOST_NODES: usize = 2_000_000;

/// So many values may come from aliases of YAML. A "billion laughs" ends here.
const MOST_ALIASED: usize = 200_000;

/// So many bytes of text aliases of YAML may add to a document.
const MOST_ALIASED_TEXT: usize = 32 * 1024 * 1024;

/// The stack for reading YAML that is nested as deep as it may be: builds without optimisation take some
/// 20 KiB for each level.
const STACK: usize = 16 * 1024 * 1024;

/// So many schemas are written out for all parameters together.
const MOST_SCHEMAS: usize = 200_000;

/// So many parameters are looked at, those of operations included that are then left out.
const MOST_LOOKED_AT: usize = 300_000;

/// So many bytes of text and values are taken from a document into commands: one value may be referred to
/// from everywhere.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// So many expressions for answers count. They take memory while the document is mounted.
const MOST_EXPRESSIONS: usize = 200;

/// How deep it may be nested.
const DEEPEST: usize = 120;

/// An OpenAPI document of a version that is understood.
pub struct Document {
    /// All of it.
    pub(super) root: Value,
    /// Whether schemas are those of 3.0 (`nullable`, boolean `exclusiveMinimum`).
    pub(super) is_3_0: bool,
    /// How many schemas may still be written out for all parameters together: documents refer to a few
    /// schemas from everywhere.
    pub(super) left: Cell<usize>,
    /// How many parameters may still be looked at.
    looks: Cell<usize>,
    /// How many bytes may still be taken into commands. Nothing: more was asked for.
    bytes: Cell<Option<usize>>,
    /// How many expressions for answers may still be read.
    pub(super) expressions: Cell<usize>,
}

// === impl Document ===

impl Document {
    /// Reads JSON or YAML. Fails with a clause about the document.
    pub fn read(text: &[u8]) -> Result<Document, String> {
        let text = std::str::from_utf8(text).map_err(|_| "is not UTF-8 text".to_owned())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root = match text.trim_start().as_bytes().first() {
            None => return Err("is empty".to_owned()),
            Some(b'{') if has_more_values(text, MOST_NODES) => {
                return Err(format!("has more than {MOST_NODES} values"));
            }
            Some(b'{') => {
                serde_json::from_str(text).map_err(|error| format!("is no valid JSON: {error}"))?
            }
            Some(b'<') => return Err("is a web page, not an OpenAPI document".to_owned()),
            Some(_) => yaml(text)?,
        };
        Document::of(root)
    }

    fn of(root: Value) -> Result<Document, String> {
        if root.get("swagger").is_some() {
            return Err(
                "is of Swagger 2.0: convert it to OpenAPI 3 (https://converter.swagger.io)"
                    .to_owned(),
            );
        }
        // YAML has 3.1 as a number.
        let version = match root.get("openapi") {
            Some(Value::String(version)) => version.clone(),
            Some(Value::Number(version)) => version.to_string(),
            _ => {
                return Err(
                    "does not say `openapi: 3.0.x` or `3.1.x`: is it an OpenAPI document?"
                        .to_owned(),
                );
            }
        };
        let is = |wanted: &str| version == wanted || version.starts_with(&format!("{wanted}."));
        match (is("3.0"), is("3.1")) {
            (false, false) => Err(format!(
                "is of version {}; 3.0 and 3.1 are understood",
                crosspoint_core::shorten(&version)
            )),
            (is_3_0, _) => Ok(Document {
                root,
                is_3_0,
                left: Cell::new(MOST_SCHEMAS),
                looks: Cell::new(MOST_LOOKED_AT),
                bytes: Cell::new(Some(MOST_BYTES)),
                expressions: Cell::new(MOST_EXPRESSIONS),
            }),
        }
    }

    /// Counts bytes that a command takes from it, and says whether it may.
    pub(super) fn takes(&self, bytes: usize) -> bool {
        let left = self.bytes.get().and_then(|left| left.checked_sub(bytes));
        self.bytes.set(left);
        left.is_some()
    }

    /// Counts a parameter that is looked at.
    pub(super) fn looks(&self) {
        self.looks.set(self.looks.get().saturating_sub(1));
    }

    /// Why no more operations are read, as a clause: one that is not complete is no command.
    pub(super) fn exhausted(&self) -> Option<&'static str> {
        if self.bytes.get().is_none() {
            return Some("all together take more than 64 MiB of text and values");
        }
        (self.looks.get() == 0).then_some("more than 300,000 parameters would have to be looked at")
    }
}

/// About so many bytes a value takes.
pub(super) fn size(value: &Value) -> usize {
    const EACH: usize = 8;
    EACH + match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(size).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, one)| name.len() + size(one))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Whether JSON text has more values than `most`, names of members counted: each stands behind one of
/// `[{:,`. It costs less than to find out by building them.
fn has_more_values(text: &str, most: usize) -> bool {
    let (mut values, mut quoted, mut escaped) = (1, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'[' | b'{' | b':' | b',' if !quoted => values += 1,
            _ => {}
        }
    }
    values > most
}

/// Reads YAML on a stack that suffices however deep it is.
fn yaml(text: &str) -> Result<Value, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let reading = thread.spawn_scoped(scope, || parsed(text));
        let reading = reading.map_err(|error| format!("cannot be read: {error}"))?;
        let broken = |_| Err("cannot be read: it breaks the reader".to_owned());
        reading.join().unwrap_or_else(broken)
    })
}

fn parsed(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MOST_NODES,
            max_events: 3 * MOST_NODES,
            max_depth: DEEPEST,
            max_documents: 1,
            max_recorded_anchor_events: MOST_ALIASED,
            max_total_scalar_bytes: text.len() + MOST_ALIASED_TEXT,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_ALIASED,
        },
        // `yes` and `on` are words in YAML 1.2.
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        format!(
            "is no YAML that can be read: {}",
            crosspoint_core::shorten(line)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Document::read(text.as_bytes()).err().unwrap_or_default()
    }

    #[test]
    fn json_and_yaml_of_both_versions_are_read() {
        for (text, is_3_0) in [
            ("{\"openapi\": \"3.0.3\", \"paths\": {}}", true),
            ("\u{feff}openapi: 3.1.0\npaths: {}\n", false),
            ("openapi: 3.1\n", false),
            ("# comment\nopenapi: \"3.0\"\n", true),
        ] {
            assert_eq!(
                Document::read(text.as_bytes()).unwrap().is_3_0,
                is_3_0,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_such_document_is_said() {
        for (text, clause) in [
            ("", "is empty"),
            ("{\"openapi\": ", "no valid JSON"),
            ("<html>", "a web page"),
            ("swagger: \"2.0\"", "Swagger 2.0"),
            ("openapi: 4.0.0", "is of version 4.0.0"),
            ("title: x", "does not say"),
            ("a: [b", "no YAML"),
            ("- 3.0.0", "does not say"),
        ] {
            let error = error(text);
            assert!(error.contains(clause), "{text}: {error}");
        }
        assert!(Document::read(b"\xff\xfe").is_err());
    }

    #[test]
    fn bombs_end_before_they_have_grown() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..10 {
            let aliases = vec![format!("*a{}", n - 1); 9].join(", ");
            bomb.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
        }
        assert!(
            error(&bomb).contains("no YAML that can be read"),
            "{}",
            error(&bomb)
        );
        let deep = format!("a: {}", "[".repeat(100_000));
        assert!(!error(&deep).is_empty());
        let deep = "{\"a\":".repeat(100_000);
        assert!(error(&deep).contains("no valid JSON"));
    }

    #[test]
    fn yaml_as_deep_as_it_may_be_is_read_and_deeper_is_refused() {
        let nested = |levels: usize| {
            let levels = (1..levels).map(|n| format!("{}a:\n", " ".repeat(n)));
            format!("openapi: 3.0.0\nx:\n{}", levels.collect::<String>())
        };
        assert!(Document::read(nested(DEEPEST - 2).as_bytes()).is_ok());
        assert!(error(&nested(DEEPEST + 2)).contains("no YAML"));
    }

    #[test]
    fn json_has_no_more_values_than_count() {
        let json = |values: usize| {
            let list = vec!["1"; values].join(",");
            format!("{{\"openapi\":\"3.0.0\",\"x\":[{list}]}}")
        };
        assert!(error(&json(MOST_NODES)).contains("more than 2000000 values"));
        assert!(Document::read(json(1000).as_bytes()).is_ok());
    }

    #[test]
    fn values_are_counted_and_not_the_signs_within_text() {
        let text = r#"{"a{,": [1, {"b": "\\\",[:\\"}], "c": {}}"#;
        // The object, its members' names and values, and one for `{}` within.
        let values = 10;
        assert!(!has_more_values(text, values) && has_more_values(text, values - 1));
    }

    #[test]
    fn words_stay_words() {
        let document = Document::read(b"openapi: 3.1.0\nx: {on: yes, n: 0o17, y: no}\n").unwrap();
        assert_eq!(document.root["x"]["on"], "yes");
        assert_eq!(document.root["x"]["y"], "no");
    }
}
