//! The log for programs.

use serde_json::{Value, json};

use super::{TRACE, call};
use crate::harness::{Canaries, Reply, Setup, Upstream, json as read};
use crate::python::support::{connector, serve_setup, zoo};

fn json_log() -> Setup {
    Setup::new().env("CROSSPOINT_LOG_FORMAT", "json")
}

/// Every line is an object with what each has.
fn lines(log: &str) -> Vec<Value> {
    let line = |text: &str| {
        let line = read(text);
        for name in ["time", "level", "message"] {
            assert!(line[name].is_string(), "{text}");
        }
        let time = line["time"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
        line
    };
    log.lines().map(line).collect()
}

fn find<'l>(lines: &'l [Value], message: &str) -> &'l Value {
    let found = lines.iter().find(|line| line["message"] == message);
    found.unwrap_or_else(|| panic!("{message} is not in {lines:#?}"))
}

#[tokio::test]
async fn each_line_is_an_object_with_the_fields_of_the_call() {
    let config = connector("gallery", zoo("connector-gallery"));
    let setup = json_log().config(&config).env("CROSSPOINT_LOG", "trace");
    let proxy = serve_setup(setup).await;
    let text = "s\"aid\n{\"level\": \"ERROR\"}\u{1b}[2J";
    let answer = call(&proxy, "00", "gallery/Say", json!({"text": text})).await;
    let id = answer.header("x-request-id").to_owned();
    let ask = proxy.do_("http/Nothing").json(&json!({}));
    ask.header("x-request-id", "own:id").send().await;
    proxy.get("/v1/commands").await;
    let lines = lines(&proxy.stop().await.stderr);
    let ended = find(&lines, "Call succeeded.");
    let expected = json!([id, "gallery/Say", TRACE, "spiff", "INFO", 200]);
    let names = ["id", "command", "trace_id", "ingress", "level", "status"];
    let found: Vec<_> = names.iter().map(|name| ended[name].clone()).collect();
    assert_eq!(json!(found), expected, "{ended}");
    assert!(ended["ms"].is_u64() && ended.get("request").is_none());
    // What a connector printed is one line within the call, and forges none.
    let by_print = |line: &&Value| line["message"].as_str().unwrap().ends_with("by print");
    let printed = lines.iter().find(by_print).unwrap();
    assert_eq!(printed["source"], "stdout");
    assert_eq!(
        (&printed["id"], &printed["level"]),
        (&json!(id), &json!("INFO"))
    );
    assert!(printed["worker"].is_u64(), "{printed}");
    let failed = find(&lines, "Call failed.");
    assert_eq!(failed["request"], "own:id");
    assert_eq!(failed.get("trace_id"), None);
    let other = lines.iter().find(|line| line["path"] == "/v1/commands");
    assert_eq!(other.unwrap()["method"], "GET");
}

#[tokio::test]
async fn lines_are_masked_as_text_is() {
    let mut canaries = Canaries::default();
    let key = canaries.plant("an API key");
    let setup = json_log()
        .env("CROSSPOINT_LOG", "trace")
        .env("CONNECTOR_PROXY_API_KEY", &key);
    let proxy = setup.serve().await;
    let known = key.clone();
    let upstream = Upstream::start(move |_| Reply::status(500).body(&known)).await;
    let arguments = json!({"url": upstream.url("/")});
    let ask = proxy.do_("http/GetRequestV2").json(&arguments);
    let ask = ask.header("spiff-connector-proxy-api-key", &key);
    assert_eq!(ask.send().await.code(), "HttpError500");
    let log = proxy.stop().await.stderr;
    for line in lines(&log) {
        canaries.look_in("a line", &line.to_string());
        for value in line.as_object().unwrap().values() {
            canaries.look_in("a value", value.as_str().unwrap_or_default());
        }
    }
    assert!(log.contains("HttpError500"), "{log}");
}

#[tokio::test]
async fn a_short_secret_leaves_lines_that_can_be_read() {
    let config = "[access]\napi_keys = [\"file:key.txt\"]\n";
    let setup = json_log().config(config).file("key.txt", "in");
    let proxy = setup.serve().await;
    proxy.get("/v1/commands").await;
    let log = proxy.stop().await.stderr;
    let lines = lines(&log);
    assert!(lines.iter().any(|line| {
        let message = line["message"].as_str().unwrap();
        message.contains("withheld")
    }));
}

#[tokio::test]
async fn the_command_line_writes_it_too_when_it_is_asked() {
    let ended = json_log()
        .env("CROSSPOINT_LOG", "debug")
        .run(&["call", "-v", "http/GetRequestV2", "url=http://127.0.0.1:1/"])
        .await;
    let objects = ended.stderr.lines().filter(|line| line.starts_with('{'));
    let objects = objects.collect::<Vec<_>>().join("\n");
    let lines = lines(&objects);
    assert_eq!(find(&lines, "Call failed.")["ingress"], "cli");
}

#[tokio::test]
async fn another_format_is_refused() {
    let ended = Setup::new()
        .config("log_format = \"xml\"\n")
        .run(&["config", "check"])
        .await;
    assert_eq!(ended.code, Some(2));
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(
        said.contains("log_format") && said.contains("json"),
        "{said}"
    );
}

#[tokio::test]
async fn a_line_of_text_has_the_trace_too() {
    let upstream = Upstream::echo().await;
    let proxy = Setup::new().serve().await;
    let arguments = json!({"url": upstream.url("/")});
    call(&proxy, "01", "http/GetRequestV2", arguments)
        .await
        .success();
    proxy.log_line(&["Call succeeded.", TRACE]).await;
}
