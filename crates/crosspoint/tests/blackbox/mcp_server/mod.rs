//! Crosspoint as a server of the Model Context Protocol: at `/mcp`, and over standard input.

mod access;
mod calls;
mod changes;
mod judges;
mod messages;
mod modern;
mod results;
mod sessions;
mod stdio;
mod through;
mod tools;

use futures_util::StreamExt;
use futures_util::future::ready;
use futures_util::stream::BoxStream;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Ask, Proxy, soon};

const ALL: &str = "application/json, text/event-stream";

/// The messages of an answer that is a stream, as they come.
pub struct Events {
    chunks: BoxStream<'static, Vec<u8>>,
    text: String,
}

/// A request.
fn request(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// The greeting of a client that speaks this.
fn greeting(version: &str) -> Value {
    let client = json!({"name": "test", "version": "1"});
    let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client});
    request(0, "initialize", params)
}

/// A call of a tool.
fn call(id: u64, tool: &str, arguments: Value) -> Value {
    request(
        id,
        "tools/call",
        json!({"name": tool, "arguments": arguments}),
    )
}

// === impl Proxy ===

impl Proxy {
    /// A message to `/mcp`, to which headers may be added.
    fn mcp(&self, message: &Value) -> Ask {
        self.mcp_text(&message.to_string())
    }

    /// The same with anything in it.
    fn mcp_text(&self, text: &str) -> Ask {
        let ask = self.ask(Method::POST, "/mcp").verbatim();
        ask.header("content-type", "application/json")
            .header("accept", ALL)
            .body(text.to_owned())
    }

    /// Opens a session, and gives its id.
    async fn session(&self, version: &str) -> String {
        let answer = self.mcp(&greeting(version)).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.header("mcp-session-id").to_owned()
    }

    /// The result of a request that is answered with one, without a session.
    async fn result_of(&self, message: &Value) -> Value {
        self.mcp(message).send().await.result()
    }

    /// The names of all tools.
    async fn tool_names(&self) -> Vec<String> {
        let list = self.result_of(&request(1, "tools/list", json!({}))).await;
        names(&list)
    }
}

/// The names in the result of `tools/list`.
fn names(list: &Value) -> Vec<String> {
    let tools = list["tools"].as_array().unwrap().iter();
    tools
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

// === impl Answer ===

impl Answer {
    /// The result of a request.
    fn result(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        let value = self.json();
        assert!(value.get("error").is_none(), "{value}");
        value["result"].clone()
    }

    /// Status, code and message of a request that is not done.
    fn fault(&self) -> (u16, i64, String) {
        let error = &self.json()["error"];
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        (
            self.status,
            error["code"].as_i64().unwrap_or_default(),
            message,
        )
    }
}

// === impl Events ===

impl Events {
    /// Those of an answer that must be a stream.
    async fn of(ask: Ask) -> Events {
        let answer = ask.stream().await;
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            (answer.status().as_u16(), &*kind),
            (200, "text/event-stream")
        );
        let chunks = answer.bytes_stream();
        // One that breaks off has ended.
        let chunks = chunks.take_while(|chunk| ready(chunk.is_ok()));
        let chunks = chunks.filter_map(|chunk| ready(chunk.ok().map(|chunk| chunk.to_vec())));
        Events {
            chunks: chunks.boxed(),
            text: String::new(),
        }
    }

    /// The next message; nothing at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let message = data.map(|data| serde_json::from_str(data).unwrap());
                self.text = rest.to_owned();
                if message.is_some() {
                    return message;
                }
            }
            let chunk = soon("a chunk", self.chunks.next()).await?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
