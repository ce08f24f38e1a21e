//! Whether a profile works, without sending anything.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{CallId, Connector as _, Context, Failure, Mask, Profile};
use crosspoint_net::{Http, Settings};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::testing::{PASSWORD, Script};
use super::super::{Config, connector};

async fn check(values: Value) -> Result<(), Failure> {
    let mut profile = Profile::named(Some("prod".into()), false);
    for (name, value) in values.as_object().unwrap() {
        profile.set(name, value.clone(), name == "smtp_password");
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let cx = Context::new(CallId::generate(), deadline, Mask::default());
    let cx = cx.with_profile(Arc::new(profile));
    let smtp = connector(&Config::default(), Http::new(Settings::default()).unwrap());
    let checked = smtp.check(&cx).unwrap().await;
    assert!(!format!("{checked:?}").contains(PASSWORD), "{checked:?}");
    checked
}

fn account(port: u16) -> Value {
    json!({"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_user": "me",
           "smtp_password": PASSWORD})
}

#[tokio::test]
async fn a_check_logs_in_and_sends_nothing() {
    // A message would be refused.
    let takes = Script::start(&[
        ("EHLO", "250-here\r\n250 AUTH PLAIN\r\n"),
        ("AUTH", "235 welcome\r\n"),
        ("MAIL", "554 no\r\n"),
    ]);
    check(account(takes.await.port)).await.unwrap();
    let refuses = Script::start(&[
        ("EHLO", "250-here\r\n250 AUTH PLAIN\r\n"),
        ("AUTH", "535 who are you?\r\n"),
    ]);
    let failure = check(account(refuses.await.port)).await.unwrap_err();
    assert_eq!(failure.code, "SMTPAuthenticationError");
}

#[tokio::test]
async fn a_check_needs_a_server_and_one_way_to_secure_the_connection() {
    for (values, code) in [
        (json!({}), "profile_incomplete"),
        (json!({"smtp_host": "h", "smtp_port": 0}), "profile_invalid"),
        (
            json!({"smtp_host": "h", "smtp_port": 1, "smtp_tls": true, "smtp_starttls": true}),
            "profile_invalid",
        ),
    ] {
        assert_eq!(check(values).await.unwrap_err().code, code);
    }
    assert_eq!(
        check(account(1)).await.unwrap_err().code,
        "ConnectionRefusedError"
    );
}
