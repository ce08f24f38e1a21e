//! The guide shows the connector as it is.

use std::fs;
use std::path::Path;

#[test]
fn the_pieces_in_the_guide_are_the_whole_file_in_its_order() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(here.join("../../docs/write-a-connector.md")).unwrap();
    let shown = blocks(&guide, "rust");
    let source = fs::read_to_string(here.join("src/lib.rs")).unwrap();
    assert_eq!(lines(&shown), lines(&source));
    let shown = blocks(&guide, "toml");
    let manifest = fs::read_to_string(here.join("Cargo.toml")).unwrap();
    for line in lines(&shown) {
        assert!(
            lines(&manifest).contains(&line),
            "{line} is not in Cargo.toml"
        );
    }
}

/// What stands in the fenced blocks of a language.
fn blocks(guide: &str, language: &str) -> String {
    let begin = format!("```{language}\n");
    let blocks = guide.split(begin.as_str()).skip(1);
    blocks.filter_map(|rest| rest.split("```").next()).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .collect()
}
