//! Turns a body that is sent for a profile or a secret into what is wanted.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_broker::profiles::{Change, Source};
use crosspoint_core::{Arguments, Json, Secret, nearest, shorten};
use serde_json::{Map, Value};

use super::Problem;
use super::invocation::unreadable;
use super::problem::Mistake;

const OF_PROFILES: [&str; 6] = [
    "enabled",
    "default",
    "settings",
    "secrets",
    "auth",
    "check_seconds",
];

/// The longest time between two checks: a year.
const LONGEST: u64 = 366 * 24 * 60 * 60;

/// What is wanted of a profile. `anew`: what is absent is not kept.
pub(super) fn of_profile(body: Bytes, anew: bool) -> Result<Change, Problem> {
    let members = Arguments::parse(body).map_err(|error| unreadable(&error))?;
    let mut mistakes = unknown(&members, &OF_PROFILES);
    let mut change = Change {
        anew,
        ..Change::default()
    };
    for (name, json) in members.iter() {
        let value = json.read::<Value>().unwrap_or(Value::Null);
        let taken = match (name, value) {
            ("enabled", Value::Bool(truth)) => put(&mut change.enabled, truth),
            ("default", Value::Bool(truth)) => put(&mut change.default, truth),
            ("enabled" | "default", Value::Null) => Ok(()),
            ("enabled" | "default", _) => Err("must be true or false".to_owned()),
            ("settings", Value::Object(settings)) => {
                let some =
                    |(name, value): (String, Value)| (name, Some(value).filter(|v| !v.is_null()));
                change.settings = settings.into_iter().map(some).collect();
                Ok(())
            }
            ("secrets", Value::Object(secrets)) => {
                let (sources, odd) = sources(secrets);
                change.secrets = sources;
                mistakes.extend(odd);
                Ok(())
            }
            ("settings" | "secrets", _) => Err("must be an object".to_owned()),
            ("auth", Value::Null) => put(&mut change.auth, None),
            ("auth", Value::String(auth)) => put(&mut change.auth, Some(auth)),
            ("auth", _) => Err("must be the name of an auth, or null".to_owned()),
            ("check_seconds", Value::Null) => put(&mut change.check_every, None),
            ("check_seconds", value) => {
                match value.as_u64().filter(|s| (1..=LONGEST).contains(s)) {
                    Some(seconds) => {
                        put(&mut change.check_every, Some(Duration::from_secs(seconds)))
                    }
                    None => Err(format!(
                        "must be a whole number from 1 to {LONGEST}, or null"
                    )),
                }
            }
            _ => Ok(()),
        };
        if let Err(why) = taken {
            mistakes.push(Mistake::at(&[name], format!("'{name}' {why}")));
        }
    }
    match mistakes.is_empty() {
        true => Ok(change),
        false => Err(Problem::mistakes(mistakes)),
    }
}

fn put<T>(place: &mut Option<T>, value: T) -> Result<(), String> {
    *place = Some(value);
    Ok(())
}

/// Each secret as a reference, or as an object with its value; null takes it out.
fn sources(secrets: Map<String, Value>) -> (BTreeMap<String, Option<Source>>, Vec<Mistake>) {
    let (mut sources, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (field, written) in secrets {
        let source = match written {
            Value::Null => Ok(None),
            Value::String(reference) => match Source::of_reference(&reference) {
                Some(source) => Ok(Some(source)),
                None => Err(
                    "must be a reference, secret:NAME or vault:PATH#FIELD, or {\"value\": …} for the \
                     secret itself (env:, file: and exec: are for the configuration file)",
                ),
            },
            Value::Object(object) => match (object.get("value"), object.len()) {
                (Some(Value::String(value)), 1) => {
                    Ok(Some(Source::Value(Secret::new(value.clone()))))
                }
                _ => Err("must have the one member 'value', a text"),
            },
            _ => Err("must be a reference or an object with its value"),
        };
        match source {
            Ok(source) => drop(sources.insert(field, source)),
            Err(why) => {
                let field = shorten(&field);
                mistakes.push(Mistake::at(
                    &["secrets", &field],
                    format!("secret '{field}' {why}"),
                ));
            }
        }
    }
    (sources, mistakes)
}

/// The value of a secret.
pub(super) fn of_secret(body: Bytes) -> Result<String, Problem> {
    let members = Arguments::parse(body).map_err(|error| unreadable(&error))?;
    let mut mistakes = unknown(&members, &["value"]);
    let value = members.get("value").and_then(Json::as_text);
    let value = value.filter(|value| !value.is_empty());
    if value.is_none() {
        mistakes.push(Mistake::at(
            &["value"],
            "'value' must be there, a text that is not empty",
        ));
    }
    match value.filter(|_| mistakes.is_empty()) {
        Some(value) => Ok(value),
        None => Err(Problem::mistakes(mistakes)),
    }
}

fn unknown(members: &Arguments, known: &[&str]) -> Vec<Mistake> {
    let odd = members.iter().filter(|(name, _)| !known.contains(name));
    odd.map(|(name, _)| {
        let name = shorten(name);
        let hint = match nearest(&name, known.iter().copied()).first() {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("there is {}", known.join(", ")),
        };
        Mistake::at(&[&name], format!("unknown member '{name}' ({hint})"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_null_is_taken_out_and_what_is_absent_stays() {
        let body = r#"{"settings": {"url": "x", "port": null}, "auth": null,
                       "secrets": {"a": {"value": "v"}, "b": "secret:B", "c": null}}"#;
        let change = of_profile(body.into(), false).unwrap();
        assert_eq!(change.settings["url"], Some("x".into()));
        assert_eq!(change.settings["port"], None);
        assert_eq!(change.secrets["b"], Some(Source::Kept("B".to_owned())));
        assert_eq!(change.secrets["c"], None);
        assert_eq!(
            (change.auth, change.enabled, change.check_every),
            (Some(None), None, None)
        );
    }

    #[test]
    fn all_mistakes_are_told_with_their_place_and_no_value() {
        let body = r#"{"enabled": "hunter2", "settings": [], "auth": 5, "check_seconds": 0, "setings": 1,
                       "secrets": {"a": "hunter2", "b": {"value": 5}, "c": {"valu": "hunter2"}, "d": 7,
                                   "e": "env:X"}}"#;
        let problem = format!("{:?}", of_profile(body.into(), true).unwrap_err());
        for place in [
            "/enabled",
            "/settings",
            "/auth",
            "/check_seconds",
            "/setings",
            "/secrets/a",
            "/secrets/b",
            "/secrets/c",
            "/secrets/d",
            "/secrets/e",
        ] {
            assert!(
                problem.contains(&format!("{place}\"")),
                "{place}: {problem}"
            );
        }
        assert!(!problem.contains("hunter2"), "{problem}");
        for body in [
            r#"{"value": ""}"#,
            "{}",
            r#"{"value": "x", "more": 1}"#,
            "[]",
        ] {
            assert!(of_secret(body.into()).is_err(), "{body}");
        }
    }
}
