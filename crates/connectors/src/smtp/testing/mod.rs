//! What the tests stand on: a real mail server, servers that misbehave, an authority of our own,
//! and one way to call the command.

mod peers;
mod secrets;

use std::path::PathBuf;
use std::time::Duration;

use crosspoint_core::{
    Arguments, Body, Call, CallId, CommandId, Connector as _, Context, Failure, Ingress, Json,
    Mask, Origin, Outcome,
};
use crosspoint_net::{Authorities, Http, Settings};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Answers, Config, connector};

pub use peers::{Script, Server};
pub use secrets::Authority;

/// The password of every test. It must not be seen anywhere.
pub const PASSWORD: &str = "canary-9d2f7c41";

/// A call to be made.
pub struct Sending {
    arguments: Value,
    pub answers: Answers,
    pub ca_files: Vec<PathBuf>,
    pub cx: Context,
}

// === impl Sending ===

impl Sending {
    /// A small message, changed by `more`: null takes a parameter away.
    pub fn to(port: u16, more: Value) -> Sending {
        let mut arguments = json!({
            "smtp_host": "127.0.0.1", "smtp_port": port, "email_subject": "Hello",
            "email_body": "How are you?", "email_to": "zoe@there.example",
            "email_from": "me@here.example",
        });
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        Sending {
            arguments,
            answers: Answers::V2,
            ca_files: Vec::new(),
            cx: Context::new(
                CallId::generate(),
                Instant::now() + Duration::from_secs(600),
                Mask::default(),
            ),
        }
    }

    /// What the command answers, as the caller gets it. Everything that is shown to anybody is
    /// looked through for the password.
    pub async fn send(self) -> Result<Outcome, Failure> {
        let settings = Settings {
            authorities: Authorities::of(self.ca_files),
            ..Settings::default()
        };
        let config = Config {
            answers: self.answers,
        };
        let smtp = connector(&config, Http::new(settings).unwrap());
        let command = smtp.manifest().commands[0].clone();
        let arguments = Arguments::parse(self.arguments.to_string().into()).unwrap();
        let arguments = command.check(arguments).unwrap();
        let id = CommandId::new("smtp", command.name.as_str());
        let call = Call::new(id, arguments, Origin::of(Ingress::Cli));
        let result = smtp.call(call, &self.cx).await;
        let result = self.cx.finish(result);
        assert_no_password(&result);
        result
    }
}

/// Sends to `port` with the login of the tests.
pub fn with_login(port: u16, more: Value) -> Sending {
    let mut all = json!({"smtp_user": "me", "smtp_password": PASSWORD});
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    Sending::to(port, all)
}

/// The body of an outcome.
pub fn value(outcome: &Outcome) -> Value {
    match &outcome.body {
        Body::Json(json) => json.read().unwrap(),
        other => panic!("{other:?} is no JSON"),
    }
}

fn assert_no_password(result: &Result<Outcome, Failure>) {
    let mut shown = format!("{result:?}");
    let outcome = match result {
        Ok(outcome) => Some(outcome),
        Err(failure) => {
            shown += &failure.message;
            shown += failure.detail.as_deref().unwrap_or_default();
            failure.outcome.as_deref()
        }
    };
    for outcome in outcome.into_iter() {
        shown += &outcome.logs.concat();
        if let Body::Json(json) = &outcome.body {
            shown += &String::from_utf8_lossy(Json::as_bytes(json));
        }
        if let Some(verbatim) = &outcome.verbatim {
            shown += &String::from_utf8_lossy(&verbatim.body);
        }
    }
    assert!(!shown.contains(PASSWORD), "{shown}");
}
