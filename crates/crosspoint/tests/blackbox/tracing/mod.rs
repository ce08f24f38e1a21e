//! Spans and the log: what a collector is told of a call, what becomes of both when it is not there,
//! and lines for programs.

mod collector;
mod log;
mod secrets;
mod spans;
mod trouble;
mod variables;

use serde_json::{Value, json};

use crate::harness::{Answer, Proxy, Upstream};
pub use collector::Collector;

/// A trace of somebody else.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// The header of the caller.
fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

/// Calls a command within the trace.
async fn call(proxy: &Proxy, flags: &str, command: &str, arguments: Value) -> Answer {
    let ask = proxy.do_(command).json(&arguments);
    ask.header("traceparent", &traceparent(flags)).send().await
}

/// Reads from an upstream.
async fn get(proxy: &Proxy, upstream: &Upstream) -> Answer {
    let arguments = json!({"url": upstream.url("/")});
    proxy.call("http/GetRequestV2", arguments).await
}
