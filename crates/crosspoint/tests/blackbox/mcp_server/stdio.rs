//! `crosspoint mcp`: the same over standard input and output, in this process or for a server.

use std::fs;

use serde_json::{Value, json};

use super::modern::modern;
use super::{call, greeting, request};
use crate::harness::{Ended, Gate, Proxy, Reply, Running, Setup, Upstream, json as read, until};

const VERSION: &str = "2025-11-25";

/// What is on standard output, which is nothing but messages.
fn messages(ended: &Ended) -> Vec<Value> {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.stdout.lines().map(read).collect()
}

fn answer(messages: &[Value], id: u64) -> &Value {
    let found = messages.iter().find(|message| message["id"] == id);
    found.unwrap_or_else(|| panic!("no answer to {id} in {messages:?}"))
}

fn lines(messages: &[Value]) -> String {
    messages
        .iter()
        .map(|message| format!("{message}\n"))
        .collect()
}

/// The two ways: in a process of its own, and through a server.
async fn both(config: &str) -> [(Setup, Vec<String>, Option<Proxy>); 2] {
    let alone = Setup::new().config(config);
    let proxy = Setup::new().config(config).serve().await;
    let through = vec!["mcp".to_owned(), "--server".to_owned(), proxy.url("/")];
    [
        (alone, vec!["mcp".to_owned()], None),
        (Setup::new(), through, Some(proxy)),
    ]
}

/// An upstream that answers when the gate is opened.
async fn gated() -> (Gate, Upstream) {
    let gate = Gate::new();
    let behind = gate.clone();
    let upstream = Upstream::start(move |_| Reply::json("{}").behind(&behind)).await;
    (gate, upstream)
}

/// A call that acts, and whose progress is wanted.
fn post(id: u64, upstream: &Upstream) -> String {
    let arguments = json!({"url": upstream.url("/"), "data": {}});
    let mut post = call(id, "http_PostRequestV2", arguments);
    post["params"]["_meta"] = json!({"progressToken": id});
    post.to_string()
}

#[tokio::test]
async fn calls_are_recorded_where_nothing_was_before_and_one_key_has_one_effect() {
    let upstream = Upstream::start(|_| Reply::json("{\"n\": 1}")).await;
    let setup = Setup::new();
    let paid = |id| {
        let arguments = json!({"url": upstream.url("/"), "data": {}});
        let mut call = call(id, "http_PostRequestV2", arguments);
        call["params"]["_meta"] = json!({"crosspoint/idempotencyKey": "invoice-7"});
        call
    };
    for id in [2, 3] {
        let asked = lines(&[greeting(VERSION), read(&ready()), paid(id)]);
        let ended = setup.clone().run_with(&["mcp"], &asked).await;
        let said = messages(&ended);
        assert_eq!(answer(&said, id)["result"]["isError"], false, "{said:?}");
    }
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(setup.rows(&[]).await.len(), 1);
}

fn ready() -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string()
}

async fn run(setup: &Setup, arguments: &[String], input: &str) -> Ended {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    setup.clone().run_with(&arguments, input).await
}

fn start(setup: &Setup, arguments: &[String]) -> Running {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    setup.start(&arguments)
}

#[tokio::test]
async fn a_client_greets_lists_and_calls_and_only_messages_are_on_standard_output() {
    let upstream = Upstream::start(|_| Reply::json("{\n  \"a\": [1,\n 2]\n}")).await;
    for (setup, arguments, _proxy) in both("log = \"debug\"").await {
        let input = lines(&[
            greeting(VERSION),
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            request(1, "tools/list", json!({})),
            call(2, "http_GetRequestV2", json!({"url": upstream.url("/")})),
            request(3, "nope", json!({})),
            call(4, "http_GetRequestV2", json!({})),
        ]) + "\nno message\n";
        let ended = run(&setup, &arguments, &input).await;
        let messages = messages(&ended);
        assert_eq!(answer(&messages, 0)["result"]["protocolVersion"], VERSION);
        assert!(super::names(&answer(&messages, 1)["result"]).len() > 20);
        let called = &answer(&messages, 2)["result"]["structuredContent"];
        assert_eq!(called["body"], json!({"a": [1, 2]}));
        assert_eq!(answer(&messages, 3)["error"]["code"], -32601);
        assert_eq!(answer(&messages, 4)["result"]["isError"], true);
        let wrong = messages.iter().find(|message| message.get("id").is_none());
        assert_eq!(wrong.unwrap()["error"]["code"], -32700);
        assert_eq!(messages.len(), 6);
    }
}

