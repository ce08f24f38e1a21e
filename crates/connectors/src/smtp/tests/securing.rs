//! TLS and logins.

use crosspoint_core::{Effect, Kind};
use serde_json::{Value, json};

use super::super::Answers;
use super::super::testing::{Authority, PASSWORD, Script, Sending, Server, value, with_login};

fn orders(authority: &Authority, tls: &str) -> Value {
    json!({"cert": authority.cert(), "key": authority.key(), "tls": tls,
           "user": "me", "password": PASSWORD})
}

fn flag(tls: &str) -> Value {
    match tls {
        "start" => json!({"smtp_starttls": true}),
        _ => json!({"smtp_tls": true}),
    }
}

#[tokio::test]
async fn both_kinds_of_tls_carry_both_kinds_of_login() {
    let authority = Authority::with_server("127.0.0.1");
    for tls in ["start", "implicit"] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let mut orders = orders(&authority, tls);
            orders["mechanisms"] = json!([mechanism]);
            let mut server = Server::start(orders).await;
            let mut sending = with_login(server.port, flag(tls));
            sending.ca_files = vec![authority.ca_file()];
            sending.send().await.unwrap();
            let mail = server.mail().await;
            assert_eq!(mail["secure"], true, "{tls}");
            assert_eq!(mail["user"], format!("me by {mechanism}"), "{tls}");
        }
    }
}

#[tokio::test]
async fn a_login_without_tls_is_let_through() {
    let mut server = Server::start(json!({"user": "me", "password": PASSWORD})).await;
    with_login(server.port, json!({})).send().await.unwrap();
    let mail = server.mail().await;
    assert_eq!(
        (&mail["secure"], &mail["user"]),
        (&json!(false), &json!("me by PLAIN"))
    );
}

#[tokio::test]
async fn starttls_is_used_without_a_login_too() {
    let authority = Authority::with_server("127.0.0.1");
    let orders = json!({"cert": authority.cert(), "key": authority.key(), "tls": "start"});
    let mut server = Server::start(orders).await;
    // A user without a password is no login.
    let more = json!({"smtp_starttls": true, "smtp_user": "me"});
    let mut sending = Sending::to(server.port, more);
    sending.ca_files = vec![authority.ca_file()];
    sending.send().await.unwrap();
    let mail = server.mail().await;
    assert_eq!(
        (&mail["secure"], &mail["user"]),
        (&json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_not_accepted() {
    let (ours, other) = (
        Authority::with_server("127.0.0.1"),
        Authority::with_server("other.example"),
    );
    for tls in ["start", "implicit"] {
        // An unknown authority, and a known one that speaks for another name.
        for (server_has, trusted) in [(&ours, Vec::new()), (&other, vec![other.ca_file()])] {
            let server = Server::start(orders(server_has, tls)).await;
            let mut sending = with_login(server.port, flag(tls));
            sending.ca_files = trusted;
            let failure = sending.send().await.unwrap_err();
            assert_eq!(failure.code, "SSLCertVerificationError", "{failure}");
            assert_eq!(
                (failure.kind, failure.effect),
                (Kind::Transport, Effect::None)
            );
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to_in_the_clear() {
    let server = Server::start(json!({"user": "me", "password": PASSWORD})).await;
    let failure = with_login(server.port, flag("start"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(failure.code, "SMTPNotSupportedError");
    assert!(failure.message.contains("STARTTLS"), "{failure}");
    let failure = with_login(server.port, flag("implicit"))
        .send()
        .await
        .unwrap_err();
    assert_eq!((&*failure.code, failure.effect), ("SSLError", Effect::None));
}

#[tokio::test]
async fn what_stands_before_starttls_is_not_taken_for_what_stands_after() {
    let script = Script::start(&[
        ("EHLO", "250-x\r\n250 STARTTLS\r\n"),
        ("STARTTLS", "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n"),
    ])
    .await;
    let failure = with_login(script.port, flag("start"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(failure.code, "SSLError");
    assert!(failure.message.contains("more than it may"), "{failure}");
    let script = Script::start(&[
        ("EHLO", "250-x\r\n250 STARTTLS\r\n"),
        ("STARTTLS", "454 not now\r\n"),
    ])
    .await;
    let failure = with_login(script.port, flag("start"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(failure.code, "SMTPResponseException");
}

#[tokio::test]
async fn a_refused_login_is_told_without_the_password() {
    let orders = json!({"user": "me", "password": "another", "echo_login": true});
    for answers in [Answers::V2, Answers::V1] {
        let server = Server::start(orders.clone()).await;
        let mut sending = with_login(server.port, json!({}));
        sending.answers = answers;
        let text = match sending.send().await {
            Err(failure) => {
                assert_eq!(failure.code, "SMTPAuthenticationError");
                assert_eq!(
                    (failure.kind, failure.effect),
                    (Kind::Reported, Effect::None)
                );
                failure.message
            }
            Ok(outcome) => value(&outcome)["error"].as_str().unwrap().to_owned(),
        };
        assert!(text.contains("535 5.7.8 *** is wrong"), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_offers_no_login_or_an_unknown_one_is_told() {
    for (hello, code) in [
        ("250 x\r\n", "SMTPNotSupportedError"),
        ("250-x\r\n250 AUTH CRAM-MD5\r\n", "SMTPException"),
    ] {
        let rules: &'static [_] = Box::leak(Box::new([("EHLO", hello)]));
        let script = Script::start(rules).await;
        let failure = with_login(script.port, json!({})).send().await.unwrap_err();
        assert_eq!(failure.code, code);
    }
}

#[tokio::test]
async fn the_second_kind_of_login_is_tried_when_the_first_is_refused() {
    let script = Script::start(&[
        ("EHLO", "250-x\r\n250 AUTH=PLAIN LOGIN\r\n"),
        ("AUTH PLAIN", "504 not that\r\n"),
        ("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"),
        ("bWU=", "334 UGFzc3dvcmQ6\r\n"),
        ("Y2FuYXJ5", "235 welcome\r\n"),
        ("DATA", "354 go\r\n"),
    ])
    .await;
    let outcome = with_login(script.port, json!({})).send().await.unwrap();
    assert_eq!(value(&outcome), json!({}));
}
