//! Variants of a connector: the same one with configuration parameters of its own. Activiti calls them
//! instances of a connector.

use std::sync::Arc;

use crosspoint_core::{Fields, Secret, alike};

/// A connector with configuration parameters of its own, which go with those of its profiles.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The connector's published name.
    pub connector: Arc<str>,
    /// What calls know it by: see [`Call::variant`](crosspoint_core::Call::variant).
    pub name: Arc<str>,
    /// The profile with which its calls run. When there is none, the connector's default one.
    pub profile: Option<String>,
    /// The parameters. A value is looked for in the parameter itself, the profile, the environment
    /// variable of its name, that of the field, its default, and that of the field.
    pub parameters: Vec<ConfigurationParameter>,
}

/// One of them. Values are texts, which become what the field takes.
#[derive(Debug, Clone)]
pub struct ConfigurationParameter {
    /// Its name, which is also that of the environment variable.
    pub name: String,
    /// The field of the connector's profiles that it is. When none is given, the one with its name,
    /// capitals and signs apart.
    pub field: Option<String>,
    /// The value that was set for this variant alone.
    pub value: Option<Secret<String>>,
    /// The value where nothing else gives one.
    pub default: Option<Secret<String>>,
    /// Whether a call without a value fails.
    pub required: bool,
    /// Whether its value is hidden, if the field does not say so already.
    pub secret: bool,
}

// === impl Variant ===

impl Variant {
    /// Each parameter with the field that it is.
    pub(super) fn bound<'v>(
        &'v self,
        fields: &'v Fields,
    ) -> Vec<(Option<&'v str>, &'v ConfigurationParameter)> {
        let parameters = self.parameters.iter();
        let bound = parameters.map(|parameter| (parameter.field_of(fields), parameter));
        bound.collect()
    }
}

// === impl ConfigurationParameter ===

impl ConfigurationParameter {
    /// The field that it is. None: the connector does not know it.
    pub fn field_of<'p>(&'p self, fields: &'p Fields) -> Option<&'p str> {
        let wanted = self.field.as_deref().unwrap_or(&self.name);
        let declared = fields.declared.iter().map(|field| field.name.as_str());
        alike(wanted, declared).or_else(|| fields.open.then_some(wanted))
    }
}
