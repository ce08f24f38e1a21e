//! Runs a command in a server, through its API.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crosspoint_core::{
    Arguments, Body, Effect, Failure, Invalid, Json, Kind, Outcome, Refusal, Secret,
};
use crosspoint_net::{Http, Request, Response};
use http::Method;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;
use url::Url;

use crate::cli::CallArgs;
use crate::config::Loaded;
use crate::proxy_at;

/// How much longer than the call may take is waited for the answer.
const GRACE: Duration = Duration::from_secs(5);

/// More than any result.
const LONGEST_ANSWER: usize = 1 << 30;

/// A server.
pub(super) struct Remote {
    http: Http,
    url: Url,
    key: Option<Secret<String>>,
    patience: Duration,
}

/// What a server said.
#[derive(Debug)]
pub(super) enum Said {
    /// The call has ended.
    Ended(Box<Result<Outcome, Failure>>),
    /// The call goes on under this id.
    Accepted {
        id: String,
        /// Where its result can be asked for.
        url: Url,
    },
}

#[derive(Serialize)]
struct Asked<'a> {
    command: &'a str,
    arguments: BTreeMap<&'a str, &'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
    wait: bool,
}

#[derive(Deserialize)]
struct Answered<'a> {
    id: String,
    #[serde(borrow)]
    outcome: Option<Brought<'a>>,
    error: Option<Failed>,
}

#[derive(Deserialize)]
struct Brought<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    encoding: String,
    mimetype: String,
    status: u16,
    headers: serde_json::Map<String, serde_json::Value>,
    logs: Vec<String>,
}

#[derive(Deserialize)]
struct Failed {
    kind: Option<String>,
    code: String,
    message: Option<String>,
    effect: Option<String>,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
    effect: Option<String>,
    /// The call, where one was made.
    call: Option<IgnoredAny>,
    /// What the connector says beside that.
    body: Option<Box<RawValue>>,
}

// === impl Remote ===

impl Remote {
    /// The server that the command line names, if it names one.
    pub(super) fn of(args: &CallArgs, loaded: &Loaded) -> Result<Option<Remote>> {
        let Some(server) = &args.server else {
            return Ok(None);
        };
        Ok(Some(Remote {
            http: proxy_at::client(loaded)?,
            url: proxy_at::address(server)?,
            key: proxy_at::key(args.api_key_env.as_deref())?,
            patience: loaded.config.cli.deadline.0 + GRACE,
        }))
    }

    /// Calls the command there.
    pub(super) async fn call(&self, args: &CallArgs, arguments: &Arguments) -> Result<Said> {
        let asked = Asked {
            command: &args.command,
            arguments: arguments.iter().collect(),
            profile: args.profile.as_deref(),
            idempotency_key: args.key.as_deref(),
            wait: !args.no_wait,
        };
        let body = serde_json::to_vec(&asked).context("writing the request")?;
        let url = self.below(&["api", "v1", "calls"]);
        let mut request = Request::new(Method::POST, url, Instant::now() + self.patience);
        request.follow = false;
        request.max_answer = LONGEST_ANSWER;
        request.set_header("content-type", "application/json")?;
        if let Some(key) = &self.key {
            request.set_header("authorization", &format!("Bearer {}", key.expose()))?;
        }
        request.body = Some(body.into());
        match self.http.send(request).await {
            Ok(response) => self.read(&response),
            Err(error) => Ok(Said::Ended(Box::new(Err(error.into())))),
        }
    }

    /// Whether a key is sent.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    fn below(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        url.set_query(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn read(&self, response: &Response) -> Result<Said> {
        let strange = || {
            format!(
                "the server answers {}, and not as Crosspoint's API does: is {} its address?",
                response.status,
                plain(self.url.clone())
            )
        };
        match response.status {
            200 | 202 => {
                let read = serde_json::from_slice::<Answered>(&response.body);
                let answered = read.with_context(strange)?;
                if response.status == 202 {
                    let url = plain(self.below(&["api", "v1", "calls", &answered.id]));
                    return Ok(Said::Accepted {
                        id: answered.id,
                        url,
                    });
                }
                Ok(Said::Ended(Box::new(ended(answered)?)))
            }
            401 | 403 => bail!(
                "the server answers {}: name the variable that holds its key with --api-key-env",
                response.status
            ),
            status => {
                let read = serde_json::from_slice::<Problem>(&response.body);
                let problem = read.with_context(strange)?;
                Ok(Said::Ended(Box::new(Err(refused(status, problem)))))
            }
        }
    }
}

