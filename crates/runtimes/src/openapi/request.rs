//! Builds the request of a call.

use std::fmt::Write as _;

use crosspoint_core::{Arguments, Call, Context, Failure};
use crosspoint_net::Request;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::account::{self, Given};
use super::operation::Operation;
use super::own::Own;
use super::parameter::{Place, Wire};
use super::path::Piece;
use super::style::plain;

/// The request, and the address without what may be secret.
pub(super) fn build(
    operation: &Operation,
    call: &Call,
    cx: &Context,
) -> Result<(Request, String), Failure> {
    let arguments = &call.arguments;
    let base = operation.server.address(arguments)?;
    let path = path(operation, arguments)?;
    let shown = format!("{} {base}{path}", operation.method);
    let method = operation.method.clone();
    let mut request = Request::new(method, format!("{base}{path}"), cx.deadline);
    if let Some(accept) = &operation.accept {
        // What cannot be sent was no media type.
        let _ = request.set_header("accept", accept);
    }
    let mut query = Vec::new();
    let mut own = Own::of(&request.url);
    let given = Given::by(arguments, &operation.server, cx);
    for wire in &operation.wires {
        let Some(value) = value(wire, arguments) else {
            continue;
        };
        if wire.secret {
            given.stays(&wire.parameter, &plain(&value))?;
        }
        match wire.place {
            Place::Path => {}
            Place::Query => query.extend(wire.spelling.query(&wire.name, &value)),
            Place::Header if wire.secret => {
                own.set(&wire.name, &wire.spelling.header(&value))?;
            }
            Place::Header => request.set_header(&wire.name, &wire.spelling.header(&value))?,
            Place::Cookie => own.cookie(&wire.name, &wire.spelling.header(&value)),
        }
    }
    let boundary = format!("crosspoint-{}", cx.call_id);
    let body = operation.body.write(arguments, &boundary);
    if let Some((bytes, mimetype)) = body.map_err(Failure::arguments)? {
        request.body = Some(bytes);
        if let Ok(mimetype) = HeaderValue::from_str(&mimetype) {
            request.headers.insert(CONTENT_TYPE, mimetype);
        }
    }
    account::apply(&given, &operation.security, &mut own, &mut query)?;
    own.add_to(&mut request)?;
    for (at, (name, value)) in query.iter().enumerate() {
        let lead = if at == 0 { '?' } else { '&' };
        let _ = write!(request.url, "{lead}{name}={value}");
    }
    request.follow = request.method != http::Method::HEAD;
    request.trace = cx.trace.clone();
    Ok((request, shown))
}

fn value(wire: &Wire, arguments: &Arguments) -> Option<Value> {
    let given = arguments.get(&wire.parameter);
    let given = given.and_then(|json| json.read::<Value>().ok());
    given
        .or_else(|| wire.default.clone())
        .filter(|value| !value.is_null())
}

/// The path with its values. A value cannot lead to another path: it is one segment, and never `..`.
fn path(operation: &Operation, arguments: &Arguments) -> Result<String, Failure> {
    let mut path = String::new();
    for piece in &operation.path {
        match piece {
            Piece::Text(text) => path.push_str(text),
            Piece::Place(name) => {
                let wires = &mut operation.wires.iter();
                let wire = wires.find(|wire| wire.place == Place::Path && wire.name == *name);
                let text = wire.and_then(|wire| {
                    let value = value(wire, arguments)?;
                    Some(wire.spelling.path(&wire.name, &value))
                });
                let name = wire.map_or(name, |wire| &wire.parameter);
                match text {
                    Some(text) if !text.is_empty() => path.push_str(&text),
                    _ => {
                        let message = format!("parameter '{name}' must not be empty");
                        return Err(Failure::arguments(message));
                    }
                }
            }
        }
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        let message = "a value in the path must not be `.` or `..`: it would lead to another path";
        return Err(Failure::arguments(message));
    }
    Ok(path)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
