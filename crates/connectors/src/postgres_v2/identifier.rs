//! Names of tables and columns, quoted so that nothing but a name can be in them.

use crosspoint_core::{Failure, Invalid, Kind};

/// Quotes a name, each part of `schema.table` by itself.
///
/// A part reads as in SQL: plain ones are folded to small letters, those in double quotes are taken
/// as they are. Whatever could not stand in SQL without quotes is taken as it is, too.
pub(super) fn quote(name: &str) -> Result<String, Failure> {
    let parts: Vec<_> = parts(name)?.iter().map(|part| enclose(part)).collect();
    Ok(parts.join("."))
}

/// As [`quote`], but the last part may be `*`.
pub(super) fn quote_or_star(name: &str) -> Result<String, Failure> {
    match name.trim().strip_suffix('*').map(str::trim_end) {
        Some("") => Ok("*".to_owned()),
        Some(table) if table.ends_with('.') => Ok(quote(&table[..table.len() - 1])? + ".*"),
        _ => quote(name),
    }
}

fn enclose(part: &str) -> String {
    format!("\"{}\"", part.replace('"', "\"\""))
}

fn parts(name: &str) -> Result<Vec<String>, Failure> {
    if name.contains('\0') {
        return Err(bad(
            "ValueError",
            format!("the name {name:?} has a NUL character in it"),
        ));
    }
    let malformed = || {
        bad(
            "SyntaxError",
            format!("{name:?} is not a name of a table or column"),
        )
    };
    let mut parts = Vec::new();
    let mut rest = name.trim();
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => verbatim(quoted).ok_or_else(malformed)?,
            None => plain(rest),
        };
        if part.is_empty() {
            return Err(malformed());
        }
        parts.push(part);
        rest = match after.trim_start().strip_prefix('.') {
            Some(rest) => rest.trim_start(),
            None if after.trim().is_empty() => return Ok(parts),
            None => return Err(malformed()),
        };
    }
}

/// A part after its opening quote, and what follows it.
fn verbatim(text: &str) -> Option<(String, &str)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find('"')?;
        if !text[at + 1..].starts_with('"') {
            return Some((text[..at].replace("\"\"", "\""), &text[at + 1..]));
        }
        from = at + 2;
    }
}

fn plain(text: &str) -> (String, &str) {
    let (part, after) = text.split_at(text.find('.').unwrap_or(text.len()));
    let part = part.trim_end();
    let simple = !part.starts_with(|c: char| c.is_ascii_digit())
        && part
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_$".contains(c) || !c.is_ascii());
    match simple {
        true => (part.to_ascii_lowercase(), after),
        false => (part.to_owned(), after),
    }
}

fn bad(code: &'static str, message: String) -> Failure {
    Failure::new(Kind::Invalid(Invalid::Input), code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_they_mean_without_quotes_in_sql() {
        for (name, quoted) in [
            ("states", "\"states\""),
            ("States", "\"states\""),
            ("\"States\"", "\"States\""),
            (" public . States ", "\"public\".\"states\""),
            ("\"a.b\".\"c\"\"d\"", "\"a.b\".\"c\"\"d\""),
            ("Straße", "\"straße\""),
            ("ÄB", "\"Äb\""),
            ("Order Line", "\"Order Line\""),
            ("select", "\"select\""),
        ] {
            assert_eq!(quote(name).unwrap(), quoted);
        }
    }

    #[test]
    fn an_attack_becomes_a_strange_name() {
        for (name, quoted) in [
            ("t; drop table x; --", "\"t; drop table x; --\""),
            ("t\"; drop table x; --", "\"t\"\"; drop table x; --\""),
            ("t' or '1'='1", "\"t' or '1'='1\""),
            ("count(*)", "\"count(*)\""),
        ] {
            assert_eq!(quote(name).unwrap(), quoted);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in [
            "", " ", ".", "a.", ".a", "a..b", "\"", "\"a\"b", "\"a\"\"", "\"\"",
        ] {
            assert_eq!(quote(name).unwrap_err().code, "SyntaxError", "{name}");
        }
        assert_eq!(quote("a\0b").unwrap_err().code, "ValueError");
    }

    #[test]
    fn a_star_stands_alone_or_after_a_table() {
        assert_eq!(quote_or_star("*").unwrap(), "*");
        assert_eq!(quote_or_star("T.*").unwrap(), "\"t\".*");
        assert_eq!(quote_or_star("a*").unwrap(), "\"a*\"");
        assert!(quote("*").unwrap().contains('"'));
    }
}
