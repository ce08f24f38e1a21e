//! Turns the body of `POST /api/v1/calls` into a call.

use bytes::Bytes;
use crosspoint_core::{Arguments, CommandId, Json, JsonError, nearest, shorten};
use http::StatusCode;

use super::Problem;
use super::problem::Mistake;
use crate::request::is_key;

const MEMBERS: [&str; 6] = [
    "command",
    "arguments",
    "profile",
    "idempotency_key",
    "callback_url",
    "wait",
];

/// What is asked for.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) command: CommandId,
    pub(super) arguments: Arguments,
    pub(super) profile: Option<String>,
    pub(super) key: Option<String>,
    pub(super) callback: Option<String>,
    pub(super) waits: bool,
}

/// Reads a body. `key` is that of the header. All mistakes are found at once. An absent member may be
/// null.
pub(super) fn decode(
    body: Bytes,
    key: Result<Option<String>, &'static str>,
) -> Result<Invocation, Problem> {
    let mut members = Arguments::parse(body).map_err(|error| unreadable(&error))?;
    members.retain(|_, value| value.first() != b'n');
    let mut mistakes = Vec::new();
    for (name, _) in members.iter().filter(|(name, _)| !MEMBERS.contains(name)) {
        mistakes.push(unknown(name));
    }
    let mut take = |name: &'static str, found: Result<(), String>| {
        if let Err(detail) = found {
            mistakes.push(Mistake::at(&[name], detail));
        }
    };
    let (mut command, mut arguments, mut own_key) = (None, Arguments::default(), None);
    take(
        "command",
        read_command(&members).map(|read| command = Some(read)),
    );
    take(
        "arguments",
        read_arguments(&members).map(|read| arguments = read),
    );
    take(
        "idempotency_key",
        read_key(&members).map(|read| own_key = read),
    );
    let (mut callback, mut wait, mut profile) = (None, None, None);
    take("profile", read_profile(&members).map(|read| profile = read));
    take(
        "callback_url",
        read_text(&members, "callback_url").map(|read| callback = read),
    );
    take("wait", read_wait(&members).map(|read| wait = read));
    let key = match (key, own_key) {
        (Err(message), _) => {
            mistakes.push(Mistake::in_header("Idempotency-Key", message));
            None
        }
        (Ok(Some(header)), Some(own)) if header != own => {
            let detail =
                "idempotency_key differs from the header Idempotency-Key: send one of them";
            mistakes.push(Mistake::at(&["idempotency_key"], detail));
            None
        }
        (Ok(header), own) => header.or(own),
    };
    let Some(command) = command.filter(|_| mistakes.is_empty()) else {
        return Err(Problem::mistakes(mistakes));
    };
    Ok(Invocation {
        command,
        arguments,
        profile,
        key,
        // Who says where the result shall go does not wait for it, unless he says so.
        waits: wait.unwrap_or(callback.is_none()),
        callback,
    })
}

/// The answer to a body that is not a JSON object.
pub(super) fn unreadable(error: &JsonError) -> Problem {
    let detail = format!("reading the request body: {error}");
    Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
}

fn unknown(name: &str) -> Mistake {
    let name = shorten(name);
    let hint = match nearest(&name, MEMBERS.into_iter()).first() {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("there is {}", MEMBERS.join(", ")),
    };
    Mistake::at(&[&name], format!("unknown member '{name}' ({hint})"))
}

fn read_command(members: &Arguments) -> Result<CommandId, String> {
    match read_text(members, "command")? {
        None => {
            Err("'command' is missing: connector/Command, for example http/GetRequestV2".into())
        }
        Some(text) => text.parse().map_err(|_| {
            "'command' must be connector/Command, for example http/GetRequestV2".to_owned()
        }),
    }
}

fn read_arguments(members: &Arguments) -> Result<Arguments, String> {
    match members.get("arguments") {
        None => Ok(Arguments::default()),
        Some(json) => {
            let read = Arguments::parse(json.bytes());
            read.map_err(|_| "'arguments' must be an object".to_owned())
        }
    }
}

fn read_key(members: &Arguments) -> Result<Option<String>, String> {
    match read_text(members, "idempotency_key")? {
        Some(key) if !is_key(&key) => {
            Err("'idempotency_key' must have 1 to 1000 visible ASCII characters".to_owned())
        }
        key => Ok(key),
    }
}

fn read_profile(members: &Arguments) -> Result<Option<String>, String> {
    match read_text(members, "profile")? {
        Some(name) if name.is_empty() => Err("'profile' must not be empty".to_owned()),
        profile => Ok(profile),
    }
}

fn read_text(members: &Arguments, name: &str) -> Result<Option<String>, String> {
    let Some(json) = members.get(name) else {
        return Ok(None);
    };
    json.as_text()
        .map(Some)
        .ok_or_else(|| format!("'{name}' must be text"))
}

fn read_wait(members: &Arguments) -> Result<Option<bool>, String> {
    let read = members.get("wait").map(Json::read::<bool>).transpose();
    read.map_err(|_| "'wait' must be true or false".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &'static str) -> Result<Invocation, Problem> {
        decode(Bytes::from_static(body.as_bytes()), Ok(None))
    }

    #[test]
    fn the_command_alone_is_enough_and_null_is_absent() {
        for body in [
            r#"{"command": "http/GetRequestV2"}"#,
            r#"{"command": "http/GetRequestV2", "arguments": null, "wait": null,
                "profile": null, "idempotency_key": null, "callback_url": null}"#,
        ] {
            let read = decoded(body).unwrap();
            assert_eq!(read.command.to_string(), "http/GetRequestV2");
            assert!(read.waits && read.key.is_none() && read.callback.is_none());
        }
    }

    #[test]
    fn who_names_a_callback_does_not_wait_unless_he_says_so() {
        for (more, waits) in [
            ("", false),
            (r#", "wait": true"#, true),
            (r#", "wait": false"#, false),
        ] {
            let body = format!(r#"{{"command": "a/B", "callback_url": "http://h/"{more}}}"#);
            let read = decode(body.into(), Ok(None)).unwrap();
            assert_eq!(read.waits, waits, "{more}");
        }
    }

    #[test]
    fn all_mistakes_are_found_at_once_and_none_shows_a_value() {
        let body = r#"{"command": "hunter2", "arguments": ["hunter2"], "idempotency_key": "",
                       "profile": "", "callback_url": 5, "wait": "hunter2", "argument": 1}"#;
        let problem = format!("{:?}", decoded(body).unwrap_err());
        for place in MEMBERS.iter().chain(&["argument"]) {
            assert!(
                problem.contains(&format!("/{place}\"")),
                "{place} {problem}"
            );
        }
        assert!(!problem.contains("hunter2"), "{problem}");
    }

    #[test]
    fn a_key_may_be_in_the_header_or_in_the_body_but_is_one() {
        let both = |header: &str, own: &str| {
            let body = format!(r#"{{"command": "a/B", "idempotency_key": "{own}"}}"#);
            let read = decode(body.into(), Ok(Some(header.to_owned())));
            read.ok().and_then(|read| read.key)
        };
        assert_eq!(both("k", "k").as_deref(), Some("k"));
        assert_eq!(both("k", "l"), None);
    }
}
