//! Configuration parameters of what service tasks call: where their values come from.

use std::sync::Arc;

use crosspoint_broker::profiles::{ConfigurationParameter, Variant};
use crosspoint_ingress::activiti::definition::{Config as Declared, Definition};
use crosspoint_ingress::activiti::{Parameters, StandIn};

use super::super::definitions::Imported;
use super::super::values::SHORTEST_SECRET;
use super::*;

/// How the commands behind a definition are called.
pub(super) struct Instance {
    pub(super) stand_in: Option<StandIn>,
    variant: Option<Arc<str>>,
    /// Values of configuration parameters that are needed to make calls.
    values: Parameters,
}

// === impl Semantic ===

impl Semantic<'_> {
    /// Its configuration parameters, those that only the table gives included.
    pub(super) fn parameters(
        &mut self,
        table: &str,
        imported: &Imported,
        definition: &Definition,
        values: BTreeMap<String, Secret<String>>,
    ) -> Vec<ConfigurationParameter> {
        let known = |name: &str| definition.config.iter().any(|one| one.name == name);
        let mut parameters: Vec<_> = definition.config.iter().map(Declared::parameter).collect();
        for (name, value) in values {
            match parameters.iter_mut().find(|one| one.name == name) {
                Some(declared) => declared.value = Some(value),
                None => {
                    let key = format!("{table}.config.{name}");
                    let message =
                        format!("`{key}` is no configuration parameter of the definition");
                    self.warning(&key, message, "it counts all the same");
                    parameters.push(ConfigurationParameter {
                        value: Some(value),
                        ..Declared {
                            name,
                            ..Declared::default()
                        }
                        .parameter()
                    });
                }
            }
        }
        for (name, field) in &imported.fields {
            match parameters.iter_mut().find(|one| one.name == *name) {
                Some(parameter) => parameter.field = Some(field.clone()),
                None => {
                    let key = format!("{table}.fields.{name}");
                    let message = format!(
                        "`{key}`: the definition has no configuration parameter `{}`",
                        shorten(name)
                    );
                    let names = definition.config.iter().map(|one| one.name.as_str());
                    self.problem(&key, message, format!("it has {}", listed(names)));
                }
            }
        }
        let secure = parameters
            .iter()
            .filter(|one| one.secret && known(&one.name));
        let secrets = secure.flat_map(|one| [one.value.clone(), one.default.clone()]);
        let long = |secret: &Secret<String>| secret.expose().len() >= SHORTEST_SECRET;
        self.secrets.extend(secrets.flatten().filter(long));
        parameters
    }

    /// The variant of the connector that has these parameters, if there are any; and the values that
    /// are needed to make calls.
    pub(super) fn instance(
        &mut self,
        (name, connector): (&str, &str),
        stand_in: Option<StandIn>,
        profile: Option<String>,
        mut parameters: Vec<ConfigurationParameter>,
    ) -> Instance {
        let mut values = Parameters::default();
        if let Some(stand_in) = stand_in {
            let all = stand_in.parameters();
            let known = |name: &str| all.iter().find(|one| one.name == name);
            let apart = |one: &ConfigurationParameter| {
                known(&one.name).is_some_and(|one| one.field.is_none())
            };
            for one in parameters.iter().filter(|one| apart(one)) {
                let variable = self.env.valid(&one.name).filter(|value| !value.is_empty());
                let variable = variable.map(|value| Secret::new(value.to_owned()));
                let value = one.value.clone().or(variable).or(one.default.clone());
                if let Some(value) = value {
                    if one.secret && value.expose().len() >= SHORTEST_SECRET {
                        self.secrets.push(value.clone());
                    }
                    values.insert(one.name.clone(), value);
                }
            }
            // Nothing here reads the others.
            parameters.retain(|one| {
                known(&one.name).is_some_and(|known| known.field.is_some() && known.counts(&values))
            });
        }
        let variant = (profile.is_some() || !parameters.is_empty()).then(|| Arc::from(name));
        if let Some(name) = variant.clone() {
            self.variants.push(Variant {
                connector: connector.into(),
                name,
                profile,
                parameters,
            });
        }
        Instance {
            stand_in,
            variant,
            values,
        }
    }
}

// === impl Instance ===

impl Instance {
    /// A binding of one of its actions.
    pub(super) fn runs(&self, bound: Bound) -> Bound {
        Bound {
            variant: self.variant.clone(),
            parameters: self.values.clone(),
            ..bound
        }
    }
}

/// The documented parameters of a connector that is stood in for, as far as the definition does not
/// say more; and those that only the definition has.
pub(super) fn documented(
    stand_in: StandIn,
    mut declared: Vec<ConfigurationParameter>,
) -> Vec<ConfigurationParameter> {
    for known in stand_in.parameters() {
        let at = declared.iter().position(|one| one.name == known.name);
        let own = at.map(|at| declared.remove(at));
        let text = |text: &str| Secret::new(text.to_owned());
        let default = own.as_ref().and_then(|own| own.default.clone());
        declared.push(ConfigurationParameter {
            name: known.name.to_owned(),
            field: known.field.map(str::to_owned),
            value: own.as_ref().and_then(|own| own.value.clone()),
            default: default.or(known.default.map(text)),
            required: known.required || own.as_ref().is_some_and(|own| own.required),
            secret: known.secret || own.as_ref().is_some_and(|own| own.secret),
        });
    }
    declared
}
