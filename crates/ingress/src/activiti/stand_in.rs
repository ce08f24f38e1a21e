//! Ready mappings that let our built-in connectors stand in for connectors of Activiti Enterprise,
//! with their documented actions, inputs and outputs. As documented these always succeed: what goes
//! wrong is an output.

use std::collections::HashMap;
use std::time::Duration;

use crosspoint_core::{Arguments, CommandId, Failure, Json, Outcome, Secret};
use serde_json::{Map, Value};

use super::outputs::{Output, Source};
use super::settings::Bound;

/// A connector that is stood in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandIn {
    /// `restConnector`, by `http`.
    Rest,
    /// `emailConnector`, by `smtp`.
    Email,
    /// `slackConnector`, by `slack`.
    Slack,
}

/// Configuration parameters, by the names of the documentation.
pub type Parameters = HashMap<String, Secret<String>>;

/// The verbs of `restConnector`.
const VERBS: [(&str, &str); 8] = [
    ("GET", "GetRequestV2"),
    ("HEAD", "HeadRequestV2"),
    ("POST", "PostRequestV2"),
    ("PUT", "PutRequestV2"),
    ("PATCH", "PatchRequestV2"),
    ("DELETE", "DeleteRequestV2"),
    ("OPTIONS", "OptionsRequestV2"),
    ("TRACE", "TraceRequestV2"),
];

/// Texts in inputs of `restConnector` that stand for configuration parameters.
const PLACES: [(&str, &str); 5] = [
    ("${host}", "REST_HOST"),
    ("${rest-http-port}", "REST_HTTP_PORT"),
    ("${rest-https-port}", "REST_HTTPS_PORT"),
    ("${rest-auth-token}", "REST_AUTH_TOKEN"),
    ("${rest-auth-user}", "REST_AUTH_USER"),
];

// === impl StandIn ===

impl StandIn {
    /// All of them.
    pub const ALL: [StandIn; 3] = [StandIn::Rest, StandIn::Email, StandIn::Slack];

