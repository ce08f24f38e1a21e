//! Outputs that a definition declares, and what an engine makes of them.

use serde_json::{Value, json};

use super::bundle::Task;
use super::mapping::opened;
use super::{Served, process};
use crate::harness::{Reply, Setup, Upstream};

/// An action that gets a page and has these outputs, each with its type.
fn definition(outputs: &[(&str, &str)]) -> String {
    let outputs = outputs.iter();
    let outputs = outputs.map(|(name, kind)| json!({"id": name, "name": name, "type": kind}));
    json!({"name": "shop", "actions": {"g": {"id": "g", "name": "GetRequestV2",
        "inputs": [{"id": "u", "name": "url", "type": "string"}],
        "outputs": outputs.collect::<Vec<_>>()}}})
    .to_string()
}

async fn served(outputs: &[(&str, &str)], lines: &str) -> Served {
    let setup = Setup::new().file("shop.json", &definition(outputs));
    let table = "[activiti.definitions.shop]\nfile = \"shop.json\"\nconnector = \"http\"\n";
    Served::start(setup, &format!("{lines}\n{table}")).await
}

#[tokio::test]
async fn an_output_is_of_its_type_where_an_engine_can_read_it_in_that() {
    let outputs = [
        ("day", "date"),
        ("never", "date"),
        ("clock", "datetime"),
        ("verb", "integer"),
        ("price", "bigdecimal"),
        ("huge", "bigdecimal"),
        ("status", "integer"),
        ("result", "json"),
    ];
    let served = served(&outputs, "").await;
    let body = r#"{"day": "2020-02-29", "never": "2020-13-45", "clock": "2020-02-30T25:61:61+99:99",
                   "verb": "GET", "price": "10.00", "huge": "1e99999999999", "status": "ok", "result": [1]}"#;
    let upstream = Upstream::start(|_| Reply::json(body)).await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let execution = bundle
        .begin(&Task::of("shop.GetRequestV2"), &variables)
        .await;
    let outputs = bundle.outputs(&execution).await;
    for (name, kind, value) in [
        ("day", "date", "2020-02-29T00:00:00Z"),
        ("never", "string", "2020-13-45"),
        ("clock", "string", "2020-02-30T25:61:61+99:99"),
        ("verb", "string", "GET"),
        ("price", "bigdecimal", "10.00"),
        ("huge", "string", "1e99999999999"),
        ("status", "integer", "200"),
    ] {
        assert_eq!(outputs[name], json!({"type": kind, "value": value}));
        opened(&outputs[name]);
    }
    let whole = outputs["result"]["value"].as_str().unwrap();
    assert!(whole.contains("1e99999999999"), "{whole}");
    served
        .proxy
        .log_line(&["WARN", "shop.GetRequestV2", "'verb' is declared integer"])
        .await;
}

#[tokio::test]
async fn an_object_that_goes_as_a_text_aborts_no_result() {
    let body = r#"{"o": {"a": "${x", "b": "y"}, "n": {"${x}": 1}}"#;
    let upstream = Upstream::start(|_| Reply::json(body)).await;
    let variables = process(json!({"url": upstream.url("/")}));
    for (lines, fine) in [("", false), ("expressions = \"escape\"", true)] {
        let served = served(&[("o", "string"), ("n", "string")], lines).await;
        let bundle = served.bundle().await;
        let execution = bundle
            .begin(&Task::of("shop.GetRequestV2"), &variables)
            .await;
        if fine {
            let outputs = bundle.outputs(&execution).await;
            let inner: Value =
                serde_json::from_str(opened(&outputs["n"]).as_str().unwrap()).unwrap();
            assert_eq!(inner, json!({"$ {x}": 1}));
        } else {
            let failure = bundle.failure(&execution).await.to_string();
            assert!(failure.contains("'o', 'n'"), "{failure}");
        }
    }
}
