//! What a message looks like when it is there, as Python's library reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::testing::{Sending, Server, value};

fn header(mail: &Value, name: &str) -> Option<String> {
    let headers = mail["headers"].as_array().unwrap();
    let found = headers.iter().find(|header| header[0] == name)?;
    Some(found[1].as_str().unwrap().to_owned())
}

fn raw(mail: &Value) -> Vec<u8> {
    STANDARD.decode(mail["raw"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_message_arrives_as_it_was_written() {
    let mut server = Server::start(json!({})).await;
    let sending = Sending::to(server.port, json!({}));
    let id = sending.cx.call_id;
    let outcome = sending.send().await.unwrap();
    assert_eq!((value(&outcome), outcome.status), (json!({}), 200));
    assert!(outcome.verbatim.is_none());
    assert_eq!(outcome.logs.last().unwrap(), "sent to 1 of 1 recipients");

    let mail = server.mail().await;
    assert_eq!(mail["from"], "me@here.example");
    assert_eq!(mail["to"], json!(["zoe@there.example"]));
    assert_eq!(mail["hello"], "[127.0.0.1]");
    assert_eq!(
        (&mail["secure"], &mail["user"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(header(&mail, "Subject").unwrap(), "Hello");
    let expected = format!("<{id}@here.example>");
    assert_eq!(header(&mail, "Message-ID").unwrap(), expected);
    assert_eq!(
        mail["parts"],
        json!([["text/plain", null, "How are you?\n"]])
    );
    assert_eq!(mail["defects"], json!([]));
    let day = Duration::from_secs(24 * 3600);
    let date = UNIX_EPOCH + Duration::from_secs_f64(mail["date"].as_f64().unwrap());
    let now = SystemTime::now();
    assert!(date > now - day && date < now + day);
}

#[tokio::test]
async fn recipients_of_all_kinds_get_it_and_blind_ones_stay_unseen() {
    let mut server = Server::start(json!({})).await;
    let more = json!({
        "email_to": "Zoë Müller <zoe@there.example>; \"Doe, Jane\" <jane@there.example>",
        "email_from": "日本 Büro <me@here.example>",
        "cc": "copy@there.example, zoe@there.example",
        "bcc": "blind@there.example",
        "reply_to": "Antworten bitte <re@here.example>",
    });
    Sending::to(server.port, more).send().await.unwrap();
    let mail = server.mail().await;
    assert_eq!(
        mail["to"],
        json!([
            "zoe@there.example",
            "jane@there.example",
            "copy@there.example",
            "blind@there.example"
        ])
    );
    assert_eq!(
        mail["addresses"],
        json!({
            "From": [["日本 Büro", "me@here.example"]],
            "To": [["Zoë Müller", "zoe@there.example"], ["Doe, Jane", "jane@there.example"]],
            "Cc": [["", "copy@there.example"], ["", "zoe@there.example"]],
            "Reply-To": [["Antworten bitte", "re@here.example"]],
        })
    );
    assert!(!String::from_utf8(raw(&mail)).unwrap().contains("blind"));
    assert!(raw(&mail).is_ascii());
}

#[tokio::test]
async fn texts_survive_whatever_is_in_them() {
    let mut server = Server::start(json!({})).await;
    let long = "word ".repeat(1000) + &"x".repeat(2000);
    for (subject, body) in [
        (
            "Grüße aus Zürich: 日本語の件名 🎉, and so on and on and on, ünd söwéiter",
            "Zoë 🎉\n",
        ),
        (
            "plain and simple but rather long, so that it does not fit into one line of 78",
            ".\n..\n.x\n",
        ),
        ("= ? \"quoted\" \\ <a@b>", "From me\n\n.\r\n.\rQUIT\r\n"),
        ("", ""),
        ("tab\there", long.as_str()),
    ] {
        let more = json!({"email_subject": subject, "email_body": body});
        Sending::to(server.port, more).send().await.unwrap();
        let mail = server.mail().await;
        assert_eq!(header(&mail, "Subject").unwrap_or_default(), subject);
        let text = mail["parts"][0][2].as_str().unwrap();
        let expected = body.replace("\r\n", "\n").replace('\r', "\n");
        assert_eq!(text.trim_end(), expected.trim_end());
        assert_eq!(mail["defects"], json!([]));
        let raw = raw(&mail);
        assert!(raw.split(|b| *b == b'\n').all(|line| line.len() < 1000));
        assert!(raw.is_ascii());
    }
}

#[tokio::test]
async fn html_and_files_go_along() {
    let mut server = Server::start(json!({})).await;
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let files = json!([
        {"name": "Übersicht \"2026\".bin", "content": STANDARD.encode(&bytes)},
        {"name": "a.csv", "mimetype": "text/csv; charset=utf-8",
         "content": "data:text/csv;base64,WsO2Cg=="},
    ]);
    let html = json!({"html_body": "<p>Wie geht’s?</p>"});
    Sending::to(server.port, html.clone()).send().await.unwrap();
    assert_eq!(
        server.mail().await["parts"],
        json!([
            ["multipart/alternative", null, null],
            ["text/plain", null, "How are you?"],
            ["text/html", null, "<p>Wie geht’s?</p>"],
        ])
    );

    // The list may come as JSON text, as a form would send it.
    let mut both = html;
    both["attachments"] = Value::from(files.to_string());
    Sending::to(server.port, both).send().await.unwrap();
    let mail = server.mail().await;
    assert_eq!(
        mail["parts"],
        json!([
            ["multipart/mixed", null, null],
            ["multipart/alternative", null, null],
            ["text/plain", null, "How are you?"],
            ["text/html", null, "<p>Wie geht’s?</p>"],
            [
                "application/octet-stream",
                "Übersicht \"2026\".bin",
                STANDARD.encode(&bytes)
            ],
            ["text/csv", "a.csv", "Zö\n"],
        ])
    );
    assert_eq!(mail["defects"], json!([]));

    Sending::to(server.port, json!({"attachments": files}))
        .send()
        .await
        .unwrap();
    let mail = server.mail().await;
    assert_eq!(mail["parts"][0][0], "multipart/mixed");
    assert_eq!(
        mail["parts"][1],
        json!(["text/plain", null, "How are you?"])
    );
}

#[tokio::test]
async fn addresses_beyond_ascii_arrive_where_the_server_takes_them() {
    let mut server = Server::start(json!({})).await;
    let more = json!({"email_to": "zoë@bücher.example", "email_from": "Jürgen <jürgen@x.example>"});
    Sending::to(server.port, more.clone()).send().await.unwrap();
    let mail = server.mail().await;
    assert_eq!(mail["from"], "jürgen@x.example");
    assert_eq!(mail["to"], json!(["zoë@xn--bcher-kva.example"]));
    assert!(
        mail["options"]
            .as_array()
            .unwrap()
            .contains(&json!("SMTPUTF8"))
    );
    let raw = String::from_utf8(raw(&mail)).unwrap();
    assert!(raw.contains("<jürgen@x.example>"), "{raw}");

    let mut server = Server::start(json!({"utf8": false})).await;
    let failure = Sending::to(server.port, more).send().await.unwrap_err();
    assert_eq!(failure.code, "SMTPNotSupportedError");
    // A domain has a form in ASCII.
    let domain = json!({"email_to": "zoe@bücher.example"});
    Sending::to(server.port, domain).send().await.unwrap();
    assert_eq!(
        server.mail().await["to"],
        json!(["zoe@xn--bcher-kva.example"])
    );
}

#[tokio::test]
async fn unusual_senders_are_written_so_that_others_read_them() {
    let mut server = Server::start(json!({})).await;
    for (from, name, address) in [
        ("\"a b\"@here.example", "", "\"a b\"@here.example"),
        ("O'Neil (9) <o@h>", "O'Neil (9)", "o@h"),
        (
            "\"Back\\\\slash \\\"x\\\", y@z\" <o@h>",
            "Back\\slash \"x\", y@z",
            "o@h",
        ),
    ] {
        let more = json!({"email_from": from});
        Sending::to(server.port, more).send().await.unwrap();
        let mail = server.mail().await;
        assert_eq!(mail["from"], address);
        assert_eq!(mail["addresses"]["From"], json!([[name, address]]));
    }
}
