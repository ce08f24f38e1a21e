//! What the inputs of a task come to as arguments of the connector that stands in.

use crosspoint_core::{Arguments, CommandId, Json};
use serde_json::{Map, Value};

use super::parameters::Parameters;

/// Texts in inputs of `restConnector` that stand for configuration parameters.
const PLACES: [(&str, &str); 5] = [
    ("${host}", "REST_HOST"),
    ("${rest-http-port}", "REST_HTTP_PORT"),
    ("${rest-https-port}", "REST_HTTPS_PORT"),
    ("${rest-auth-token}", "REST_AUTH_TOKEN"),
    ("${rest-auth-user}", "REST_AUTH_USER"),
];

/// The variables of a task, and the configuration parameters.
pub(super) struct Inputs<'i>(pub(super) &'i Arguments, pub(super) &'i Parameters);

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

    /// The text of an input with the configuration parameters that it names. Fails where one has no value.
    fn filled(&self, input: &str, text: &str) -> Result<String, String> {
        let mut text = text.to_owned();
        for (place, name) in PLACES {
            if !text.contains(place) {
                continue;
            }
            let value = self.parameter(name).ok_or_else(|| {
                format!(
                    "the input {input} names {place}, and the configuration parameter {name} has no \
                     value: nothing was sent; set the environment variable {name}, or config = {{ \
                     {name} = … }} of the definition"
                )
            })?;
            text = text.replace(place, value);
        }
        Ok(text)
    }
}

fn needed(inputs: &Inputs<'_>, name: &str) -> Result<String, String> {
    let missing = || format!("the input {name} is missing");
    inputs.text(name).ok_or_else(missing)
}

pub(super) fn rest(inputs: &Inputs<'_>, command: &CommandId) -> Result<Arguments, String> {
    let mut url = inputs.filled("restUrl", &needed(inputs, "restUrl")?)?;
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
            query.append_pair(name, &inputs.filled("restUrlParams", &text)?);
        }
        let query = query.finish();
        if !query.is_empty() {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&query);
        }
    }
    arguments.insert("url", Json::string(&url));
    if let Some(headers) = inputs.json("requestHeaders") {
        let text = String::from_utf8_lossy(headers.as_bytes());
        let text = inputs.filled("requestHeaders", &text)?;
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

pub(super) fn email(inputs: &Inputs<'_>) -> Result<Arguments, String> {
    for name in ["nodeId", "uri", "files"] {
        if inputs.0.get(name).is_some() {
            return Err(format!(
                "the input {name} is not supported: nothing was sent"
            ));
        }
    }
    let mut arguments = Arguments::default();
    let mut text = |name: &str, value: &str| arguments.insert(name, Json::string(value));
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
    Ok(arguments)
}

pub(super) fn slack(inputs: &Inputs<'_>) -> Result<Arguments, String> {
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
    arguments.insert("channel", Json::string(&channel));
    arguments.insert("message", Json::string(&needed(inputs, "text")?));
    Ok(arguments)
}
