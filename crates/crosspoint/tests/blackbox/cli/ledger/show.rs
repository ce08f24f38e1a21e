//! `crosspoint ledger show`.

use bytes::Bytes;
use crosspoint_broker::ledger::State;
use crosspoint_core::{Json, Outcome};
use serde_json::Value;

use super::{Desk, Entry};
use crate::harness::{Database, Setup, Upstream, json, until};

#[tokio::test]
async fn a_call_is_shown_with_what_can_be_done_about_it() {
    let desk = Desk::new().await;
    let entry = Entry::new("http://h/", State::Unknown);
    let id = desk
        .record(entry.with(|call| call.request_id = "mine".into()))
        .await;
    for given in [id.clone(), id.to_uppercase(), "mine".to_owned()] {
        let ended = desk.run(&["show", &given]).await;
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{ended:?}"
        );
        for part in [
            format!("id: {id}\n"),
            "state: unknown".to_owned(),
            "request: mine\n".to_owned(),
            "failure: ReadTimeout\n".to_owned(),
            format!("crosspoint ledger settle {id} --succeeded"),
        ] {
            assert!(ended.stdout.contains(&part), "{part}: {}", ended.stdout);
        }
    }
    let shown = desk.json(&["show", "mine"]).await;
    assert_eq!(
        (&shown["id"], &shown["state"]),
        (&id.into(), &"unknown".into())
    );
    assert!(
        shown["replayable"] == true && shown["result_error"].is_null(),
        "{shown}"
    );
}

#[tokio::test]
async fn an_id_that_means_nothing_or_several_calls_is_exit_code_1() {
    let desk = Desk::new().await;
    let entry =
        || Entry::new("http://h/", State::Succeeded).with(|call| call.request_id = "twice".into());
    let ids = [desk.record(entry()).await, desk.record(entry()).await];
    for arguments in [
        &["show", "twice"][..],
        &["show", "twice", "--json"],
        &["settle", "twice", "--succeeded"],
        &["replay", "twice"],
    ] {
        let ended = desk.run(arguments).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(1), ""),
            "{ended:?}"
        );
        assert!(ids.iter().all(|id| ended.stderr.contains(id)), "{ended:?}");
    }
    for id in [
        "nothing",
        "",
        "0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77",
        "\u{1b}[2J",
    ] {
        let ended = desk.run(&["show", id]).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(1), ""),
            "{ended:?}"
        );
        assert!(ended.stderr.contains("ledger list") && !ended.stderr.contains('\u{1b}'));
    }
}

#[tokio::test]
async fn the_whole_result_goes_to_standard_output_when_it_is_asked_for() {
    let desk = Desk::new().await;
    let mut entry = Entry::new("http://h/", State::Succeeded);
    let body = r#"{"n": 1.50, "secret": "hunter2"}"#;
    entry.result = Ok(Outcome::json(Json::parse(body).unwrap()).with_status(201));
    let id = desk.record(entry).await;
    let ended = desk.run(&["show", &id, "--result"]).await;
    assert_eq!(
        (ended.code, ended.stdout.trim_end()),
        (Some(0), body),
        "{ended:?}"
    );
    let whole = desk.json(&["show", &id, "--result"]).await;
    assert_eq!(
        (&whole["status"], &whole["body"]["n"]),
        (&201.into(), &1.5.into()),
        "{whole}"
    );
    for options in [&[][..], &["--json"]] {
        let ended = desk.run(&[&["show", &*id], options].concat()).await;
        assert!(!ended.stdout.contains("hunter2"), "{ended:?}");
    }
}

#[tokio::test]
async fn a_result_that_was_not_kept_or_cannot_be_read_is_told() {
    let desk = Desk::new().await;
    let unkept = Entry::new("http://h/", State::Succeeded).with(|call| call.key = None);
    let unkept = desk.record(unkept).await;
    let running = desk.record(Entry::new("http://h/", State::Running)).await;
    let broken = desk.record(Entry::new("http://h/", State::Running)).await;
    let foreign = Some(Bytes::from_static(b"from a newer program"));
    let result = Ok(Outcome::text("x"));
    desk.end(&broken, State::Succeeded, &result, foreign).await;
    for (id, part) in [
        (&unkept, "not kept"),
        (&running, "no result yet"),
        (&broken, "cannot be opened"),
    ] {
        for options in [&["--result"][..], &["--result", "--json"]] {
            let ended = desk.run(&[&["show", &**id], options].concat()).await;
            assert_eq!(
                (ended.code, ended.stdout.as_str()),
                (Some(1), ""),
                "{ended:?}"
            );
            assert!(ended.stderr.contains(part), "{ended:?}");
        }
    }
    let ended = desk.run(&["show", &broken]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains("result: cannot be opened: "),
        "{ended:?}"
    );
    let shown = desk.json(&["show", &broken]).await;
    assert!(
        shown["result_error"]
            .as_str()
            .unwrap()
            .contains("newer program"),
        "{shown}"
    );
}

#[tokio::test]
async fn sealed_parts_that_somebody_has_changed_are_told_in_their_lines() {
    let desk = Desk::new().await;
    let id = desk.record(Entry::new("http://h/", State::Unknown)).await;
    let database = Database::file(&desk.setup.path().join(".crosspoint/crosspoint.db"));
    let change = "UPDATE crosspoint_calls SET sealed_call = x'01', sealed_result = x'01'";
    database.sql(change).await;
    let ended = desk.run(&["show", &id]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains("result: cannot be opened: "),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("cannot run again: "), "{ended:?}");
    let shown = desk.json(&["show", &id]).await;
    for name in ["result_error", "replay_error"] {
        assert!(
            shown[name].as_str().unwrap().contains("master key"),
            "{shown}"
        );
    }
    let ended = desk.run(&["settle", &id, "--run-again"]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    assert_eq!(desk.state(&id).await, State::Unknown);
}

#[tokio::test]
async fn what_a_server_records_is_found_by_the_id_in_its_answer() {
    let upstream = Upstream::echo().await;
    let proxy = Setup::new().serve().await;
    let arguments = serde_json::json!({"url": upstream.url("/x"), "headers": {"authorization": "Bearer hunter2"}});
    let ask = proxy.do_("http/PostRequestV2").json(&arguments);
    let answer = ask.header("x-request-id", "mine").send().await;
    answer.success();
    let mut shown = Value::Null;
    // Its end is written without keeping the caller waiting.
    until("its end is written", async || {
        let ended = proxy.run(&["ledger", "show", "mine", "--json"]).await;
        shown = json(&ended.stdout);
        shown["state"] != "running"
    })
    .await;
    assert_eq!(
        (&shown["state"], &shown["connector"]),
        (&"succeeded".into(), &"http".into())
    );
    assert_eq!(shown["arguments"]["url"], upstream.url("/x"));
    let ended = proxy.run(&["ledger", "show", "mine"]).await;
    assert!(ended.stdout.contains("request: mine"), "{ended:?}");
    assert!(!ended.stdout.contains("hunter2") && !shown.to_string().contains("hunter2"));
}
