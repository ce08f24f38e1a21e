//! What is odd about something that is read and tolerated, or left out, named once each.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crosspoint_core::shorten;

/// How many examples of one kind are named.
const EXAMPLES: usize = 3;

/// Kinds of oddities, each with where it was seen.
#[derive(Default)]
pub(crate) struct Notes(BTreeMap<Cow<'static, str>, Seen>);

#[derive(Default)]
struct Seen {
    count: usize,
    examples: Vec<String>,
}

// === impl Notes ===

impl Notes {
    /// Notes a clause such as `commands without an id are left out`, and where it was seen.
    pub(crate) fn add(&mut self, clause: impl Into<Cow<'static, str>>, place: &str) {
        let seen = self.0.entry(clause.into()).or_default();
        let place = shorten(place);
        if seen.examples.contains(&place) {
            return;
        }
        seen.count += 1;
        if seen.examples.len() < EXAMPLES && !place.is_empty() {
            seen.examples.push(place);
        }
    }

    /// The same where what is wrong differs: `clause: reason` is the kind.
    pub(crate) fn add_said(&mut self, clause: &str, place: &str, reason: &str) {
        self.add(format!("{clause}: {reason}"), place);
    }

    /// A clause for each kind.
    pub(crate) fn clauses(self) -> Vec<String> {
        let clause = |(clause, seen): (Cow<'static, str>, Seen)| {
            let examples = seen.examples.join(", ");
            match (seen.count, examples.is_empty()) {
                (_, true) => clause.into_owned(),
                (count, false) if count > seen.examples.len() => {
                    format!("{clause} ({count} in all, such as {examples})")
                }
                (_, false) => format!("{clause} ({examples})"),
            }
        };
        self.0.into_iter().map(clause).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_named_once_with_a_few_examples() {
        let mut notes = Notes::default();
        for id in ["a/1", "a/2", "a/3", "a/4", "a/5"] {
            notes.add("types are unknown", id);
        }
        notes.add("it is odd", "");
        notes.add("one is wrong", "a/1");
        assert_eq!(
            notes.clauses(),
            [
                "it is odd",
                "one is wrong (a/1)",
                "types are unknown (5 in all, such as a/1, a/2, a/3)"
            ]
        );
    }
}
