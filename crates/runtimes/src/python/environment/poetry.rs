//! Dependencies in Poetry's table, as requirements that every tool understands.

use std::fmt::Write;
use std::path::Path;

use toml::{Table, Value};
use url::Url;

/// The requirements that one entry of `[tool.poetry.dependencies]` means. None for an optional
/// one, several for a list of versions for different platforms. The error says what is wrong.
pub(super) fn requirements(name: &str, value: &Value, root: &Path) -> Result<Vec<String>, String> {
    match value {
        Value::String(constraint) => {
            let version = specifier(constraint).map_err(|reason| format!("{name}: {reason}"))?;
            Ok(vec![format!("{name}{version}")])
        }
        Value::Table(table) => one(name, table, root)
            .map(|requirement| requirement.into_iter().collect())
            .map_err(|reason| format!("{name}: {reason}")),
        Value::Array(entries) => {
            let each = entries.iter().map(|entry| requirements(name, entry, root));
            each.collect::<Result<Vec<_>, _>>()
                .map(|lists| lists.concat())
        }
        _ => Err(format!("{name}: a version or a table is expected")),
    }
}

fn one(name: &str, table: &Table, root: &Path) -> Result<Option<String>, String> {
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    if table.get("optional").and_then(Value::as_bool) == Some(true) {
        return Ok(None);
    }
    let mut requirement = name.to_owned();
    if let Some(extras) = table.get("extras").and_then(Value::as_array) {
        let extras: Vec<&str> = extras.iter().filter_map(Value::as_str).collect();
        if !extras.is_empty() {
            let _ = write!(requirement, "[{}]", extras.join(","));
        }
    }
    if let Some(git) = text("git") {
        let _ = write!(requirement, " @ {}", git_address(git, table)?);
    } else if let Some(path) = text("path").or(text("file")) {
        let path = root.join(path);
        let path = path
            .canonicalize()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let url = Url::from_file_path(&path).map_err(|()| "its path is no address".to_owned())?;
        let _ = write!(requirement, " @ {url}");
    } else if let Some(url) = text("url") {
        let _ = write!(requirement, " @ {url}");
    } else if let Some(version) = text("version") {
        requirement.push_str(&specifier(version)?);
    }
    let markers = markers(text("markers"), text("python"), text("platform"))?;
    if !markers.is_empty() {
        // The blank keeps the semicolon out of an address.
        let _ = write!(requirement, " ; {markers}");
    }
    Ok(Some(requirement))
}

fn git_address(git: &str, table: &Table) -> Result<String, String> {
    let mut address = match git.split_once(':') {
        Some(("https" | "http" | "ssh" | "file" | "git", _)) => format!("git+{git}"),
        // git@host:path, as ssh itself writes it.
        Some((host, path)) if host.contains('@') => format!("git+ssh://{host}/{path}"),
        _ => return Err(format!("\"{git}\" is not the address of a repository")),
    };
    let revision = ["rev", "tag", "branch"]
        .iter()
        .find_map(|key| table.get(*key)?.as_str());
    if let Some(revision) = revision {
        let _ = write!(address, "@{revision}");
    }
    if let Some(subdirectory) = table.get("subdirectory").and_then(Value::as_str) {
        let _ = write!(address, "#subdirectory={subdirectory}");
    }
    Ok(address)
}

fn markers(
    markers: Option<&str>,
    python: Option<&str>,
    platform: Option<&str>,
) -> Result<String, String> {
    let mut all: Vec<String> = markers
        .map(|text| format!("({text})"))
        .into_iter()
        .collect();
    for comparison in python.map(comparisons).transpose()?.into_iter().flatten() {
        let at = comparison
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(comparison.len());
        let (operator, version) = comparison.split_at(at);
        let variable = match version.trim_end_matches(".*").matches('.').count() {
            0 | 1 => "python_version",
            _ => "python_full_version",
        };
        all.push(format!("{variable} {operator} \"{version}\""));
    }
    all.extend(platform.map(|name| format!("sys_platform == \"{name}\"")));
    Ok(all.join(" and "))
}

/// A Poetry constraint as a version specifier (PEP 440), empty when any version will do.
fn specifier(constraint: &str) -> Result<String, String> {
    Ok(comparisons(constraint)?.join(","))
}

/// The comparisons that a constraint consists of. Of alternatives (`||`), which requirements
/// cannot express, everything from the first one's lowest to the last one's highest is allowed.
fn comparisons(constraint: &str) -> Result<Vec<String>, String> {
    let alternatives: Vec<&str> = constraint
        .split('|')
        .filter(|part| !part.is_empty())
        .collect();
    let (Some(first), Some(last)) = (alternatives.first(), alternatives.last()) else {
        return Ok(Vec::new());
    };
    if alternatives.len() == 1 {
        return all_of(first);
    }
    let lower = all_of(first)?
        .into_iter()
        .filter(|one| one.starts_with('>'));
    let upper = all_of(last)?.into_iter().filter(|one| one.starts_with('<'));
    Ok(lower.chain(upper).collect())
}

fn all_of(constraint: &str) -> Result<Vec<String>, String> {
    // A blank may follow an operator, and separate two comparisons.
    let mut packed = constraint.replace(',', " ");
    for operator in ["<", ">", "=", "^", "~", "!"] {
        while packed.contains(&format!("{operator} ")) {
            packed = packed.replace(&format!("{operator} "), operator);
        }
    }
    let each = packed.split_whitespace().map(comparison);
    Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
}

