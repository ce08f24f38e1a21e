//! The parameters, and mistakes in them. Nothing is connected for a mistake.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crosspoint_core::{Connector as _, Failure, Invalid, Kind, Safety};
use crosspoint_net::{Http, Settings};
use serde_json::{Value, json};

use super::super::testing::Sending;
use super::super::{Answers, Config, connector};

/// Port 1 answers nobody, so that a connection would be told by another code.
async fn mistake(more: Value) -> Failure {
    let mut sending = Sending::to(1, more);
    // The first version answers failures as successes, but not these.
    sending.answers = Answers::V1;
    let failure = sending.send().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid(Invalid::Arguments), "{failure}");
    assert_eq!(failure.code, "TypeError");
    failure
}

#[test]
fn the_parameters_are_those_of_the_package_with_ours_after_them() {
    let smtp = connector(&Config::default(), Http::new(Settings::default()).unwrap());
    let [command] = &smtp.manifest().commands[..] else {
        panic!("there is one command");
    };
    assert_eq!(
        (&*command.name, command.safety),
        ("SendEmail", Safety::Effectful)
    );
    let list: Vec<_> = command
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.spiff_type(), p.required))
        .collect();
    assert_eq!(
        list,
        [
            ("smtp_host", "str", true),
            ("smtp_port", "int", true),
            ("email_subject", "str", true),
            ("email_body", "str", true),
            ("email_to", "str", true),
            ("email_from", "str", true),
            ("smtp_user", "str", false),
            ("smtp_password", "str", false),
            ("smtp_starttls", "bool", false),
            ("cc", "str", false),
            ("bcc", "str", false),
            ("reply_to", "str", false),
            ("html_body", "str", false),
            ("attachments", "any", false),
            ("smtp_tls", "bool", false),
        ]
    );
    let secret = command.parameters.iter().filter(|p| p.secret);
    assert_eq!(
        secret.map(|p| &*p.name).collect::<Vec<_>>(),
        ["smtp_password"]
    );
}

#[tokio::test]
async fn a_line_break_is_refused_in_everything_that_becomes_a_header() {
    let evil = "a@x.example\r\nBcc: victim@x.example";
    for name in [
        "email_subject",
        "email_to",
        "email_from",
        "cc",
        "bcc",
        "reply_to",
        "smtp_host",
    ] {
        for text in [
            evil,
            "Z\no <a@x.example>",
            "\"a\r\" <a@x.example>",
            "a@x.example\0",
        ] {
            let failure = mistake(json!({name: text})).await;
            assert!(failure.message.contains(&format!("'{name}'")), "{failure}");
            assert!(!failure.message.contains("victim"), "{failure}");
        }
    }
    for (key, value) in [("name", "a\r\nX: y"), ("mimetype", "a/b\r\nX: y")] {
        let mut file = json!({"name": "a.txt", "content": ""});
        file[key] = json!(value);
        let failure = mistake(json!({"attachments": [file]})).await;
        assert!(
            failure.message.contains(&format!("'attachments[0].{key}'")),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn all_mistakes_are_named_at_once() {
    let failure = mistake(json!({
        "smtp_host": "", "smtp_port": 70000, "email_subject": "a\nb", "email_to": " ; ",
        "email_from": "a@x, b@x", "cc": "a@x, nobody", "bcc": "<>", "reply_to": "x y@z",
        "smtp_tls": true, "smtp_starttls": true,
        "attachments": [{"name": "", "content": "*", "mimetype": "x"}],
    }))
    .await;
    for part in [
        "'smtp_host'",
        "'smtp_port'",
        "'email_subject'",
        "'email_to' must name somebody",
        "'email_from' must be one address",
        "'cc': address 2",
        "'bcc': address 1",
        "'reply_to': address 1",
        "'smtp_tls' and 'smtp_starttls'",
        "'attachments[0].name'",
        "'attachments[0].content'",
        "'attachments[0].mimetype'",
    ] {
        assert!(failure.message.contains(part), "{part}: {failure}");
    }
    assert!(!failure.message.contains("nobody"), "{failure}");
}

#[tokio::test]
async fn files_that_are_too_large_together_are_refused() {
    let half = STANDARD.encode(vec![0; 13 * 1024 * 1024]);
    let file = json!({"name": "half.bin", "content": half});
    let failure = mistake(json!({"attachments": [file, file]})).await;
    assert!(failure.message.contains("25 MiB"), "{failure}");
}

#[tokio::test]
async fn a_list_that_is_none_is_refused() {
    for list in [json!([{"name": "a.txt"}]), json!(["x"])] {
        let failure = mistake(json!({"attachments": list})).await;
        assert!(failure.message.contains("attachments"), "{failure}");
    }
}