    /// The name in `implementation`.
    pub const fn name(self) -> &'static str {
        match self {
            StandIn::Rest => "restConnector",
            StandIn::Email => "emailConnector",
            StandIn::Slack => "slackConnector",
        }
    }

    /// The configuration parameters that it reads.
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            StandIn::Rest => &[
                "REST_HOST",
                "REST_HTTP_PORT",
                "REST_HTTPS_PORT",
                "REST_AUTH_TOKEN",
                "REST_AUTH_USER",
            ],
            StandIn::Email => &[
                "EMAIL_HOST",
                "EMAIL_PORT",
                "EMAIL_USERNAME",
                "EMAIL_PASSWORD",
                "EMAIL_SMTP_AUTH",
                "EMAIL_SMTP_STARTTLS",
            ],
            StandIn::Slack => &["SLACK_XOXB"],
        }
    }

    /// Its actions, each with the command that runs.
    pub fn bound(self) -> Vec<Bound> {
        let actions: &[(&str, &str)] = match self {
            StandIn::Rest => &VERBS,
            StandIn::Email => &[("SEND", "SendEmail")],
            StandIn::Slack => &[("SEND_MESSAGE", "PostMessage")],
        };
        let connector = match self {
            StandIn::Rest => "http",
            StandIn::Email => "smtp",
            StandIn::Slack => "slack",
        };
        let bound = actions.iter().map(|(action, command)| Bound {
            implementation: format!("{}.{action}", self.name()),
            command: CommandId::new(connector, *command),
            inputs: Vec::new(),
            outputs: self.outputs(action),
            stand_in: Some(self),
        });
        bound.collect()
    }

    fn outputs(self, action: &str) -> Vec<Output> {
        let output = |name: &str, kind: &str, source| Output {
            name: name.to_owned(),
            kind: Some(kind.to_owned()),
            source,
        };
        if self != StandIn::Rest {
            // They bring back nothing but what goes wrong: a field that is never there.
            let nothing = Source::Field(vec!["\u{0}".to_owned()]);
            return vec![output(self.error(), "string", nothing)];
        }
        let mut outputs = vec![
            output("restStatus", "integer", Source::Status),
            output("restResponseHeaders", "json", Source::Headers),
        ];
        if !matches!(action, "HEAD" | "OPTIONS") {
            outputs.push(output("restResult", "json", Source::Body));
        }
        outputs
    }

    /// The output that says what went wrong.
    pub(crate) const fn error(self) -> &'static str {
        match self {
            StandIn::Rest => "restError",
            StandIn::Email => "email.error",
            StandIn::Slack => "slackError",
        }
    }

    /// The arguments of the command. Fails with what the task is told.
    pub(crate) fn arguments(
        self,
        variables: &Arguments,
        command: &CommandId,
        parameters: &Parameters,
    ) -> Result<Arguments, String> {
        let inputs = Inputs(variables, parameters);
        match self {
            StandIn::Rest => rest(&inputs, command),
            StandIn::Email => email(&inputs),
            StandIn::Slack => slack(&inputs),
        }
    }

    /// How long the task lets the call take, if it says so: `timeout` in milliseconds.
    pub(crate) fn limit(self, variables: &Arguments) -> Option<Duration> {
        let text = String::from_utf8_lossy(variables.get("timeout")?.as_bytes()).into_owned();
        let milliseconds: u64 = text.trim_matches('"').trim().parse().ok()?;
        (self == StandIn::Rest && milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// What came with a failure, for the outputs that a task gets beside the error.
    pub(crate) fn outcome(failure: &Failure) -> Outcome {
        match &failure.outcome {
            Some(outcome) => (**outcome).clone(),
            None => Outcome::json(Value::Null.into()).with_status(0),
        }
    }

    /// Adds what went wrong. Without an answer there is no status either.
    pub(crate) fn tell(self, variables: &mut Map<String, Value>, answered: bool, what: &str) {
        if !answered {
            variables.clear();
        }
        // An engine would not take a result in which it finds an expression.
        let what = what.replace("${", "$ {");
        let error = serde_json::json!({"type": "string", "value": what});
        variables.insert(self.error().to_owned(), error);
    }
}

/// The variables of a task, and the configuration parameters.
struct Inputs<'i>(&'i Arguments, &'i Parameters);

// === impl Inputs ===

impl Inputs<'_> {
    /// A text; of anything else its JSON. Nothing for what is empty.
    fn text(&self, name: &str) -> Option<String> {
        let json = self.0.get(name)?;
        let text = json.as_text();
        let text = text.unwrap_or_else(|| String::from_utf8_lossy(json.as_bytes()).into_owned());
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// A list of texts, or a text that is one, as one text.
    fn list(&self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        match serde_json::from_str::<Vec<String>>(&text) {
            Ok(list) => Some(list.join(",")),
            Err(_) => Some(text),
        }
    }

    /// JSON; a text that holds an object or a list is taken for that.
    fn json(&self, name: &str) -> Option<Json> {
        let json = self.0.get(name)?;
        match json.as_text() {
            Some(text) if text.trim().is_empty() => None,
            Some(text) if text.trim_start().starts_with(['{', '[']) => {
                Some(Json::parse(text.into_bytes()).unwrap_or_else(|_| json.clone()))
            }
            _ => Some(json.clone()),
        }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let value = self.1.get(name)?.expose().as_str();
        Some(value).filter(|value| !value.is_empty())
    }

    fn needed(&self, name: &str) -> Result<&str, String> {
        let missing = || format!("the configuration parameter {name} is not set");
        self.parameter(name).ok_or_else(missing)
    }

    /// A text with the configuration parameters that it names.
    fn filled(&self, text: &str) -> String {
        PLACES.iter().fold(text.to_owned(), |text, (place, name)| {
            match self.parameter(name) {
                Some(value) if text.contains(place) => text.replace(place, value),
                _ => text,
            }
        })
    }
}

fn needed(inputs: &Inputs<'_>, name: &str) -> Result<String, String> {
    let missing = || format!("the input {name} is missing");
    inputs.text(name).ok_or_else(missing)
}

fn rest(inputs: &Inputs<'_>, command: &CommandId) -> Result<Arguments, String> {
    let mut url = inputs.filled(&needed(inputs, "restUrl")?);
    let mut arguments = Arguments::default();
    if let Some(params) = inputs.json("restUrlParams") {
        let params: Map<String, Value> = params
            .read()
            .map_err(|_| "the input restUrlParams is no object".to_owned())?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &params {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            query.append_pair(name, &inputs.filled(&text));
        }
        let query = query.finish();
        if !query.is_empty() {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&query);
        }
    }
    arguments.insert("url", Json::string(&url));
    if let Some(headers) = inputs.json("requestHeaders") {
        let text = inputs.filled(&String::from_utf8_lossy(headers.as_bytes()));
        let headers = Json::parse(text.into_bytes());
        arguments.insert(
            "headers",
            headers.map_err(|_| "the input requestHeaders is no object".to_owned())?,
        );
    }
    let writes = matches!(
        &*command.command,
        "PostRequestV2" | "PutRequestV2" | "PatchRequestV2" | "DeleteRequestV2"
    );
    if let (Some(payload), true) = (inputs.json("requestPayload"), writes) {
        arguments.insert("data", payload);
    }
    Ok(arguments)
}

