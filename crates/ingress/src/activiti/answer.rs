//! The messages that answer a request: `IntegrationResult` and `IntegrationError`.

use crosspoint_core::{CommandId, Failure, Kind};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::names::Naming;
use super::request::{Fields, Request};

/// The class by which an engine tells a BPMN error from any other. Not one letter may differ.
const BPMN_ERROR: &str = "org.activiti.cloud.api.process.model.CloudBpmnError";

/// How we call ourselves in answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `serviceName` and `serviceFullName`.
    pub service: String,
    /// `appName`, where it is not that of the request.
    pub app_name: Option<String>,
    /// `appVersion`.
    pub app_version: String,
    /// Where results go whatever requests say.
    pub result_override: Option<String>,
    /// Where errors go whatever requests say.
    pub error_override: Option<String>,
}

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The exchange; also the routing key.
    pub(crate) destination: String,
    pub(crate) body: Vec<u8>,
    pub(crate) target_app: Option<String>,
    pub(crate) target_service: Option<String>,
    /// For people: what it says.
    pub(crate) verdict: Verdict,
}

/// Which of the messages it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Result,
    BpmnError,
    TechnicalError,
}

/// An error as engines see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Of BPMN errors only.
    code: Option<String>,
    message: String,
    class: String,
}

/// The fields that both messages begin with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Common<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    app_name: Option<&'a str>,
    app_version: &'a str,
    service_name: &'a str,
    service_full_name: &'a str,
    service_type: &'static str,
    service_version: &'static str,
}

// === impl Told ===

impl Told {
    /// A failure as engines see it: what the system or the connector reported is a BPMN error, which a
    /// boundary event may catch by its code; anything else is technical.
    pub(crate) fn of(failure: &Failure) -> Told {
        let code = failure.code.as_ref();
        match failure.kind {
            Kind::Reported if !code.is_empty() => Told {
                code: Some(code.to_owned()),
                message: match failure.message.is_empty() {
                    true => code.to_owned(),
                    false => failure.message.clone(),
                },
                class: BPMN_ERROR.to_owned(),
            },
            kind => Told::technical(kind.name(), code, &failure.message),
        }
    }

    /// An error that no boundary event catches: the task waits, and an administrator may replay it.
    pub(crate) fn technical(kind: &str, code: &str, message: &str) -> Told {
        Told {
            code: None,
            message: format!("{code}: {message}"),
            class: format!("crosspoint.{kind}"),
        }
    }

    fn verdict(&self) -> Verdict {
        match self.code {
            Some(_) => Verdict::BpmnError,
            None => Verdict::TechnicalError,
        }
    }
}

// === impl Answer ===

impl Answer {
    /// The message that lets a task go on with these variables.
    pub(crate) fn result(
        request: &Request,
        identity: &Identity,
        naming: &Naming,
        variables: &Map<String, Value>,
    ) -> Option<Answer> {
        let destination = destination(
            identity.result_override.as_deref(),
            request.result_destination.as_deref(),
            ("integrationResult", naming, request),
        )?;
        let app_name = identity.app_name.as_deref().or(request.app_name.as_deref());
        let mut fields = common(identity, app_name)?;
        let mut context = request.context.clone();
        context.insert("outBoundVariables".to_owned(), raw(variables)?);
        echo(&mut fields, request, &context)?;
        Some(Answer::new(request, destination, &fields, Verdict::Result))
    }

    /// The message that a task has failed.
    pub(crate) fn error(
        request: &Request,
        identity: &Identity,
        naming: &Naming,
        told: &Told,
        command: Option<&CommandId>,
    ) -> Option<Answer> {
        let destination = destination(
            identity.error_override.as_deref(),
            request.error_destination.as_deref(),
            ("integrationError", naming, request),
        )?;
        // As Java's: the application is not named here.
        let mut fields = common(identity, None)?;
        echo(&mut fields, request, &request.context)?;
        if let Some(code) = &told.code {
            fields.insert("errorCode".to_owned(), raw(code)?);
        }
        fields.insert("errorMessage".to_owned(), raw(&told.message)?);
        fields.insert("errorClassName".to_owned(), raw(&told.class)?);
        // Engines add these up, and fail where there is no list.
        let trace: Vec<_> = command.into_iter().map(stack_trace_element).collect();
        fields.insert("stackTraceElements".to_owned(), raw(&trace)?);
        Some(Answer::new(request, destination, &fields, told.verdict()))
    }

    fn new(request: &Request, destination: String, fields: &Fields, verdict: Verdict) -> Answer {
        Answer {
            destination,
            // Texts and JSON: writing them cannot fail.
            body: serde_json::to_vec(fields).unwrap_or_default(),
            target_app: request.app_name.clone(),
            target_service: request.service.clone(),
            verdict,
        }
    }
}

impl Verdict {
    /// For logs and metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Verdict::Result => "result",
            Verdict::BpmnError => "bpmn_error",
            Verdict::TechnicalError => "technical_error",
        }
    }
}

/// Where an answer goes: where we are told to, else where the request says, else by the name of the
/// runtime bundle, as before requests said so. Nothing where nobody says.
fn destination(
    told: Option<&str>,
    asked: Option<&str>,
    (channel, naming, request): (&str, &Naming, &Request),
) -> Option<String> {
    if let Some(destination) = told.or(asked) {
        return Some(destination.to_owned());
    }
    let service = request.service.as_ref()?;
    Some(format!("{channel}{}{service}", naming.separator))
}

fn common(identity: &Identity, app_name: Option<&str>) -> Option<Fields> {
    let common = Common {
        app_name,
        app_version: &identity.app_version,
        service_name: &identity.service,
        service_full_name: &identity.service,
        service_type: "connector",
        service_version: "",
    };
    serde_json::from_str(&serde_json::to_string(&common).ok()?).ok()
}

/// The request and its context, both as they came but for the outputs.
fn echo(fields: &mut Fields, request: &Request, context: &Fields) -> Option<()> {
    let whole: &RawValue = serde_json::from_slice(&request.text).ok()?;
    fields.insert("integrationRequest".to_owned(), whole.to_owned());
    fields.insert("integrationContext".to_owned(), raw(context)?);
    Some(())
}

fn stack_trace_element(command: &CommandId) -> Value {
    serde_json::json!({
        "className": command.connector,
        "methodName": command.command,
        "fileName": "crosspoint",
        "lineNumber": -1,
        "nativeMethod": false,
    })
}

fn raw(value: &impl Serialize) -> Option<Box<RawValue>> {
    RawValue::from_string(serde_json::to_string(value).ok()?).ok()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
