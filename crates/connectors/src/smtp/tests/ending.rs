//! Connections that are never made, that end, that fall silent, and calls that nobody waits for.

use crosspoint_core::{Effect, Failure, Kind, Refusal};
use serde_json::json;
use tokio::net::TcpListener;

use super::super::Answers;
use super::super::testing::{Script, Sending, Server, value};

/// What was, or may have been, brought about.
fn assert_ended(failure: &Failure, code: &str, effect: Effect) {
    assert_eq!(failure.code, code, "{failure}");
    assert_eq!(
        (failure.kind, failure.effect),
        (Kind::Transport, effect),
        "{failure}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_as_python_tells_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let failure = Sending::to(port, json!({})).send().await.unwrap_err();
    assert_ended(&failure, "ConnectionRefusedError", Effect::None);
    let nowhere = json!({"smtp_host": "no-such-host.invalid"});
    let failure = Sending::to(25, nowhere.clone()).send().await.unwrap_err();
    assert_ended(&failure, "gaierror", Effect::None);
    let mut sending = Sending::to(25, nowhere);
    sending.answers = Answers::V1;
    let outcome = sending.send().await.unwrap();
    assert!(
        value(&outcome)["error"]
            .as_str()
            .unwrap()
            .starts_with("gaierror")
    );
}

#[tokio::test]
async fn the_egress_rules_hold() {
    let more = json!({"smtp_host": "169.254.169.254"});
    let failure = Sending::to(25, more).send().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::Egress));
    assert_eq!(
        (&*failure.code, failure.effect),
        ("EgressRefused", Effect::None)
    );
}

#[tokio::test]
async fn a_server_that_hangs_up_leaves_a_doubt_only_after_the_message() {
    for (step, effect) in [
        ("MAIL", Effect::None),
        ("RCPT", Effect::None),
        ("DATA", Effect::None),
        ("DOT", Effect::Maybe),
    ] {
        let server = Server::start(json!({"at": {step: "hangup"}})).await;
        let failure = Sending::to(server.port, json!({}))
            .send()
            .await
            .unwrap_err();
        assert_ended(&failure, "SMTPServerDisconnected", effect);
    }
    for rules in [&[("", "")][..], &[("EHLO", "")]] {
        let script = Script::start(rules).await;
        let failure = Sending::to(script.port, json!({}))
            .send()
            .await
            .unwrap_err();
        assert_ended(&failure, "SMTPServerDisconnected", Effect::None);
    }
    let script = Script::start(&[("", "")]).await;
    let tls = json!({"smtp_tls": true});
    let failure = Sending::to(script.port, tls).send().await.unwrap_err();
    assert_ended(&failure, "SSLError", Effect::None);
}

#[tokio::test]
async fn a_server_that_falls_silent_ends_with_the_deadline() {
    for (step, effect) in [("MAIL", Effect::None), ("DOT", Effect::Maybe)] {
        let mut server = Server::start(json!({"at": {step: "hang"}})).await;
        let sending = Sending::to(server.port, json!({}));
        let (result, ()) = tokio::join!(sending.send(), async {
            server.event("silent").await;
            // From here on the clock jumps to whatever is waited for.
            tokio::time::pause();
        });
        tokio::time::resume();
        assert_ended(&result.unwrap_err(), "TimeoutError", effect);
    }
}

#[tokio::test]
async fn a_server_that_never_begins_ends_with_the_deadline() {
    for more in [json!({}), json!({"smtp_tls": true})] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sending = Sending::to(port, more);
        let (result, _held) = tokio::join!(sending.send(), async {
            let held = listener.accept().await.unwrap();
            tokio::time::pause();
            held
        });
        tokio::time::resume();
        assert_ended(&result.unwrap_err(), "TimeoutError", Effect::None);
    }
}

#[tokio::test]
async fn nobody_waiting_stops_a_message_that_is_not_sent_yet() {
    let mut server = Server::start(json!({"at": {"MAIL": "hang"}})).await;
    let sending = Sending::to(server.port, json!({}));
    let cancelled = sending.cx.cancelled.clone();
    let (result, ()) = tokio::join!(sending.send(), async {
        server.event("silent").await;
        cancelled.cancel();
    });
    assert_ended(&result.unwrap_err(), "CancelledError", Effect::None);
}

#[tokio::test]
async fn nobody_waiting_does_not_hide_what_became_of_a_sent_message() {
    let mut server = Server::start(json!({"at": {"DOT": "hang"}})).await;
    let sending = Sending::to(server.port, json!({}));
    let cancelled = sending.cx.cancelled.clone();
    let (result, ()) = tokio::join!(sending.send(), async {
        server.event("silent").await;
        cancelled.cancel();
        tokio::time::pause();
    });
    assert_ended(&result.unwrap_err(), "TimeoutError", Effect::Maybe);
}
