//! Every kind of mapping, from a process through a connector and back into the process.

use serde_json::{Value, json};

use super::bundle::{Task, Way};
use super::mapping::{From, Kind, Mapping};
use super::{Served, process};
use crate::harness::{Reply, Setup, Upstream};

/// An action that sends its inputs to a system and brings back what that says.
async fn served() -> Served {
    let parameter = |name: &str, kind: &str| json!({"id": name, "name": name, "type": kind});
    let outputs = [
        ("echo", "json"),
        ("word", "string"),
        ("price", "bigdecimal"),
        ("day", "date"),
    ];
    let outputs = outputs.map(|(name, kind)| parameter(name, kind));
    let inputs = ["url", "data"].map(|name| parameter(name, "json"));
    let definition = json!({"name": "Mapped", "actions": {"a": {"id": "a", "name": "PostRequestV2",
        "inputs": inputs, "outputs": outputs}}});
    let setup = Setup::new().file("mapped.json", &definition.to_string());
    let lines = "[activiti.definitions.mapped]\nfile = \"mapped.json\"\nconnector = \"http\"";
    Served::start(setup, lines).await
}

async fn upstream() -> Upstream {
    Upstream::start(|seen| {
        let mut sent: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        // No answer may have an expression.
        sent.as_object_mut().map(|sent| sent.remove("raw"));
        let answer = json!({"echo": sent, "word": "out", "price": "10.00", "day": "2019-09-01",
                            "undeclared": 1});
        Reply::json(&answer.to_string())
    })
    .await
}

fn task(mapping: Mapping) -> Task {
    Task {
        mapping,
        ..Task::of("Mapped.PostRequestV2")
    }
}

#[tokio::test]
async fn what_a_task_sends_and_writes_is_what_its_mapping_says() {
    let (served, upstream) = (served().await, upstream().await);
    let bundle = served.bundle().await;
    let url = upstream.url("/");
    let variables = process(json!({
        "url": url, "data": {"from": "process"}, "name": "n", "age": 5, "none": null,
        "nested": {"city": {"place": "Z"}}, "word": "before", "unused": [1]}));
    let constants = vec![("data", json!({"from": "constant", "raw": "${name}"}))];
    let outputs = || {
        vec![
            ("word", From::Variable("word")),
            ("sum", From::Variable("price")),
            ("when", From::Variable("day")),
            ("both", From::Value(json!("${word}/${name}/${gone}"))),
            ("place", From::Value(json!("${echo.from}"))),
            ("nowhere", From::Variable("word")),
            ("absent", From::Variable("not-there")),
        ]
    };
    let properties = vec![
        ("sum", "bigdecimal"),
        ("when", "date"),
        ("both", "string"),
        ("place", "string"),
        ("absent", "string"),
    ];
    let mapped = |kind, inputs, constants, outputs| {
        task(Mapping {
            kind,
            inputs,
            outputs,
            constants,
            properties: properties.clone(),
        })
    };
    let explicit = |from: &str| {
        json!({"word": "out", "sum": 10.00, "when": "2019-09-01T00:00:00Z", "both": "out/n/",
               "place": from})
    };
    let all = |from: Value| json!({"echo": from, "word": "out", "price": 10.00, "day": "2019-09-01T00:00:00Z"});
    let (from_process, constant) = (json!({"from": "process"}), constants[0].1.clone());
    let back = json!({"from": "constant"});
    let inputs = vec![
        ("url", From::Variable("url")),
        (
            "data",
            From::Value(
                json!({"from": "value", "whole": "${age}", "part": "${nested.city.place}",
                               "text": "${name} is ${age} ${gone}", "list": ["${name}"],
                               "null": "${gone}"}),
            ),
        ),
        ("none", From::Variable("none")),
    ];
    let evaluated = json!({"from": "value", "whole": 5, "part": "Z", "text": "n is 5 ",
                           "list": ["n"], "null": null});
    let address = vec![("url", json!(url))];
    let with_address = [address, constants.clone()].concat();
    for (task, sent, written) in [
        (
            mapped(Kind::MapAll, vec![], constants.clone(), outputs()),
            from_process.clone(),
            all(from_process.clone()),
        ),
        (
            mapped(Kind::MapAllInputs, vec![], constants.clone(), outputs()),
            from_process,
            explicit("process"),
        ),
        (
            mapped(Kind::Explicit, inputs.clone(), vec![], outputs()),
            evaluated,
            explicit("value"),
        ),
        (
            mapped(Kind::Explicit, inputs, constants.clone(), outputs()),
            constant.clone(),
            explicit("constant"),
        ),
        // An entry without inputs, and the outputs of all.
        (
            mapped(Kind::MapAllOutputs, vec![], with_address.clone(), vec![]),
            constant.clone(),
            all(back),
        ),
        (
            mapped(Kind::Explicit, vec![], with_address.clone(), vec![]),
            constant.clone(),
            json!({}),
        ),
        // No entry: constants go out, and nothing is written.
        (
            mapped(Kind::None, vec![], with_address, outputs()),
            constant,
            json!({}),
        ),
    ] {
        let kind = task.mapping.kind;
        let execution = bundle.begin(&task, &variables).await;
        let Way::Completed { written: own, .. } = bundle.goes_on(&execution).await else {
            panic!("{kind:?}: {:?}", bundle.way(&execution));
        };
        let seen: Value = serde_json::from_slice(&upstream.last().body).unwrap();
        assert_eq!(seen, sent, "{kind:?}");
        assert_eq!(Value::Object(own), written, "{kind:?}");
    }
}

#[tokio::test]
async fn without_an_entry_and_constants_nothing_is_sent_and_the_missing_input_is_named() {
    let (served, upstream) = (served().await, upstream().await);
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let execution = bundle.begin(&task(Mapping::default()), &variables).await;
    let error = bundle.failure(&execution).await;
    assert_eq!(error["integrationContext"]["inBoundVariables"], json!({}));
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.contains("url"), "{message}");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn instances_of_one_task_keep_their_outputs_to_themselves() {
    let (served, upstream) = (served().await, upstream().await);
    let bundle = served.bundle().await;
    let one = Task {
        is_one_of_several: true,
        ..task(Mapping {
            kind: Kind::MapAllInputs,
            outputs: vec![("word", From::Value(json!("mapped")))],
            ..Mapping::default()
        })
    };
    let mut executions = Vec::new();
    for n in 0..3 {
        let variables = process(json!({"url": upstream.url("/"), "data": {"n": n}, "word": "w"}));
        executions.push((n, bundle.begin(&one, &variables).await));
    }
    for (n, execution) in executions {
        let Way::Completed { written, .. } = bundle.goes_on(&execution).await else {
            panic!("{:?}", bundle.way(&execution));
        };
        assert_eq!(
            (&written["echo"], &written["word"]),
            (&json!({"n": n}), &json!("out"))
        );
    }
    assert_eq!((bundle.ignored(), bundle.rows()), (0, 0));
}
