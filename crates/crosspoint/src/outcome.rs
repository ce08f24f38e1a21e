//! What a call brought back, for standard output.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use crosspoint_core::{Body, Failure, Outcome};
use serde_json::{Value, json};

/// Writes a body to standard output: indented for a terminal, as it is for a program.
pub fn write_body(body: &Body) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let pretty = std::io::stdout().is_terminal();
    match body {
        Body::Json(json) if pretty => writeln!(out, "{:#}", json.read::<Value>()?)?,
        Body::Json(json) => {
            out.write_all(json.as_bytes())?;
            out.write_all(b"\n")?;
        }
        Body::Text(text) => writeln!(out, "{text}")?,
        Body::Bytes(bytes) => out.write_all(bytes)?,
    }
    Ok(())
}

/// The outcome or failure with everything that came with it.
pub fn whole(result: &Result<Outcome, Failure>) -> Result<Value> {
    let (outcome, failure) = match result {
        Ok(outcome) => (Some(outcome), None),
        Err(failure) => (failure.outcome.as_deref(), Some(failure)),
    };
    let mut whole = json!({"succeeded": failure.is_none()});
    if let Some(failure) = failure {
        let (kind, code) = (failure.kind.name(), &failure.code);
        whole["error"] = json!({"kind": kind, "error_code": code, "message": failure.message});
    }
    if let Some(outcome) = outcome {
        whole["status"] = outcome.status.into();
        whole["mimetype"] = (&*outcome.mimetype).into();
        whole["headers"] = outcome.headers.iter().cloned().collect();
        whole["body"] = match &outcome.body {
            Body::Json(json) => json.read()?,
            Body::Text(text) => text.as_str().into(),
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into(),
        };
        whole["logs"] = outcome.logs.clone().into();
    }
    Ok(whole)
}
