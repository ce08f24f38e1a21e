//! `cargo xtask docs`: the reference pages that the program writes about itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::Verdict;
use crate::cargo::Workspace;
use crate::flags::Flags;
use crate::steps::Steps;

/// Each page, and the arguments that make the program print it.
const PAGES: &[(&str, &[&str])] = &[("docs/reference/configuration.md", &["config", "reference"])];

/// Writes the pages, or with `--check` compares them.
pub(crate) fn run(flags: &Flags) -> Result<Verdict> {
    let workspace = Workspace::read()?;
    let mut steps = Steps::new();
    // Only the program: pages can be written while a test does not compile yet.
    let Some(crosspoint) = steps.run("build", || workspace.debug("crosspoint")) else {
        return Ok(steps.finish("docs"));
    };
    if flags.has("--check") {
        steps.run("generated pages", || check(&workspace, &crosspoint));
    } else {
        steps.run("writing generated pages", || write(&workspace, &crosspoint));
    }
    Ok(steps.finish("docs"))
}

/// Fails when a page in the repository is not what the program prints.
pub(crate) fn check(workspace: &Workspace, crosspoint: &Path) -> Result<()> {
    for (path, wanted) in printed(workspace, crosspoint)? {
        let found = fs::read_to_string(&path).unwrap_or_default();
        if let Some(difference) = difference(&found, &wanted) {
            let page = path.strip_prefix(&workspace.root).unwrap_or(&path);
            bail!(
                "{} is out of date: run `cargo xtask docs` ({difference})",
                page.display()
            );
        }
    }
    Ok(())
}

fn write(workspace: &Workspace, crosspoint: &Path) -> Result<()> {
    for (path, text) in printed(workspace, crosspoint)? {
        let folder = path.parent().unwrap_or(&workspace.root);
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        eprintln!("  {}", path.display());
    }
    Ok(())
}

/// Lets the program print each page.
fn printed(workspace: &Workspace, crosspoint: &Path) -> Result<Vec<(PathBuf, String)>> {
    let page = |(path, arguments): &(&str, &[&str])| {
        let text = print(crosspoint, arguments, &workspace.target)?;
        Ok((workspace.root.join(path), text))
    };
    PAGES.iter().map(page).collect()
}

/// Runs the program away from the repository, where no configuration file of somebody's lies.
fn print(crosspoint: &Path, arguments: &[&str], folder: &Path) -> Result<String> {
    let output = Command::new(crosspoint)
        .args(arguments)
        .current_dir(folder)
        .output()
        .context("running crosspoint")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "crosspoint {}: {}",
        arguments.join(" "),
        said.trim()
    );
    let text = String::from_utf8(output.stdout).context("reading what crosspoint printed")?;
    ensure!(
        !text.trim().is_empty(),
        "crosspoint {} printed nothing",
        arguments.join(" ")
    );
    Ok(format!("{}\n", text.trim_end()))
}

/// Where two texts part, or `None` when they are the same.
fn difference(found: &str, wanted: &str) -> Option<String> {
    if found == wanted {
        return None;
    }
    let same = found
        .lines()
        .zip(wanted.lines())
        .take_while(|(one, other)| one == other)
        .count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("nothing").to_owned();
    Some(format!(
        "line {} is `{}`, should be `{}`",
        same + 1,
        line(found),
        line(wanted)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_shown() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        let shown = difference("a\nb\n", "a\nc\n").unwrap();
        assert_eq!(shown, "line 2 is `b`, should be `c`");
        assert!(
            difference("", "a\n")
                .unwrap()
                .contains("is `nothing`, should be `a`")
        );
    }

    #[test]
    fn a_page_ends_with_one_line_break_and_is_never_empty() {
        let shell = Path::new("sh");
        let print = |script| print(shell, &["-c", script], Path::new("."));
        assert_eq!(print("printf 'page\\n\\n'").unwrap(), "page\n");
        assert!(
            print("true")
                .unwrap_err()
                .to_string()
                .contains("printed nothing")
        );
        assert!(
            print("echo no >&2; exit 2")
                .unwrap_err()
                .to_string()
                .ends_with("no")
        );
    }
}