fn comparison(text: &str) -> Result<Vec<String>, String> {
    if text == "*" {
        return Ok(Vec::new());
    }
    if let Some(version) = text.strip_prefix('^') {
        return between(version, |parts| {
            let meaningful = parts.iter().position(|part| *part != 0);
            meaningful.unwrap_or(parts.len() - 1)
        });
    }
    match text.strip_prefix('~') {
        Some(rest) if !rest.starts_with('=') => {
            return between(rest, |parts| usize::from(parts.len() > 1));
        }
        _ => {}
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(vec![format!("=={text}")]);
    }
    let known = ["==", ">=", "<=", "!=", "~=", ">", "<"].iter();
    match known
        .map(|operator| text.strip_prefix(operator))
        .find(Option::is_some)
    {
        Some(_) => Ok(vec![text.to_owned()]),
        None => Err(format!("\"{text}\" is not a version constraint")),
    }
}

/// From the version up to the one whose part at `raised` is one higher.
fn between(version: &str, raised: impl Fn(&[u64]) -> usize) -> Result<Vec<String>, String> {
    let version = version.trim_end_matches(".*");
    let release = version
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .next();
    let parts = release.unwrap_or_default().trim_end_matches('.').split('.');
    let parts: Result<Vec<u64>, _> = parts.map(str::parse).collect();
    let parts = parts.map_err(|_| format!("\"{version}\" is not a version"))?;
    let raised = raised(&parts);
    let next: Vec<String> = parts[..raised]
        .iter()
        .copied()
        .chain([parts[raised] + 1])
        .map(|part| part.to_string())
        .collect();
    Ok(vec![format!(">={version}"), format!("<{}", next.join("."))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<String>, String> {
        let table: Table = line.parse().expect("TOML");
        let (name, value) = table.iter().next().expect("an entry");
        requirements(name, value, Path::new("/"))
    }

    #[test]
    fn constraints_become_version_specifiers() {
        for (constraint, expected) in [
            ("^1.2.3", ">=1.2.3,<2"),
            ("^0.2.3", ">=0.2.3,<0.3"),
            ("^0.0.3", ">=0.0.3,<0.0.4"),
            ("^0.0", ">=0.0,<0.1"),
            ("^0", ">=0,<1"),
            ("^2", ">=2,<3"),
            ("^1.2b1", ">=1.2b1,<2"),
            ("~1.2.3", ">=1.2.3,<1.3"),
            ("~1.2", ">=1.2,<1.3"),
            ("~1", ">=1,<2"),
            ("~=1.2", "~=1.2"),
            ("*", ""),
            ("1.2.*", "==1.2.*"),
            ("1.2.3", "==1.2.3"),
            (">= 1.0, < 2.0", ">=1.0,<2.0"),
            (">=1.0 <2.0,!=1.5", ">=1.0,<2.0,!=1.5"),
            ("^1.0 || ^2.0", ">=1.0,<3"),
        ] {
            assert_eq!(
                specifier(constraint).as_deref(),
                Ok(expected),
                "{constraint}"
            );
        }
        assert!(
            specifier("latest")
                .expect_err("no version")
                .contains("latest")
        );
        assert!(specifier("^x").is_err());
    }

    #[test]
    fn tables_become_requirements() {
        for (line, expected) in [
            (
                r#"a = {version = "^1.0", extras = ["x", "y"]}"#,
                "a[x,y]>=1.0,<2",
            ),
            (
                r#"a = {git = "https://h/a.git", rev = "main", subdirectory = "s"}"#,
                "a @ git+https://h/a.git@main#subdirectory=s",
            ),
            (
                r#"a = {git = "git@h:x/a.git"}"#,
                "a @ git+ssh://git@h/x/a.git",
            ),
            (r#"a = {path = "tmp"}"#, "a @ file:///tmp"),
            (r#"a = {url = "https://h/a.whl"}"#, "a @ https://h/a.whl"),
            (
                r#"a = {version = "*", python = "^3.9", platform = "linux"}"#,
                r#"a ; python_version >= "3.9" and python_version < "4" and sys_platform == "linux""#,
            ),
            (
                r#"a = {version = "1", markers = "os_name == 'nt' or extra == 'x'"}"#,
                "a==1 ; (os_name == 'nt' or extra == 'x')",
            ),
        ] {
            assert_eq!(read(line), Ok(vec![expected.to_owned()]), "{line}");
        }
        assert_eq!(
            read(r#"a = {version = "1", optional = true}"#),
            Ok(Vec::new())
        );
        assert!(read("a = 3").expect_err("a number").starts_with("a: "));
        assert!(read(r#"a = {path = "no/where"}"#).is_err());
    }

    #[test]
    fn a_list_has_one_requirement_for_each_platform() {
        let requirements = read(
            r#"a = [{version = "^1", python = "<3.10"}, {version = "^2", python = ">=3.10"}]"#,
        );
        assert_eq!(
            requirements.expect("two"),
            [
                r#"a>=1,<2 ; python_version < "3.10""#,
                r#"a>=2,<3 ; python_version >= "3.10""#
            ]
        );
    }
}