/// A URL to show: without user and password.
fn plain(mut url: Url) -> Url {
    // One with a host takes both.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

fn ended(answered: Answered<'_>) -> Result<Result<Outcome, Failure>> {
    let outcome = answered.outcome.map(outcome).transpose()?;
    let Some(error) = answered.error else {
        return Ok(Ok(outcome.context("the server's answer has no outcome")?));
    };
    let kinds = [
        Kind::Reported,
        Kind::Transport,
        Kind::Refused(Refusal::Egress),
    ];
    let kind = kinds
        .into_iter()
        .find(|k| error.kind.as_deref() == Some(k.name()));
    let kind = kind.unwrap_or(Kind::Reported);
    let mut failure = Failure::new(kind, error.code, error.message.unwrap_or_default());
    let effect = error.effect.as_deref().and_then(Effect::named);
    failure.effect = effect.unwrap_or(failure.effect);
    failure.outcome = outcome.map(Box::new);
    Ok(Err(failure))
}

fn outcome(brought: Brought<'_>) -> Result<Outcome> {
    let text = || {
        serde_json::from_str::<String>(brought.body.get())
            .context("reading the body of the outcome")
    };
    let body = match brought.encoding.as_str() {
        "text" => Body::Text(text()?),
        "base64" => {
            let bytes = STANDARD.decode(text()?);
            Body::Bytes(bytes.context("reading the body of the outcome")?.into())
        }
        _ => Body::Json(Json::parse(brought.body.get().to_owned())?),
    };
    let mut outcome = Outcome::new(body, brought.mimetype).with_status(brought.status);
    let text = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let headers = brought.headers.into_iter();
    outcome.headers = headers.map(|(name, value)| (name, text(value))).collect();
    outcome.logs = brought.logs;
    Ok(outcome)
}

/// What the server did not do.
fn refused(status: u16, problem: Problem) -> Failure {
    let refusal = Refusal::ALL.into_iter().find(|r| r.code() == problem.code);
    let kind = match status {
        404 => Kind::Invalid(Invalid::UnknownCommand),
        400 if problem.code.starts_with("profile_") => Kind::Invalid(Invalid::Profile),
        400 if problem.call.is_some() => Kind::Invalid(Invalid::Input),
        400..=408 | 410..=428 => Kind::Invalid(Invalid::Arguments),
        409 => Kind::Unknown,
        429 | 501 | 503 | 504 => Kind::Refused(refusal.unwrap_or(Refusal::Overloaded)),
        _ => Kind::Raised,
    };
    let effect = problem.effect.as_deref().and_then(Effect::named);
    let mut failure = Failure::new(kind, problem.code, problem.detail);
    failure.effect = effect.unwrap_or(failure.effect);
    let body = problem.body.map(|body| Json::parse(body.get().to_owned()));
    failure.outcome = body
        .and_then(Result::ok)
        .map(|json| Box::new(Outcome::json(json).with_status(status)));
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Result<Outcome, Failure> {
        ended(serde_json::from_str(answer).unwrap()).unwrap()
    }

    fn answer(body: &str, encoding: &str, error: &str) -> String {
        format!(
            r#"{{"id": "i", "state": "s", "outcome": {{"body": {body}, "encoding": "{encoding}",
                "mimetype": "a/b", "status": 418, "headers": {{"x": "y"}}, "logs": ["l"]}},
                "error": {error}}}"#
        )
    }

    #[test]
    fn every_form_of_a_body_is_read_back() {
        for (body, encoding, wanted) in [
            (r#"{"n": 1.50}"#, "json", &br#"{"n": 1.50}"#[..]),
            (r#""a\"b""#, "text", b"a\"b"),
            (r#""AP8=""#, "base64", b"\x00\xff"),
        ] {
            let outcome = read(&answer(body, encoding, "null")).unwrap();
            assert_eq!(outcome.body.as_bytes(), wanted);
            assert_eq!((outcome.status, &*outcome.mimetype), (418, "a/b"));
            assert_eq!(outcome.headers, [("x".to_owned(), "y".to_owned())]);
        }
    }

    #[test]
    fn a_failure_is_read_back_with_what_came_with_it() {
        let error = r#"{"kind": "transport", "code": "C", "message": "m", "effect": "none"}"#;
        let failure = read(&answer("1", "json", error)).unwrap_err();
        assert_eq!(
            (failure.kind, failure.effect),
            (Kind::Transport, Effect::None)
        );
        assert_eq!(failure.to_string(), "C: m");
        assert_eq!(failure.outcome.unwrap().status, 418);
    }

    #[test]
    fn what_the_server_refuses_is_a_failure_of_its_kind() {
        for (status, code, kind) in [
            (400, "profile_disabled", Kind::Invalid(Invalid::Profile)),
            (400, "invalid_arguments", Kind::Invalid(Invalid::Arguments)),
            (
                404,
                "command_not_found",
                Kind::Invalid(Invalid::UnknownCommand),
            ),
            (409, "outcome_unknown", Kind::Unknown),
            (429, "rate_limited", Kind::Refused(Refusal::RateLimited)),
            (503, "circuit_open", Kind::Refused(Refusal::CircuitOpen)),
            (501, "ledger_off", Kind::Refused(Refusal::LedgerOff)),
            (502, "E", Kind::Raised),
        ] {
            let problem = Problem {
                code: code.to_owned(),
                detail: String::new(),
                effect: None,
                call: None,
                body: None,
            };
            assert_eq!(refused(status, problem).kind, kind, "{status}");
        }
        let told = r#"{"code": "INVALID_INPUT", "detail": "no", "call": "i", "effect": "none", "body": {"n": 1}}"#;
        let failure = refused(400, serde_json::from_str(told).unwrap());
        assert_eq!(failure.kind, Kind::Invalid(Invalid::Input));
        assert_eq!(failure.outcome.unwrap().body.as_bytes(), br#"{"n": 1}"#);
    }
}
