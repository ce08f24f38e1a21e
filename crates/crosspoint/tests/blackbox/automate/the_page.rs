//! The five minutes of `docs/automate.md`, as they are written there.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::Setup;
use crate::python::support::ready;

/// The section of the page.
fn section() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/automate.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("## Five minutes").unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The blocks of a section that are marked so.
fn blocks<'s>(section: &'s str, mark: &str) -> Vec<&'s str> {
    let fenced = section.split("```").skip(1).step_by(2);
    let marked = fenced.filter_map(|block| block.split_once('\n'));
    let marked = marked.filter(|(found, _)| *found == mark);
    marked.map(|(_, text)| text).collect()
}

/// The words of a line as a shell reads them; single quotes keep words together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.extend(Some(std::mem::take(&mut word))),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[tokio::test]
async fn each_command_of_the_page_says_what_the_page_says() {
    let section = section();
    let setup = Setup::new()
        .file("my_service.py", blocks(&section, "python")[0])
        .config(blocks(&section, "toml")[0]);
    let mut typed = 0;
    for block in blocks(&section, "") {
        for step in block.split("$ crosspoint ").skip(1) {
            let (line, wanted) = step.split_once('\n').unwrap_or((step, ""));
            if line.starts_with("serve") {
                break;
            }
            let words = words(line);
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let ended = setup.clone().run(&words).await;
            let said = format!("{}{}", ended.stdout, ended.stderr);
            for line in wanted.lines().filter(|line| !line.trim().is_empty()) {
                assert!(said.contains(line), "{words:?}: {line}: {said}");
            }
            typed += 1;
        }
    }
    assert_eq!(typed, 4);
    for words in section
        .split('`')
        .filter_map(|text| text.strip_prefix("crosspoint check "))
    {
        let ended = setup.clone().run(&["check", words]).await;
        assert_eq!(ended.code, Some(0), "{words}: {}", ended.stdout);
    }

    let proxy = setup.serve().await;
    assert!(ready(&proxy).await.is_empty());
    let answer = proxy
        .api("my_service/send_message", json!({"text": "Hello"}))
        .await;
    assert_eq!(answer.brought(), json!({"status": "sent"}));
}
