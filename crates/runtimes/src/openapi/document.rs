//! Reads the text of a document, within bounds.

use std::cell::Cell;

use serde_json::Value;

/// So many values a document may have, aliases of YAML followed. Large ones of public systems have some
/// hundred thousand.
const MOST_NODES: usize = 4_000_000;

/// So many values may come from aliases of YAML. A "billion laughs" ends here.
const MOST_ALIASED: usize = 200_000;

/// So many schemas are written out for all parameters together.
const MOST_SCHEMAS: usize = 200_000;

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
                expressions: Cell::new(MOST_EXPRESSIONS),
            }),
        }
    }
}

fn yaml(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MOST_NODES,
            max_events: 3 * MOST_NODES,
            max_depth: DEEPEST,
            max_documents: 1,
            max_recorded_anchor_events: MOST_ALIASED,
            max_total_scalar_bytes: 256 * 1024 * 1024,
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
    fn words_stay_words() {
        let document = Document::read(b"openapi: 3.1.0\nx: {on: yes, n: 0o17, y: no}\n").unwrap();
        assert_eq!(document.root["x"]["on"], "yes");
        assert_eq!(document.root["x"]["y"], "no");
    }
}
