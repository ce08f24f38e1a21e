//! A connector that is given by its path.

use std::path::Path;

use anyhow::{Context, Result};
use crosspoint_core::is_connector_name;

use crate::config::Loaded;
use crate::config::automate::{AdapterSettings, AutomateConnector};
use crate::config::mounted::{Entry, PythonConnector, PythonSettings};
use crate::config::openapi::{DocumentAt, OpenApiConnector};

/// Adds the connector to the configuration when `what` is a path, and gives its name there.
pub(super) fn mount(what: &str, loaded: &mut Loaded) -> Result<Option<String>> {
    let is_document = [".yaml", ".yml", ".json"]
        .iter()
        .any(|end| what.ends_with(end));
    let is_path = what.starts_with(['.', '/', '~']) || what.ends_with(".py") || is_document;
    if !is_path {
        return Ok(None);
    }
    let path = Path::new(what)
        .canonicalize()
        .with_context(|| format!("finding {what}"))?;
    let name = name_of(&path);
    let mounted = &mut loaded.config.connectors.mounted;
    if is_document {
        let document = OpenApiConnector::of(DocumentAt::File(path));
        mounted.insert(name.clone(), Entry::OpenApi(Box::new(document)));
        return Ok(Some(name));
    }
    let requirement = what
        .parse()
        .map_err(|_| anyhow::anyhow!("{what} is no path of a Python connector"))?;
    let entry = match is_adapter(&path) {
        true => Entry::Automate(AutomateConnector {
            automate: requirement,
            package: None,
            extra_requirements: Vec::new(),
            interpreter: None,
            adapter: AdapterSettings::default(),
            settings: PythonSettings::default(),
        }),
        false => Entry::Python(PythonConnector {
            python: requirement,
            extra_requirements: Vec::new(),
            interpreter: None,
            settings: PythonSettings::default(),
        }),
    };
    mounted.insert(name.clone(), entry);
    Ok(Some(name))
}

/// Whether it is an adapter of Django Automate: a file that uses the package of those, or a project that
/// declares some.
fn is_adapter(path: &Path) -> bool {
    let (file, sign) = match path.is_dir() {
        true => (path.join("pyproject.toml"), "automate.connectors\""),
        false => (path.to_owned(), "automate_connectors"),
    };
    std::fs::read_to_string(file).is_ok_and(|text| text.contains(sign))
}

/// `connector-crm`, `connector_crm` and `crm.py` are called `crm`.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let short = stem
        .strip_prefix("connector-")
        .or_else(|| stem.strip_prefix("connector_"))
        .unwrap_or(&stem);
    match is_connector_name(short) {
        true => short.to_owned(),
        false => "connector".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_gives_a_name() {
        for (path, name) in [
            ("/x/connector-crm", "crm"),
            ("/x/connector_crm", "crm"),
            ("/x/crm.py", "crm"),
            ("/x/my connector", "connector"),
        ] {
            assert_eq!(name_of(Path::new(path)), name);
        }
    }
}
