//! Expressions, `${…}`: where an engine finds one in the outputs of a task, it does not take the result.

use std::ops::Range;

/// Whether an engine finds an expression in a text.
pub fn is_expression(text: &str) -> bool {
    let rest = text.split_once("${").map(|(_, rest)| rest);
    rest.is_some_and(|rest| rest.contains('}'))
}

/// A text with a space in each `${`, so that no engine finds an expression.
pub fn escaped(text: &str) -> String {
    text.replace("${", "$ {")
}

/// Whether an engine finds an expression in a value that it parses: in the texts of an object, its
/// names apart. It does not look into a list.
pub fn json_has_expression(text: &str) -> bool {
    // Most values have none, and need not be looked through. JSON may spell the two characters otherwise.
    let may = text.contains("${") || text.contains("\\u");
    may && !text.starts_with('[') && texts(text).any(|token| is_expression_token(&text[token]))
}

/// The same value with a space in each `${`, all else as it is spelled. None: a text within is none that
/// can be read.
pub fn escaped_json(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut done = 0;
    for token in texts(text) {
        if !is_expression_token(&text[token.clone()]) {
            continue;
        }
        let content: String = serde_json::from_str(&text[token.clone()]).ok()?;
        out.push_str(&text[done..token.start]);
        out.push_str(&serde_json::to_string(&escaped(&content)).ok()?);
        done = token.end;
    }
    out.push_str(&text[done..]);
    Some(out)
}

fn is_expression_token(token: &str) -> bool {
    match serde_json::from_str::<String>(token) {
        Ok(content) => is_expression(&content),
        // Half of a pair of escapes: engines may take what we do not.
        Err(_) => {
            let plain = |text: String, (spelled, is): (&str, &str)| text.replace(spelled, is);
            let spelled = [("\\u0024", "$"), ("\\u007b", "{"), ("\\u007d", "}")];
            is_expression(
                spelled
                    .into_iter()
                    .fold(token.to_lowercase(), plain)
                    .as_str(),
            )
        }
    }
}

/// Where the texts of JSON are, with their quotes; the names of fields apart.
fn texts(json: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = json.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + bytes[at..].iter().position(|b| *b == b'"')?;
            let mut end = start + 1;
            while *bytes.get(end)? != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            at = end + 1;
            let mut after = bytes[at..].iter();
            if after.find(|b| !b.is_ascii_whitespace()) != Some(&b':') {
                return Some(start..at);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_found_as_the_engine_finds_them() {
        for text in ["${x}", "a ${} b", "${ ${x}", "x${a\nb}"] {
            assert!(is_expression(text), "{text}");
        }
        for text in ["${x", "$ {x}", "{x}", "$x", "} ${"] {
            assert!(!is_expression(text), "{text}");
        }
    }

    #[test]
    fn in_an_object_every_text_counts_and_no_name_does() {
        for json in [
            r#"{"a": ["x", {"b": "\u0024{x}"}]}"#,
            r#"{"n": 1e400, "a": "${x}"}"#,
            r#"{"half": "\ud800", "a": "${x}"}"#,
            r#"{"a": "\ud800 \u0024\u007Bx\u007D"}"#,
            r#"{"quote\"": "\"${x}\\"}"#,
            r#""${x}""#,
        ] {
            assert!(json_has_expression(json), "{json}");
        }
        for json in [
            r#"{"${a}": "x"}"#,
            r#"{"${a}" : {"${b}"
                :1}}"#,
            r#"{"a": "${x", "b": "y}"}"#,
            r#"{"a": "\\u0024{x}"}"#,
            r#"["${x}"]"#,
            "5",
        ] {
            assert!(!json_has_expression(json), "{json}");
        }
    }

    #[test]
    fn an_expression_is_made_harmless_and_all_else_stays_as_it_is_spelled() {
        assert_eq!(
            escaped_json(r#"{"a": ["${x}", 1.50], "b": "${", "${k}": 1e400, "c": "\u0024{\"}"}"#)
                .unwrap(),
            r#"{"a": ["$ {x}", 1.50], "b": "${", "${k}": 1e400, "c": "$ {\"}"}"#
        );
        assert_eq!(escaped_json(r#"{"a": "\ud800${x}"}"#), None);
    }
}
