//! The line of a syntax error with a caret under it, without the secrets that may stand there.
//!
//! Text that is not TOML cannot be told apart into keys and values, so the rule is by words: a
//! line is shown as it is when it begins with a key that is no secret; in any other line only the
//! words that the configuration knows are.

use std::collections::BTreeSet;

use crosspoint_core::{MASKED, is_sensitive_name};
use serde_json::Value;

use super::schema;

/// Two lines: `3 | text`, and carets under the columns from `column` on (counted from 1).
pub fn excerpt(text: &str, line: usize, column: usize, width: usize) -> String {
    let (shown, column, width) = if is_open(text) {
        (text.to_owned(), column, width)
    } else {
        masked(text, column, width)
    };
    let room = (shown.chars().count() + 1).saturating_sub(column).max(1);
    let carets = "^".repeat(width.clamp(1, room));
    let gutter = " ".repeat(line.to_string().len());
    format!(
        "{line} | {shown}\n{gutter} | {}{carets}",
        " ".repeat(column - 1)
    )
}

/// Whether a line sets one key, which is no secret.
fn is_open(line: &str) -> bool {
    let Some((before, after)) = line.split_once('=') else {
        return false;
    };
    let name = before.trim().rsplit('.').next().unwrap_or_default();
    let known = schema::keys();
    let named = |key: &schema::Key<'_>| key.name.rsplit('.').next() == Some(name);
    known
        .iter()
        .any(|key| named(key) && !schema::is_secret(key.schema))
        // The policy of a connector has a `key`, and so has an API key with a name.
        && !is_sensitive_name(name)
        // A URL before an `@` holds credentials.
        && !after.contains(['=', '@'])
}

/// The line with `***` for each unknown word, and the caret where it belongs then.
fn masked(line: &str, column: usize, width: usize) -> (String, usize, usize) {
    let known = words();
    let mut shown = String::new();
    let (mut from, mut to) = (None, None);
    let mut at = 0;
    let is_word = |c: char| !" \t[]{}=,.\"'#".contains(c);
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let word = rest
            .find(|c| is_word(c) != is_word(first))
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(word);
        let length = part.chars().count();
        let start = shown.chars().count();
        let keep = !is_word(first) || known.contains(part);
        shown.push_str(if keep { part } else { MASKED });
        let inside = |offset: usize| start + if keep { offset } else { 0 };
        if (at..at + length).contains(&(column - 1)) {
            from = Some(inside(column - 1 - at));
        }
        if (at + 1..=at + length).contains(&(column - 1 + width)) {
            to = Some(if keep {
                start + column - 1 + width - at
            } else {
                start + MASKED.len()
            });
        }
        at += length;
        rest = after;
    }
    let end = shown.chars().count();
    let from = from.unwrap_or(end);
    (
        shown,
        from + 1,
        to.unwrap_or(end).saturating_sub(from).max(1),
    )
}

/// Everything that the configuration itself calls by name.
fn words() -> BTreeSet<&'static str> {
    let mut words = BTreeSet::from(["true", "false"]);
    collect(schema::shared(), &mut words);
    words
}

fn collect(schema: &'static Value, words: &mut BTreeSet<&'static str>) {
    for form in schema::alternatives(schema) {
        for (name, inner) in schema::properties(form).into_iter().flatten() {
            words.insert(name);
            collect(inner, words);
        }
        for inside in ["items", "additionalProperties"] {
            if let Some(inner) = form.get(inside) {
                collect(inner, words);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_known_key_is_shown() {
        assert_eq!(
            excerpt("drain = 40s", 12, 9, 3),
            "12 | drain = 40s\n   |         ^^^"
        );
        assert_eq!(excerpt("log =", 1, 6, 1), "1 | log =\n  |      ^");
    }

    #[test]
    fn a_line_that_may_hold_a_key_shows_known_words_only() {
        assert_eq!(
            excerpt("api_keys = [canary-1, \"can ary\"]", 3, 13, 8),
            "3 | api_keys = [***, \"*** ***\"]\n  |             ^^^"
        );
        assert_eq!(
            excerpt("  \"canary\" \"", 4, 12, 1),
            "4 |   \"***\" \"\n  |         ^"
        );
        assert_eq!(excerpt("[access", 4, 8, 1), "4 | [access\n  |        ^");
    }

    #[test]
    fn no_line_shows_a_canary() {
        for line in [
            "api_keys = [canary",
            "access = { anonymous = true, api_keys = [\"canary\" }",
            "anonymous = true api_keys = [\"canary\"]",
            "access.api_keys = 'canary",
            "key = canary",
            "canary",
            "[\"canary\"",
            "canary = 1 = 2",
            "python = \"git+https://canary@host.example/crm",
            "env = { TOKEN = \"canary }",
            "TOKEN = \"canary",
        ] {
            for column in 1..=line.chars().count() + 1 {
                let shown = excerpt(line, 1, column, 3);
                assert!(!shown.contains("canary"), "{shown}");
            }
        }
    }
}
