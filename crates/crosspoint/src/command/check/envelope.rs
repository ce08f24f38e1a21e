//! An answer of `/v1/do`, judged as SpiffArena's backend judges it and by the published document.

use crosspoint_core::testing::{Ended, Fault, Observed, Stage};
use crosspoint_net::Response;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

/// What the version 2 envelope has at its top.
const KEYS: [&str; 4] = [
    "command_response",
    "command_response_version",
    "error",
    "spiff__logs",
];

/// What a response says.
pub(super) fn read(response: &Response) -> Observed {
    let content_type = response.headers.get(CONTENT_TYPE);
    let content_type = content_type.map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    judge(
        response.status,
        &content_type.unwrap_or_default(),
        &response.text(),
    )
}

fn judge(outer: u16, content_type: &str, text: &str) -> Observed {
    let mut seen = match serde_json::from_str(text) {
        Ok(Value::Object(answer)) if outer < 300 => answered(outer, &answer),
        Ok(Value::Object(answer)) => not_dispatched(outer, &answer),
        _ if outer < 300 => bare(outer, text.into()),
        _ => Observed::broke(format!("status {outer} without a structured error")),
    };
    if text.starts_with('{') && !content_type.starts_with("application/json") {
        let fault = format!("the content type of the JSON is {content_type:?}");
        seen.faults.push(fault);
    }
    seen.whole = format!("{outer} {text}");
    seen
}

/// A result without envelope: version 1, which no new command should answer.
fn bare(outer: u16, body: Value) -> Observed {
    Observed {
        status: Some(outer),
        body: Some(body),
        faults: vec!["it is no version 2 envelope".to_owned()],
        ..Observed::of(Ended::Succeeded)
    }
}

/// An answer with an outer status below 300.
fn answered(outer: u16, answer: &Map<String, Value>) -> Observed {
    if !answer.contains_key("command_response") {
        return bare(outer, Value::Object(answer.clone()));
    }
    let response = &answer["command_response"];
    let inner = response.get("http_status").and_then(Value::as_u64);
    let error = answer.get("error").unwrap_or(&Value::Null);
    let status = inner.and_then(|status| u16::try_from(status).ok());
    let ended = match (structured(error), error.is_null(), status) {
        (Some(fault), _, _) => Ended::Failed(fault),
        (None, false, _) => Ended::Broke("an error that is not structured".to_owned()),
        (None, true, Some(status)) if status >= 300 => Ended::Failed(Fault {
            stage: Stage::Reported,
            code: format!("ServiceTaskHttpError{status}"),
            message: format!("the inner status is {status}"),
            effect: None,
        }),
        _ => Ended::Succeeded,
    };
    let known = |name: &&String| KEYS.contains(&name.as_str());
    Observed {
        status: status.or(Some(outer)),
        mimetype: response
            .get("mimetype")
            .and_then(Value::as_str)
            .map(str::to_owned),
        body: response.get("body").cloned(),
        logs: logs(answer),
        faults: faults(answer),
        extra: answer.keys().filter(|name| !known(name)).cloned().collect(),
        ..Observed::of(ended)
    }
}

/// An answer with an outer status of 300 and above.
fn not_dispatched(outer: u16, answer: &Map<String, Value>) -> Observed {
    let fault = answer.get("error").and_then(structured);
    let Some(mut fault) = fault else {
        return Observed::broke(match outer {
            401 | 403 => format!("status {outer}: the key is missing or not the right one"),
            _ => format!("status {outer} without a structured error"),
        });
    };
    fault.stage = match outer {
        // The diagram is wrong, or a limit spoke.
        300..=499 | 503 | 504 => Stage::Refused,
        _ => Stage::Raised,
    };
    let ended = match fault.code.as_str() {
        "connector_panicked" => Ended::Broke("the connector panicked".to_owned()),
        _ => Ended::Failed(fault),
    };
    let mut faults = Vec::new();
    if !answer.get("command_response").is_some_and(Value::is_object) {
        faults.push("command_response is not an object".to_owned());
    }
    Observed {
        status: Some(outer),
        logs: logs(answer),
        faults,
        ..Observed::of(ended)
    }
}

/// The error, when it is an object with code and message.
fn structured(error: &Value) -> Option<Fault> {
    Some(Fault {
        stage: Stage::Reported,
        code: error.get("error_code")?.as_str()?.to_owned(),
        message: error.get("message")?.as_str()?.to_owned(),
        effect: None,
    })
}