fn email(inputs: &Inputs<'_>) -> Result<Arguments, String> {
    for name in ["nodeId", "uri", "files"] {
        if inputs.0.get(name).is_some() {
            return Err(format!(
                "the input {name} is not supported: nothing was sent"
            ));
        }
    }
    let mut arguments = Arguments::default();
    let mut text = |name: &str, value: &str| arguments.insert(name, Json::string(value));
    text("smtp_host", inputs.needed("EMAIL_HOST")?);
    text("smtp_port", inputs.parameter("EMAIL_PORT").unwrap_or("25"));
    if inputs.parameter("EMAIL_SMTP_AUTH") != Some("false") {
        for (parameter, argument) in [
            ("EMAIL_USERNAME", "smtp_user"),
            ("EMAIL_PASSWORD", "smtp_password"),
        ] {
            if let Some(value) = inputs.parameter(parameter) {
                text(argument, value);
            }
        }
    }
    text("email_from", &needed(inputs, "from")?);
    text("email_subject", &inputs.text("subject").unwrap_or_default());
    text("email_body", &inputs.text("text").unwrap_or_default());
    let to = inputs.list("to").ok_or("the input to is missing")?;
    text("email_to", &to);
    for name in ["cc", "bcc"] {
        if let Some(list) = inputs.list(name) {
            text(name, &list);
        }
    }
    if let Some(html) = inputs.text("html") {
        text("html_body", &html);
    }
    if inputs.parameter("EMAIL_SMTP_STARTTLS") == Some("true") {
        arguments.insert("smtp_starttls", Json::from(Value::Bool(true)));
    }
    Ok(arguments)
}

fn slack(inputs: &Inputs<'_>) -> Result<Arguments, String> {
    match inputs.text("requestResponse").as_deref() {
        None | Some("no") => {}
        Some(other) => {
            let other = crosspoint_core::shorten(other);
            return Err(format!(
                "requestResponse '{other}' is not supported, only 'no' is: nothing was sent"
            ));
        }
    }
    let name = inputs.text("channelName");
    let name = name.map(|name| format!("#{}", name.trim_start_matches('#')));
    let channel = inputs
        .text("channelId")
        .or_else(|| inputs.text("userId"))
        .or(name);
    let channel = channel.ok_or(
        "one of the inputs channelId, userId and channelName is needed (userEmail is not \
         supported): nothing was sent",
    )?;
    let mut arguments = Arguments::default();
    arguments.insert("token", Json::string(inputs.needed("SLACK_XOXB")?));
    arguments.insert("channel", Json::string(&channel));
    arguments.insert("message", Json::string(&needed(inputs, "text")?));
    Ok(arguments)
}

#[cfg(test)]
#[path = "stand_in_tests.rs"]
mod tests;
