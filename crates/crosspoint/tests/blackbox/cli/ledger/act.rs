//! `crosspoint ledger settle` and `replay`.

use crosspoint_broker::ledger::{State, Store};
use serde_json::json;

use super::{Desk, Entry};
use crate::harness::{Gate, Proxy, Reply, Setup, Upstream, closed_port};

#[tokio::test]
async fn a_call_is_settled_with_what_was_found_out() {
    let desk = Desk::new().await;
    let unknown = async || desk.record(Entry::new("http://h/", State::Unknown)).await;
    let id = unknown().await;
    let ended = desk.run(&["settle", &id, "--succeeded"]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains(&id) && ended.stdout.contains("succeeded"),
        "{ended:?}"
    );
    let result = desk.run(&["show", &id, "--result"]).await;
    assert_eq!(result.stdout, "{}\n");

    for (body, shown) in [
        (r#"{"n": 1.50}"#, r#"{"n": 1.50}"#),
        ("just text", "just text"),
    ] {
        let id = unknown().await;
        let ended = desk
            .run_with(&["settle", &id, "--succeeded", "--body", "-"], body)
            .await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let result = desk.run(&["show", &id, "--result"]).await;
        assert_eq!(result.stdout.trim_end(), shown);
    }

    let id = unknown().await;
    let failed = [
        "settle",
        &id,
        "--failed",
        "NotPaid",
        "--message",
        "no such payment",
    ];
    let row = desk.json(&failed).await;
    assert_eq!(
        (&row["state"], &row["code"]),
        (&json!("failed"), &json!("NotPaid"))
    );
    assert_eq!(
        (&row["message"], &row["effect"]),
        (&json!("no such payment"), &json!("none"))
    );

    let long = Entry::new("http://h/", State::Unknown);
    let long = long.with(|call| call.callback = Some("http://127.0.0.1:9/cb".to_owned()));
    let id = desk.record(long).await;
    let ended = desk.run(&["settle", &id, "--succeeded"]).await;
    assert!(ended.stdout.contains("delivers"), "{ended:?}");
    assert_eq!(desk.state(&id).await, State::Finished);
}

#[tokio::test]
async fn only_unknown_calls_are_settled_and_only_in_one_way() {
    let desk = Desk::new().await;
    for state in [
        State::Succeeded,
        State::Failed,
        State::Running,
        State::Undeliverable,
    ] {
        let id = desk.record(Entry::new("http://h/", state)).await;
        for end in [&["--succeeded"][..], &["--failed", "E"], &["--run-again"]] {
            let ended = desk.run(&[&["settle", &*id], end].concat()).await;
            assert_eq!(
                (ended.code, ended.stdout.as_str()),
                (Some(1), ""),
                "{ended:?}"
            );
            assert!(ended.stderr.contains(state.name()), "{ended:?}");
        }
        assert_eq!(desk.state(&id).await, state);
    }
    let id = desk.record(Entry::new("http://h/", State::Unknown)).await;
    for end in [
        &[][..],
        &["--succeeded", "--run-again"],
        &["--failed", "E", "--body", "x"],
        &["--failed", ""],
        &["--succeeded", "--body", "no-such-file"],
    ] {
        let ended = desk.run(&[&["settle", &*id], end].concat()).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{ended:?}"
        );
    }
    assert_eq!(desk.state(&id).await, State::Unknown);
}

