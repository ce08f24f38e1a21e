//! Takes SQL text apart as far as needed to know what stands inside quotes and comments.
//!
//! Expects `standard_conforming_strings = on`, which every transaction of this connector sets.

use std::ops::Range;

/// What a piece of SQL text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a key word or a number.
    Word,
    /// Text in single quotes or between dollar signs.
    Literal,
    /// A name in double quotes.
    Quoted,
    /// From `--` to the end of the line, or between `/*` and `*/`.
    Comment,
    /// White space.
    Space,
    /// One character of anything else.
    Symbol,
}

/// A piece of SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub kind: Kind,
    pub range: Range<usize>,
    /// Whether it ends where it should: a quote or comment may be left open.
    pub closed: bool,
}

/// Takes `sql` apart. The pieces cover all of it in order.
pub(super) fn pieces(sql: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let escapes = first == '\'' && follows_e(sql, pieces.last());
        let (kind, len) = match first {
            '\'' => (Kind::Literal, quoted(rest, b'\'', escapes)),
            '"' => (Kind::Quoted, quoted(rest, b'"', false)),
            '$' => match dollar(rest) {
                Some(len) => (Kind::Literal, len),
                None => (Kind::Symbol, Ok(1)),
            },
            '-' if rest.starts_with("--") => {
                (Kind::Comment, Ok(rest.find('\n').unwrap_or(rest.len())))
            }
            '/' if rest.starts_with("/*") => (Kind::Comment, comment(rest)),
            c if c.is_ascii_whitespace() => {
                (Kind::Space, Ok(run(rest, |c| c.is_ascii_whitespace())))
            }
            c if in_word(c) => (Kind::Word, Ok(run(rest, |c| in_word(c) || c == '$'))),
            c => (Kind::Symbol, Ok(c.len_utf8())),
        };
        let closed = len.is_ok();
        let end = at + len.unwrap_or_else(|open| open);
        pieces.push(Piece {
            kind,
            range: at..end,
            closed,
        });
        at = end;
    }
    pieces
}

/// `E'…'` has escapes with backslashes.
fn follows_e(sql: &str, last: Option<&Piece>) -> bool {
    last.is_some_and(|piece| sql[piece.range.clone()].eq_ignore_ascii_case("e"))
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The length of a quoted text, as an error when it is left open. A doubled quote is part of it.
fn quoted(text: &str, quote: u8, escapes: bool) -> Result<usize, usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            byte if byte != quote => at += 1,
            _ if bytes.get(at + 1) == Some(&quote) => at += 2,
            _ => return Ok(at + 1),
        }
    }
    Err(text.len())
}

/// `$$…$$` or `$tag$…$tag$`; nothing when this is another use of the dollar sign.
fn dollar(text: &str) -> Option<Result<usize, usize>> {
    let tag = &text[..=1 + text[1..].find('$')?];
    let name = &tag[1..tag.len() - 1];
    if name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(in_word) {
        return None;
    }
    let body = &text[tag.len()..];
    Some(match body.find(tag) {
        Some(end) => Ok(tag.len() + end + tag.len()),
        None => Err(text.len()),
    })
}

/// A comment in `/*` and `*/`, which may hold others.
fn comment(text: &str) -> Result<usize, usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Ok(at);
            }
        } else {
            at += 1;
        }
    }
    Err(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> Vec<(Kind, &str)> {
        let pieces = pieces(sql).into_iter();
        let pieces = pieces.filter(|piece| piece.kind != Kind::Space);
        pieces
            .map(|piece| (piece.kind, &sql[piece.range]))
            .collect()
    }

    #[test]
    fn quotes_and_comments_are_told_from_the_rest() {
        use Kind::*;
        assert_eq!(
            kinds("a '%s''x' \"b\"\"%s\" -- %s\n/* %s /* */ %s */ $$%s$$ $t$ $$ $t$ %"),
            [
                (Word, "a"),
                (Literal, "'%s''x'"),
                (Quoted, "\"b\"\"%s\""),
                (Comment, "-- %s"),
                (Comment, "/* %s /* */ %s */"),
                (Literal, "$$%s$$"),
                (Literal, "$t$ $$ $t$"),
                (Symbol, "%"),
            ]
        );
    }

    #[test]
    fn backslashes_escape_in_e_literals_only() {
        assert_eq!(kinds(r"'a\' e'b\' c'")[0], (Kind::Literal, r"'a\'"));
        assert_eq!(kinds(r"'a\' e'b\' c'")[2], (Kind::Literal, r"'b\' c'"));
        assert_eq!(kinds("name'x'").len(), 2);
    }

    #[test]
    fn a_dollar_that_begins_no_literal_is_a_symbol_or_part_of_a_name() {
        assert_eq!(kinds("$1")[0], (Kind::Symbol, "$"));
        assert_eq!(kinds("a$b$c")[0], (Kind::Word, "a$b$c"));
        assert_eq!(kinds("$1$ x $1$")[0], (Kind::Symbol, "$"));
    }

    #[test]
    fn what_is_left_open_says_so_and_nothing_panics() {
        for open in [
            "'a", "'a''", "\"a", "/* /* */", "$$ a", "$x$ $$", r"e'\'", r"e'\",
        ] {
            let pieces = pieces(open);
            assert!(pieces.iter().any(|piece| !piece.closed), "{open}");
            assert_eq!(pieces.last().unwrap().range.end, open.len(), "{open}");
        }
        for odd in ["$", "$é$ü$é$", "é'ü'", "", "-", "/"] {
            assert!(pieces(odd).iter().all(|piece| piece.closed), "{odd}");
        }
    }
}
