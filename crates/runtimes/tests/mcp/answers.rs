//! What calls bring back.

use std::time::Duration;

use crosspoint_core::{Body, Effect, Invalid, Kind, Mount, Refusal};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn arguments_and_results_pass_as_they_are() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let spelled =
        r#"{"value": {"n": 1.50, "big": 123456789012345678901, "e": 1e2, "s": "ü\u00fc"}}"#;
    let call = new_call("raw", spelled);
    let cx = context(&call, Duration::from_secs(120));
    let outcome = connector.call(call, &cx).await.unwrap();
    let Body::Json(json) = outcome.body else {
        panic!("no JSON");
    };
    let line: serde_json::Value = json.read().unwrap();
    let line = line["line"].as_str().unwrap();
    let sent = r#"{"n": 1.50, "big": 123456789012345678901, "e": 1e2, "s": "ü\u00fc"}"#;
    assert!(line.contains(sent), "{line}");
    mount.close().await;
}

#[tokio::test]
async fn a_tool_that_reports_an_error_is_a_reported_failure() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let failure = call(&connector, "fail", json!({"text": "no room"}))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Reported, "ToolError")
    );
    assert_eq!(failure.message, "no room");
    let failure = call(&connector, "fail_with", json!({"error_code": "NoRoom"}))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "NoRoom");
    mount.close().await;
}

#[tokio::test]
async fn what_a_server_says_about_progress_is_in_the_log_of_the_call() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let outcome = call(&connector(&mount), "steps", json!({"count": 3}))
        .await
        .unwrap();
    let lines = [
        "progress 1 of 3: step",
        "progress 2 of 3: step",
        "progress 3 of 3: step",
    ];
    assert_eq!(outcome.logs, lines);
    // However much it says.
    let outcome = call(&connector(&mount), "steps", json!({"count": 5000}))
        .await
        .unwrap();
    assert_eq!(outcome.logs.len(), 100);
    mount.close().await;
}

#[tokio::test]
async fn a_call_that_is_late_is_cancelled_at_the_server_which_serves_on() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let done = probe.path("cancelled");
    let arguments = json!({"until": done});
    let late = call_within(
        &connector,
        "cancelled",
        arguments.clone(),
        Duration::from_secs(1),
    )
    .await;
    let failure = late.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::DeadlineExceeded));
    assert_eq!(failure.effect, Effect::Maybe);
    until_there(&done).await;

    std::fs::remove_file(&done).unwrap();
    let call = call(&connector, "cancelled", arguments);
    // Dropped, as a read-only call is that nobody waits for any more.
    let _ = tokio::time::timeout(Duration::from_secs(1), call).await;
    until_there(&done).await;
    pid(&connector).await;
    mount.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_a_time_get_their_own_answers() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let calls = (0..200).map(|n| {
        let connector = connector.clone();
        tokio::spawn(async move {
            let arguments = json!({"text": n.to_string()});
            assert_eq!(
                body(call(&connector, "echo", arguments.clone()).await),
                arguments
            );
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    mount.close().await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_fails_its_call_alone() {
    let mut probe = Probe::new("good");
    probe.server.settings.max_answer = 100_000;
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let small = call(&connector, "large", json!({"bytes": 90_000})).await;
    assert_eq!(body(small).as_str().unwrap().len(), 90_000);
    for bytes in [100_001, 5_000_000] {
        let failure = call(&connector, "large", json!({ "bytes": bytes }))
            .await
            .unwrap_err();
        assert_eq!(
            (&*failure.code, failure.effect),
            ("AnswerTooLarge", Effect::Done)
        );
    }
    pid(&connector).await;
    mount.close().await;
}

#[tokio::test]
async fn what_the_server_does_not_take_is_the_callers_mistake() {
    let probe = Probe::new("Changing");
    let mount = probe.mount().await;
    let before = connector(&mount);
    let held = Held::begin(&probe, &before).await;
    until("the tool is gone", || {
        !commands(&mount).contains(&"hold".to_owned())
    })
    .await;
    // The call that had begun goes on, and one by the old catalogue is refused by the server.
    let failure = call(&before, "hold", json!({})).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid(Invalid::Arguments));
    assert!(failure.message.contains("Unknown tool: hold"), "{failure}");
    assert_eq!(body(held.end().await), json!("held"));
    mount.close().await;
}

#[tokio::test]
async fn what_a_server_asks_is_answered_or_declined() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let answer = async |method: &str| {
        body(call(&connector, "ask", json!({ "method": method })).await)["answer"].take()
    };
    assert_eq!(answer("ping").await["result"], json!({}));
    assert_eq!(answer("roots/list").await["result"]["roots"], json!([]));
    for method in ["sampling/createMessage", "no/such"] {
        assert!(answer(method).await["error"]["code"].is_i64(), "{method}");
    }
    mount.close().await;
}
