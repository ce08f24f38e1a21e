//! Which command of ours an action of a definition runs, and what does not fit.

use std::collections::BTreeMap;

use crosspoint_core::{Command, alike, nearest};

use super::{Definition, Feature};

/// An action, with the command that it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binding {
    /// The action.
    pub action: String,
    /// The command. None: there is none of that name.
    pub command: Option<String>,
    /// The name that was looked for: that of the action, or what was said explicitly.
    pub wanted: String,
    /// Commands with a name like it, where there is none.
    pub near: Vec<String>,
    /// Inputs whose parameter has another name: the input, the parameter.
    pub inputs: Vec<(String, String)>,
    /// Inputs that the command does not take: they would be left out.
    pub unknown: Vec<String>,
    /// Parameters that the command needs and no input brings: each call would fail.
    pub missing: Vec<String>,
}

/// Binds every action: as `explicit` says, else to the command of its name, capitals and signs apart.
pub fn bind(
    definition: &Definition,
    commands: &[&Command],
    explicit: &BTreeMap<String, String>,
) -> Vec<Binding> {
    let actions = definition.actions.values();
    let bound = actions.map(|action| bind_action(action, commands, explicit));
    bound.collect()
}

fn bind_action(
    action: &Feature,
    commands: &[&Command],
    explicit: &BTreeMap<String, String>,
) -> Binding {
    let wanted = explicit.get(&action.name).unwrap_or(&action.name);
    let names = commands.iter().map(|command| command.name.as_str());
    let found = alike(wanted, names.clone());
    let command = found.and_then(|name| commands.iter().find(|command| command.name == name));
    let mut binding = Binding {
        action: action.name.clone(),
        command: command.map(|command| command.name.clone()),
        wanted: wanted.clone(),
        near: Vec::new(),
        inputs: Vec::new(),
        unknown: Vec::new(),
        missing: Vec::new(),
    };
    let Some(command) = command else {
        binding.near = nearest(wanted, names)
            .into_iter()
            .map(str::to_owned)
            .collect();
        return binding;
    };
    let parameters = || command.parameters.iter().map(|one| one.name.as_str());
    let mut brought = Vec::new();
    for input in &action.inputs {
        match alike(&input.name, parameters()) {
            Some(parameter) => {
                if parameter != input.name {
                    binding
                        .inputs
                        .push((input.name.clone(), parameter.to_owned()));
                }
                brought.push(parameter);
            }
            None if command.open => {}
            None => binding.unknown.push(input.name.clone()),
        }
    }
    let needed = command
        .parameters
        .iter()
        .filter(|parameter| parameter.required);
    let missing = needed.filter(|parameter| !brought.contains(&parameter.name.as_str()));
    binding.missing = missing.map(|parameter| parameter.name.clone()).collect();
    binding
}

#[cfg(test)]
mod tests {
    use crosspoint_core::Safety;

    use super::*;

    #[derive(schemars::JsonSchema)]
    #[expect(dead_code)]
    struct Send {
        channel_id: String,
        text: String,
        urgent: Option<bool>,
    }

    fn definition(text: &str) -> Definition {
        Definition::read(text).unwrap()
    }

    #[test]
    fn actions_and_inputs_are_bound_by_name_capitals_and_signs_apart() {
        let send = Command::of::<Send>("SendMessage", Safety::Effectful);
        let definition = definition(
            r#"{"name": "slack", "actions": {"a": {"id": "a", "name": "SEND_MESSAGE", "inputs": [
                {"id": "1", "name": "channelId", "type": "string"},
                {"id": "2", "name": "urgent", "type": "boolean"},
                {"id": "3", "name": "userId", "type": "string"}]},
               "b": {"id": "b", "name": "SendMesage"}, "c": {"id": "c", "name": "CREATE"}}}"#,
        );
        let explicit = BTreeMap::from([("CREATE".to_owned(), "SendMessage".to_owned())]);
        let [a, b, c] = &bind(&definition, &[&send], &explicit)[..] else {
            panic!("three actions are three bindings");
        };
        assert_eq!(a.command.as_deref(), Some("SendMessage"));
        assert_eq!(
            a.inputs,
            [("channelId".to_owned(), "channel_id".to_owned())]
        );
        assert_eq!(
            (&a.unknown[..], &a.missing[..]),
            (&["userId".to_owned()][..], &["text".to_owned()][..])
        );
        assert_eq!((b.command.as_deref(), &*b.near[0]), (None, "SendMessage"));
        assert_eq!(
            (c.command.as_deref(), c.missing.len()),
            (Some("SendMessage"), 2)
        );
    }

    #[test]
    fn what_could_mean_two_is_bound_to_none() {
        let commands = ["DoIt", "do_it"].map(|name| Command::of::<Send>(name, Safety::ReadOnly));
        let commands: Vec<_> = commands.iter().collect();
        let definition =
            definition(r#"{"name": "x", "actions": {"a": {"id": "a", "name": "DO-IT"}}}"#);
        assert_eq!(
            bind(&definition, &commands, &BTreeMap::new())[0].command,
            None
        );
    }
}
