//! The API as its callers see it: every answer is judged by the document that describes it.

use http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::client::{Answer, Ask, text_of};
use super::{Proxy, shared, until};

// === impl Proxy ===

impl Proxy {
    /// A call through the API that is still to be sent.
    pub fn asks(&self, call: &Value) -> Ask {
        self.ask(Method::POST, "/api/v1/calls").json(call)
    }

    /// Calls a command through the API, and waits for its end.
    pub async fn api(&self, command: &str, arguments: Value) -> Answer {
        let call = json!({"command": command, "arguments": arguments});
        self.asks(&call).send().await
    }

    /// Sends a body to a path below `/api/v1/calls/`.
    pub async fn decide(&self, path: &str, body: &Value) -> Answer {
        let path = format!("/api/v1/calls/{path}");
        self.ask(Method::POST, &path).json(body).send().await
    }

    /// A call as it is recorded.
    pub async fn recorded(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/v1/calls/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// A call as it is recorded, when it is in this state.
    pub async fn recorded_in(&self, id: &str, state: &str) -> Value {
        let mut found = Value::Null;
        until(&format!("{id} is {state}"), async || {
            let answer = self.get(&format!("/api/v1/calls/{id}")).await;
            found = answer.json();
            answer.status == 200 && found["state"] == state
        })
        .await;
        found
    }
}

// === impl Answer ===

impl Answer {
    /// Status and code of a problem.
    pub fn problem(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status, code)
    }

    /// The call's id.
    pub fn id(&self) -> String {
        let id = self.json()["id"].as_str().map(str::to_owned);
        id.unwrap_or_else(|| panic!("{}", self.text))
    }

    /// The body of a call that succeeded.
    pub fn brought(&self) -> Value {
        let call = self.json();
        let ended = (self.status, &call["state"], &call["error"]);
        assert_eq!(ended, (200, &json!("succeeded"), &Value::Null), "{call}");
        call["outcome"]["body"].clone()
    }
}

/// The document of a proxy with nothing configured.
async fn document() -> &'static Value {
    static DOCUMENT: OnceCell<Value> = OnceCell::const_new();
    let read = || async {
        let text = text_of(&shared().await.url("/openapi.json")).await;
        let mut document = super::json(&text);
        // A client passes over what it does not know; here nothing may be there that is not described.
        close(&mut document["components"]["schemas"]);
        document
    };
    DOCUMENT.get_or_init(read).await
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(close);
            if map.get("type") == Some(&json!("object")) && map.contains_key("properties") {
                map.entry("additionalProperties").or_insert(false.into());
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

/// Fails when an answer has not the shape that is described for it, or none is. What belongs to no
/// operation is answered with a problem.
pub(super) async fn judge(method: &Method, path: &str, status: u16, mimetype: &str, text: &str) {
    let document = document().await;
    let path = path.split('?').next().unwrap_or_default();
    let operation = operation(document, method, path);
    if status == 204 {
        let described = operation.is_some_and(|o| o["responses"]["204"].is_object());
        assert!(
            described && text.is_empty(),
            "{method} {path} 204: not described"
        );
        return;
    }
    let schema = match operation {
        Some(operation) => {
            let response = &operation["responses"][status.to_string()];
            let described = response["content"][mimetype]["schema"].clone();
            assert!(
                described.is_object(),
                "{method} {path} {status} {mimetype}: not described"
            );
            described
        }
        None => {
            assert!(status >= 400, "{method} {path} {status}: not described");
            json!({"$ref": "#/components/schemas/Problem"})
        }
    };
    if status >= 400 {
        assert_eq!(mimetype, "application/problem+json", "{path} {text}");
        assert_eq!(super::json(text)["status"], status, "{path} {text}");
    }
    let faults = faults(document, schema, &super::json(text));
    assert!(
        faults.is_empty(),
        "{method} {path} {status}: {faults:?} in {text}"
    );
}

fn faults(document: &Value, mut schema: Value, value: &Value) -> Vec<String> {
    schema["components"] = document["components"].clone();
    let validator: Validator = jsonschema::validator_for(&schema).unwrap();
    let faults = validator.iter_errors(value);
    faults.map(|fault| fault.to_string()).collect()
}

/// What the document says of a method of a path.
fn operation<'d>(document: &'d Value, method: &Method, path: &str) -> Option<&'d Value> {
    let paths = document["paths"].as_object()?;
    let exact = paths.get(path);
    let templated = || paths.iter().find(|(template, _)| fits(template, path));
    let item = exact.or_else(|| templated().map(|(_, item)| item))?;
    item.get(method.as_str().to_lowercase())
}

fn fits(template: &str, path: &str) -> bool {
    let (mut parts, mut wanted) = (path.split('/'), template.split('/'));
    loop {
        match (parts.next(), wanted.next()) {
            (None, None) => return true,
            (Some(part), Some(wanted)) if part == wanted || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[tokio::test]
async fn the_judge_finds_faults() {
    let good = json!({
        "id": "0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77", "connector": "a", "command": "B",
        "state": "succeeded", "error": null,
        "outcome": {
            "body": 1, "encoding": "json", "mimetype": "a/b", "status": 200, "headers": {},
            "logs": [],
        },
    });
    let schema = || json!({"$ref": "#/components/schemas/Call"});
    let document = document().await;
    assert_eq!(faults(document, schema(), &good), [""; 0]);
    for (place, value) in [
        ("/state", json!("done")),
        ("/outcome/status", json!(99)),
        ("/outcome/encoding", json!("hex")),
        ("/outcome", json!({})),
        ("/error", json!({"code": "x"})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert!(!faults(document, schema(), &bad).is_empty(), "{bad}");
    }
    let mut surplus = good.clone();
    surplus["more"] = 1.into();
    assert!(!faults(document, schema(), &surplus).is_empty());
    assert!(operation(document, &Method::GET, "/api/v1/calls/x/y").is_none());
}
