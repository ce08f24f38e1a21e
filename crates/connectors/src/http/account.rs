//! The account of a profile: what goes with the requests to one system, and to no other.

use crosspoint_core::{Context, Effect, Failure, Secret};
use crosspoint_net::{OriginHeaders, Request};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Connector;
use super::request::{header_text, protect_value};

/// What a profile may hold. What a call gives itself goes before it.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Account {
    /// The system that gets the rest: a scheme, a host and a port, such as `https://api.example`.
    /// Nothing goes anywhere else, redirects included.
    origin: Option<String>,
    /// User name for basic authentication.
    basic_auth_username: Option<String>,
    /// Password for basic authentication.
    basic_auth_password: Option<Secret<String>>,
    /// Sent as `Authorization: Bearer`, in place of basic authentication.
    access_token: Option<Secret<String>>,
    /// Headers, as a JSON object.
    headers: Option<Secret<Headers>>,
}

/// Names and values of headers.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
struct Headers(Map<String, Value>);

impl JsonSchema for Headers {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Headers".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "object"})
    }
}

/// Gives a request the account of the profile, where it goes to its system. A profile of another system
/// does not count, unless the call names it: then the call is refused.
pub(super) fn apply(request: &mut Request, cx: &Context) -> Result<(), Failure> {
    let Some(own) = of(cx)? else {
        return Ok(());
    };
    match request.goes_to(&own) {
        Some(true) => request.own = Some(own),
        Some(false) if cx.profile.chosen => {
            let message = format!(
                "profile {} is for {}, and the request goes elsewhere; name another profile, or none",
                name(cx),
                own.origin()
            );
            return Err(Failure::profile("profile_invalid", message));
        }
        // What is no address fails as one.
        Some(false) | None => {}
    }
    Ok(())
}

/// Asks the system for nothing, to see whether it takes the account.
pub(super) async fn check(http: &Connector, cx: &Context) -> Result<(), Failure> {
    let Some(own) = of(cx)? else {
        return Err(no_origin(cx));
    };
    let mut status = 0;
    for method in [Method::HEAD, Method::GET] {
        let mut request = Request::new(method, own.origin(), cx.deadline);
        request.own = Some(own.clone());
        request.follow = false;
        request.max_answer = http.max_answer;
        request.trace = cx.trace.clone();
        status = tokio::select! {
            sent = http.client.send(request) => sent?.status,
            () = cx.cancelled.cancelled() => {
                let message = "nobody waits for the check any more";
                return Err(Failure::transport("ConnectionError", message).with_effect(Effect::None));
            }
        };
        // Systems that do not know HEAD say so in these ways.
        if !matches!(status, 404 | 405 | 501) {
            break;
        }
    }
    match status {
        401 | 403 => {
            let message = format!(
                "{} does not take the account: it answers {status}",
                own.origin()
            );
            Err(Failure::reported(format!("HttpError{status}"), message).with_effect(Effect::None))
        }
        _ => Ok(()),
    }
}

/// The headers of the account; nothing where the profile holds none.
fn of(cx: &Context) -> Result<Option<OriginHeaders>, Failure> {
    if cx.profile.values().is_empty() {
        return Ok(None);
    }
    let account: Account = cx.profile.read()?;
    let origin = account.origin.as_deref().ok_or_else(|| no_origin(cx))?;
    let invalid = |clause: &str| {
        let message = format!("profile {}: {clause}", name(cx));
        Failure::profile("profile_invalid", message)
    };
    let mut own = OriginHeaders::new(origin).ok_or_else(|| {
        invalid("field 'origin' must be a scheme, a host and a port: https://api.example")
    })?;
    let unsendable = |_| invalid("a header has a name or a value that cannot be sent");
    let headers = account.headers.map(|headers| headers.expose().0.clone());
    for (name, value) in headers.iter().flatten() {
        let Some(text) = header_text(value) else {
            continue;
        };
        protect_value(&text, cx);
        own.set(name.trim(), text.trim_matches(' '))
            .map_err(unsendable)?;
    }
    let password = account.basic_auth_password.as_ref();
    let password = password.map_or("", |password| password.expose());
    match (&account.access_token, &account.basic_auth_username) {
        (Some(token), _) => {
            let bearer = format!("Bearer {}", token.expose());
            own.set("authorization", &bearer).map_err(unsendable)?;
        }
        (None, Some(user)) => own.set_basic_auth(user, password),
        (None, None) => {}
    }
    Ok(Some(own))
}

fn no_origin(cx: &Context) -> Failure {
    let message = format!(
        "profile {}: field 'origin' has no value, so that nothing says which system gets the rest: \
         set it, for example to https://api.example",
        name(cx)
    );
    Failure::profile("profile_incomplete", message)
}

fn name(cx: &Context) -> &str {
    cx.profile.name.as_deref().unwrap_or("of the environment")
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
