//! What those who operate it, and those who look for documentation, get to see.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Gate, Reply, Setup, Upstream, closed_port, shared};

#[tokio::test]
async fn the_root_says_what_this_is() {
    let answer = shared().await.get("/").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert!(
        answer.text.contains("Crosspoint") && answer.text.lines().count() == 1,
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn probes_answer() {
    for path in ["/liveness", "/v1/liveness", "/healthz"] {
        let answer = shared().await.get(path).await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({"ok": true})),
            "{path}"
        );
    }
    let ready = shared().await.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({"ready": true, "problems": []}))
    );
}

/// The value of a metric.
fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line
        .unwrap_or_else(|| panic!("{name} is not in:\n{text}"))
        .trim();
    value.parse().unwrap()
}

#[tokio::test]
async fn metrics_count_calls_by_their_outcome() {
    let proxy = Setup::new().serve().await;
    let upstream = Upstream::echo().await;
    let (_kept, closed) = closed_port();
    let call = async |id: &str, url: &str| proxy.call(id, json!({"url": url})).await;
    call("http/GetRequestV2", &upstream.url("/"))
        .await
        .success();
    call("http/GetRequestV2", &upstream.url("/"))
        .await
        .success();
    call("http/GetRequestV2", &format!("http://{closed}/")).await;
    call("http/GetRequestV2", "http://169.254.169.254/").await;
    call("http/GetRequestV2", "no scheme").await;
    proxy.call("http/GetRequestV2", json!({})).await;
    call("http/PutRequestV2", &upstream.url("/"))
        .await
        .success();
    call("http/Nothing", "").await;

    let answer = proxy.get("/metrics").await;
    let text = &answer.text;
    assert!(answer.header("content-type").contains("text"), "{answer:?}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    let get = r#"connector="http",command="GetRequestV2""#;
    for (outcome, count) in [
        ("succeeded", 2.0),
        ("transport", 1.0),
        ("refused", 1.0),
        ("reported", 1.0),
        ("invalid", 1.0),
        ("raised", 0.0),
    ] {
        let name = format!("crosspoint_calls_total{{{get},outcome=\"{outcome}\"}}");
        assert_eq!(metric(text, &name), count, "{outcome}");
    }
    let put =
        r#"crosspoint_calls_total{connector="http",command="PutRequestV2",outcome="succeeded"}"#;
    assert_eq!(metric(text, put), 1.0);
    assert_eq!(metric(text, "crosspoint_calls_not_found_total"), 1.0);
    assert_eq!(
        metric(text, &format!("crosspoint_calls_in_flight{{{get}}}")),
        0.0
    );
    assert_eq!(
        metric(
            text,
            &format!("crosspoint_call_duration_seconds_count{{{get}}}")
        ),
        6.0
    );
    let bucket = format!("crosspoint_call_duration_seconds_bucket{{le=\"+Inf\",{get}}}");
    assert_eq!(metric(text, &bucket), 6.0);
    assert!(
        metric(
            text,
            &format!("crosspoint_call_duration_seconds_sum{{{get}}}")
        ) > 0.0
    );
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            name.starts_with("crosspoint_") && value.parse::<f64>().is_ok(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_call_under_way_shows_as_in_flight() {
    let proxy = Setup::new().serve().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let upstream = Upstream::start(move |_| Reply::json("{}").behind(&shut)).await;
    let call = proxy
        .do_("http/GetRequestV2")
        .json(&json!({"url": upstream.url("/")}));
    let call = tokio::spawn(call.send());
    upstream.arrived(1).await;
    let name = r#"crosspoint_calls_in_flight{connector="http",command="GetRequestV2"}"#;
    assert_eq!(metric(&proxy.get("/metrics").await.text, name), 1.0);
    gate.open();
    call.await.unwrap().success();
    assert_eq!(metric(&proxy.get("/metrics").await.text, name), 0.0);
}

async fn document() -> Value {
    let answer = shared().await.get("/openapi.json").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json")
    );
    answer.json()
}

#[tokio::test]
async fn the_openapi_document_describes_every_command() {
    let document = document().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let commands = shared().await.get("/v1/commands").await.json();
    for command in commands.as_array().unwrap() {
        let id = command["id"].as_str().unwrap();
        let operation = &document["paths"][format!("/v1/do/{id}")]["post"];
        assert!(
            operation["summary"].is_string() && operation["description"].is_string(),
            "{id}"
        );
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let names = schema["properties"].as_object().unwrap().keys();
        let wanted = command["parameters"].as_array().unwrap().iter();
        let wanted: Vec<_> = wanted.map(|p| p["id"].as_str().unwrap()).collect();
        assert_eq!(names.collect::<Vec<_>>(), wanted, "{id}");
    }
    let paths = document["paths"].as_object().unwrap().keys();
    let paths = paths.filter(|path| path.starts_with("/v1/"));
    assert_eq!(paths.count(), commands.as_array().unwrap().len() + 2);
}

#[tokio::test]
async fn the_schema_of_each_command_tells_good_arguments_from_bad() {
    let document = document().await;
    let paths = document["paths"].as_object().unwrap();
    for (path, item) in paths
        .iter()
        .filter(|(path, _)| path.starts_with("/v1/do/http/"))
    {
        let schema = &item["post"]["requestBody"]["content"]["application/json"]["schema"];
        let validator = jsonschema::validator_for(schema).unwrap();
        let good = [
            json!({"url": "https://example.com/"}),
            json!({"url": "https://example.com/", "headers": {"a": "b", "n": 5},
                   "basic_auth_username": "u", "basic_auth_password": "p"}),
        ];
        for arguments in good {
            assert!(validator.is_valid(&arguments), "{path}: {arguments}");
        }
        let bad = [
            json!({}),
            json!([]),
            json!({"url": 5}),
            json!({"url": "x", "headers": []}),
            json!({"url": "x", "basic_auth_password": {}}),
            json!({"url": "x", "nonsense": 1}),
        ];
        for arguments in bad {
            assert!(!validator.is_valid(&arguments), "{path}: {arguments}");
        }
    }
}

#[tokio::test]
async fn references_within_the_document_lead_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document().await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let place = reference
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{reference} is elsewhere"));
        assert!(document.pointer(place).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_document_says_whether_a_key_is_needed() {
    assert!(document().await.get("security").is_none());
    let proxy = Setup::new()
        .env("CONNECTOR_PROXY_API_KEY", "key-4711-key")
        .serve()
        .await;
    let ask = proxy.ask(Method::GET, "/openapi.json");
    let keyed = ask
        .header("authorization", "Bearer key-4711-key")
        .send()
        .await;
    assert!(keyed.json()["security"].is_array());
    assert!(!keyed.text.contains("key-4711-key"));
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let answer = shared().await.get("/docs").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert!(
        answer
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    let page = answer.text.to_lowercase();
    assert!(page.starts_with("<!doctype html>"));
    for part in [
        "<script", "<link", "<img", "<iframe", "@import", "url(", "src=", "onclick",
    ] {
        assert!(!page.contains(part), "{part}");
    }
    for link in page.split("href=").skip(1) {
        assert!(
            link.starts_with("\"/") || link.starts_with("\"#"),
            "{}",
            &link[..40]
        );
    }
    let commands = shared().await.get("/v1/commands").await.json();
    for command in commands.as_array().unwrap() {
        assert!(
            answer.text.contains(command["id"].as_str().unwrap()),
            "{command}"
        );
        for parameter in command["parameters"].as_array().unwrap() {
            assert!(
                answer.text.contains(parameter["id"].as_str().unwrap()),
                "{parameter}"
            );
        }
    }
}
