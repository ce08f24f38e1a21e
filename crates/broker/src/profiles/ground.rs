//! What a profile is checked against, and filled up from.

use std::collections::HashMap;

use crosspoint_core::{Fields, Parameter, is_sensitive_name};
use serde_json::Value;

use super::checked::{Checked, Follow};
use super::fields::{from_text, quoted, secret, secret_value, setting, variable};
use super::variant::{ConfigurationParameter, Variant};
use super::{Definition, Source};

/// What a profile is checked against.
pub(super) struct Ground<'g> {
    pub(super) connector: &'g str,
    pub(super) fields: &'g Fields,
    pub(super) environment: &'g HashMap<String, String>,
    /// Which field the token of its auth fills, if it has one.
    pub(super) token: Option<String>,
    /// The variant of the connector whose calls run with it, if it is for one.
    pub(super) variant: Option<&'g Variant>,
}

/// A field that may have a value, as far as it is declared and a parameter of the variant.
struct Field<'g> {
    name: &'g str,
    declared: Option<&'g Parameter>,
    parameter: Option<&'g ConfigurationParameter>,
}

// === impl Ground ===

impl<'g> Ground<'g> {
    /// The parameters of the variant, each with the field that it is.
    fn parameters(&self) -> Vec<(Option<&'g str>, &'g ConfigurationParameter)> {
        let variant = self.variant.map(|variant| variant.bound(self.fields));
        variant.unwrap_or_default()
    }

    /// The fields that are declared, then the parameters of the variant that are none of these.
    fn all(&self) -> Vec<Field<'g>> {
        let bound = self.parameters();
        let declared = self.fields.declared.iter().map(|field| Field {
            name: &field.name,
            declared: Some(field),
            parameter: bound
                .iter()
                .find_map(|(name, parameter)| (*name == Some(&*field.name)).then_some(*parameter)),
        });
        let open = bound.iter().filter_map(|(name, parameter)| {
            let name = name.filter(|name| self.fields.get(name).is_none())?;
            Some(Field {
                name,
                declared: None,
                parameter: Some(*parameter),
            })
        });
        declared.chain(open).collect()
    }
}

// === impl Checked ===

impl Checked {
    /// Takes what a profile gives, if it is one, then what else gives something.
    pub(super) fn take(&mut self, definition: Option<&Definition>, ground: &Ground<'_>) {
        if let Some(definition) = definition {
            self.take_settings(definition, ground.fields);
            self.take_secrets(definition, ground.fields);
        }
        if let Some(token) = ground
            .token
            .as_ref()
            .filter(|name| !ground.fields.takes(name))
        {
            let clause =
                "is not known, and the token of its auth fills it: set token_field of the auth";
            self.mistake(token, clause);
        }
        self.take_parameters(ground);
        self.fill_up(definition, ground);
    }

    fn take_settings(&mut self, definition: &Definition, fields: &Fields) {
        for (name, value) in &definition.settings {
            if definition.secrets.contains_key(name) {
                self.mistake(name, "is set twice: as a setting and as a secret");
                continue;
            }
            match setting(fields, name, value) {
                Ok(Some((value, secret))) => self.knows(name, value, secret),
                Ok(None) => {}
                Err(clause) => self.mistake(name, &clause),
            }
            self.look_at(name, fields);
        }
    }

    fn take_secrets(&mut self, definition: &Definition, fields: &Fields) {
        for (name, source) in &definition.secrets {
            let declared = match secret(fields, name) {
                Ok(declared) => declared,
                Err(clause) => {
                    self.mistake(name, &clause);
                    continue;
                }
            };
            self.look_at(name, fields);
            match source {
                Source::Value(text) => match secret_value(declared, text.expose()) {
                    Ok(value) => self.knows(name, value, true),
                    Err(clause) => self.mistake(name, &clause),
                },
                elsewhere => self.follows.push(Follow {
                    field: name.clone(),
                    source: elsewhere.clone(),
                    declared: declared.cloned(),
                }),
            }
        }
    }

    /// What was set for the variant alone, in the place of what the profile has.
    fn take_parameters(&mut self, ground: &Ground<'_>) {
        for (field, parameter) in ground.parameters() {
            let Some(name) = field else {
                let (parameter, connector) = (quoted(&parameter.name), &self.connector);
                let warning = format!(
                    "{parameter} of the definition is none of the profiles of {connector}, and has \
                     no effect"
                );
                self.warnings.push(warning);
                continue;
            };
            let Some(value) = &parameter.value else {
                continue;
            };
            self.values.retain(|known| known.field != name);
            self.follows.retain(|follow| follow.field != name);
            let declared = ground.fields.get(name);
            let secret = parameter.secret || declared.is_some_and(|field| field.secret);
            match secret_value(declared, value.expose()) {
                Ok(value) => self.knows(name, value, secret),
                Err(clause) => self.mistake(&parameter.name, &clause),
            }
        }
    }

    /// What the profile does not give, the environment or the default may.
    fn fill_up(&mut self, definition: Option<&Definition>, ground: &Ground<'_>) {
        let written = |name: &str| {
            definition.is_some_and(|definition| {
                let blank = |value: &Value| value.is_null() || value == "";
                let set = definition.settings.get(name);
                set.is_some_and(|value| !blank(value)) || definition.secrets.contains_key(name)
            })
        };
        let set = |parameter: Option<&ConfigurationParameter>| {
            parameter.is_some_and(|parameter| parameter.value.is_some())
        };
        for Field {
            name,
            declared,
            parameter,
        } in ground.all()
        {
            if written(name) || set(parameter) || ground.token.as_deref() == Some(name) {
                continue;
            }
            let own = declared.map(|_| variable(ground.connector, name));
            let named = parameter.map(|parameter| parameter.name.clone());
            let variables: Vec<_> = named.into_iter().chain(own).collect();
            let found = variables.iter().find_map(|variable| {
                let text = ground.environment.get(variable)?.as_str();
                let source = format!("the environment variable {variable}");
                (!text.is_empty()).then_some((text, source))
            });
            let default = || {
                let parameter = parameter?;
                let source = format!("the default of {}", quoted(&parameter.name));
                Some((parameter.default.as_ref()?.expose().as_str(), source))
            };
            let hidden = |field: &Parameter| field.secret;
            let secret = declared.map_or_else(|| is_sensitive_name(name), hidden)
                || parameter.is_some_and(|parameter| parameter.secret);
            if let Some((text, source)) = found.or_else(default) {
                match from_text(declared, text) {
                    Ok(Some(value)) => {
                        self.knows(name, value, secret);
                        continue;
                    }
                    Ok(None) => {}
                    Err(clause) => {
                        self.mistakes.push(format!("{source} {clause}"));
                        continue;
                    }
                }
            }
            let required = declared.is_some_and(|field| field.required)
                || parameter.is_some_and(|parameter| parameter.required);
            match declared.and_then(Parameter::default) {
                Some(default) => self.knows(name, default.clone(), secret),
                None if required => {
                    let variable = variables.into_iter().next().unwrap_or_default();
                    self.missing.push((name.to_owned(), variable));
                }
                None => {}
            }
        }
    }

    /// A connector that declares fields and takes others, too, was probably not asked about this one.
    fn look_at(&mut self, name: &str, fields: &Fields) {
        if !fields.declared.is_empty() && fields.get(name).is_none() {
            let warning = format!("{} is not declared by {}", quoted(name), self.connector);
            self.warnings.push(warning);
        }
    }
}
