//! Processes with service tasks, from the request to what the process does next.

use serde_json::{Map, Value, json};

use super::bundle::{Task, Way};
use super::mapping::{From, Kind, Mapping, opened};
use super::{Served, process, serve};
use crate::harness::{Reply, Setup, Upstream, closed_port, until};

#[tokio::test]
async fn a_task_calls_a_command_and_the_process_goes_on_with_its_outputs() {
    let served = serve("serve = [\"http.GetRequest*\"]").await;
    let upstream = Upstream::start(|_| {
        Reply::json(r#"{"title": "The Lord of The Rings", "year": 1954, "big": 2147483648, "deep": {"a": [1.5]}}"#)
    })
    .await;
    let bundle = served.bundle().await;
    let task = Task {
        mapping: Mapping {
            kind: Kind::Explicit,
            inputs: vec![
                ("url", From::Variable("address")),
                ("headers", From::Value(json!({"a": "b"}))),
            ],
            outputs: vec![
                ("movie", From::Variable("title")),
                ("code", From::Variable("status")),
            ],
            properties: vec![("movie", "string"), ("code", "integer")],
            ..Mapping::default()
        },
        ..Task::of("http.GetRequestV2")
    };
    let execution = bundle
        .begin(&task, &process(json!({"address": upstream.url("/m")})))
        .await;
    let Way::Completed { written, outputs } = bundle.goes_on(&execution).await else {
        panic!("{:?}", bundle.way(&execution));
    };
    assert_eq!(
        Value::Object(written),
        json!({"movie": "The Lord of The Rings", "code": 200})
    );
    assert_eq!(
        outputs["big"],
        json!({"type": "long", "value": "2147483648"})
    );
    assert_eq!(outputs["year"]["type"], json!("integer"));
    assert_eq!(opened(&outputs["deep"]), json!({"a": [1.5]}));
    assert_eq!(upstream.last().header("a"), "b");
    let answer = bundle.answers().remove(0);
    assert_eq!(answer["appName"], json!("default-app"));
    let mut echoed = answer["integrationContext"].clone();
    echoed["outBoundVariables"] = json!({});
    assert_eq!(echoed, answer["integrationRequest"]["integrationContext"]);
}

#[tokio::test]
async fn everything_that_a_process_has_may_be_sent_and_what_is_not_declared_is_left_out() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    // What is not used may be anything.
    let variables = process(json!({"url": upstream.url("/"), "other": 1, "odd": {"a": []}}));
    let execution = bundle
        .begin(&Task::of("http.GetRequestV2"), &variables)
        .await;
    bundle.outputs(&execution).await;
    served.proxy.log_line(&["left out", "other"]).await;
}

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
async fn three_instances_at_once_get_three_results() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::echo().await;
    let bundle = served.bundle().await;
    let mut executions = Vec::new();
    for at in 0..3 {
        let variables = process(json!({"url": upstream.url(&format!("/{at}"))}));
        executions.push(
            bundle
                .begin(&Task::of("http.GetRequestV2"), &variables)
                .await,
        );
    }
    for (at, execution) in executions.iter().enumerate() {
        let outputs = bundle.outputs(execution).await;
        let text = outputs["result"]["value"].as_str().unwrap();
        assert!(text.contains(&format!("/{at}")), "{text}");
    }
    let ids: std::collections::BTreeSet<_> = bundle
        .answers()
        .iter()
        .map(|answer| answer["integrationContext"]["id"].to_string())
        .collect();
    assert_eq!((ids.len(), bundle.ignored()), (3, 0));
}

