//! Processes with service tasks, from the request to what the process does next.

use serde_json::{Value, json};

use super::bundle::{Task, Way};
use super::mapping::{From, Kind, Mapping, opened};
use super::{Served, process, serve};
use crate::harness::{Reply, Setup, Upstream, until};

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
async fn inputs_that_lead_nowhere_are_said_at_the_start_and_while_it_serves() {
    let definition = json!({"name": "Movies", "actions": {"a": {"id": "a", "name": "getMovieDesc",
        "inputs": [{"id": "1", "name": "movieName", "type": "string"}]}}});
    let setup = Setup::new().file("movies.json", &definition.to_string());
    let lines = "[activiti.definitions.movies]\nfile = \"movies.json\"\nconnector = \"http\"\n\
                 [activiti.definitions.movies.actions.getMovieDesc]\ncommand = \"GetRequestV2\"\n\
                 inputs = { wrong = \"url\", movieName = \"header\" }";
    let served = Served::start(setup, lines).await;
    served
        .proxy
        .log_line(&["WARN", "inputs.wrong", "declares no such input"])
        .await;
    until("that is said", async || {
        let problems = served.proxy.problems().await;
        [
            "Movies.getMovieDesc",
            "no parameter `header`",
            "did you mean `headers`",
            "needs `url`",
        ]
        .iter()
        .all(|part| problems.contains(part))
    })
    .await;
    served.proxy.log_line(&["WARN", "needs `url`"]).await;
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
