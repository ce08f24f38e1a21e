//! The names of commands: those of tools, where they may name a command.

use std::collections::{BTreeMap, HashSet};

use crosspoint_core::is_connector_name;

/// The longest name of a command, in characters.
const LONGEST: usize = 128;

/// A command's name for each tool, in order. A name of letters, digits, `_` and `-` stays as it is;
/// in others anything else becomes `_`, and a number follows where that is taken. Of two tools
/// with one name only the first gets one.
pub(super) fn names(tools: &[&str]) -> Vec<Option<String>> {
    let legal = |tool: &str| is_connector_name(tool) && tool.len() <= LONGEST;
    let mut taken: HashSet<String> = tools
        .iter()
        .filter(|tool| legal(tool))
        .map(|tool| (*tool).to_owned())
        .collect();
    let mut seen = HashSet::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::with_capacity(tools.len());
    for tool in tools {
        all.push(match seen.insert(*tool) {
            false => None,
            true if legal(tool) => Some((*tool).to_owned()),
            true => Some(free(plain(tool), &mut taken, &mut counts)),
        });
    }
    all
}

/// The name, or one with a number that is not taken.
fn free(
    plain: String,
    taken: &mut HashSet<String>,
    counts: &mut BTreeMap<String, usize>,
) -> String {
    let count = counts.entry(plain.clone()).or_insert(1);
    loop {
        let name = match *count {
            1 => plain.clone(),
            count => format!("{plain}_{count}"),
        };
        *count += 1;
        if taken.insert(name.clone()) {
            return name;
        }
    }
}

fn plain(tool: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    // Room for a number.
    let plain: String = tool.chars().map(letter).take(LONGEST - 8).collect();
    match plain.is_empty() {
        true => "_".to_owned(),
        false => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(tools: &[&str]) -> Vec<String> {
        let names = names(tools).into_iter();
        names.map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn names_that_may_name_a_command_stay_and_others_are_brought_to_one() {
        assert_eq!(
            named(&[
                "get-sum",
                "read_file",
                "files.read",
                "files/read",
                "Größe",
                ""
            ]),
            [
                "get-sum",
                "read_file",
                "files_read",
                "files_read_2",
                "Gr__e",
                "_"
            ]
        );
    }

    #[test]
    fn a_tool_with_a_legal_name_keeps_it_whoever_comes_first() {
        assert_eq!(named(&["a.b", "a_b", "a b"]), ["a_b_2", "a_b", "a_b_3"]);
    }

    #[test]
    fn of_two_tools_with_one_name_the_first_counts() {
        assert_eq!(names(&["a.b", "a.b"]), [Some("a_b".to_owned()), None]);
    }

    #[test]
    fn ten_thousand_names_that_become_one_are_told_apart() {
        let tools: Vec<_> = (0..10_000)
            .map(|n| char::from_u32(0x4e00 + n).unwrap().to_string())
            .collect();
        let tools: Vec<_> = tools.iter().map(String::as_str).collect();
        let names: HashSet<_> = named(&tools).into_iter().collect();
        assert_eq!(names.len(), 10_000);
        let long = "x".repeat(1000);
        assert!(named(&[&long])[0].len() <= LONGEST);
    }
}