#[tokio::test]
async fn a_message_that_comes_twice_has_one_effect_and_the_second_answer_is_harmless() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{\"n\": 1}")).await;
    let bundle = served.bundle().await;
    let task = Task::of("http.PostRequestV2");
    let variables = process(json!({"url": upstream.url("/"), "data": {"a": 1}}));
    let request = bundle
        .request(&task, "e", "twice-id", &variables)
        .to_string();
    for _ in 0..2 {
        bundle
            .publish(&task.implementation, request.as_bytes(), "twice-id")
            .await;
    }
    bundle.answered(2).await;
    let answers = bundle.answers();
    assert_eq!(answers[0], answers[1]);
    assert_eq!((upstream.seen().len(), bundle.ignored()), (1, 2));
    let rows = served.proxy.rows(&[]).await;
    assert_eq!((rows.len(), &*rows[0].ingress), (1, "activiti"));
    assert_eq!(rows[0].request_id, "twice-id");
    assert_eq!(rows[0].caller.as_deref(), Some(&*bundle.name));
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
async fn an_action_of_a_definition_runs_the_command_that_it_is_bound_to() {
    let definition = json!({"name": "Movies", "actions": {"a": {"id": "a", "name": "getMovieDesc",
        "inputs": [{"id": "1", "name": "movieName", "type": "string"}],
        "outputs": [{"id": "2", "name": "movieDescription", "type": "string"},
                    {"id": "3", "name": "price", "type": "bigdecimal"}]}}});
    let setup = Setup::new().file("movies.json", &definition.to_string());
    let served = Served::start(
        setup,
        r#"
        [activiti.definitions.movies]
        file = "movies.json"
        connector = "http"
        [activiti.definitions.movies.actions.getMovieDesc]
        command = "GetRequestV2"
        inputs = { movieName = "url" }
        outputs = { movieDescription = "items.0.text" }
        "#,
    )
    .await;
    let upstream = Upstream::start(|_| {
        Reply::json(r#"{"items": [{"text": "Epic"}], "price": 10.00, "more": 1}"#)
    })
    .await;
    let bundle = served.bundle().await;
    let variables = process(json!({"movieName": upstream.url("/")}));
    let execution = bundle
        .begin(&Task::of("Movies.getMovieDesc"), &variables)
        .await;
    let outputs = bundle.outputs(&execution).await;
    assert_eq!(
        Value::Object(outputs),
        json!({"movieDescription": {"type": "string", "value": "Epic"},
               "price": {"type": "bigdecimal", "value": "10.00"}})
    );
}

#[tokio::test]
async fn requests_of_other_versions_are_passed_over() {
    let served = serve("serve = [\"http.*\"]\nmin_app_version = 2").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let old = Task::of("http.GetRequestV2");
    let mut request = bundle.request(&old, "e", "old", &variables);
    bundle
        .publish(&old.implementation, request.to_string().as_bytes(), "old")
        .await;
    request["appVersion"] = json!("2");
    request["integrationContext"]["id"] = json!("new");
    bundle
        .publish(&old.implementation, request.to_string().as_bytes(), "new")
        .await;
    bundle.answered(1).await;
    let queue = served.queue("http.GetRequestV2");
    until("nothing waits", async || {
        super::rabbit::shared().await.queue(&queue).await == Some((0, 1))
    })
    .await;
    assert_eq!(
        bundle.answers()[0]["integrationContext"]["id"],
        json!("new")
    );
    assert_eq!(upstream.seen().len(), 1);
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

#[tokio::test]
async fn a_connector_that_a_reload_brings_is_served_at_once() {
    let served = serve("serve = [\"logging.Write\", \"http.*\"]\n").await;
    let config = served.proxy.path().join("crosspoint.toml");
    let with = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("builtin = [\"http\"]\n{with}")).unwrap();
    assert_eq!(served.proxy.run(&["reload"]).await.code, Some(0));
    let queue = served.queue("logging.Write");
    let rabbit = super::rabbit::shared().await;
    until("it is not consumed", async || {
        rabbit.queue(&queue).await == Some((0, 0))
    })
    .await;
    until("that is said", async || {
        served.proxy.problems().await.contains("logging.Write")
    })
    .await;
    std::fs::write(&config, with).unwrap();
    assert_eq!(served.proxy.run(&["reload"]).await.code, Some(0));
    until("it is consumed", async || {
        rabbit.queue(&queue).await == Some((0, 1))
    })
    .await;
    let bundle = served.bundle().await;
    let variables = process(json!({"message": "hi"}));
    let execution = bundle.begin(&Task::of("logging.Write"), &variables).await;
    bundle.outputs(&execution).await;
}
