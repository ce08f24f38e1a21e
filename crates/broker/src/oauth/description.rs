//! The description of an OAuth application that a connector's code gives: the dictionary by which
//! SpiffArena's connectors describe theirs, with the keys of either client that `flask_oauthlib` has
//! (`remote_app` of `client` and of `contrib.client`).

use std::collections::BTreeMap;

use crosspoint_core::{Json, Secret};
use serde_json::{Map, Value};

use super::settings::{AuthId, AuthSettings, ClientAuth, Grant};
use crate::profiles::Source;

/// Reads it. Fails with a clause that says what is wrong; no value is in it.
pub(super) fn read(id: &AuthId, description: &Json) -> Result<AuthSettings, String> {
    let Ok(Value::Object(keys)) = description.read() else {
        return Err("is described by something that is no dictionary".to_owned());
    };
    if keys
        .get("version")
        .is_some_and(|v| text_of(v).is_some_and(|v| v.starts_with('1')))
        || text(&keys, &["request_token_url"]).is_some()
    {
        return Err("is of OAuth 1, which is not supported".to_owned());
    }
    let base = text(&keys, &["base_url", "endpoint_url"]);
    let mut missing = Vec::new();
    let mut needed = |names: &[&'static str]| {
        text(&keys, names).unwrap_or_else(|| {
            missing.push(names[0]);
            String::new()
        })
    };
    let authorize_url = needed(&["authorization_url", "authorize_url"]);
    let token_url = needed(&["access_token_url"]);
    let client_id = needed(&["client_id", "consumer_key"]);
    if !missing.is_empty() {
        return Err(format!("is described without {}", missing.join(", ")));
    }
    let url = |name: &str, text: &str| {
        let url = url::Url::parse(text).or_else(|error| match &base {
            Some(base) => url::Url::parse(base).and_then(|base| base.join(text)),
            None => Err(error),
        });
        match url {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url.to_string()),
            _ => Err(format!("is described with no address as {name}")),
        }
    };
    let mut consent = parameters(&keys, "request_token_params");
    // In the newer client the scope stands beside, in the older among the parameters.
    let beside = keys.get("scope").map(scopes).unwrap_or_default();
    let among = consent.remove("scope").map(|scope| scopes(&scope.into()));
    let grant = Grant::AuthorizationCode {
        authorize_url: url("authorization_url", &authorize_url)?,
        parameters: consent,
        // Such an application knows nothing of it; providers pass over what they do not know.
        pkce: true,
    };
    let mut auth = AuthSettings::new(
        id.clone(),
        grant,
        url("access_token_url", &token_url)?,
        client_id,
    );
    auth.refresh_url = match text(&keys, &["refresh_token_url"]) {
        Some(text) => Some(url("refresh_token_url", &text)?),
        None => None,
    };
    auth.client_secret = text(&keys, &["client_secret", "consumer_secret"])
        .map(|secret| Source::Value(Secret::new(secret)));
    auth.client_auth = ClientAuth::Body;
    auth.scopes = match beside.is_empty() {
        true => among.unwrap_or_default(),
        false => beside,
    };
    auth.parameters = parameters(&keys, "access_token_params");
    Ok(auth)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn text(keys: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| keys.get(*name).and_then(text_of))
}

fn parameters(keys: &Map<String, Value>, name: &str) -> BTreeMap<String, String> {
    let Some(Value::Object(parameters)) = keys.get(name) else {
        return BTreeMap::new();
    };
    let joined = |value: &Value| match value {
        Value::Array(_) => Some(scopes(value).join(" ")),
        value => text_of(value),
    };
    let parameters = parameters.iter();
    parameters
        .filter_map(|(name, value)| Some((name.clone(), joined(value)?)))
        .collect()
}

/// Scopes are a list, or a text with spaces between them.
fn scopes(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(text_of).collect(),
        value => {
            let text = text_of(value).unwrap_or_default();
            text.split_whitespace().map(str::to_owned).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_json(text: &str) -> Result<AuthSettings, String> {
        let json = Json::parse(text.to_owned()).unwrap();
        read(&AuthId::new("crm", "OAuth"), &json)
    }

    #[test]
    fn both_spellings_of_an_application_are_understood() {
        let newer = r#"{"name": "crm", "version": "2", "client_id": "me", "client_secret": "canary",
            "endpoint_url": "https://api.h/", "authorization_url": "https://h/authorize",
            "access_token_url": "https://h/token", "refresh_token_url": "https://h/refresh",
            "scope": "offline_access openid"}"#;
        let older = r#"{"base_url": "https://h/api/", "access_token_url": "/token",
            "authorize_url": "/authorize", "consumer_key": "me", "consumer_secret": "canary",
            "access_token_method": "POST", "refresh_token_url": "https://h/refresh",
            "request_token_params": {"scope": ["offline_access", "openid"]},
            "request_token_url": null}"#;
        for text in [newer, older] {
            let auth = read_json(text).unwrap();
            let Grant::AuthorizationCode {
                authorize_url,
                parameters,
                ..
            } = &auth.grant
            else {
                panic!("{:?}", auth.grant);
            };
            assert_eq!(authorize_url, "https://h/authorize");
            assert!(parameters.is_empty());
            assert_eq!(auth.token_url, "https://h/token");
            assert_eq!(auth.refresh_url.as_deref(), Some("https://h/refresh"));
            assert_eq!(auth.client_id, "me");
            assert_eq!(auth.scopes, ["offline_access", "openid"]);
            assert!(!format!("{auth:?}").contains("canary"));
        }
    }

    #[test]
    fn what_is_wrong_is_said_all_at_once_and_without_values() {
        for (text, why) in [
            ("[]", "is described by something that is no dictionary"),
            (
                r#"{"version": "1"}"#,
                "is of OAuth 1, which is not supported",
            ),
            (
                r#"{"request_token_url": "https://h/"}"#,
                "is of OAuth 1, which is not supported",
            ),
            (
                r#"{"client_secret": "canary"}"#,
                "is described without authorization_url, access_token_url, client_id",
            ),
            (
                r#"{"client_id": "me", "authorization_url": "canary", "access_token_url": "https://h/"}"#,
                "is described with no address as authorization_url",
            ),
        ] {
            assert_eq!(read_json(text).unwrap_err(), why);
        }
    }
}
