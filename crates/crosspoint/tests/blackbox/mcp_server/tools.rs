//! The tools that there are.

use serde_json::{Value, json};

use super::{call, request};
use crate::harness::{Proxy, Setup};

async fn tools(proxy: &Proxy) -> Vec<Value> {
    let list = proxy.result_of(&request(1, "tools/list", json!({}))).await;
    assert_eq!(list.get("nextCursor"), None);
    list["tools"].as_array().unwrap().clone()
}

fn find<'a>(tools: &'a [Value], name: &str) -> &'a Value {
    let found = tools.iter().find(|tool| tool["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test]
async fn every_command_is_a_tool_with_the_schema_that_it_has_elsewhere() {
    let proxy = Setup::new().serve().await;
    let tools = tools(&proxy).await;
    let commands = proxy.get("/api/v1/commands").await.json();
    let commands = commands.as_array().unwrap();
    assert_eq!(tools.len(), commands.len());
    for command in commands {
        let id = command["id"].as_str().unwrap();
        let tool = find(&tools, &id.replace('/', "_"));
        assert_eq!(tool["inputSchema"], command["parameters"], "{id}");
        assert_eq!(tool["description"], command["description"], "{id}");
        assert_eq!(tool["title"], id);
        assert_eq!(tool["_meta"]["crosspoint/command"], id);
        jsonschema::validator_for(&tool["inputSchema"]).unwrap();
        let reads = command["safety"] == "read-only";
        assert_eq!(tool["annotations"]["readOnlyHint"], reads, "{id}");
    }
    let delete = &find(&tools, "http_DeleteRequestV2")["annotations"];
    assert_eq!(
        (&delete["idempotentHint"], &delete["destructiveHint"]),
        (&json!(true), &json!(true))
    );
    let token = &find(&tools, "slack_PostMessage")["inputSchema"]["properties"]["token"];
    assert_eq!(token["writeOnly"], true);
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].to_string()).collect();
    assert!(names.is_sorted());
}

#[tokio::test]
async fn only_what_is_to_be_served_is_there() {
    let config = "[mcp]\nserve = [\"http.Get*\", \"logging.*\", \"nothing.*\"]";
    let proxy = Setup::new().config(config).serve().await;
    let expected = [
        "http_GetRequest",
        "http_GetRequestV2",
        "logging_Trace",
        "logging_Write",
    ];
    assert_eq!(proxy.tool_names().await, expected);
    let post = call(
        1,
        "http_PostRequestV2",
        json!({"url": "http://127.0.0.1:1/"}),
    );
    let (_, code, message) = proxy.mcp(&post).send().await.fault();
    assert_eq!(code, -32602);
    assert!(message.contains("unknown tool"), "{message}");
    proxy
        .log_line(&["mcp.serve: no command fits `nothing.*`"])
        .await;
}

#[tokio::test]
async fn nothing_is_there_where_it_is_switched_off() {
    let proxy = Setup::new().config("[mcp]\nenabled = false").serve().await;
    let (status, _, message) = proxy
        .mcp(&request(1, "ping", json!({})))
        .send()
        .await
        .fault();
    assert_eq!(status, 404);
    assert!(message.contains("mcp.enabled"), "{message}");
    let ended = proxy.run(&["mcp"]).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(2), ""));
    assert!(ended.stderr.contains("mcp.enabled"), "{}", ended.stderr);
}

#[tokio::test]
async fn wrong_settings_are_all_told_with_their_place() {
    let config = "[mcp]\nserve = [\"http/Get\", \"http\", \"\", \"logging.*\"]\nsessions = -1\n\
                  session_idle = \"soon\"\nsession = 5\n";
    let ended = Setup::new().config(config).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(2));
    for told in [
        "crosspoint.toml:2:",
        "`http/Get` fits no command",
        "`http` fits no command",
        "`` fits no command",
        "crosspoint.toml:3:",
        "crosspoint.toml:4:",
        "crosspoint.toml:5:",
    ] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("logging.*"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_name_that_clients_do_not_take_is_another_one_and_that_is_said() {
    let proxy = Setup::new();
    let long = "X".repeat(80);
    let source = format!(
        "class {long}:\n    \"\"\"Has a long name.\"\"\"\n\n    def execute(self, config, task_data):\n        \
         return {{\"response\": \"here\", \"status\": 200, \"mimetype\": \"text/plain\"}}\n"
    );
    let proxy = proxy.file("long.py", &source);
    let config = format!(
        "[connectors.a_b]\npython = {:?}\n",
        proxy.path().join("long.py")
    );
    let proxy = crate::python::support::serve_setup(proxy.config(&config)).await;
    let tools = tools(&proxy).await;
    let ours = tools
        .iter()
        .find(|tool| tool["title"].as_str().unwrap().starts_with("a_b/"));
    let name = ours.unwrap()["name"].as_str().unwrap();
    assert!(name.len() == 64 && name.starts_with("a_b_XXX"), "{name}");
    proxy.log_line(&["is called", name, "as an MCP tool"]).await;
    let called = proxy.result_of(&call(1, name, json!({}))).await;
    assert_eq!(called["structuredContent"]["body"], "here", "{called}");
}
