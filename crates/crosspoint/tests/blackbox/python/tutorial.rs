//! SpiffArena's SMTP tutorial, step by step as `docs/tutorials/smtp-connector.md` has it.

use std::fs;

use super::mail::Mail;
use super::support::{copy, ready, until, zoo};
use crate::harness::{Ended, Setup, closed_port};

/// Steps 1 and 2: the project, and two lines of configuration beside it.
fn written() -> Setup {
    let setup = Setup::new().config("[connectors.smtp]\npython = \"./connector-smtp\"\n");
    let project = setup.path().join("connector-smtp");
    copy(zoo("connector-smtp"), &project);
    let toml = fs::read_to_string(project.join("pyproject.toml")).unwrap();
    assert!(toml.contains("README.md") && toml.contains("poetry-core"));
    assert!(!project.join("README.md").exists());
    setup
}

/// Step 4, as it is typed there.
async fn send(port: u64) -> Ended {
    let port = format!("smtp_port:={port}");
    let arguments = [
        "call",
        "smtp/SendEmail",
        "smtp_host=127.0.0.1",
        &port,
        "email_subject=Hello",
        "email_body=It works.",
        "email_to=you@example.com",
        "email_from=me@example.com",
    ];
    written().run(&arguments).await
}

#[tokio::test]
async fn the_command_shows_as_the_tutorial_says() {
    let ended = written().run(&["commands", "smtp"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for line in [
        "  smtp/SendEmail  (effectful)",
        "      smtp_host:str smtp_port:int email_subject:str email_body:str email_to:str",
        "      email_from:str [smtp_user:str] [smtp_password:str]",
    ] {
        assert!(
            ended.stdout.lines().any(|l| l == line),
            "{line}: {}",
            ended.stdout
        );
    }
    let page = include_str!("../../../../../docs/tutorials/smtp-connector.md");
    let shown = page.split("$ crosspoint commands smtp\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    assert!(ended.stdout.starts_with(shown), "{shown}\n{}", ended.stdout);
}

#[tokio::test]
async fn a_mail_arrives() {
    let mut mail = Mail::start().await;
    let ended = send(mail.port).await;
    assert_eq!(
        (ended.code, ended.stdout.trim()),
        (Some(0), "{}"),
        "{ended:?}"
    );
    let arrived = mail.event().await;
    assert_eq!(arrived["from"], "me@example.com");
    assert_eq!(arrived["to"][0], "you@example.com");
    assert_eq!(
        (&arrived["subject"], &arrived["text"]),
        (&"Hello".into(), &"It works.\r\n".into())
    );
}

#[tokio::test]
async fn without_a_mail_server_the_error_is_in_the_body() {
    let (_kept, closed) = closed_port();
    let ended = send(closed.port().into()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.stdout,
        "{\"error\": \"[Errno 111] Connection refused\"}\n"
    );
}

#[tokio::test]
async fn it_is_served_and_edited_while_it_is() {
    let mut mail = Mail::start().await;
    let proxy = written().serve_with(&["--watch"]).await;
    assert!(ready(&proxy).await.is_empty());
    let arguments = serde_json::json!({
        "smtp_host": "127.0.0.1", "smtp_port": mail.port, "email_subject": "Hello",
        "email_body": "first", "email_to": "you@example.com", "email_from": "me@example.com",
    });
    let send = async || {
        let ask = proxy.do_("smtp/SendEmail").json(&arguments).verbatim();
        let answer = ask.send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.text
    };
    assert_eq!(send().await, "{}");
    assert_eq!(mail.event().await["text"], "first\r\n");
    let file = proxy
        .path()
        .join("connector-smtp/src/connector_smtp/commands/sendEmail.py");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replace("json.dumps({})", "json.dumps({'sent': True})"),
    )
    .unwrap();
    until("the new text runs", async || {
        send().await == "{\"sent\": true}"
    })
    .await;
}
