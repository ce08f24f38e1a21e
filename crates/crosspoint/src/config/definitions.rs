//! Definitions of connectors that service tasks of Activiti call: `[activiti.definitions.<name>]`. The
//! comments here are the configuration reference that users read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalars::FilePath;
use super::values::{Values, variables};

/// A definition whose actions run commands of ours. `crosspoint activiti import` writes such a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// The definition: a JSON file as the modelling application writes it. A relative path starts at
    /// the working directory.
    pub file: FilePath,

    /// The connector whose commands its actions run; or `restConnector`, `emailConnector` or
    /// `slackConnector`, which `http`, `smtp` and `slack` then stand in for.
    pub connector: String,

    /// The name in `implementation`, if it is not that of the definition: with names of their own
    /// several tables serve one definition with different values.
    #[serde(default)]
    pub name: Option<String>,

    /// The profile of the connector with which its actions run. When there is no such setting, the
    /// default one.
    #[serde(default)]
    pub profile: Option<String>,

    /// Values of its configuration parameters, by their names: texts, or references to secrets. What
    /// is not here comes from the profile, the environment variable of that name, or the definition.
    #[serde(default)]
    #[schemars(schema_with = "variables")]
    pub config: Values,

    /// Configuration parameters that are fields of the profile with other names: the name of the
    /// parameter, and that of the field. Capitals and signs do not count.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,

    /// Actions whose command has another name, or whose inputs and outputs have.
    #[serde(default)]
    pub actions: BTreeMap<String, Action>,
}

/// How an action is bound to a command.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Action {
    /// The command. When there is no such setting, the one with the name of the action.
    pub command: Option<String>,

    /// Inputs whose parameter has another name: the name of the input, and that of the parameter.
    pub inputs: BTreeMap<String, String>,

    /// Outputs that are not in a field of their own name: the name of the output, and where it is: a
    /// path such as `data.items.0.id`, `@body`, `@status` or `@headers`.
    pub outputs: BTreeMap<String, String>,
}
