//! What is asked for.

use std::path::Path;

use super::source::{NotASource, Source, resolve};

/// What an environment is to hold. Two recipes that ask for the same share one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Where the connectors come from. A [`Source::Venv`] stands alone.
    pub sources: Vec<Source>,
    /// Further requirements, as pip takes them: names with versions, addresses, absolute paths of
    /// wheels, archives and projects. What they hold is no connector.
    pub extra_requirements: Vec<String>,
    /// A version (`3.12`), a program (`python3.12`) or a path. Default: `python3` on `PATH`.
    pub interpreter: Option<String>,
    /// What the sources are for.
    pub seeks: Seeks,
}

/// What is looked for in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeks {
    /// Packages whose names begin with `connector_`.
    Connectors,
    /// Adapters of Django Automate. Which there are is found out when the environment is there: see
    /// [`Search`](super::Search).
    Adapters,
}

// === impl Recipe ===

impl Recipe {
    /// A recipe for one source, with the default interpreter.
    pub fn new(source: Source) -> Recipe {
        Recipe {
            sources: vec![source],
            extra_requirements: Vec::new(),
            interpreter: None,
            seeks: Seeks::Connectors,
        }
    }

    /// The same for adapters of Django Automate.
    pub fn for_adapters(self) -> Recipe {
        Recipe {
            seeks: Seeks::Adapters,
            ..self
        }
    }

    /// Reads the texts of a configuration. Relative paths, also of the interpreter and of extra
    /// requirements, are below `base`.
    pub fn parse(
        sources: &[impl AsRef<str>],
        extra_requirements: &[impl AsRef<str>],
        interpreter: Option<&str>,
        base: &Path,
    ) -> Result<Recipe, NotASource> {
        let sources = sources
            .iter()
            .map(|text| Source::parse(text.as_ref(), base));
        let extras = extra_requirements
            .iter()
            .map(|text| extra(text.as_ref(), base));
        let interpreter = interpreter.map(|text| match text.contains('/') {
            true => resolve(text, base).to_string_lossy().into_owned(),
            false => text.to_owned(),
        });
        Ok(Recipe {
            sources: sources.collect::<Result<_, _>>()?,
            extra_requirements: extras.collect::<Result<_, _>>()?,
            interpreter,
            seeks: Seeks::Connectors,
        })
    }

    /// The same with these sources.
    pub(super) fn with(&self, sources: Vec<Source>) -> Recipe {
        Recipe {
            sources,
            ..self.clone()
        }
    }

    /// What is asked for in one line, without credentials.
    pub fn describe(&self) -> String {
        let sources: Vec<String> = self.sources.iter().map(Source::to_string).collect();
        match sources.is_empty() {
            true => "nothing but Python".to_owned(),
            false => sources.join(", "),
        }
    }
}

fn extra(text: &str, base: &Path) -> Result<String, NotASource> {
    match Source::parse(text, base)? {
        Source::Requirement { text, .. } | Source::Url(text) => Ok(text),
        Source::Directory(path) | Source::Wheel(path) | Source::Archive(path) => {
            Ok(path.to_string_lossy().into_owned())
        }
        Source::File(_) | Source::Venv(_) => Err(NotASource {
            text: text.to_owned(),
            reason: "an extra requirement is installed, which a single file cannot be".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relative_path_is_below_the_configuration() {
        let recipe = Recipe::parse(
            &["./crm"],
            &["lib/a-1-py3-none-any.whl", "six==1.17"],
            Some("py/bin/python"),
            Path::new("/etc/x"),
        )
        .expect("a recipe");
        assert_eq!(recipe.describe(), "/etc/x/crm");
        assert_eq!(
            recipe.extra_requirements,
            ["/etc/x/lib/a-1-py3-none-any.whl", "six==1.17"]
        );
        assert_eq!(recipe.interpreter.as_deref(), Some("/etc/x/py/bin/python"));
    }

    #[test]
    fn a_single_file_is_no_extra_requirement() {
        let none: [&str; 0] = [];
        let error = Recipe::parse(&none, &["a.py"], None, Path::new("/x")).expect_err("a file");
        assert!(
            error.to_string().contains("single file cannot be"),
            "{error}"
        );
    }
}