fn logs(answer: &Map<String, Value>) -> Vec<String> {
    let lines = answer.get("spiff__logs").and_then(Value::as_array);
    let lines = lines.into_iter().flatten().filter_map(Value::as_str);
    lines.map(str::to_owned).collect()
}

/// What is wrong with an envelope by the published document.
fn faults(answer: &Map<String, Value>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |right: bool, fault: &str| {
        if !right {
            faults.push(fault.to_owned());
        }
    };
    for key in KEYS {
        expect(answer.contains_key(key), &format!("{key} is missing"));
    }
    let version = answer.get("command_response_version");
    expect(
        version.is_none_or(|v| v == 2),
        "command_response_version is not 2",
    );
    let response = &answer["command_response"];
    expect(response.is_object(), "command_response is not an object");
    expect(
        response.get("body").is_some(),
        "command_response.body is missing",
    );
    let mimetype = response.get("mimetype").and_then(Value::as_str);
    expect(
        mimetype.is_some_and(|mimetype| mimetype.contains('/')),
        "command_response.mimetype is missing or no media type",
    );
    let status = response.get("http_status");
    let sane = |status: &Value| status.as_u64().is_some_and(|s| (100..=599).contains(&s));
    expect(
        status.is_none_or(sane),
        "command_response.http_status is not a number from 100 to 599",
    );
    let headers = response.get("headers");
    expect(
        headers.is_none_or(Value::is_object),
        "command_response.headers is not an object",
    );
    let error = answer.get("error").unwrap_or(&Value::Null);
    expect(
        error.is_null() || structured(error).is_some(),
        "error is neither null nor an object with error_code and message",
    );
    let logs = answer.get("spiff__logs").map(Value::as_array);
    let lines = |list: Option<&Vec<Value>>| list.is_some_and(|l| l.iter().all(Value::is_string));
    expect(logs.is_none_or(lines), "spiff__logs is not a list of texts");
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({"command_response": {"body": 1, "mimetype": "a/b", "http_status": 200},
            "command_response_version": 2, "error": null, "spiff__logs": ["x"]})
    }

    fn seen(outer: u16, answer: &Value) -> Observed {
        judge(outer, "application/json", &answer.to_string())
    }

    #[test]
    fn a_good_envelope_has_no_faults() {
        let seen = seen(200, &good());
        assert_eq!((seen.ended, seen.faults.len()), (Ended::Succeeded, 0));
        assert_eq!(
            (seen.body, seen.logs),
            (Some(json!(1)), vec!["x".to_owned()])
        );
    }

    #[test]
    fn each_fault_of_an_envelope_is_named() {
        for (pointer, value, part) in [
            ("/command_response_version", json!(1), "not 2"),
            ("/command_response/http_status", json!("200"), "http_status"),
            ("/command_response/mimetype", json!("json"), "mimetype"),
            ("/error", json!("text"), "error is neither"),
            ("/spiff__logs", json!([1]), "spiff__logs"),
        ] {
            let mut answer = good();
            *answer.pointer_mut(pointer).unwrap() = value;
            let faults = seen(200, &answer).faults;
            assert!(
                faults.len() == 1 && faults[0].contains(part),
                "{pointer}: {faults:?}"
            );
        }
        let mut answer = good();
        answer.as_object_mut().unwrap().remove("spiff__logs");
        assert_eq!(seen(200, &answer).faults, ["spiff__logs is missing"]);
    }

    #[test]
    fn an_answer_is_judged_as_the_backend_judges_it() {
        let error = json!({"command_response": {}, "error": {"error_code": "E", "message": "m"}});
        let stage = |outer| seen(outer, &error).fault().map(|fault| fault.stage);
        assert_eq!(stage(400), Some(Stage::Refused));
        assert_eq!(stage(500), Some(Stage::Raised));
        let mut inner = good();
        inner["command_response"]["http_status"] = json!(404);
        let code = seen(200, &inner).fault().map(|fault| fault.code.clone());
        assert_eq!(code.as_deref(), Some("ServiceTaskHttpError404"));
        inner["error"] = json!("text");
        assert!(!seen(200, &inner).is_clean());
    }

    #[test]
    fn what_is_not_structured_is_broken_unless_it_is_a_result() {
        assert!(!judge(500, "text/html", "<html>oh").is_clean());
        let bare = judge(200, "text/plain", "fine");
        assert_eq!((bare.body, bare.faults.len()), (Some(json!("fine")), 1));
        let mislabelled = judge(
            400,
            "text/html",
            r#"{"command_response": {}, "error": {"error_code": "E", "message": "m"}}"#,
        );
        assert!(mislabelled.faults[0].contains("text/html"));
    }
}
