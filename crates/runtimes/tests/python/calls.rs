//! What reaches a command, and what comes back.

use std::time::Duration;

use crosspoint_core::{
    Body, Completion, Effect, Invalid, Json, Kind, Mount, Refusal, Safety, Type,
};
use crosspoint_runtimes::Idempotent;
use crosspoint_runtimes::python::Settings;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_package_is_described_by_its_classes() {
    let mut zoo = Zoo::new();
    zoo.program.settings.idempotent = Idempotent::Commands(vec!["Echo".to_owned()]);
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let manifest = probe.manifest();
    assert_eq!(manifest.name, "probe");
    let echo = manifest.commands.iter().find(|c| c.name == "Echo").unwrap();
    assert_eq!(echo.description, "Gives back what it was given.");
    assert!(echo.open && !echo.coerce);
    assert_eq!(echo.safety, Safety::Idempotent);
    let large = manifest
        .commands
        .iter()
        .find(|c| c.name == "Large")
        .unwrap();
    assert_eq!(large.parameters[0].types, [Type::Integer]);
    assert!(!large.open && large.parameters[0].required);
    assert_eq!(large.safety, Safety::Effectful);
    mount.close().await;
}

#[tokio::test]
async fn arguments_and_task_data_reach_python_as_they_were_sent() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let value = json!({"big": 1, "é\"\\": [null, true, "\u{1f600}", ""], "n": 1.5});
    let mut call = new_call("Echo", &json!({"value": value, "more": [1]}).to_string());
    let big = Json::parse("123456789012345678901234567890").unwrap();
    call.arguments.insert("big", big.clone());
    call.task_data = Some(Json::parse(r#"{"a": {"b": 2}}"#).unwrap());
    let cx = context(&call, Duration::from_secs(120));
    let outcome = probe(&mount).call(call, &cx).await.unwrap();
    let verbatim = outcome.verbatim.as_ref().unwrap();
    let text = std::str::from_utf8(&verbatim.body).unwrap();
    assert!(text.contains("123456789012345678901234567890"), "{text}");
    let Body::Json(body) = &outcome.body else {
        panic!("{outcome:?}")
    };
    let body: serde_json::Map<String, serde_json::Value> = body.read().unwrap();
    assert_eq!(body["value"], value);
    assert_eq!(body["rest"]["more"], json!([1]));
    assert_eq!(body["task_data"], json!({"a": {"b": 2}}));
    mount.close().await;
}

#[tokio::test]
async fn without_task_data_a_command_gets_the_text_of_an_empty_object() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let answer = call(&probe(&mount), "Echo", json!({"value": 1})).await;
    assert_eq!(body(answer)["task_data"], json!("{}"));
    mount.close().await;
}

#[tokio::test]
async fn results_of_both_versions_are_passed_on_untouched() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let verbatim = |answer: Answer| {
        let outcome = answer.unwrap_or_else(|failure| *failure.outcome.unwrap());
        let verbatim = outcome.verbatim.unwrap();
        let body = String::from_utf8_lossy(&verbatim.body).into_owned();
        (verbatim.status, verbatim.mimetype.into_owned(), body)
    };
    let wanted =
        |status, mimetype: &str, body: &str| (status, mimetype.to_owned(), body.to_owned());
    for text in ["plain", "é \"quoted\"\n", "", "\u{1f600}"] {
        let answer = call(&probe, "Plain", json!({"response": text})).await;
        assert_eq!(verbatim(answer), wanted(200, "text/plain", text));
    }
    let arguments =
        json!({"response": {"a": "é"}, "status": "404", "mimetype": "application/json"});
    let answer = call(&probe, "Plain", arguments).await;
    assert_eq!(answer.as_ref().unwrap_err().code, "HttpError404");
    let (status, _, body) = verbatim(answer);
    let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, parsed), (404, json!({"a": "é"})));

    let outcome = call(&probe, "Binary", json!({})).await.unwrap();
    assert_eq!(&outcome.verbatim.unwrap().body[..], [0, 255]);

    let dict = json!({"command_response": {"body": "x", "mimetype": "a/b"}, "command_response_version": 2,
        "error": {"error_code": "Mine", "message": "own"}, "odd": [1]});
    let failure = call(&probe, "Dict", json!({"value": dict}))
        .await
        .unwrap_err();
    assert_eq!(
        (&*failure.code, failure.message.as_str(), failure.effect),
        ("Mine", "own", Effect::Done)
    );
    let body = failure.outcome.unwrap().verbatim.unwrap().body;
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
        dict
    );
    mount.close().await;
}

#[tokio::test]
async fn a_callback_url_makes_a_long_command_hand_over() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let mut long = new_call("Later", &json!({}).to_string());
    long.callback = Some("http://engine/callback".to_owned());
    let cx = context(&long, Duration::from_secs(120));
    let outcome = probe.call(long, &cx).await.unwrap();
    assert_eq!(outcome.completion, Completion::HandedOver);
    assert_eq!(outcome.verbatim.as_ref().unwrap().status, 202);
    assert_eq!(
        outcome.body,
        Body::Text("http://engine/callback".to_owned())
    );
    let outcome = call(&probe, "Later", json!({})).await.unwrap();
    assert_eq!(outcome.completion, Completion::Finished);
    mount.close().await;
}