#[tokio::test]
async fn a_client_of_the_newest_revision_needs_no_greeting() {
    for (setup, arguments, _proxy) in both("").await {
        let write = json!({"name": "logging_Write", "arguments": {"message": "x"}});
        let input = lines(&[
            modern(1, "server/discover", json!({})),
            modern(2, "tools/call", write),
            modern(3, "ping", json!({})),
        ]);
        let messages = messages(&run(&setup, &arguments, &input).await);
        assert_eq!(
            answer(&messages, 1)["result"]["supportedVersions"][0],
            "2026-07-28"
        );
        assert_eq!(answer(&messages, 2)["result"]["isError"], false);
        assert_eq!(answer(&messages, 3)["error"]["code"], -32601);
    }
}

#[tokio::test]
async fn a_long_call_tells_how_it_goes_and_a_cancelled_one_is_not_answered() {
    for (setup, arguments, _proxy) in both("").await {
        let (gate, upstream) = gated().await;
        let mut client = start(&setup, &arguments);
        client.say(&greeting(VERSION).to_string());
        client.hears(&["protocolVersion"]).await;
        client.say(&ready());
        for id in [7, 8] {
            client.say(&post(id, &upstream));
            let token = format!("\"progressToken\":{id}");
            client.hears(&["notifications/progress", &token]).await;
        }
        let params = json!({"requestId": 7});
        let cancel =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
        client.say(&cancel.to_string());
        client.say(&request(9, "ping", json!({})).to_string());
        client.hears(&["\"id\":9"]).await;
        gate.open();
        client.hears(&["\"id\":8"]).await;
        let messages = messages(&client.hang_up().await);
        assert_eq!(answer(&messages, 8)["result"]["isError"], false);
        assert!(messages.iter().all(|m| m["id"] != 7), "{messages:?}");
    }
}

