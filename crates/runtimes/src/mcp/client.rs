//! This side of the protocol: what we tell a server about us, and how our messages are spelled.

use bytes::Bytes;
use crosspoint_core::Json;
use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientJsonRpcMessage, ClientRequest, GetExtensions, GetMeta,
    Implementation, NumberOrString, ProtocolVersion, RequestMetaObject,
};
use serde::Serialize;

use super::waiting::Ticket;

/// The client that servers see: one that asks for tools and offers nothing. It has no model, no
/// folders and nobody to ask, so that whatever a server asks for is declined.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client;

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let about = Implementation::new("crosspoint", env!("CARGO_PKG_VERSION"));
        let mut config = ClientConfig::new(ClientCapabilities::default(), about);
        config.protocol_version = ProtocolVersion::LATEST_WITH_INITIALIZE;
        config
    }
}

/// The ticket of a request that has one.
pub(super) fn ticket(message: &ClientJsonRpcMessage) -> Option<(i64, Option<i64>, &Ticket)> {
    let ClientJsonRpcMessage::Request(request) = message else {
        return None;
    };
    let ticket = request.request.extensions().get::<Ticket>()?;
    let NumberOrString::Number(id) = request.id else {
        return None;
    };
    let token = request.request.get_meta().get_progress_token();
    let token = token.and_then(|token| match token.0 {
        NumberOrString::Number(token) => Some(token),
        NumberOrString::String(_) => None,
    });
    Some((id, token, ticket))
}

/// A message as JSON text, on one line. The arguments of a tool stand in it as they were sent, but
/// for the line ends between its values.
pub(super) fn encode(message: &ClientJsonRpcMessage) -> serde_json::Result<Vec<u8>> {
    if let ClientJsonRpcMessage::Request(request) = message
        && let ClientRequest::CallToolRequest(call) = &request.request
        && let Some((_, _, ticket)) = ticket(message)
        && let Some(arguments) = &ticket.arguments
    {
        return serde_json::to_vec(&ToolCall {
            jsonrpc: "2.0",
            id: &request.id,
            method: "tools/call",
            params: Params {
                meta: request.request.get_meta(),
                name: &call.params.name,
                arguments: Json::parse(one_line(arguments))
                    .unwrap_or_else(|_| Json::empty_object()),
            },
        });
    }
    serde_json::to_vec(message)
}

#[derive(Serialize)]
struct ToolCall<'a> {
    jsonrpc: &'static str,
    id: &'a NumberOrString,
    method: &'static str,
    params: Params<'a>,
}

#[derive(Serialize)]
struct Params<'a> {
    #[serde(rename = "_meta")]
    meta: &'a RequestMetaObject,
    name: &'a str,
    arguments: Json,
}

/// The same JSON on one line: a line end can only stand between values, since texts spell it `\n`.
fn one_line(json: &Bytes) -> Bytes {
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
    match json.iter().any(ends) {
        false => json.clone(),
        true => {
            let plain = json
                .iter()
                .map(|byte| if ends(byte) { b' ' } else { *byte });
            plain.collect::<Vec<_>>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{CallToolRequest, CallToolRequestParams};
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn arguments_are_sent_as_they_were_given_and_on_one_line() {
        let mut call = CallToolRequest::new(CallToolRequestParams::new("add"));
        call.extensions.insert(Ticket {
            arguments: Some(Bytes::from_static(b"{\"a\": 1.50,\r\n \"b\": 1e2}")),
            ..Ticket::until(Instant::now())
        });
        let message = ClientJsonRpcMessage::request(call.into(), NumberOrString::Number(3));
        let text = String::from_utf8(encode(&message).unwrap()).unwrap();
        assert!(
            text.contains(r#""arguments":{"a": 1.50,   "b": 1e2}"#),
            "{text}"
        );
        assert!(
            text.contains(r#""id":3"#) && text.contains(r#""name":"add""#),
            "{text}"
        );
    }

    #[test]
    fn servers_are_told_who_asks_and_that_nothing_is_offered() {
        let info = serde_json::to_value(Client.get_info()).unwrap();
        assert_eq!(info["clientInfo"]["name"], "crosspoint");
        assert_eq!(info["capabilities"], serde_json::json!({}));
    }
}
