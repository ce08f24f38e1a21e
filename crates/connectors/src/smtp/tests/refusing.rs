//! Servers that say no.

use crosspoint_core::{Effect, Failure, Kind};
use serde_json::json;

use super::super::Answers;
use super::super::testing::{Script, Sending, Server, value, with_login};

/// The server said no, and nothing was delivered.
fn assert_refused(failure: &Failure, code: &str) {
    assert_eq!(failure.code, code, "{failure}");
    assert_eq!(
        (failure.kind, failure.effect),
        (Kind::Reported, Effect::None),
        "{failure}"
    );
}

#[tokio::test]
async fn every_step_is_refused_under_its_own_code() {
    for (step, code) in [
        ("MAIL", "SMTPSenderRefused"),
        ("RCPT", "SMTPRecipientsRefused"),
        ("DATA", "SMTPDataError"),
        ("DOT", "SMTPDataError"),
    ] {
        let server = Server::start(json!({"refuse": {step: "554 5.7.1 not from\tyou"}})).await;
        let failure = Sending::to(server.port, json!({}))
            .send()
            .await
            .unwrap_err();
        assert_refused(&failure, code);
        assert!(
            failure.message.contains("554 5.7.1 not from you"),
            "{step}: {failure}"
        );
        let logs = failure.outcome.unwrap().logs;
        assert!(logs.last().unwrap().contains(code), "{logs:?}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_it_is_sent() {
    let server = Server::start(json!({"size": 1000})).await;
    let more = json!({"email_body": "x".repeat(2000)});
    let failure = Sending::to(server.port, more).send().await.unwrap_err();
    assert_refused(&failure, "SMTPSenderRefused");
    assert!(failure.message.contains("552"), "{failure}");
}

#[tokio::test]
async fn when_some_recipients_are_refused_the_others_get_it() {
    let refuse = json!({"RCPT": {"bob@x.example": "550 5.1.1 no Bob here"}});
    for answers in [Answers::V2, Answers::V1] {
        let mut server = Server::start(json!({"refuse": refuse})).await;
        let more = json!({"email_to": "zoe@x.example, bob@x.example", "bcc": "joe@x.example"});
        let mut sending = Sending::to(server.port, more);
        sending.answers = answers;
        let outcome = sending.send().await.unwrap();
        let said = json!({"code": 550, "message": "5.1.1 no Bob here"});
        assert_eq!(value(&outcome), json!({"refused": {"bob@x.example": said}}));
        assert_eq!(outcome.logs.last().unwrap(), "sent to 2 of 3 recipients");
        let mail = server.mail().await;
        assert_eq!(mail["to"], json!(["zoe@x.example", "joe@x.example"]));
    }
}

#[tokio::test]
async fn when_all_recipients_are_refused_each_is_named() {
    let refuse = json!({"RCPT": {"bob@x.example": "550 no Bob", "ann@x.example": "451 later"}});
    let server = Server::start(json!({"refuse": refuse})).await;
    let more = json!({"email_to": "bob@x.example, ann@x.example"});
    let failure = Sending::to(server.port, more).send().await.unwrap_err();
    assert_refused(&failure, "SMTPRecipientsRefused");
    for part in ["bob@x.example (550 no Bob)", "ann@x.example (451 later)"] {
        assert!(failure.message.contains(part), "{failure}");
    }
}

#[tokio::test]
async fn the_first_version_tells_of_a_failure_in_its_body() {
    let server = Server::start(json!({"refuse": {"MAIL": "550 no"}})).await;
    let mut sending = Sending::to(server.port, json!({}));
    sending.answers = Answers::V1;
    let outcome = sending.send().await.unwrap();
    let error = value(&outcome)["error"].as_str().unwrap().to_owned();
    assert!(
        error.starts_with("SMTPSenderRefused: ") && error.contains("550 no"),
        "{error}"
    );
    let verbatim = outcome.verbatim.unwrap();
    assert_eq!(
        (verbatim.status, &*verbatim.mimetype),
        (200, "application/json")
    );
    assert_eq!(verbatim.body, json!({"error": error}).to_string());
    assert!(!outcome.logs.is_empty());

    let mut server = Server::start(json!({})).await;
    let mut sending = Sending::to(server.port, json!({}));
    sending.answers = Answers::V1;
    let verbatim = sending.send().await.unwrap().verbatim.unwrap();
    assert_eq!((verbatim.status, &verbatim.body[..]), (200, &b"{}"[..]));
    server.mail().await;
}

#[tokio::test]
async fn servers_that_do_not_want_to_begin_are_told_apart() {
    for (rules, code, said) in [
        (
            &[("", "421 too busy\r\n")][..],
            "SMTPConnectError",
            "421 too busy",
        ),
        (
            &[("", "HTTP/1.1 400 x\r\n")],
            "SMTPConnectError",
            "does not speak SMTP",
        ),
        (
            &[("EHLO", "500 what\r\n"), ("HELO", "504 no\r\n")],
            "SMTPHeloError",
            "504 no",
        ),
    ] {
        let script = Script::start(rules).await;
        let failure = Sending::to(script.port, json!({}))
            .send()
            .await
            .unwrap_err();
        assert_refused(&failure, code);
        assert!(failure.message.contains(said), "{failure}");
    }
}

#[tokio::test]
async fn a_server_of_the_oldest_kind_is_enough() {
    let script = Script::start(&[("EHLO", "500 what\r\n"), ("DATA", "354 go\r\n")]).await;
    Sending::to(script.port, json!({})).send().await.unwrap();
    let failure = with_login(script.port, json!({})).send().await.unwrap_err();
    assert_refused(&failure, "SMTPNotSupportedError");
}

#[tokio::test]
async fn a_server_that_closes_while_recipients_are_named_gets_no_more() {
    let script = Script::start(&[("RCPT TO:<b@", "421 closing\r\n"), ("DATA", "")]).await;
    let more = json!({"email_to": "a@x, b@x, c@x"});
    let failure = Sending::to(script.port, more).send().await.unwrap_err();
    assert_refused(&failure, "SMTPRecipientsRefused");
    assert!(!failure.message.contains("c@x"), "{failure}");
}
