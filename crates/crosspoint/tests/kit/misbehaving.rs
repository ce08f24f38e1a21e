//! A small proxy in SpiffArena's protocol: healthy, or with one defect.

use serde_json::{Map, Value, json};

use crate::harness::{Reply, Seen, Upstream};

/// One thing that is wrong with the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    ListIsAPage,
    TypeDict,
    TwoSlashes,
    RequiredIsText,
    RefusesWithAPage,
    RefusesWith500,
    RefusesAsText,
    RepeatsValues,
    TakesAnyJson,
    BreaksOnDepth,
    ErrorAsText,
    StatusAsText,
    LogsAsText,
    NoVersion,
    MislabelledJson,
    UnknownCommandIs200,
    ApiResponseBeside,
    ClosesOnUnicode,
    NoLiveness,
}

/// Starts it.
pub async fn start(defect: Option<Defect>) -> Upstream {
    Upstream::start(move |seen| answer(defect, seen)).await
}

fn answer(defect: Option<Defect>, seen: &Seen) -> Reply {
    match seen.target.as_str() {
        "/v1/commands" if defect == Some(Defect::ListIsAPage) => Reply::ok("text/html", "<html>"),
        "/v1/commands" => Reply::json(&list(defect).to_string()),
        "/liveness" | "/v1/liveness" if defect != Some(Defect::NoLiveness) => {
            Reply::json(r#"{"ok": true}"#)
        }
        "/v1/auths" => Reply::json("[]"),
        "/v1/do/fake/Say" | "/v1/do/fake/Say%2Fmore" => say(defect, seen),
        "/v1/do/fake/Refuse" => refuse(defect, seen),
        _ if defect == Some(Defect::UnknownCommandIs200) => envelope(defect, json!(null), None),
        _ => error(defect, 404, "command_not_found", "there is no such command"),
    }
}

fn list(defect: Option<Defect>) -> Value {
    let kind = if defect == Some(Defect::TypeDict) {
        "dict"
    } else {
        "str"
    };
    let required = match defect {
        Some(Defect::RequiredIsText) => json!("yes"),
        _ => json!(true),
    };
    let say = if defect == Some(Defect::TwoSlashes) {
        "fake/Say/more"
    } else {
        "fake/Say"
    };
    json!([
        {"id": say, "safety": "read-only", "open": false,
            "parameters": [{"id": "text", "type": kind, "required": required}]},
        {"id": "fake/Refuse", "safety": "read-only", "open": true, "parameters": []},
    ])
}

fn say(defect: Option<Defect>, seen: &Seen) -> Reply {
    let arguments = match arguments(defect, seen) {
        Ok(arguments) => arguments,
        Err(reply) => return reply,
    };
    let mut mistakes = Vec::new();
    if !arguments.contains_key("text") {
        mistakes.push("missing parameter 'text'".to_owned());
    }
    let unknown = arguments
        .keys()
        .filter(|name| *name != "text" && !name.starts_with("spiff__"));
    mistakes.extend(unknown.map(|name| format!("unknown parameter '{name}'")));
    if !mistakes.is_empty() {
        let mut message = mistakes.join("; ");
        if defect == Some(Defect::RepeatsValues) {
            message = format!("{message}: {arguments:?}");
        }
        return error(defect, 400, "TypeError", &message);
    }
    let text = arguments["text"].as_str().unwrap_or_default();
    if defect == Some(Defect::ClosesOnUnicode) && !text.is_ascii() {
        return Reply::raw("");
    }
    envelope(defect, json!({"said": text}), None)
}

/// A command that always fails, in good order unless that is the defect.
fn refuse(defect: Option<Defect>, seen: &Seen) -> Reply {
    match arguments(defect, seen) {
        Ok(_) => envelope(defect, json!({}), Some(("Refused", "as ever"))),
        Err(reply) => reply,
    }
}

fn arguments(defect: Option<Defect>, seen: &Seen) -> Result<Map<String, Value>, Reply> {
    let text = seen.text();
    if defect == Some(Defect::BreaksOnDepth) && text.len() > 1000 && text.contains("[[[[") {
        return Err(Reply::raw(""));
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        _ if defect == Some(Defect::TakesAnyJson) => {
            Ok(Map::from_iter([("text".to_owned(), json!("whatever"))]))
        }
        _ => Err(error(defect, 400, "invalid_request", "send a JSON object")),
    }
}

fn envelope(defect: Option<Defect>, body: Value, error: Option<(&str, &str)>) -> Reply {
    let status = if error.is_some() { 400 } else { 200 };
    let error = error.map(|(code, message)| match defect {
        Some(Defect::ErrorAsText) => json!(message),
        _ => json!({"error_code": code, "message": message}),
    });
    let mut answer = json!({
        "command_response": {"body": body, "mimetype": "application/json", "http_status": status},
        "command_response_version": 2,
        "error": error,
        "spiff__logs": ["done"],
    });
    match defect {
        Some(Defect::StatusAsText) => answer["command_response"]["http_status"] = json!("200"),
        Some(Defect::LogsAsText) => answer["spiff__logs"] = json!("done"),
        Some(Defect::NoVersion) => drop(
            answer
                .as_object_mut()
                .unwrap()
                .remove("command_response_version"),
        ),
        Some(Defect::ApiResponseBeside) => answer["api_response"] = json!({}),
        _ => {}
    }
    let mimetype = match defect {
        Some(Defect::MislabelledJson) => "text/html",
        _ => "application/json",
    };
    Reply::ok(mimetype, answer.to_string())
}

fn error(defect: Option<Defect>, status: u16, code: &str, message: &str) -> Reply {
    let status = match (defect, status) {
        (Some(Defect::RefusesWith500), 400) => 500,
        _ => status,
    };
    if status == 400 && defect == Some(Defect::RefusesWithAPage) {
        let page = "<!DOCTYPE html><html><body>Bad Request</body></html>";
        return Reply::status(status)
            .header("content-type", "text/html")
            .body(page);
    }
    let error = match (defect, status) {
        (Some(Defect::RefusesAsText), 400) => json!(message),
        _ => json!({"error_code": code, "message": message}),
    };
    let answer = json!({"command_response": {}, "error": error});
    Reply::status(status)
        .header("content-type", "application/json")
        .body(answer.to_string())
}
