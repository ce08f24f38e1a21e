//! `/v1/commands` and `/v1/auths`: what a diagram's author can choose from.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use crosspoint_broker::Entry;
use crosspoint_broker::oauth::{AuthSettings, Grants};
use crosspoint_core::{Auth, CommandId, Parameter, VIA};
use http::{HeaderName, StatusCode};
use serde_json::{Map, Value, json};

use crate::answer::{self, JSON};
use crate::request::Seen;
use crate::router::Shared;

/// By which a proxy that mounts this one knows it again.
const VIA_HEADER: HeaderName = HeaderName::from_static(VIA);

/// All commands.
pub(crate) async fn commands(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
) -> Response {
    let text = shared
        .listing
        .text(&seen, shared.broker.catalogue(), command);
    let mut response = answer::bytes(StatusCode::OK, JSON, text);
    answer::set(response.headers_mut(), VIA_HEADER, &shared.instance);
    response
}

/// All auths by which a person authorises: those that are configured go before those that connectors
/// have.
pub(crate) async fn auths(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
) -> Response {
    let catalogue = shared.broker.catalogue();
    let configured = shared.broker.grants().map(Grants::configured);
    let configured: Vec<_> = configured.unwrap_or_default();
    let auth = |(id, auth): &(CommandId, Auth)| {
        let parameters: Vec<_> = auth.parameters.iter().map(parameter).collect();
        json!({
            "id": id.to_string(),
            "parameters": parameters,
            "title": title(&auth.name),
            "description": auth.description,
        })
    };
    let is_configured = |id: &CommandId| {
        let same = |auth: &&Arc<AuthSettings>| {
            auth.id.connector == id.connector && auth.id.auth == id.command
        };
        configured.iter().any(|auth| same(&auth))
    };
    let own = catalogue
        .auths()
        .iter()
        .filter(|(id, _)| !is_configured(id) && seen.sees(&id.connector));
    let mut list: Vec<Value> = own.map(auth).collect();
    let by_browser = configured
        .iter()
        .filter(|auth| auth.grant.needs_consent() && seen.sees(&auth.id.connector));
    list.extend(by_browser.map(|auth| {
        json!({
            "id": auth.id.to_string(),
            "parameters": [],
            "title": title(&auth.id.auth),
            "description": auth.description,
        })
    }));
    list.sort_by_cached_key(|auth| auth["id"].to_string());
    answer::json(StatusCode::OK, &Value::Array(list))
}

/// Commands as `/v1/commands` lists them.
pub fn commands_json<'a>(entries: impl Iterator<Item = &'a Entry>) -> Value {
    entries.map(command).collect()
}

/// The three keys of the protocol, then what other readers may want; the backend ignores them.
fn command(entry: &Entry) -> Value {
    let parameters: Vec<_> = entry.command.parameters.iter().map(parameter).collect();
    let mut command = json!({
        "id": entry.id.to_string(),
        "parameters": parameters,
        "title": title(&entry.command.name),
        "description": entry.command.description,
        "safety": entry.command.safety.name(),
        "open": entry.command.open,
    });
    let via = entry.connector.via();
    if !via.is_empty() {
        command["via"] = json!(via);
    }
    command
}

/// A parameter as the protocol and its richer readers want it.
fn parameter(parameter: &Parameter) -> Value {
    let mut value = Map::new();
    value.insert("id".into(), parameter.name.as_str().into());
    value.insert("type".into(), parameter.spiff_type().into());
    value.insert("required".into(), parameter.required.into());
    value.insert("title".into(), title(&parameter.name).into());
    value.insert("description".into(), parameter.description.as_str().into());
    value.insert("schema".into(), json!(parameter.schema));
    if let Some(default) = parameter.default() {
        value.insert("default".into(), default.clone());
    }
    if parameter.secret {
        value.insert("secret".into(), true.into());
    }
    Value::Object(value)
}

/// A name as a form's label: `basic_auth_username` is "Basic auth username", `GetRequestV2`
/// "Get Request V2".
pub(crate) fn title(name: &str) -> String {
    let mut title = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for c in name.chars() {
        let begins_word = c.is_uppercase() && before.is_lowercase();
        match c {
            '_' | '-' => title.push(' '),
            c if title.is_empty() => title.extend(c.to_uppercase()),
            c if begins_word => title.extend([' ', c]),
            c => title.push(c),
        }
        before = c;
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_read_like_labels() {
        assert_eq!(title("basic_auth_username"), "Basic auth username");
        assert_eq!(title("GetRequestV2"), "Get Request V2");
        assert_eq!(title("DoSQL"), "Do SQL");
    }

    #[test]
    fn a_parameter_has_the_three_keys_of_the_protocol_first() {
        let schema = json!({"type": "string", "writeOnly": true, "description": "A key."});
        let value = parameter(&Parameter::new("api_key", true, &schema));
        let keys: Vec<_> = value.as_object().unwrap().keys().take(3).collect();
        assert_eq!(keys, ["id", "type", "required"]);
        assert_eq!(value["secret"], json!(true));
    }
}
