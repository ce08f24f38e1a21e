//! The account that goes with requests to a server that runs elsewhere.

use std::sync::Arc;

use crosspoint_core::{Failure, Fields, Parameter, Profile};
use crosspoint_net::OriginHeaders;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use url::Url;

/// With which profile the tools of a server are listed: that of calls which name none.
pub trait Account: Send + Sync + 'static {
    /// The profile, with every value followed.
    fn profile(&self) -> BoxFuture<'_, Result<Arc<Profile>, Failure>>;
}

/// What a profile of a server that runs elsewhere may hold. None of it stands in for a parameter.
pub fn account_fields() -> Fields {
    let secret = |name: &str, schema: Value| Parameter::new(name, false, &schema);
    Fields {
        declared: vec![
            secret(
                "access_token",
                json!({
                    "type": "string", "writeOnly": true,
                    "description": "Sent as `Authorization: Bearer`.",
                }),
            ),
            secret(
                "headers",
                json!({
                    "type": "object", "writeOnly": true,
                    "description": "Headers, as a JSON object.",
                }),
            ),
        ],
        apart: true,
        ..Fields::default()
    }
}

/// The headers of a profile. They go to the origin of the server and nowhere else.
pub(super) fn headers(url: &Url, profile: &Profile) -> Result<OriginHeaders, Failure> {
    let invalid = |clause: &str| {
        let name = profile.name.as_deref().unwrap_or("of the environment");
        Failure::profile("profile_invalid", format!("profile {name}: {clause}"))
    };
    let origin = url.origin().ascii_serialization();
    let mut own =
        OriginHeaders::new(&origin).ok_or_else(|| invalid("the server's address has no origin"))?;
    let unsendable = |_| invalid("a header has a name or a value that cannot be sent");
    let given = profile.get("headers").and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null => continue,
            _ => return Err(invalid("a header has a value that is no text")),
        };
        own.set(name.trim(), text.trim()).map_err(unsendable)?;
    }
    if let Some(token) = profile.get("access_token").and_then(Value::as_str) {
        own.set("authorization", &format!("Bearer {token}"))
            .map_err(unsendable)?;
    }
    Ok(own)
}
