//! Servers that do not speak as they should. Each is a problem of its own; everything else serves.

use std::time::Duration;

use crosspoint_core::{Effect, Mask, Mount};
use serde_json::json;

use crate::support::*;

/// Time enough for a process to start, and little for one that never answers.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_server_that_speaks_garbage_is_named_with_what_it_says() {
    let problem = Probe::new("garbage").problem().await;
    let wanted = "writes what is no message of MCP to its standard output: \
                  this is no message xxx";
    assert!(problem.starts_with(wanted), "{problem}");
    assert!(problem.len() < 400, "{problem}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_bounded_in_time() {
    let mut probe = Probe::new("silent");
    probe.server.settings.start_timeout = SOON;
    let problem = probe.problem().await;
    assert!(
        problem.contains("did not answer the greeting within 5 s"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_line_without_an_end_is_garbage_as_well_whatever_a_message_may_have() {
    for longest in [100_000, 10 * 1024 * 1024] {
        let mut probe = Probe::new("long_line");
        probe.server.settings.max_answer = longest;
        let problem = probe.problem().await;
        let wanted = "writes what is no message of MCP to its standard output: xxx";
        assert!(problem.starts_with(wanted), "{longest}: {problem}");
    }
}

#[tokio::test]
async fn an_answer_that_names_its_call_ends_it_however_wrong_it_is() {
    let mount = Probe::new("Wrong").mount().await;
    let connector = connector(&mount);
    let echo = |how: &'static str| call(&connector, "echo", json!({ "text": how }));
    let failure = echo("null").await.unwrap_err();
    assert_eq!(&*failure.code, "InvalidResult");
    for how in ["both", "text", "code"] {
        let failure = echo(how).await.unwrap_err();
        assert_eq!(
            (&*failure.code, failure.effect),
            ("McpError", Effect::Maybe)
        );
        assert!(failure.message.contains("boom"), "{how}: {failure}");
    }
    assert_eq!(body(echo("batch").await), json!({"text": "batch"}));
    mount.close().await;
}

#[tokio::test]
async fn a_server_that_ends_before_it_answers_is_told_with_its_status() {
    let problem = Probe::new("gone").problem().await;
    assert_eq!(problem, "ended with exit status 7");
    let mut probe = Probe::new("gone");
    probe.server.mask = Mask::new(["cannot start"]);
    let mount = probe.mount().await;
    // For whoever runs it, not for `/readyz`.
    let told = mounted(&mount);
    assert_eq!(told.last_words.as_deref(), Some("I ***"), "{told:?}");
    mount.close().await;
    let problem = Probe::new("closed").problem().await;
    assert!(
        problem.contains("closed its output before it answered"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_server_that_refuses_or_answers_something_else_is_quoted() {
    let problem = Probe::new("Refusing").problem().await;
    let wanted = "does not take the greeting: not today (error -32000)";
    assert_eq!(problem, wanted);
    let problem = Probe::new("Odd").problem().await;
    assert!(
        problem.contains("does not answer the greeting as MCP wants it"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    for (name, part) in [
        (
            "no-such-program",
            "no-such-program: there is no such program in PATH",
        ),
        (
            "/no/such/program",
            "/no/such/program: there is no such program",
        ),
        ("/etc/passwd", "/etc/passwd: there is no such program"),
    ] {
        let mut probe = Probe::new("good");
        probe.program().command = vec![name.into()];
        let problem = probe.problem().await;
        assert!(problem.contains(part), "{problem}");
    }
}

#[tokio::test]
async fn what_is_printed_between_messages_and_a_flood_of_output_do_no_harm() {
    for mode in ["chatty", "floods"] {
        let mount = Probe::new(mode).mount().await;
        let connector = connector(&mount);
        call(&connector, "print", json!({"text": "{not a message"}))
            .await
            .unwrap();
        pid(&connector).await;
        mount.close().await;
    }
}

#[tokio::test]
async fn a_server_that_notifies_and_asks_without_end_is_served_on() {
    let mount = Probe::new("Storm").mount().await;
    let connector = connector(&mount);
    let arguments = json!({"text": "through"});
    assert_eq!(
        body(call(&connector, "echo", arguments.clone()).await),
        arguments
    );
    mount.close().await;
}

#[tokio::test]
async fn the_second_answer_and_the_answer_to_nothing_are_dropped() {
    let mount = Probe::new("Twice").mount().await;
    let connector = connector(&mount);
    for n in 0..20 {
        let arguments = json!({"text": n.to_string()});
        assert_eq!(
            body(call(&connector, "echo", arguments.clone()).await),
            arguments
        );
    }
    mount.close().await;
}

#[tokio::test]
async fn a_server_that_reads_nothing_lets_its_calls_end_at_their_deadline_and_is_replaced() {
    let mut probe = Probe::new("Deaf");
    let starts = probe.path("starts");
    probe.program().command.push(starts.clone().into());
    probe.server.settings.unresponsive_after = Duration::from_millis(300);
    let mount = probe.mount().await;
    let connector = connector(&mount);
    // More than a pipe holds.
    let text = "x".repeat(300_000);
    let deadline = Duration::from_millis(500);
    let late = call_within(&connector, "echo", json!({ "text": text }), deadline).await;
    assert_eq!(late.unwrap_err().code, "deadline_exceeded");
    until("it was started again", || {
        std::fs::read_to_string(&starts).unwrap().lines().count() == 2
    })
    .await;
    mount.close().await;
}
