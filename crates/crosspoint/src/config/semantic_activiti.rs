//! Checks of `[activiti]`: its address, its names, and the definitions that it names.

use crosspoint_core::CommandId;
use crosspoint_ingress::activiti::definition::{Definition, Feature};
use crosspoint_ingress::activiti::{Output, Source, uri};

use super::super::activiti::{Action, Imported};
use super::*;

// === impl Semantic ===

impl Semantic<'_> {
    /// `[activiti]`.
    pub(super) fn activiti(&mut self) {
        let config = &self.config.activiti;
        if let Some(amqp) = &config.amqp {
            match amqp.resolve(self.env) {
                Err(wrong) => {
                    let message = format!("`activiti.amqp`: {}", wrong.why);
                    self.problem("activiti.amqp", message, wrong.help);
                }
                Ok(value) => self.amqp(value),
            }
        }
        self.names();
        if let (Some(min), Some(max)) = (config.min_app_version, config.max_app_version)
            && min > max
        {
            let message = "`activiti.min_app_version` is above `activiti.max_app_version`";
            let help = "no request would ever be served: swap them, or take one out";
            self.problem("activiti.min_app_version", message.to_owned(), help);
        }
        for (at, pattern) in config.serve.iter().enumerate() {
            if pattern.trim().is_empty() || pattern.contains('/') {
                let key = format!("activiti.serve[{at}]");
                let message = format!("`activiti.serve`: `{}` fits no command", shorten(pattern));
                self.problem(&key, message, "write `connector.Command`, such as `http.*`");
            }
        }
        for (name, imported) in &config.definitions {
            self.imported(name, imported);
        }
        for stand_in in &config.stand_in_for {
            self.bound.extend(stand_in.get().bound());
        }
        self.twice();
    }

    /// One service task cannot run two commands. An engine would not start with two definitions of one
    /// name, either.
    fn twice(&mut self) {
        let mut names: Vec<_> = self.bound.iter().map(|one| &one.implementation).collect();
        names.sort();
        let pairs = names.windows(2).filter(|pair| pair[0] == pair[1]);
        let mut twice: Vec<_> = pairs.map(|pair| shorten(pair[0])).collect();
        twice.dedup();
        for implementation in twice {
            let message = format!("`activiti`: `{implementation}` is there twice");
            let help = "each name may be that of one definition in `activiti.definitions` or of one \
                        connector in `activiti.stand_in_for`: give a definition another name";
            self.problem("activiti.definitions", message, help);
        }
    }

    fn amqp(&mut self, value: Secret<String>) {
        match uri(value.expose()) {
            Err(_) => {
                let message = "`activiti.amqp` is not the address of a message broker".to_owned();
                let help = "write `amqp://user:password@host:5672`, or `amqps://…`, or a reference \
                            such as `env:AMQP_URL`";
                self.problem("activiti.amqp", message, help);
            }
            Ok(uri) => {
                let password = uri.authority.userinfo.password;
                // `guest` is everybody's: it would mask the word everywhere.
                if password != "guest" && password.len() >= 4 {
                    self.secrets.push(Secret::new(password));
                }
                self.amqp = Some(value);
            }
        }
    }

    /// Names that the protocol can carry.
    fn names(&mut self) {
        let config = &self.config.activiti;
        if config.group.trim().is_empty() || config.group.len() > 100 {
            let message = "`activiti.group` is empty, or longer than 100 bytes".to_owned();
            self.problem(
                "activiti.group",
                message,
                "write a name such as `crosspoint`",
            );
        }
        let one = |text: &str| text.chars().count() == 1;
        if !one(&config.destination_separator) {
            let message = "`activiti.destination_separator` is not one character".to_owned();
            self.problem(
                "activiti.destination_separator",
                message,
                "write `_` or `.`",
            );
        }
        for (name, rule) in &config.destinations {
            if rule.separator.as_ref().is_some_and(|text| !one(text)) {
                let key = format!("activiti.destinations.{name}.separator");
                let message = format!("`{key}` is not one character");
                self.problem(&key, message, "write `_` or `.`");
            }
        }
    }

    /// A definition, which is read as the engine reads it.
    fn imported(&mut self, name: &str, imported: &Imported) {
        let key = format!("activiti.definitions.{name}.file");
        let path = &imported.file.0;
        let read =
            std::fs::read_to_string(path).map_err(|e| format!("cannot be read: {}", reason(&e)));
        let read = read.and_then(|text| Definition::read(&text).map_err(|error| error.to_string()));
        let definition = match read {
            Ok(definition) => definition,
            Err(why) => {
                let path = shorten(&path.display().to_string());
                let message = format!("`{key}`: `{path}`: {why}");
                let help = "`crosspoint activiti validate` tells what is wrong with a definition";
                return self.problem(&key, message, help);
            }
        };
        let known = |action: &String| definition.actions.values().any(|one| one.name == *action);
        for action in imported.actions.keys().filter(|action| !known(action)) {
            let key = format!("activiti.definitions.{name}.actions.{action}");
            let message = format!(
                "`{key}`: the definition has no action `{}`",
                shorten(action)
            );
            let names = definition.actions.values().map(|one| one.name.as_str());
            let help = format!("it has {}", listed(names));
            self.problem(&key, message, help);
        }
        let unmapped = Action::default();
        for feature in definition.actions.values() {
            let action = imported.actions.get(&feature.name).unwrap_or(&unmapped);
            let outputs = self.outputs(name, feature, action);
            let command = action.command.as_ref().unwrap_or(&feature.name);
            let inputs = action.inputs.iter();
            self.bound.push(Bound {
                implementation: definition.implementation(feature),
                command: CommandId::new(imported.connector.as_str(), command.as_str()),
                inputs: inputs
                    .map(|(input, to)| (input.clone(), to.clone()))
                    .collect(),
                outputs,
                stand_in: None,
            });
        }
    }

    fn outputs(&mut self, name: &str, feature: &Feature, action: &Action) -> Vec<Output> {
        let declared = feature.outputs.iter();
        let mut outputs: Vec<_> = declared
            .map(|output| Output::named(&output.name, Some(&output.kind)))
            .collect();
        for (output, source) in &action.outputs {
            let table = format!("activiti.definitions.{name}.actions.{}", feature.name);
            let key = format!("{table}.outputs.{output}");
            let Some(source) = Source::read(source) else {
                let message = format!("`{key}`: `{}` leads nowhere", shorten(source));
                let help = "write a path such as `data.id`, or `@body`, `@status`, `@headers`";
                self.problem(&key, message, help);
                continue;
            };
            match outputs.iter_mut().find(|one| one.name == *output) {
                Some(declared) => declared.source = source,
                None => {
                    let message = format!("`{key}`: the action declares no such output");
                    let names = feature.outputs.iter().map(|one| one.name.as_str());
                    self.problem(&key, message, format!("it declares {}", listed(names)));
                }
            }
        }
        outputs
    }
}
