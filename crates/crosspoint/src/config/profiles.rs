//! Profiles of connectors in the file. The comments here are the configuration reference that users
//! read.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::durations::Span;
use super::secret_text::SecretText;
use super::values::{Values, settings};

/// The profiles of a connector, by name.
pub type Profiles = BTreeMap<String, Profile>;

/// An account at the system behind the connector: what its calls need and processes need not carry. A
/// call uses the profile that it names, else the one with `default = true`, else the only one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Whether calls may use it. A call that would use one that is not enabled is refused.
    pub enabled: bool,

    /// Whether calls use it that name none. One profile of a connector may be the default.
    pub default: bool,

    /// What may be shown, by the name of the field: texts, numbers, booleans, or references such as
    /// `env:NAME`. A field with the name of a parameter stands in for it in calls that do not give
    /// it.
    #[schemars(schema_with = "settings")]
    pub settings: Values,

    /// What may not, by the name of the field: texts, or better references: `env:NAME`,
    /// `file:PATH`, `exec:COMMAND ARGUMENTS`, `secret:NAME` for a secret that Crosspoint keeps, and
    /// `vault:PATH#FIELD`. The last two are followed when a call needs them.
    #[schemars(schema_with = "secrets")]
    pub secrets: BTreeMap<String, SecretText>,

    /// The auth of the connector whose access token it gets, kept fresh.
    pub auth: Option<String>,

    /// How often it is checked whether the system can be reached and takes the profile. When there
    /// is no such setting, it is checked when somebody asks for it.
    pub check_every: Option<Span>,
}

/// The schema of [`Profiles`].
pub fn profiles(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$", "format": "profile-name" },
        "additionalProperties": generator.subschema_for::<Profile>(),
    })
}

fn secrets(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": generator.subschema_for::<SecretText>(),
    })
}

// === impl Profile ===

impl Default for Profile {
    fn default() -> Profile {
        Profile {
            enabled: true,
            default: false,
            settings: Values::default(),
            secrets: BTreeMap::new(),
            auth: None,
            check_every: None,
        }
    }
}
