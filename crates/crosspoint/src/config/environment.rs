//! The environment variables of the process, and options of the command line over them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::follow::{Follow, Followed};
use super::problem::Place;

/// The Python environment that a shell works in.
const VIRTUAL_ENV: &str = "VIRTUAL_ENV";

/// The environment variables, read once, and options of the command line over them.
/// What references lead to that lead out of both comes with them.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, Variable>,
    of_a_client: bool,
    follower: Option<Arc<dyn Follow>>,
    followed: BTreeMap<String, Followed>,
}

/// A variable, or an option in its place.
#[derive(Clone)]
struct Variable {
    /// Nothing when it is not valid Unicode.
    value: Option<String>,
    /// How the option is called: `--listen`.
    option: Option<&'static str>,
}

// === impl Environment ===

impl Environment {
    fn of(variables: BTreeMap<String, Variable>) -> Environment {
        Environment {
            variables,
            ..Environment::default()
        }
    }

    /// With somebody who follows references out of the configuration.
    pub fn with_follower(self, follower: Arc<dyn Follow>) -> Environment {
        Environment {
            follower: Some(follower),
            ..self
        }
    }

    /// That of a command that lets nobody in: the key it may have is one to send.
    pub fn of_a_client(self) -> Environment {
        Environment {
            of_a_client: true,
            ..self
        }
    }

    /// Whether the configuration is read to let others in by it.
    pub fn serves(&self) -> bool {
        !self.of_a_client
    }

    /// Who follows references, if anybody does.
    pub fn follower(&self) -> Option<Arc<dyn Follow>> {
        self.follower.clone()
    }

    /// Keeps what a reference leads to.
    pub fn follow(&mut self, reference: String, value: Followed) {
        self.followed.insert(reference, value);
    }

    /// What a reference led to.
    pub fn followed(&self, reference: &str) -> Option<&Followed> {
        self.followed.get(reference)
    }

    /// That of this process.
    pub fn of_process() -> Environment {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let value = value.into_string().ok();
            Some((name.into_string().ok()?, Variable::new(value)))
        });
        Environment::of(variables.collect())
    }

    /// A variable: nothing when it is not set, `Some(None)` when it is not valid Unicode.
    pub fn get(&self, name: &str) -> Option<Option<&str>> {
        let variable = self.variables.get(name);
        variable.map(|variable| variable.value.as_deref())
    }

    /// Sets a variable over the one that is there, as an option of the command line does. Messages
    /// call it by the option's name, such as `--listen`.
    pub fn set(&mut self, name: &str, option: &'static str, value: String) {
        let variable = Variable {
            value: Some(value),
            option: Some(option),
        };
        self.variables.insert(name.to_owned(), variable);
    }

    /// The virtual environment that is active, if one is: what the variable `VIRTUAL_ENV` names.
    pub fn virtual_env(&self) -> Option<PathBuf> {
        let path = self.valid(VIRTUAL_ENV)?;
        (!path.is_empty()).then(|| PathBuf::from(path))
    }

    /// One variable whose value is not valid Unicode.
    #[cfg(test)]
    pub fn with_invalid(name: &str) -> Environment {
        Environment::of([(name.to_owned(), Variable::new(None))].into())
    }

    /// All variables by name; the value is nothing when it is not valid Unicode.
    pub fn all(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let variables = self.variables.iter();
        variables.map(|(name, variable)| (&**name, variable.value.as_deref()))
    }

    /// A variable that is set and valid.
    pub fn valid(&self, name: &str) -> Option<&str> {
        self.get(name).flatten()
    }

    /// The variable or option as messages call it.
    pub fn place(&self, name: &str) -> Place {
        match self
            .variables
            .get(name)
            .and_then(|variable| variable.option)
        {
            Some(option) => Place::Option(option.to_owned()),
            None => Place::Environment(name.to_owned()),
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Environment {
        let pair = |(name, value): (N, V)| (name.into(), Variable::new(Some(value.into())));
        Environment::of(variables.into_iter().map(pair).collect())
    }
}

// === impl Variable ===

impl Variable {
    fn new(value: Option<String>) -> Variable {
        Variable {
            value,
            option: None,
        }
    }
}
