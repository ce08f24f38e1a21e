//! What a single field of a profile may hold.

use crosspoint_core::{Fields, Json, Parameter, is_sensitive_name, nearest, shorten};
use crosspoint_net::OriginHeaders;
use serde_json::Value;

use super::Definition;

/// The environment variable that gives a field when no profile does: its own name where that is all
/// capitals (`SLACK_XOXB`), else one that names the connector, too (`CRM_URL`), since a bare `URL`
/// could be anybody's.
pub fn variable(connector: &str, field: &str) -> String {
    let shouts = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if field.bytes().all(shouts) {
        return field.to_owned();
    }
    format!("{connector}_{field}")
        .replace('-', "_")
        .to_ascii_uppercase()
}

/// A setting as the connector gets it, and whether it must not be shown: one of an open connector may
/// be called like a secret. Nothing where there is no value. Fails with a clause that shows none.
pub fn setting(
    fields: &Fields,
    name: &str,
    value: &Value,
) -> Result<Option<(Value, bool)>, String> {
    let Some(field) = known(fields, name)? else {
        let value = (!value.is_null()).then(|| value.clone());
        return Ok(value.map(|value| (value, is_sensitive_name(name))));
    };
    if field.secret {
        return Err("is a secret: it does not belong among the settings".to_owned());
    }
    let fitted = fit(field, &Json::from(value.clone()))?;
    Ok(fitted.map(|value| (value, false)))
}

/// The declaration of a field that is written as a secret; nothing for one of an open connector. Fails
/// with a clause.
pub fn secret<'f>(fields: &'f Fields, name: &str) -> Result<Option<&'f Parameter>, String> {
    match known(fields, name)? {
        Some(field) if !field.secret => {
            Err("is no secret: it belongs among the settings".to_owned())
        }
        field => Ok(field),
    }
}

/// What is wrong with the field that says which system the others belong to, after its name: a clause.
/// What is no text is told as that.
pub fn origin<'f>(fields: &'f Fields, definition: &Definition) -> Option<(&'f str, &'static str)> {
    let name = fields.origin.as_deref()?;
    let Definition {
        settings,
        secrets,
        auth,
        ..
    } = definition;
    match settings.get(name).unwrap_or(&Value::Null) {
        Value::String(text) if !text.is_empty() && OriginHeaders::new(text).is_none() => Some((
            name,
            "must be a scheme, a host and a port: https://api.example",
        )),
        Value::Null if settings.len() + secrets.len() > 0 || auth.is_some() => Some((
            name,
            "has no value, so that nothing says which system gets the rest: set it, for example to \
             https://api.example",
        )),
        _ => None,
    }
}

/// The value of a secret, in the type that its field wants: JSON text where that is an object.
pub fn secret_value(field: Option<&Parameter>, text: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    match field {
        None => Ok(text.into()),
        Some(field) => {
            let fitted = fit(field, &Json::string(text))?;
            fitted.ok_or_else(|| "is empty".to_owned())
        }
    }
}

/// A text from outside of any profile, or nothing where it is empty.
pub(super) fn from_text(field: Option<&Parameter>, text: &str) -> Result<Option<Value>, String> {
    match (text, field) {
        ("", _) => Ok(None),
        (text, Some(field)) => fit(field, &Json::string(text)),
        (text, None) => Ok(Some(text.into())),
    }
}

fn fit(field: &Parameter, json: &Json) -> Result<Option<Value>, String> {
    let fitted = field.fit(json)?;
    let read = fitted.map(|json| json.read()).transpose();
    read.map_err(|_| "holds text that is not valid Unicode".to_owned())
}

/// The declaration of a field, or nothing where the connector takes any.
fn known<'f>(fields: &'f Fields, name: &str) -> Result<Option<&'f Parameter>, String> {
    match fields.get(name) {
        Some(field) => Ok(Some(field)),
        None if fields.open => Ok(None),
        None => Err(unknown(fields, name)),
    }
}

fn unknown(fields: &Fields, name: &str) -> String {
    let known = fields.declared.iter().map(|field| field.name.as_str());
    match &nearest(name, known.clone())[..] {
        _ if fields.is_none() => "is not known: the connector takes no profiles".to_owned(),
        [] => format!(
            "is not known; there is {}",
            known.collect::<Vec<_>>().join(", ")
        ),
        [near, ..] => format!("is not known; did you mean '{near}'?"),
    }
}

/// A field as messages name it.
pub(super) fn quoted(name: &str) -> String {
    format!("field '{}'", shorten(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_of_a_field_names_its_connector_unless_it_is_a_variable_already() {
        for (connector, field, wanted) in [
            ("slack", "SLACK_XOXB", "SLACK_XOXB"),
            ("slack", "token", "SLACK_TOKEN"),
            ("my-crm", "base_url", "MY_CRM_BASE_URL"),
            ("crm", "Url", "CRM_URL"),
        ] {
            assert_eq!(variable(connector, field), wanted);
        }
    }
}
