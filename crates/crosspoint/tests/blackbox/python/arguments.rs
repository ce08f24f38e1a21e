//! What reaches a command in Python.

use serde_json::json;

use super::support::{connector, gallery, serve_setup, zoo};
use crate::harness::Setup;

/// What `Echo` says that it got for a value as it is spelled on the wire.
async fn echo(value: &str) -> serde_json::Value {
    let body = format!("{{\"value\": {value}}}");
    let answer = gallery()
        .await
        .raw_call("gallery/Echo", body.as_bytes())
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["command_response"]["body"].clone()
}

#[tokio::test]
async fn values_arrive_exactly_as_they_were_sent() {
    for (sent, kind, shown) in [
        ("1", "int", "1"),
        ("1.0", "float", "1.0"),
        ("1e2", "float", "100.0"),
        ("-0.0", "float", "-0.0"),
        ("0.1", "float", "0.1"),
        (
            "123456789012345678901234567890",
            "int",
            "123456789012345678901234567890",
        ),
        ("\"1\"", "str", "'1'"),
        ("true", "bool", "True"),
        ("null", "NoneType", "None"),
        ("\"Zo\\u00eb \u{1f389}\"", "str", "'Zo\\xeb \\U0001f389'"),
        ("\"\\u0000\"", "str", "'\\x00'"),
        (
            "[1.0, {\"b\": 2, \"a\": []}]",
            "list",
            "[1.0, {'b': 2, 'a': []}]",
        ),
    ] {
        let got = echo(sent).await;
        assert_eq!(
            (&got["type"], &got["repr"]),
            (&json!(kind), &json!(shown)),
            "{sent}"
        );
    }
}

#[tokio::test]
async fn numbers_come_back_as_they_were() {
    let body = br#"{"value": [1.0, 123456789012345678901234567890, 0.1, 1e100]}"#;
    let answer = gallery().await.raw_call("gallery/Echo", body).await;
    let values = "[1.0, 123456789012345678901234567890, 0.1, 1e+100]";
    let close = values.replace(", ", ",");
    assert!(
        answer.body.contains(values) || answer.body.contains(&close),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_type_is_not_forced_on_a_value() {
    let arguments = json!({"name": 5, "count": "many"});
    let answer = gallery().await.call("gallery/Simple", arguments).await;
    assert_eq!(answer.success(), json!([5, "many", false, null]));
}

#[tokio::test]
async fn an_open_command_gets_what_it_does_not_list() {
    let arguments = json!({"first": "a", "second": [1, null], "kebab-case": true});
    let answer = gallery().await.call("gallery/Open", arguments).await;
    let body = json!({"first": "a", "rest": {"second": [1, null], "kebab-case": true}});
    assert_eq!(answer.success(), body);
}

#[tokio::test]
async fn every_missing_and_unknown_parameter_is_named() {
    let arguments = json!({"loud": true, "nmae": "x", "volume": "hunter2"});
    let answer = gallery().await.call("gallery/Simple", arguments).await;
    assert_eq!(
        (answer.status, answer.code()),
        (400, "TypeError".to_owned())
    );
    let message = answer.message();
    for name in ["'name'", "'count'", "'nmae'", "'volume'"] {
        assert!(message.contains(name), "{message}");
    }
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn integers_that_python_does_not_read_are_refused_and_nothing_runs() {
    let body = format!("{{\"value\": {}}}", "9".repeat(5000));
    let answer = gallery()
        .await
        .raw_call("gallery/Echo", body.as_bytes())
        .await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.code(), "TypeError");
}

#[tokio::test]
async fn task_data_is_what_was_sent_or_the_text_of_an_empty_object() {
    let proxy = gallery().await;
    let none = proxy.call("gallery/TaskData", json!({})).await.success();
    assert_eq!(none, json!({"task_data": "{}", "type": "str"}));
    let arguments = json!({"spiff__task_data": {"n": 1.5, "list": [null]}});
    let some = proxy.call("gallery/TaskData", arguments).await.success();
    assert_eq!(
        some,
        json!({"task_data": {"n": 1.5, "list": [null]}, "type": "dict"})
    );
}

#[tokio::test]
async fn config_has_the_tables_values_and_then_the_environment() {
    let table = connector("gallery", zoo("connector-gallery"))
        + "env = { BOTH = \"from env\", PLAIN = \"plain\", SECRET = \"env:TOKEN\", FILED = \"file:secret.txt\" }\n\
           config = { BOTH = \"from config\", N = 5, RATIO = 1.5, ON = true, DEEP = \"env:TOKEN\" }\n";
    let setup = Setup::new()
        .config(&table)
        .env("TOKEN", "s3cr3t-t0k3n")
        .file("secret.txt", "from a file\n");
    let proxy = serve_setup(setup).await;
    for (key, value) in [
        ("BOTH", json!("from config")),
        ("PLAIN", json!("plain")),
        ("SECRET", json!("s3cr3t-t0k3n")),
        ("DEEP", json!("s3cr3t-t0k3n")),
        ("FILED", json!("from a file")),
        ("N", json!(5)),
        ("RATIO", json!(1.5)),
        ("ON", json!(true)),
    ] {
        let got = proxy
            .call("gallery/Config", json!({"name": key}))
            .await
            .success();
        assert_eq!(
            got,
            json!({"get": value, "in": true, "value": value}),
            "{key}"
        );
    }
    let missing = proxy
        .call("gallery/Config", json!({"name": "NOT_THERE"}))
        .await;
    assert_eq!(
        (missing.status, missing.code()),
        (500, "KeyError".to_owned())
    );
    assert!(
        missing.message().contains("NOT_THERE"),
        "{}",
        missing.message()
    );
}
