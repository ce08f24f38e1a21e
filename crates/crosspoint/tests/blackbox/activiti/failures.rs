//! Service tasks that fail, and what the process does then.

use serde_json::{Map, Value, json};

use super::bundle::{Task, Way};
use super::mapping::opened;
use super::{process, serve};
use crate::harness::{Reply, Upstream, closed_port};

#[tokio::test]
async fn what_the_system_reports_is_caught_by_its_code_or_by_a_catch_all() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| {
        Reply::status(404)
            .header("content-type", "application/json")
            .body("{}")
    })
    .await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    for (catches, way) in [("HttpError404", "HttpError404"), ("", "HttpError404")] {
        let task = Task {
            catches: vec![catches.to_owned()],
            ..Task::of("http.GetRequestV2")
        };
        let execution = bundle.begin(&task, &variables).await;
        assert_eq!(
            bundle.goes_on(&execution).await,
            Way::Caught(way.to_owned())
        );
    }
    let task = Task {
        catches: vec!["HttpError500".to_owned()],
        ..Task::of("http.GetRequestV2")
    };
    let execution = bundle.begin(&task, &variables).await;
    let error = bundle.failure(&execution).await;
    assert_eq!(error["errorCode"], json!("HttpError404"));
    // What was reported is not tried again, whatever `attempts` says.
    assert_eq!((upstream.seen().len(), bundle.answers().len()), (3, 3));
}

#[tokio::test]
async fn a_technical_error_waits_for_an_administrator_who_replays_it() {
    let served = serve("serve = [\"http.*\"]\nattempts = 1").await;
    let upstream = Upstream::start(|_| Reply::json("{\"ok\": true}")).await;
    let bundle = served.bundle().await;
    let catch_all = Task {
        catches: vec![String::new()],
        ..Task::of("http.GetRequestV2")
    };
    // An argument is missing: our check, so that no boundary event catches it.
    let execution = bundle.begin(&catch_all, &Map::new()).await;
    let error = bundle.failure(&execution).await;
    assert!(error.get("errorCode").is_none(), "{error}");
    assert!(
        error["errorMessage"].as_str().unwrap().contains("url"),
        "{error}"
    );
    assert_eq!(
        error["stackTraceElements"][0]["methodName"],
        json!("GetRequestV2")
    );
    bundle
        .replay(&execution, &process(json!({"url": upstream.url("/")})))
        .await;
    assert_eq!(opened(&bundle.outputs(&execution).await["ok"]), json!(true));
    // A replay is a call of its own: another context of the same execution.
    let [failed, done] = bundle.answers().try_into().unwrap();
    let part = |answer: &Value, name: &str| answer["integrationContext"][name].clone();
    assert_ne!(part(&failed, "id"), part(&done, "id"));
    assert_eq!(part(&failed, "executionId"), part(&done, "executionId"));
    assert_eq!(bundle.rows(), 0);
}