#[tokio::test]
async fn what_goes_wrong_in_python_is_told_by_kind() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);

    let failure = call(&probe, "Raise", json!({})).await.unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code, failure.effect),
        (Kind::Raised, "KeyError", Effect::Maybe)
    );
    assert!(failure.message.contains("what was raised"), "{failure}");
    assert!(failure.detail.unwrap().contains("all.py"));

    let failure = call(&probe, "Large", json!({"sice": 1})).await.unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Invalid(Invalid::Arguments), "TypeError")
    );
    assert!(
        failure.message.contains("size") && failure.message.contains("sice"),
        "{failure}"
    );

    let failure = call(&probe, "Unusable", json!({})).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (Kind::Reported, Effect::Done)
    );
    assert_eq!(failure.code, "InvalidResult");

    let failure = call(&probe, "Nothing", json!({})).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid(Invalid::UnknownCommand));
    mount.close().await;
}

#[tokio::test]
async fn sys_exit_is_an_exception_like_any_other() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let before = pid(&probe).await;
    let failure = call(&probe, "Leave", json!({})).await.unwrap_err();
    assert_eq!((failure.kind, &*failure.code), (Kind::Raised, "SystemExit"));
    assert_eq!(pid(&probe).await, before);
    mount.close().await;
}

#[tokio::test]
async fn an_answer_beyond_the_limit_says_that_the_command_ran() {
    let zoo = Zoo::with(Settings {
        max_answer: 100_000,
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let outcome = call(&probe, "Large", json!({"size": 100_000}))
        .await
        .unwrap();
    assert_eq!(outcome.verbatim.unwrap().body.len(), 100_000);
    let failure = call(&probe, "Large", json!({"size": 100_001}))
        .await
        .unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("AnswerTooLarge", Effect::Done)
    );
    mount.close().await;
}

#[tokio::test]
async fn large_arguments_and_answers_go_through_in_pieces() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let text = "0123456789abcdef".repeat(256 * 1024);
    let calls = (0..4).map(|_| call(&probe, "Echo", json!({"value": text})));
    for answer in futures_util::future::join_all(calls).await {
        assert!(body(answer)["value"] == json!(text));
    }
    mount.close().await;
}

#[tokio::test]
async fn calls_run_beside_each_other_and_one_at_a_time_where_that_is_wanted() {
    let zoo = Zoo::with(Settings {
        threads: 6,
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe_6 = probe(&mount);
    let calls = (0..6).map(|_| call(&probe_6, "Meet", json!({"count": 6})));
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    mount.close().await;

    let zoo = Zoo::with(Settings {
        threads: 1,
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe_1 = probe(&mount);
    let calls = (0..6).map(|_| call(&probe_1, "Overlap", json!({})));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(body(answer), json!(1));
    }
    mount.close().await;
}

#[tokio::test]
async fn the_calls_of_several_workers_are_spread() {
    let zoo = Zoo::with(Settings {
        workers: 2,
        threads: 1,
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let first = Held::begin(&zoo, &probe, "first").await;
    let second = Held::begin(&zoo, &probe, "second").await;
    assert_ne!(number(first.end().await), number(second.end().await));
    mount.close().await;
}

#[tokio::test]
async fn a_call_that_finds_no_free_worker_in_time_had_no_effect() {
    let zoo = Zoo::with(Settings {
        threads: 1,
        queue: 1,
        ..Settings::default()
    });
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let held = Held::begin(&zoo, &probe, "held").await;
    let waiting = tokio::spawn({
        let probe = probe.clone();
        let never = json!({"begun": zoo.path("never"), "until": zoo.path("never")});
        async move { call_within(&probe, "Hold", never, Duration::from_secs(1)).await }
    });
    tokio::task::yield_now().await;
    // One waits; the queue holds no more.
    let failure = call(&probe, "Pid", json!({})).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::Overloaded));
    let failure = waiting.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::DeadlineExceeded));
    assert_eq!(failure.effect, Effect::None);
    held.end().await.unwrap();
    assert!(!zoo.path("never").exists());
    mount.close().await;
}

#[tokio::test]
async fn a_call_past_its_deadline_may_have_had_its_effect() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let held = Held::begin_within(&zoo, &probe, "held", Duration::from_secs(2)).await;
    let failure = held.answer.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::DeadlineExceeded));
    assert_eq!(failure.effect, Effect::Maybe);
    touch(&held.release);
    mount.close().await;
}

#[tokio::test]
async fn a_coroutine_that_nobody_waits_for_is_cancelled() {
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let (begun, cancelled) = (zoo.path("begun"), zoo.path("cancelled"));
    let arguments = json!({"begun": begun, "cancelled": cancelled});
    let waiting = tokio::spawn({
        let probe = probe.clone();
        async move { call(&probe, "Coroutine", arguments).await }
    });
    until_there(&begun).await;
    waiting.abort();
    until_there(&cancelled).await;
    mount.close().await;
}