#[tokio::test]
async fn without_a_server_a_call_runs_again_in_this_process() {
    let upstream = Upstream::start(|_| Reply::json(r#"{"n": 1.50}"#)).await;
    let desk = Desk::new().await;
    let id = desk
        .record(Entry::new(&upstream.url("/a"), State::Unknown))
        .await;
    let ended = desk.run(&["settle", &id, "--run-again"]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("succeeded"), "{ended:?}");

    let id = desk
        .record(Entry::new(&upstream.url("/b"), State::Failed))
        .await;
    let row = desk.json(&["replay", &id]).await;
    assert_eq!(
        (&row["state"], &row["attempts"]),
        (&json!("succeeded"), &json!(2)),
        "{row}"
    );
    assert_eq!(upstream.seen().len(), 2);
    let result = desk.run(&["show", &id, "--result"]).await;
    assert!(result.stdout.contains("1.50"), "{result:?}");
}

#[tokio::test]
async fn a_call_that_fails_again_is_exit_code_1() {
    let (_kept, address) = closed_port();
    let desk = Desk::new().await;
    let url = format!("http://{address}/");
    let id = desk.record(Entry::new(&url, State::Failed)).await;
    let ended = desk.run(&["replay", &id]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("ConnectionError"), "{ended:?}");

    let upstream = Upstream::start(|_| Reply::raw("")).await;
    let id = desk
        .record(Entry::new(&upstream.url("/"), State::Unknown))
        .await;
    let ended = desk.run(&["settle", &id, "--run-again"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains(&format!("crosspoint ledger show {id}")),
        "{ended:?}"
    );
    assert_eq!(desk.state(&id).await, State::Unknown);
}

#[tokio::test]
async fn a_running_server_runs_the_call_and_still_answers_others() {
    let gate = Gate::new();
    let shut = gate.clone();
    let upstream = Upstream::start(move |_| Reply::json("{}").behind(&shut)).await;
    let desk = Desk::new().await;
    let id = desk
        .record(Entry::new(&upstream.url("/"), State::Failed))
        .await;
    let proxy: Proxy = desk.setup.serve().await;
    let reload = async {
        upstream.arrived(1).await;
        let ended = proxy.run(&["reload"]).await;
        gate.open();
        ended
    };
    let replay = ["ledger", "replay", &id, "--json"];
    let (replayed, reloaded) = tokio::join!(proxy.run(&replay), reload);
    assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    let row = crate::harness::json(&replayed.stdout);
    assert_eq!(
        (&row["state"], &row["attempts"]),
        (&json!("succeeded"), &json!(2)),
        "{row}"
    );
    proxy.log_line(&["http/PostRequestV2"]).await;
}

#[tokio::test]
async fn what_cannot_run_again_is_told_with_the_next_step() {
    let desk = Desk::new().await;
    for (state, part) in [
        (State::Running, "ledger show"),
        (State::Unknown, "settle"),
        (State::Succeeded, "another key"),
        (State::Finished, "ledger show"),
    ] {
        let id = desk.record(Entry::new("http://h/", state)).await;
        let ended = desk.run(&["replay", &id]).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(1), ""),
            "{ended:?}"
        );
        assert!(
            ended.stderr.contains(part) && ended.stderr.contains(&id),
            "{ended:?}"
        );
        assert_eq!(desk.state(&id).await, state);
    }
    for (state, arguments) in [(State::Failed, "replay"), (State::Unknown, "settle")] {
        let unkept = Entry::new("http://h/", state).with(|call| call.key = None);
        let id = desk.record(unkept).await;
        let again = ["--run-again"];
        let end = if state == State::Unknown {
            &again[..]
        } else {
            &[]
        };
        let ended = desk.run(&[&[arguments, &*id], end].concat()).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(1), ""),
            "{ended:?}"
        );
        assert!(
            ended.stderr.contains("arguments were not kept"),
            "{ended:?}"
        );
    }
    let gone = Entry::new("http://h/", State::Failed);
    let gone = gone.with(|call| call.command = "crm/Gone".parse().unwrap());
    let id = desk.record(gone).await;
    let ended = desk.run(&["replay", &id]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("crm"), "{ended:?}");
    assert_eq!(desk.state(&id).await, State::Failed);
}

#[tokio::test]
async fn a_result_that_was_not_taken_is_due_again() {
    let desk = Desk::new().await;
    let long = Entry::new("http://h/", State::Undeliverable);
    let long = long.with(|call| call.callback = Some("http://127.0.0.1:9/cb".to_owned()));
    let id = desk.record(long).await;
    let shown = desk.run(&["show", &id]).await;
    assert!(
        shown
            .stdout
            .contains(&format!("crosspoint ledger replay {id}")),
        "{shown:?}"
    );
    assert!(shown.stdout.contains("401"), "{shown:?}");
    let ended = desk.run(&["replay", &id]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("delivers"), "{ended:?}");
    let row = desk.ledger.find(&id).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.delivery.next.is_some()),
        (State::Finished, true)
    );
}

#[tokio::test]
async fn a_key_is_answered_with_what_was_settled() {
    let upstream = Upstream::start(|_| Reply::raw("")).await;
    let proxy = Setup::new().serve().await;
    let arguments = json!({ "url": upstream.url("/") });
    let ask = || {
        let ask = proxy.do_("http/PostRequestV2").json(&arguments);
        ask.header("idempotency-key", "order-7").send()
    };
    ask().await;
    let listed = proxy
        .run(&["ledger", "list", "--state", "unknown", "--json"])
        .await;
    let id = crate::harness::json(&listed.stdout)[0]["id"].clone();
    let id = id.as_str().unwrap_or_else(|| panic!("{listed:?}"));
    assert_eq!(ask().await.code(), "outcome_unknown");
    let settle = ["ledger", "settle", id, "--failed", "NotPaid"];
    assert_eq!(proxy.run(&settle).await.code, Some(0));
    assert_eq!(ask().await.code(), "NotPaid");
    assert_eq!(upstream.seen().len(), 1);
}
