//! Free SQL: splits it into statements and turns the placeholders that Python users write (`%s`,
//! `%(name)s`, `%%`) into those of PostgreSQL (`$1`), which the server fills by itself.

use super::scan::{Kind, Piece, pieces};

/// One statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its text with `$1`, `$2` … in it.
    pub sql: String,
    /// What `$1`, `$2` … stand for.
    pub placeholders: Vec<Placeholder>,
    /// Its first word, in capital letters.
    pub verb: String,
}

/// Which value belongs to a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Placeholder {
    /// `%s`: the next of the list.
    Next,
    /// `%(name)s`: the one of that name.
    Named(String),
}

/// Free SQL, taken apart.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// The statements in order. Empty ones are left out.
    pub statements: Vec<Statement>,
    /// Whether a `%s` stands inside quotes, where nothing can be filled in.
    pub quoted_placeholder: bool,
}

/// Takes a script apart while walking over its pieces.
struct Splitter {
    script: Script,
    current: Statement,
    parentheses: usize,
    /// Of `BEGIN ATOMIC … END`, the body of a function written in SQL, which holds semicolons.
    blocks: usize,
    words: Vec<String>,
}

/// How many words of a statement are looked at: `CREATE OR REPLACE FUNCTION`.
const HEAD: usize = 4;

/// Takes `sql` apart.
pub(super) fn split(sql: &str) -> Script {
    let pieces = pieces(sql);
    let mut splitter = Splitter::new();
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        let text = &sql[piece.range.clone()];
        match (piece.kind, text) {
            (Kind::Symbol, "%") => {
                at += splitter.percent(sql, &pieces[at..]);
                continue;
            }
            (Kind::Symbol, ";") if splitter.parentheses == 0 && splitter.blocks == 0 => {
                splitter.finish();
            }
            (kind, text) => splitter.piece(kind, text),
        }
        at += 1;
    }
    splitter.finish();
    splitter.script
}

// === impl Splitter ===

impl Splitter {
    fn new() -> Splitter {
        Splitter {
            script: Script::default(),
            current: Statement::default(),
            parentheses: 0,
            blocks: 0,
            words: Vec::new(),
        }
    }

    fn piece(&mut self, kind: Kind, text: &str) {
        match (kind, text) {
            (Kind::Symbol, "(") => self.parentheses += 1,
            (Kind::Symbol, ")") => self.parentheses = self.parentheses.saturating_sub(1),
            (Kind::Word, word) => self.word(word.to_ascii_uppercase()),
            _ => {}
        }
        match kind {
            Kind::Literal | Kind::Quoted => {
                self.script.quoted_placeholder |= text.replace("%%", "").contains("%s");
                self.current.sql.push_str(&text.replace("%%", "%"));
            }
            // A comment between two words keeps them apart.
            Kind::Comment => self.current.sql.push(' '),
            _ => self.current.sql.push_str(text),
        }
    }

    fn word(&mut self, word: String) {
        if self.current.verb.is_empty() {
            self.current.verb.clone_from(&word);
        }
        if self.words.len() < HEAD {
            self.words.push(word.clone());
        }
        let routine = self.words.first().is_some_and(|first| first == "CREATE")
            && self
                .words
                .iter()
                .any(|w| w == "FUNCTION" || w == "PROCEDURE");
        match word.as_str() {
            "BEGIN" | "CASE" if routine => self.blocks += 1,
            "END" if routine => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
    }

    /// Reads what begins with `%` and tells how many pieces that were.
    fn percent(&mut self, sql: &str, pieces: &[Piece]) -> usize {
        let start = pieces[0].range.start;
        let rest = &sql[start + 1..];
        if rest.starts_with('%') {
            self.current.sql.push('%');
            return 2;
        }
        let named = rest
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(")s"));
        let (placeholder, len) = match named {
            Some((name, _)) if !name.contains(['(', ')', '%']) => {
                (Placeholder::Named(name.to_owned()), name.len() + 4)
            }
            _ if rest.starts_with('s') => (Placeholder::Next, 2),
            _ => {
                self.current.sql.push('%');
                return 1;
            }
        };
        self.current.placeholders.push(placeholder);
        let number = self.current.placeholders.len();
        // The space keeps the number apart from a digit that follows.
        self.current.sql.push_str(&format!(" ${number} "));
        // `s` may be the beginning of a longer word, whose rest is no part of the placeholder.
        let end = start + len;
        let covered = pieces
            .iter()
            .take_while(|piece| piece.range.end <= end)
            .count();
        match pieces.get(covered) {
            Some(piece) if piece.range.start < end => {
                self.current.sql.push_str(&sql[end..piece.range.end]);
                covered + 1
            }
            _ => covered,
        }
    }

    fn finish(&mut self) {
        let statement = std::mem::take(&mut self.current);
        self.words.clear();
        (self.parentheses, self.blocks) = (0, 0);
        if !statement.sql.trim().is_empty() {
            self.script.statements.push(statement);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<String> {
        let statements = split(sql).statements.into_iter();
        statements
            .map(|s| s.sql.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn placeholders_are_numbered_in_each_statement() {
        let script = split("select %s, %s; update t set a = %s where b=%s");
        assert_eq!(
            texts("select %s, %s; update t set a = %s where b=%s"),
            ["select $1 , $2", "update t set a = $1 where b= $2"]
        );
        assert!(script.statements.iter().all(|s| s.placeholders.len() == 2));
        assert_eq!(script.statements[1].verb, "UPDATE");
    }

    #[test]
    fn quotes_and_comments_keep_their_placeholders() {
        let script = split("select '%s', \"%s\", $$%s$$ -- %s ;\n/* %s; */, %s");
        assert_eq!(script.statements.len(), 1);
        assert_eq!(script.statements[0].placeholders, [Placeholder::Next]);
        assert!(script.quoted_placeholder);
    }

    #[test]
    fn a_doubled_percent_is_one_everywhere() {
        assert_eq!(
            texts("select 5 %% 2, 'a%%', '%%s'"),
            ["select 5 % 2, 'a%', '%s'"]
        );
        assert_eq!(texts("select 5 % 2"), ["select 5 % 2"]);
        assert!(!split("select '%%s'").quoted_placeholder);
    }

    #[test]
    fn named_placeholders_are_found() {
        let script = split("select %(a b)s, %(c)s::int where 5 %(2)");
        let names = &script.statements[0].placeholders;
        let named = |name: &str| Placeholder::Named(name.to_owned());
        assert_eq!(*names, [named("a b"), named("c")]);
        assert!(script.statements[0].sql.ends_with("where 5 %(2)"));
    }

    #[test]
    fn what_follows_a_placeholder_directly_stays() {
        assert_eq!(texts("select %s::int,%s1"), ["select $1 ::int, $2 1"]);
        assert_eq!(texts("%sx;%s"), ["$1 x", "$1"]);
    }

    #[test]
    fn semicolons_inside_of_something_do_not_split() {
        assert_eq!(texts("a ';' b; ; c (d; e); -- ;\n").len(), 2);
        let function = "create or replace function f() returns int begin atomic; \
                        select case when true then 1 end; end; select 2";
        assert_eq!(texts(function).len(), 2);
        assert_eq!(texts("begin; select 1; end"), ["begin", "select 1", "end"]);
    }
}
