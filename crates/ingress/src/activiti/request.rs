//! What a runtime bundle sends for a service task: the message `IntegrationRequest`.

use bytes::Bytes;
use crosspoint_broker::carried_to;
use crosspoint_core::{Arguments, Call, CommandId, Ingress, Json, JsonError, Origin, Parameter};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::variable;

/// Fields of a JSON object, as they are spelled.
pub(crate) type Fields = IndexMap<String, Box<RawValue>>;

/// A request that can be answered.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The whole message.
    pub(crate) text: Bytes,
    /// The integration context, which is echoed.
    pub(crate) context: Fields,
    /// The id of the context: what the answer belongs to.
    pub(crate) id: String,
    /// `implementation`, as the engine names it.
    pub(crate) connector_type: Option<String>,
    /// Whether the execution and the task are named, without which no answer continues the process.
    pub(crate) is_whole: bool,
    process_instance: Option<String>,
    process_definition: Option<String>,
    task: Option<String>,
    /// The application that the process belongs to.
    pub(crate) app_name: Option<String>,
    /// The runtime bundle.
    pub(crate) service: Option<String>,
    /// The version of the application: a number as text, mostly.
    pub(crate) app_version: Option<String>,
    /// Where results go, if the engine says so.
    pub(crate) result_destination: Option<String>,
    /// Where errors go, if the engine says so.
    pub(crate) error_destination: Option<String>,
}

/// Why a message cannot be answered: nobody waits for one, or nobody can tell who does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("the message is not JSON: {0}")]
    Json(#[from] JsonError),
    #[error("the message is not an integration request: {0}")]
    Shape(&'static str),
}

/// The inputs of a call, and what was left out of them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Inputs {
    pub(crate) arguments: Arguments,
    /// Variables that the command does not declare.
    pub(crate) dropped: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    integration_context: Option<Box<RawValue>>,
    app_name: Option<Box<RawValue>>,
    app_version: Option<Box<RawValue>>,
    service_name: Option<Box<RawValue>>,
    service_full_name: Option<Box<RawValue>>,
    result_destination: Option<Box<RawValue>>,
    error_destination: Option<Box<RawValue>>,
}

// === impl Request ===

impl Request {
    /// Reads a message. What is absent, null or of another type than expected counts as absent.
    /// `header`: the id of the context as a header says it, for messages that have it there alone.
    pub(crate) fn read(text: Bytes, header: Option<&str>) -> Result<Request, Unusable> {
        Json::parse(text.clone())?;
        let shape = Unusable::Shape("it is no object with an integrationContext");
        let message: Message = serde_json::from_slice(&text).map_err(|_| shape.clone())?;
        let context = message.integration_context.as_deref().ok_or(shape)?;
        let context: Fields = serde_json::from_str(context.get())
            .map_err(|_| Unusable::Shape("its integrationContext is no object"))?;
        let part = |name: &str| context.get(name).and_then(|raw| plain(raw));
        let id = part("id").or_else(|| header.map(str::to_owned));
        let id = id.filter(|id| !id.is_empty());
        let whole = |field: &Option<Box<RawValue>>| field.as_deref().and_then(plain);
        Ok(Request {
            id: id.ok_or(Unusable::Shape("its integrationContext has no id"))?,
            connector_type: part("connectorType"),
            is_whole: part("executionId").is_some() && part("clientId").is_some(),
            process_instance: part("processInstanceId"),
            process_definition: part("processDefinitionKey"),
            task: part("clientId"),
            app_version: whole(&message.app_version).or_else(|| part("appVersion")),
            app_name: whole(&message.app_name),
            service: whole(&message.service_full_name).or_else(|| whole(&message.service_name)),
            result_destination: whole(&message.result_destination),
            error_destination: whole(&message.error_destination),
            context,
            text,
        })
    }

    /// The variables for a command: those that it declares, by the names of its parameters or as
    /// `renamed` says (the variable, the parameter). Of an `open` one all. Fails with every variable
    /// that cannot be read.
    pub(crate) fn inputs(
        &self,
        parameters: &[Parameter],
        open: bool,
        renamed: &[(String, String)],
    ) -> Result<Inputs, String> {
        let Some(variables) = self.context.get("inBoundVariables") else {
            return Ok(Inputs::default());
        };
        if variables.get() == "null" {
            return Ok(Inputs::default());
        }
        let variables: IndexMap<String, &RawValue> = serde_json::from_str(variables.get())
            .map_err(|_| "inBoundVariables is no object".to_owned())?;
        let mut inputs = Inputs::default();
        let mut wrong = Vec::new();
        for (name, raw) in variables {
            let renamed = renamed.iter().find(|(variable, _)| *variable == name);
            let to = renamed.map_or(&name, |(_, parameter)| parameter);
            if !open && !parameters.iter().any(|parameter| parameter.name == *to) {
                inputs.dropped.push(name);
                continue;
            }
            match variable::read(&self.text, raw) {
                Ok(Some(json)) => inputs.arguments.insert(to, json),
                Ok(None) => {}
                Err(error) => wrong.push(format!("variable '{name}' {error}")),
            }
        }
        match wrong.is_empty() {
            true => Ok(inputs),
            false => Err(wrong.join("; ")),
        }
    }

    /// The call of a command. The runtime bundle is the caller; the id of the context is the key,
    /// where calls can have one.
    pub(crate) fn call(&self, command: CommandId, arguments: Arguments, keyed: bool) -> Call {
        let mut origin = Origin::of(Ingress::Activiti);
        origin.caller = self.service.as_deref().map(Into::into);
        origin.instance = self.process_instance.clone();
        origin.model = self.process_definition.clone();
        origin.task = self.task.clone();
        let mut call = Call::new(command, arguments, origin);
        call.request_id = self.id.as_str().into();
        call.key = keyed.then(|| self.id.clone());
        call
    }

    /// Lets the result of a call come later: the request is kept with it, since the answer repeats it.
    pub(crate) fn answer_later(&self, call: &mut Call) {
        let place = self.result_destination.as_ref().or(self.service.as_ref());
        call.callback = Some(carried_to(place.map_or("", String::as_str)));
        call.context = Json::parse(self.text.clone()).ok();
    }

    /// Whether the application's version is within what is served. A version that is no number is
    /// let through.
    pub(crate) fn is_of_version(&self, min: Option<i64>, max: Option<i64>) -> bool {
        let version = self.app_version.as_ref();
        let Some(version) = version.and_then(|version| version.trim().parse::<i64>().ok()) else {
            return true;
        };
        min.is_none_or(|min| version >= min) && max.is_none_or(|max| version <= max)
    }
}

/// A text or a number; nothing for what is empty or anything else.
fn plain(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    match text.as_bytes()[0] {
        b'"' => serde_json::from_str::<String>(text)
            .ok()
            .filter(|text| !text.is_empty()),
        b'-' | b'0'..=b'9' => Some(text.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
