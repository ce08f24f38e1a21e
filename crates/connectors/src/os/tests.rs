use std::time::Duration;

use crosspoint_core::{
    Arguments, Body, Call, CallId, Connector, Context, Effect, Failure, Ingress, Mask, Origin,
    Outcome,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Config, connector};

async fn spawn(arguments: Value) -> Result<Outcome, Failure> {
    let allow = ["sh", "cat", "/nonexistent/program"]
        .map(str::to_owned)
        .to_vec();
    let os = connector(&Config {
        allow,
        max_output: 1000,
    });
    let arguments = Arguments::parse(arguments.to_string().into()).unwrap();
    let arguments = os.manifest().commands[0].check(arguments)?;
    let call = Call::new(
        "os/SpawnProcess".parse().unwrap(),
        arguments,
        Origin::of(Ingress::Cli),
    );
    let deadline = Instant::now() + Duration::from_secs(30);
    let cx = Context::new(CallId::generate(), deadline, Mask::default());
    os.call(call, &cx).await
}

fn sh(script: &str) -> Value {
    json!({"program": "sh", "arguments": ["-c", script]})
}

fn body(outcome: &Outcome) -> Value {
    let Body::Json(json) = &outcome.body else {
        panic!("not JSON")
    };
    json.read().unwrap()
}

#[tokio::test]
async fn a_program_gets_its_input_arguments_directory_and_environment() {
    let outcome = spawn(json!({
        "program": "sh",
        "arguments": ["-c", "cat; echo \"$1 $X\"; pwd; echo oops >&2; exit 3", "sh", "a b; $HOME"],
        "stdin": "in\n", "env": {"X": "y"}, "directory": "/", "check": false,
    }));
    let body = body(&outcome.await.unwrap());
    assert_eq!(
        body,
        json!({"exit_code": 3, "stdout": "in\na b; $HOME y\n/\n", "stderr": "oops\n"})
    );
}

#[tokio::test]
async fn our_own_environment_is_not_inherited() {
    // cargo sets this for its tests.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let outcome = spawn(sh("echo \"[$CARGO_MANIFEST_DIR]\"")).await.unwrap();
    assert_eq!(body(&outcome)["stdout"], json!("[]\n"));
}

#[tokio::test]
async fn only_programs_on_the_allow_list_are_run() {
    for program in ["env", "/bin/sh", "sh ", "../sh"] {
        let failure = spawn(json!({"program": program})).await.unwrap_err();
        assert_eq!(
            (&*failure.code, failure.effect),
            ("ProgramNotAllowed", Effect::None)
        );
        assert_eq!(failure.outcome.unwrap().status, 403);
    }
}

#[tokio::test]
async fn a_bad_exit_is_a_failure_where_that_was_asked_for() {
    let mut arguments = sh("echo out; exit 2");
    arguments["check"] = json!(true);
    let failure = spawn(arguments).await.unwrap_err();
    assert_eq!(failure.code, "CalledProcessError");
    assert_eq!(body(&failure.outcome.unwrap())["stdout"], json!("out\n"));
}

#[tokio::test]
async fn a_signal_is_a_negative_exit_code() {
    let outcome = spawn(sh("kill -9 $$")).await.unwrap();
    assert_eq!(body(&outcome)["exit_code"], json!(-9));
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let failure = spawn(json!({"program": "/nonexistent/program"}))
        .await
        .unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("FileNotFoundError", Effect::None)
    );
    let failure = spawn(json!({"program": "sh", "arguments": ["a\0b"]}))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "TypeError");
    let failure = spawn(json!({"program": "sh", "timeout": -1}))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "TypeError");
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_a_timeout() {
    let mut arguments = sh("sleep 60");
    arguments["timeout"] = json!(0.05);
    let failure = spawn(arguments).await.unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("TimeoutExpired", Effect::Maybe)
    );
}

#[tokio::test]
async fn giving_up_ends_the_program_and_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!(
        "sleep 60 & echo $! > {0}.new; mv {0}.new {0}; wait",
        file.display()
    );
    let running = tokio::spawn(spawn(sh(&script)));
    let pid = loop {
        match std::fs::read_to_string(&file) {
            Ok(pid) => break pid.trim().to_owned(),
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert!(lives(&pid));
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    while lives(&pid) {
        tokio::task::yield_now().await;
    }
}

/// Whether a process is there and not merely waiting to be forgotten.
fn lives(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}

#[tokio::test]
async fn a_program_that_writes_without_end_is_ended() {
    let failure = spawn(sh("while :; do echo xxxxxxxx; done"))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "OutputTooLarge");
}

#[tokio::test]
async fn something_left_in_the_background_does_not_hold_the_answer() {
    let outcome = spawn(sh("sleep 60 & echo done")).await.unwrap();
    assert_eq!(body(&outcome)["stdout"], json!("done\n"));
}

#[tokio::test]
async fn a_program_that_reads_nothing_is_no_mistake() {
    let mut arguments = sh("exec <&-; echo fine");
    arguments["stdin"] = json!("x".repeat(1_000_000));
    let outcome = spawn(arguments).await.unwrap();
    assert_eq!(body(&outcome)["stdout"], json!("fine\n"));
}