#[tokio::test]
async fn an_answer_to_a_wrong_task_hangs_and_that_is_the_engines_own_rule() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let task = Task::of("http.GetRequestV2");
    let variables = process(json!({"url": upstream.url("/")}));
    // The ids come back as they were sent, right or wrong: the row is gone, and nothing goes on.
    let other_task = bundle
        .begin_changed(&task, &variables, |request| {
            request["integrationContext"]["clientId"] = json!("Task_2");
        })
        .await;
    let other_execution = bundle
        .begin_changed(&task, &variables, |request| {
            request["integrationContext"]["executionId"] = json!("of-nobody");
        })
        .await;
    bundle.answered(2).await;
    assert_eq!(bundle.goes_on(&other_task).await, Way::Hangs);
    assert_eq!(bundle.way(&other_execution), Way::Waiting);
    assert_eq!((bundle.rows(), bundle.ignored()), (0, 0));
    // What nobody waits for is passed over.
    let unknown = bundle.request(&task, "e", "unknown-id", &variables);
    bundle
        .publish(
            &task.implementation,
            unknown.to_string().as_bytes(),
            "unknown-id",
        )
        .await;
    bundle.answered(3).await;
    assert_eq!((bundle.rows(), bundle.ignored()), (0, 1));
    assert_eq!(upstream.seen().len(), 3);
    // Without them no answer would ever continue the task, so that nothing is done.
    for (at, name) in ["executionId", "clientId"].into_iter().enumerate() {
        let mut request = bundle.request(&task, "e", &format!("no-{name}"), &variables);
        request["integrationContext"][name] = Value::Null;
        bundle
            .publish(&task.implementation, request.to_string().as_bytes(), "")
            .await;
        bundle.answered(4 + at).await;
        let error = bundle.answers().remove(3 + at);
        let message = error["errorMessage"].as_str().unwrap();
        assert!(message.contains(name), "{error}");
    }
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn an_output_that_no_engine_takes_is_told_or_made_harmless() {
    let upstream = Upstream::start(|_| Reply::json(r#"{"page": "a ${b} c"}"#)).await;
    let variables = process(json!({"url": upstream.url("/")}));
    let served = serve("serve = [\"http.*\"]").await;
    let bundle = served.bundle().await;
    let execution = bundle
        .begin(&Task::of("http.GetRequestV2"), &variables)
        .await;
    let error = bundle.failure(&execution).await;
    let message = error["errorMessage"].as_str().unwrap();
    assert!(
        message.contains("'page'") && message.contains("activiti.expressions"),
        "{message}"
    );
    served.proxy.log_line(&["ERROR", "'page'"]).await;

    let served = serve("serve = [\"http.*\"]\nexpressions = \"escape\"").await;
    let bundle = served.bundle().await;
    let execution = bundle
        .begin(&Task::of("http.GetRequestV2"), &variables)
        .await;
    let outputs = bundle.outputs(&execution).await;
    assert_eq!(opened(&outputs["page"]), json!("a $ {b} c"));
}

#[tokio::test]
async fn a_connection_that_was_refused_is_tried_again() {
    let served = serve("serve = [\"http.*\"]\nattempts = 100\nretry_pause = \"200ms\"").await;
    let bundle = served.bundle().await;
    let (socket, closed) = closed_port();
    let variables = process(json!({"url": format!("http://{closed}/"), "data": {"n": 1}}));
    let execution = bundle
        .begin(&Task::of("http.PostRequestV2"), &variables)
        .await;
    served
        .proxy
        .log_line(&["Call failed", "PostRequestV2"])
        .await;
    let upstream = Upstream::open(socket, |_| Reply::json("{\"at\": \"last\"}"));
    assert_eq!(
        opened(&bundle.outputs(&execution).await["at"]),
        json!("last")
    );
    // All attempts are one call, and the engine heard of none of the failures.
    assert_eq!(
        (upstream.seen().len(), served.proxy.rows(&[]).await.len()),
        (1, 1)
    );
    assert_eq!(bundle.answers().len(), 1);
}

#[tokio::test]
async fn attempts_are_three_unless_the_setting_says_otherwise() {
    for (lines, attempts) in [
        ("", 3),
        ("attempts = 1", 1),
        ("attempts = 5\nretry_pause = \"10ms\"", 5),
    ] {
        let served = serve(&format!("serve = [\"http.*\"]\n{lines}")).await;
        let bundle = served.bundle().await;
        let (_socket, closed) = closed_port();
        let variables = process(json!({"url": format!("http://{closed}/"), "data": {"n": 1}}));
        let execution = bundle
            .begin(&Task::of("http.PostRequestV2"), &variables)
            .await;
        let error = bundle.failure(&execution).await;
        assert!(error.get("errorCode").is_none(), "{error}");
        let failed = served.proxy.log().matches("Call failed").count();
        assert_eq!(failed, attempts, "{lines}");
        assert_eq!(bundle.answers().len(), 1);
    }
}
