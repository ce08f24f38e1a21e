//! What is wrong with a configuration, where, and what to do about it.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Where a value was written. Ordered as a reader looks through them: the file from its top, then
/// the environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A file as a whole.
    WholeFile(Arc<str>),
    /// A place in a file.
    File {
        /// As it was named.
        file: Arc<str>,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
    },
    /// An environment variable.
    Environment(String),
    /// An option of the command line, with its dashes.
    Option(String),
}

/// One mistake, or one thing worth a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it is, if it is at one place: `crosspoint.toml:3:1`, `environment CROSSPOINT_LISTEN`,
    /// `--listen`.
    pub place: Option<Place>,
    /// The dotted key it is about; empty when it is about none.
    pub key: String,
    /// What is wrong. Never holds a secret.
    pub message: String,
    /// What to do; empty when the message says it.
    pub help: String,
    /// The line with a caret under the mistake, when the text could not be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// Everything that is wrong with a configuration; at least one entry, ordered by place.
///
/// Displays one block per problem and the count at the end; serialises as a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

/// Why a text is not a value of its kind, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}; {help}")]
pub struct Wrong {
    /// A clause that names the text, unless that may be a secret.
    pub why: String,
    /// What to write.
    pub help: String,
}

// === impl Place ===

impl Place {
    /// As comments name it: `crosspoint.toml:3`, `CROSSPOINT_LISTEN`.
    pub fn short(&self) -> String {
        match self {
            Place::WholeFile(file) => file.to_string(),
            Place::File { file, line, .. } => format!("{file}:{line}"),
            Place::Environment(name) | Place::Option(name) => name.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::WholeFile(file) => f.write_str(file),
            Place::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Place::Environment(name) => write!(f, "environment {name}"),
            Place::Option(name) => f.write_str(name),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl Problem ===

impl Problem {
    /// A problem with the value of a key.
    pub fn new(key: &str, place: Option<&Place>, message: String, help: impl Into<String>) -> Self {
        let (key, place) = (key.to_owned(), place.cloned());
        Problem {
            place,
            key,
            message,
            help: help.into(),
            excerpt: None,
        }
    }

    /// A problem with no key that stands at one place.
    pub fn at(place: Place, message: String, help: impl Into<String>) -> Self {
        Problem::new("", Some(&place), message, help)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        for line in self.excerpt.iter().flat_map(|e| e.lines()) {
            write!(f, "\n    {line}")?;
        }
        for (number, line) in self.help.lines().enumerate() {
            write!(
                f,
                "\n  {}{line}",
                if number == 0 { "help: " } else { "      " }
            )?;
        }
        Ok(())
    }
}

// === impl Problems ===

impl Problems {
    /// The only problem.
    pub fn one(place: Place, message: String, help: &str) -> Problems {
        Problems(vec![Problem::at(place, message, help)])
    }

    /// Puts the problems in the order of their places; those without one come last.
    pub fn sorted(mut problems: Vec<Problem>) -> Problems {
        problems.sort_by(|a, b| (a.place.is_none(), &a.place).cmp(&(b.place.is_none(), &b.place)));
        Problems(problems)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        match self.0.len() {
            1 => f.write_str("\n1 mistake in the configuration"),
            count => write!(f, "\n{count} mistakes in the configuration"),
        }
    }
}

impl std::error::Error for Problems {}

/// `one`, `one or two`, `one, two or three`, each in back quotes.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, message: &str, help: &str) -> Problem {
        let file = "crosspoint.toml".into();
        Problem::at(
            Place::File {
                file,
                line,
                column: 1,
            },
            message.to_owned(),
            help,
        )
    }

    #[test]
    fn problems_come_by_place_with_a_count_at_the_end() {
        let variable = Place::Environment("CROSSPOINT_LOG".to_owned());
        let problems = Problems::sorted(vec![
            Problem::new("", None, "no place".to_owned(), ""),
            Problem::at(variable, "third".to_owned(), ""),
            at(12, "second", "do this\nor that"),
            at(2, "first", ""),
        ]);
        assert_eq!(
            problems.to_string(),
            "crosspoint.toml:2:1: first\n\
             crosspoint.toml:12:1: second\n  help: do this\n        or that\n\
             environment CROSSPOINT_LOG: third\n\
             no place\n\
             \n4 mistakes in the configuration"
        );
    }

    #[test]
    fn problems_are_a_list_in_json() {
        let problems = Problems::sorted(vec![at(2, "first", "do this")]);
        let json = serde_json::to_string(&problems).unwrap();
        assert_eq!(
            json,
            r#"[{"place":"crosspoint.toml:2:1","key":"","message":"first","help":"do this"}]"#
        );
    }
}
