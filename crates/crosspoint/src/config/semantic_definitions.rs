//! What service tasks may call: the definitions that `[activiti]` names, and what is stood in for.

use crosspoint_core::CommandId;
use crosspoint_ingress::activiti::definition::{Definition, Feature};
use crosspoint_ingress::activiti::{Output, Parameters, Published, Source, StandIn};

use super::super::definitions::{Action, Imported};
use super::mounted::as_text;
use super::parameters::{Instance, documented};
use super::*;

// === impl Semantic ===

impl Semantic<'_> {
    /// Everything that is served whatever `activiti.serve` says.
    pub(super) fn definitions(&mut self) {
        let config = &self.config.activiti;
        for (name, imported) in &config.definitions {
            self.imported(name, imported);
        }
        for stand_in in &config.stand_in_for {
            let stand_in = stand_in.get();
            let parameters = documented(stand_in, Vec::new());
            let name = (stand_in.name(), stand_in.connector());
            let instance = self.instance(name, Some(stand_in), None, parameters);
            for bound in stand_in.bound() {
                if self.is_bound(&bound.implementation) {
                    let implementation = &bound.implementation;
                    let message = format!(
                        "`activiti.stand_in_for`: `{implementation}` is that of a definition"
                    );
                    self.warning("activiti.stand_in_for", message, "the definition counts");
                    continue;
                }
                self.bound.push(instance.runs(bound));
            }
        }
    }

    /// A definition, which is read as the engine reads it.
    fn imported(&mut self, name: &str, imported: &Imported) {
        let table = format!("activiti.definitions.{name}");
        let values = as_text(self.resolve(&format!("{table}.config"), &imported.config));
        let Some(definition) = self.read(&table, imported) else {
            return;
        };
        let stand_in = StandIn::named(&imported.connector);
        let parameters = self.parameters(&table, imported, &definition, values);
        let (connector, parameters) = match stand_in {
            Some(stand_in) => (stand_in.connector(), documented(stand_in, parameters)),
            None => (imported.connector.as_str(), parameters),
        };
        let profile = imported.profile.clone();
        let instance = self.instance((name, connector), stand_in, profile, parameters);
        self.actions(&table, imported, &definition, &instance);
        self.definitions.push(Published {
            definition,
            connector: connector.to_owned(),
        });
    }

    /// Reads it, under the name that the table gives it.
    fn read(&mut self, table: &str, imported: &Imported) -> Option<Definition> {
        let key = format!("{table}.file");
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
                self.problem(&key, message, help);
                return None;
            }
        };
        let name = imported.name.clone().unwrap_or(definition.name.clone());
        if name.is_empty() || name.contains('.') {
            let key = format!("{table}.name");
            let message = format!("`{key}`: `{}` is empty, or has a dot", shorten(&name));
            let help = "what is before the first dot of `implementation` is the connector's name";
            self.problem(&key, message, help);
        }
        Some(Definition { name, ..definition })
    }

    /// What each action runs.
    fn actions(
        &mut self,
        table: &str,
        imported: &Imported,
        definition: &Definition,
        instance: &Instance,
    ) {
        let known = |action: &String| definition.actions.values().any(|one| one.name == *action);
        for action in imported.actions.keys().filter(|action| !known(action)) {
            let key = format!("{table}.actions.{action}");
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
            let implementation = definition.implementation(feature);
            if self.is_bound(&implementation) {
                let message = format!("`{table}`: `{implementation}` is there already");
                let help = "two definitions have one name: give one of them another, with `name`";
                self.problem(table, message, help);
                continue;
            }
            let inputs = self.inputs(table, feature, action);
            let declared = feature.inputs.iter().map(|input| input.name.clone());
            let bound = match instance.stand_in {
                Some(stand_in) => self.stood_in(table, stand_in, feature),
                None => {
                    let command = action.command.as_ref().unwrap_or(&feature.name);
                    Some(Bound {
                        implementation: String::new(),
                        command: CommandId::new(imported.connector.as_str(), command.as_str()),
                        declared: Some(declared.collect()),
                        inputs: Vec::new(),
                        outputs: self.outputs(table, feature, action),
                        stand_in: None,
                        variant: None,
                        parameters: Parameters::default(),
                    })
                }
            };
            if let Some(bound) = bound {
                self.bound.push(instance.runs(Bound {
                    implementation,
                    inputs,
                    ..bound
                }));
            }
        }
    }

    fn is_bound(&self, implementation: &str) -> bool {
        let mut bound = self.bound.iter();
        bound.any(|one| one.implementation == implementation)
    }

    /// The documented action of that name.
    fn stood_in(&mut self, table: &str, stand_in: StandIn, feature: &Feature) -> Option<Bound> {
        let found = stand_in.bound_to(&feature.name);
        if found.is_none() {
            let all = stand_in.bound();
            let (name, own) = (stand_in.name(), shorten(&feature.name));
            let message = format!("`{table}`: nothing stands in for the action `{own}` of {name}");
            let names = listed(all.iter().map(Bound::action));
            self.warning(
                table,
                message,
                format!("it is not served; there is {names}"),
            );
        }
        found
    }

    /// Which input is which parameter. What the definition does not declare may come all the same: an
    /// engine sends everything with `MAP_ALL`.
    fn inputs(&mut self, table: &str, feature: &Feature, action: &Action) -> Vec<(String, String)> {
        let declared = || feature.inputs.iter().map(|input| input.name.as_str());
        for input in action.inputs.keys() {
            if declared().any(|name| name == input) {
                continue;
            }
            let key = format!("{table}.actions.{}.inputs.{input}", feature.name);
            let message = format!("`{key}`: the action declares no such input");
            let help = match listed(declared()) {
                none if none.is_empty() => "it declares none".to_owned(),
                names => format!("it declares {names}"),
            };
            self.warning(
                &key,
                message,
                format!("{help}; a variable of that name counts where one comes"),
            );
        }
        let inputs = action.inputs.iter();
        inputs
            .map(|(input, to)| (input.clone(), to.clone()))
            .collect()
    }

    fn outputs(&mut self, table: &str, feature: &Feature, action: &Action) -> Vec<Output> {
        let declared = feature.outputs.iter();
        let mut outputs: Vec<_> = declared
            .map(|output| Output::named(&output.name, Some(&output.kind)))
            .collect();
        for (output, source) in &action.outputs {
            let key = format!("{table}.actions.{}.outputs.{output}", feature.name);
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
