//! Nothing secret leaves in spans.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::Collector;
use crate::harness::{Canaries, Reply, Upstream};
use crate::python::support::{connector, copy, serve_setup, venv, zoo};

#[tokio::test]
async fn secrets_of_calls_and_of_the_configuration_are_not_in_spans() {
    let mut canaries = Canaries::default();
    let key = canaries.plant("an API key");
    let header = canaries.plant("the header Authorization");
    let body = canaries.plant("the body");
    let password = canaries.plant("the password of the URL");
    let encoded = utf8_percent_encode(&password, NON_ALPHANUMERIC).to_string();
    // An upstream that says everything it knows, and ours.
    let known = key.clone();
    let upstream = Upstream::start(move |seen| {
        let page = format!("{known} {}", seen.everything());
        match &*seen.target {
            "/fails" => Reply::status(500).body(page),
            "/lies" => Reply::json(&page),
            _ => Reply::ok("text/plain", page),
        }
    })
    .await;
    let collector = Collector::start().await;
    let config = connector("gallery", zoo("connector-gallery"));
    let setup = collector
        .setup()
        .config(&config)
        .env("CROSSPOINT_LOG", "trace")
        .env("CONNECTOR_PROXY_API_KEY", &key);
    let proxy = serve_setup(setup).await;
    let ask = |command: &str| {
        let ask = proxy
            .do_(command)
            .header("spiff-connector-proxy-api-key", &key);
        ask.header("x-request-id", "request")
    };
    for path in ["fails", "lies", "succeeds"] {
        let url = format!("http://me:{encoded}@{}/{path}", upstream.address);
        for command in ["http/PostRequestV2", "http/PutRequest"] {
            let arguments = json!({
                "url": url,
                "headers": {"Authorization": format!("Bearer {header}")},
                "data": {"token": body},
                "spiff__task_id": format!("a task called {key}"),
            });
            ask(command).json(&arguments).verbatim().send().await;
        }
    }
    // A command of Python, and one that is not there.
    let say = json!({"text": key, "spiff__task_id": key});
    ask("gallery/Say").json(&say).verbatim().send().await;
    ask("gallery/Nothing").json(&say).send().await;
    let unknown = utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string();
    ask(&format!("http/{unknown}"))
        .json(&json!({}))
        .send()
        .await;
    let seen: Vec<_> = upstream
        .seen()
        .iter()
        .map(|seen| seen.everything())
        .collect();
    assert!(seen.len() >= 6, "{seen:?}");
    let ended = proxy.stop().await;
    for line in ended.stderr.lines() {
        canaries.look_in("the log", line);
    }
    let spans = collector.spans();
    assert!(spans.len() > 12, "{spans:?}");
    for seen in collector.upstream.seen() {
        canaries.look_in("an export", &seen.everything());
    }
    for span in spans {
        canaries.look_in("a span", &format!("{span:?}"));
        let texts = span.attributes.values().filter_map(|value| value.as_str());
        texts.for_each(|text| canaries.look_in("an attribute", text));
    }
}

#[tokio::test]
async fn the_credentials_of_the_collector_do_not_show_and_no_worker_has_them() {
    let mut canaries = Canaries::default();
    let token = canaries.plant("OTEL_EXPORTER_OTLP_HEADERS");
    let encoded = utf8_percent_encode(&token, NON_ALPHANUMERIC).to_string();
    let collector = Collector::answering(|seen| {
        // The odd collector repeats what it was sent.
        Reply::status(403).body(seen.everything())
    })
    .await;
    let upstream = Upstream::echo().await;
    let setup = collector
        .setup()
        .env("CROSSPOINT_LOG", "trace")
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("api-key={encoded}"))
        .config("[python]\nvenv = \".venv\"\n");
    let packages = venv("python3", &setup.path().join(".venv")).await;
    copy(zoo("connector-gallery/src"), &packages);
    let proxy = serve_setup(setup).await;
    let answer = proxy.call("gallery/Environment", json!({})).await;
    let variables = answer.success();
    assert!(variables.get("OTEL_BSP_SCHEDULE_DELAY").is_some());
    canaries.look_in("the environment of a worker", &variables.to_string());
    super::get(&proxy, &upstream).await.success();
    let sent = &collector.upstream;
    sent.arrived(1).await;
    assert_eq!(sent.last().header("api-key"), token);
    // A call that sends it somewhere has it masked in what is said of it.
    let arguments = json!({"url": format!("http://nowhere.invalid/{encoded}")});
    proxy.call("http/GetRequestV2", arguments).await;
    for line in proxy.stop().await.stderr.lines() {
        canaries.look_in("the log", line);
    }
    for seen in collector.upstream.seen() {
        canaries.look_in("an export", &seen.text());
    }
}
