//! Which service tasks are served at a moment: those of definitions, and commands by pattern.

use std::collections::BTreeMap;
use std::sync::Arc;

use crosspoint_broker::Catalogue;
use crosspoint_core::{Command, nearest, shorten};

use super::definition::action_id;
use super::names::Naming;
use super::settings::{Bound, Settings};
use super::stand_in::Parameters;
use crate::pattern::matches;

/// A service task that is served, with the queue that its requests come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) bound: Bound,
    pub(crate) exchange: String,
    pub(crate) queue: String,
}

/// What is served, by queue, and what is configured that does not fit the commands, for people.
pub(crate) struct Service {
    pub(crate) served: BTreeMap<String, Arc<Served>>,
    pub(crate) unmatched: Vec<String>,
}

// === impl Service ===

impl Service {
    /// Definitions go before patterns: who binds an action means it.
    pub(crate) fn of(settings: &Settings, catalogue: &Catalogue) -> Service {
        let mut served = BTreeMap::new();
        let mut add = |bound: Bound| {
            let exchange = settings.naming.exchange(&bound.implementation);
            let queue = Naming::queue(&exchange, &settings.group);
            let one = Served {
                bound,
                exchange,
                queue: queue.clone(),
            };
            served.entry(queue).or_insert_with(|| Arc::new(one));
        };
        settings.bound.iter().cloned().for_each(&mut add);
        let odd = settings
            .bound
            .iter()
            .flat_map(|bound| odd(bound, catalogue));
        let odd: Vec<_> = odd.collect();
        let mut used = vec![false; settings.serve.len()];
        for entry in catalogue.entries() {
            let (connector, command) = (&*entry.id.connector, &*entry.id.command);
            let names = [
                action_id(connector, command),
                format!("{connector}.{command}"),
            ];
            let mut fits = false;
            for (pattern, used) in settings.serve.iter().zip(&mut used) {
                if names.iter().any(|name| matches(pattern, name)) {
                    (fits, *used) = (true, true);
                }
            }
            if fits {
                let [implementation, _] = names;
                add(Bound {
                    implementation,
                    command: entry.id.clone(),
                    declared: None,
                    inputs: Vec::new(),
                    outputs: Vec::new(),
                    stand_in: None,
                    variant: None,
                    parameters: Parameters::default(),
                });
            }
        }
        let patterns = settings.serve.iter().zip(used);
        let unmatched = patterns.filter(|(_, used)| !used);
        let unmatched =
            unmatched.map(|(pattern, _)| format!("activiti.serve: no command fits `{pattern}`"));
        Service {
            unmatched: odd.into_iter().chain(unmatched).collect(),
            served,
        }
    }
}

/// What does not fit between the action of a definition and its command, a sentence without an end each.
fn odd(bound: &Bound, catalogue: &Catalogue) -> Vec<String> {
    let (implementation, command) = (&bound.implementation, &bound.command);
    let about = format!("activiti.definitions: {implementation} runs {command}, which");
    match catalogue.find(command) {
        Err(_) => vec![format!("{about} is not there")],
        // Its inputs are those that are documented.
        Ok(_) if bound.stand_in.is_some() => Vec::new(),
        Ok(entry) => {
            let odd = misfits(bound, &entry.command).into_iter();
            odd.map(|what| format!("{about} {what}")).collect()
        }
    }
}

/// What does not fit between the inputs of an action and the parameters of its command.
fn misfits(bound: &Bound, command: &Command) -> Vec<String> {
    let known = || command.parameters.iter().map(|one| one.name.as_str());
    let strange = bound
        .inputs
        .iter()
        .filter(|(_, parameter)| !command.open && !known().any(|name| name == parameter));
    let strange = strange.map(|(input, parameter)| {
        let near = nearest(parameter, known()).join("`, `");
        let hint = match near.is_empty() {
            true => format!("it takes `{}`", known().collect::<Vec<_>>().join("`, `")),
            false => format!("did you mean `{near}`?"),
        };
        let (input, parameter) = (shorten(input), shorten(parameter));
        format!("has no parameter `{parameter}`, so that the input `{input}` is left out; {hint}")
    });
    let mut odd: Vec<_> = strange.collect();
    let Some(declared) = &bound.declared else {
        return odd;
    };
    let parameter_of = |input: &String| {
        let renamed = bound.inputs.iter().find(|(name, _)| name == input);
        renamed.map_or(input.clone(), |(_, parameter)| parameter.clone())
    };
    let brought: Vec<_> = declared.iter().map(parameter_of).collect();
    let needed = command.parameters.iter().filter(|one| one.required);
    let missing = needed.filter(|one| !brought.contains(&one.name));
    odd.extend(missing.map(|one| {
        format!(
            "needs `{}`, and no input that the definition declares brings it: \
             inputs = {{ INPUT = \"{}\" }} says which does",
            one.name, one.name
        )
    }));
    odd
}

#[cfg(test)]
mod tests {
    use crosspoint_core::{CommandId, Safety};

    use super::*;

    #[derive(schemars::JsonSchema)]
    #[expect(dead_code)]
    struct Get {
        url: String,
        headers: Option<String>,
    }

    fn told(declared: Option<&[&str]>, inputs: &[(&str, &str)]) -> Vec<String> {
        let bound = Bound {
            implementation: "movies.find".to_owned(),
            command: CommandId::new("http", "Get"),
            declared: declared.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            inputs: inputs
                .iter()
                .map(|(input, to)| ((*input).to_owned(), (*to).to_owned()))
                .collect(),
            outputs: Vec::new(),
            stand_in: None,
            variant: None,
            parameters: Parameters::default(),
        };
        misfits(&bound, &Command::of::<Get>("Get", Safety::ReadOnly))
    }

    #[test]
    fn inputs_that_lead_nowhere_and_parameters_that_nothing_brings_are_told() {
        let [nowhere, missing] = &told(Some(&["name"]), &[("name", "urll")])[..] else {
            panic!("two things do not fit");
        };
        for part in ["no parameter `urll`", "input `name`", "did you mean `url`?"] {
            assert!(nowhere.contains(part), "{nowhere}");
        }
        assert!(missing.starts_with("needs `url`"), "{missing}");
        let [nowhere] = &told(None, &[("name", "x")])[..] else {
            panic!("one thing does not fit");
        };
        assert!(nowhere.ends_with("it takes `url`, `headers`"), "{nowhere}");
        // A variable that the definition does not declare may never come.
        assert_eq!(told(Some(&["name"]), &[("other", "url")]).len(), 1);
        assert_eq!(told(Some(&["name"]), &[("name", "url")]), [""; 0]);
        assert_eq!(told(Some(&["url", "more"]), &[]), [""; 0]);
        // Of a pattern in `serve` nobody says which variables come.
        assert_eq!(told(None, &[]), [""; 0]);
    }
}