#[tokio::test]
async fn what_was_asked_for_is_answered_though_nothing_more_is_asked() {
    for (setup, arguments, _proxy) in both("").await {
        let (gate, upstream) = gated().await;
        let mut client = start(&setup, &arguments);
        client.say(&post(1, &upstream));
        upstream.arrived(1).await;
        let ended = tokio::spawn(client.hang_up());
        gate.open();
        let messages = messages(&ended.await.unwrap());
        assert_eq!(answer(&messages, 1)["result"]["isError"], false);
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_what_follows_is_answered() {
    let setup = Setup::new().config("max_body = \"1KiB\"");
    let long = request(1, "ping", json!({"x": "y".repeat(4096)})).to_string();
    let input = format!("{long}\n{}", lines(&[request(2, "ping", json!({}))]));
    let messages = messages(&run(&setup, &["mcp".to_owned()], &input).await);
    let message = messages[0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("max_body"), "{message}");
    assert_eq!(answer(&messages, 2)["result"], json!({}));
}

#[tokio::test]
async fn tools_that_still_load_are_waited_for() {
    let source = "class Here:\n    def execute(self, config, task_data):\n        \
                  return {\"response\": \"here\", \"status\": 200, \"mimetype\": \"text/plain\"}\n";
    let setup = Setup::new().file("own.py", source);
    let config = format!(
        "[connectors.own]\npython = {:?}\n",
        setup.path().join("own.py")
    );
    let setup = setup.config(&config);
    let input = lines(&[
        request(1, "tools/list", json!({})),
        call(2, "own_Here", json!({})),
    ]);
    let mut client = setup.start(&["mcp"]);
    client.say(input.trim());
    let listed = client.hears(&["\"id\":1"]).await;
    assert!(listed.contains("\"own_Here\""), "{listed}");
    let called = client.hears(&["\"id\":2"]).await;
    assert!(called.contains("\"body\":\"here\""), "{called}");
    assert_eq!(client.hang_up().await.code, Some(0));
}

#[tokio::test]
async fn a_wrong_configuration_ends_it_before_a_word_is_said() {
    let ended = Setup::new()
        .config("[mcp]\nserve = [\"nope\"]")
        .run(&["mcp"])
        .await;
    assert_eq!((ended.code, &*ended.stdout), (Some(2), ""));
    assert!(
        ended.stderr.contains("`nope` fits no command"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_server_gets_the_key_and_what_it_refuses_is_told_to_the_client() {
    let keys =
        "[access]\napi_keys = [{ name = \"agent\", key = \"key-of-agent\", scopes = [\"call\"] }]";
    let proxy = Setup::new().config(keys).serve().await;
    let arguments = ["mcp".to_owned(), "--server".to_owned(), proxy.url("/")];
    let input = lines(&[
        greeting(VERSION),
        call(1, "logging_Write", json!({"message": "x"})),
    ]);
    let refused = run(&Setup::new(), &arguments, &input).await;
    let told = messages(&refused);
    let message = answer(&told, 0)["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("401") && message.contains("--api-key-env"),
        "{message}"
    );
    let setup = Setup::new().env("CONNECTOR_PROXY_API_KEY", "key-of-agent");
    let messages = messages(&run(&setup, &arguments, &input).await);
    assert_eq!(answer(&messages, 1)["result"]["isError"], false);
    let rows = proxy.rows(&[]).await;
    assert_eq!(rows[0].caller.as_deref(), Some("agent"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_and_one_that_comes_back_is_greeted_again() {
    let setup = Setup::new().env("CROSSPOINT_STORE__URL", "none");
    let proxy = setup.serve().await;
    let address = proxy.address.to_string();
    let server = proxy.url("/");
    let mut client = Setup::new().start(&["mcp", "--server", &server]);
    client.say(&greeting(VERSION).to_string());
    client.hears(&["protocolVersion"]).await;
    client.say(&ready());
    let setup = proxy.kill().await;
    client.say(&request(1, "ping", json!({})).to_string());
    let told = client.hears(&["\"id\":1"]).await;
    assert!(told.contains("asking the server"), "{told}");
    let again = setup.env("CROSSPOINT_LISTEN", &address).serve().await;
    client.say(&request(2, "tools/list", json!({})).to_string());
    let told = client.hears(&["\"id\":2"]).await;
    assert!(told.contains("logging_Write"), "{told}");
    // And it is told of changes, as before.
    fs::write(
        again.path().join("crosspoint.toml"),
        "builtin = [\"logging\"]",
    )
    .unwrap();
    again.counts("crosspoint_mcp_streams", 1.0).await;
    let reloaded = again.run(&["reload"]).await;
    assert_eq!(reloaded.code, Some(0), "{}", reloaded.stderr);
    client.hears(&["notifications/tools/list_changed"]).await;
    client.hang_up().await;
    until("the session is given back", async || {
        again
            .get("/metrics")
            .await
            .text
            .contains("crosspoint_mcp_sessions 0")
    })
    .await;
}

#[tokio::test]
async fn a_client_that_floods_is_refused_what_is_too_much_and_served_the_rest() {
    let (gate, upstream) = gated().await;
    let mut client = Setup::new().start(&["mcp"]);
    for id in 0..300 {
        let arguments = json!({"url": upstream.url("/")});
        client.say(&call(id, "http_GetRequestV2", arguments).to_string());
    }
    let refused = client.hears(&["are under way"]).await;
    assert_eq!(read(refused.trim())["error"]["code"], -32603, "{refused}");
    gate.open();
    client.hears(&["\"id\":0,"]).await;
    let messages = messages(&client.hang_up().await);
    assert_eq!(messages.len(), 300);
    let served = messages.iter().filter(|m| m["result"]["isError"] == false);
    assert!(served.count() >= 256);
}
