//! The transcripts in `python/worker/golden`, which the worker's own tests replay as well: what is
//! sent there is what this side writes, and what is received there is what this side reads.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use crosspoint_core::{
    Arguments, Body, Call, CallId, CommandId, Context, Effect, Failure, Ingress, Json, Mask,
    Origin, Profile,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::launch::{self, Initialized};
use super::program::{At, Program, Source};
use super::wire::{self, Message, Pong};
use super::{Settings, answer};
use crate::process::Level;

/// Each transcript with its steps.
fn transcripts() -> Vec<(String, Vec<Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/worker/golden");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|ending| ending == "json"));
    let read = |file: std::path::PathBuf| {
        let transcript: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let steps = transcript["exchange"].as_array().unwrap().clone();
        (
            file.file_name().unwrap().to_str().unwrap().to_owned(),
            steps,
        )
    };
    files.map(read).collect()
}

fn json(frame: &Bytes) -> Value {
    serde_json::from_slice(&frame[4..]).unwrap()
}

fn context() -> Context {
    Context::new(CallId::generate(), Instant::now(), Mask::default())
}

/// The message as this side would send it.
fn written(message: &Value) -> Option<Value> {
    let params = &message["params"];
    let id = message["id"].as_u64();
    Some(match message["method"].as_str()? {
        "initialize" if params["protocol"] == wire::PROTOCOL => {
            let (program, source) = program(params);
            json(&wire::request(
                id?,
                "initialize",
                &launch::parameters(&program, &source),
            ))
        }
        "call" => call(id?, params)?,
        "describe_auth" => {
            let text = |name: &str| params[name].as_str().unwrap();
            let asked = wire::DescribeAuth {
                call: text("call"),
                connector: text("connector"),
                auth: text("auth"),
                arguments: &params["arguments"].clone().into(),
                config: params["config"].as_object()?,
            };
            json(&wire::request(id?, "describe_auth", &asked))
        }
        "ping" => json(&wire::request(id?, "ping", &Map::new())),
        "shutdown" => json(&wire::notification("shutdown", &Map::new())),
        "cancel" => json(&wire::notification("cancel", params)),
        // Something that this side never says: the transcript shows what the worker makes of it.
        _ => return None,
    })
}

fn program(params: &Value) -> (Program, Source) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let connector = &params["connectors"][0];
    let at = match connector.get("file") {
        Some(file) => At::File(text(file).into()),
        None => At::Module(text(&connector["module"])),
    };
    let source = Source {
        name: text(&connector["name"]),
        at,
    };
    let import_path = params["import_path"].as_array().unwrap().iter();
    let program = Program {
        python: "python3".into(),
        import_path: import_path.map(|path| text(path).into()).collect(),
        connectors: vec![source.clone()],
        env: Vec::new(),
        config: params["config"].as_object().unwrap().clone(),
        directory: None,
        code: "code".into(),
        fingerprint: String::new(),
        settings: Settings {
            threads: params["threads"].as_u64().unwrap().try_into().unwrap(),
            max_answer: params["max_answer"].as_u64().unwrap().try_into().unwrap(),
            ..Settings::default()
        },
        mask: Mask::default(),
    };
    (program, source)
}

fn call(id: u64, params: &Value) -> Option<Value> {
    let connector = params["connector"].as_str()?;
    let command = CommandId::new(connector, params["command"].as_str()?);
    let arguments = Arguments::parse(params["arguments"].to_string().into()).ok()?;
    let mut call = Call::new(command, arguments, Origin::of(Ingress::Spiff));
    call.callback = params["callback_url"].as_str().map(str::to_owned);
    let task_data = params.get("task_data");
    call.task_data = task_data.map(|data| Json::parse(data.to_string()).unwrap());
    let mut headers = HeaderMap::new();
    for pair in params["headers"].as_array().into_iter().flatten() {
        let name: HeaderName = pair[0].as_str()?.parse().unwrap();
        headers.append(name, HeaderValue::from_str(pair[1].as_str()?).unwrap());
    }
    call.headers = headers;
    let mut profile = Profile::default();
    for (name, value) in params["config"].as_object().into_iter().flatten() {
        profile.set(name, value.clone(), true);
    }
    let mut message = json(&wire::call(id, connector, &call, &profile, None));
    // The id of a call is made here.
    message["params"]["call"] = params["call"].clone();
    Some(message)
}

#[test]
fn what_the_transcripts_send_is_what_this_side_writes() {
    let mut compared = 0;
    for (name, steps) in transcripts() {
        for step in steps.iter().filter_map(|step| step.get("send")) {
            let Some(written) = written(step) else {
                continue;
            };
            let mut wanted = step.clone();
            let wanted_params = wanted.as_object_mut().unwrap().entry("params");
            let params = wanted_params
                .or_insert_with(|| json!({}))
                .as_object_mut()
                .unwrap();
            if written["method"] == "call" {
                params.entry("headers").or_insert_with(|| json!([]));
            }
            assert_eq!(written, wanted, "{name}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn what_the_transcripts_receive_is_understood() {
    let mut read = 0;
    for (name, steps) in transcripts() {
        let mut methods = HashMap::new();
        for step in steps {
            if let Some(sent) = step.get("send") {
                let method = sent["method"].as_str().unwrap_or_default();
                methods.insert(sent["id"].as_u64(), method.to_owned());
            }
            let Some(received) = step.get("receive") else {
                continue;
            };
            let frame = Bytes::from(received.to_string());
            match wire::read(&frame).unwrap() {
                Message::Answer { id, answer } => {
                    let method = methods[&Some(id)].as_str();
                    understands(method, answer, received, &name);
                }
                Message::Line(line) => {
                    let told = &received["params"];
                    assert_eq!(line.call.as_deref(), told["call"].as_str(), "{name}");
                    assert_eq!(
                        (&*line.source, &*line.message),
                        (
                            told["source"].as_str().unwrap(),
                            told["message"].as_str().unwrap()
                        )
                    );
                    assert_eq!(line.level == Level::Error, told["level"] == "error");
                }
                // An answer to what was no request.
                Message::Other => assert!(received["id"].is_null(), "{name}"),
            }
            read += 1;
        }
    }
    assert!(read > 20, "{read}");
}

fn understands(method: &str, answer: Result<Bytes, Bytes>, received: &Value, name: &str) {
    match (method, answer) {
        ("initialize", Ok(result)) => {
            let initialized: Initialized = serde_json::from_slice(&result).unwrap();
            let told = received["result"]["connectors"].as_array().unwrap();
            assert_eq!(initialized.connectors.len(), told.len(), "{name}");
            for (ours, told) in initialized.connectors.iter().zip(told) {
                let manifest = ours.manifest(&crate::Idempotent::None);
                let commands = told["commands"].as_array().unwrap();
                assert_eq!(manifest.commands.len(), commands.len(), "{name}");
            }
        }
        ("ping", Ok(result)) => {
            let pong: Pong = serde_json::from_slice(&result).unwrap();
            assert_eq!(pong.threads, received["result"]["threads"], "{name}");
        }
        ("describe_auth", Ok(result)) => {
            let described: wire::Described = serde_json::from_slice(&result).unwrap();
            let description: Value = described.description.read().unwrap();
            assert_eq!(description, received["result"]["description"], "{name}");
        }
        ("call", Ok(result)) => returned(
            &answer::returned(&result, &context()),
            &received["result"],
            name,
        ),
        ("call" | "describe_auth", Err(error)) => {
            let data = &received["error"]["data"];
            let Some(failure) = answer::failed(&error) else {
                return assert_eq!(data["kind"], "busy", "{name}");
            };
            failed(&failure, data, name);
        }
        (_, Err(error)) => drop(serde_json::from_slice::<wire::Trouble>(&error).unwrap()),
        (method, Ok(_)) => panic!("{name}: {method} is answered"),
    }
}

fn returned(result: &Result<crosspoint_core::Outcome, Failure>, told: &Value, name: &str) {
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(failure) => failure.outcome.as_deref().unwrap(),
    };
    let verbatim = outcome.verbatim.as_ref().unwrap();
    let json = || serde_json::from_slice::<Value>(&verbatim.body).unwrap();
    if told["version"] == 2 {
        assert_eq!(json(), told["answer"], "{name}");
        let status = if told["handed_over"] == true {
            202
        } else {
            200
        };
        assert_eq!(verbatim.status, status, "{name}");
        return;
    }
    assert_eq!(
        (u64::from(verbatim.status), &*verbatim.mimetype),
        (
            told["status"].as_u64().unwrap(),
            told["mimetype"].as_str().unwrap()
        ),
        "{name}"
    );
    match &outcome.body {
        Body::Text(text) => assert_eq!(told["text"], text.as_str(), "{name}"),
        Body::Json(_) => assert_eq!(told["json"], json(), "{name}"),
        Body::Bytes(bytes) => {
            use base64::Engine;
            let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
            assert_eq!(told["base64"], base64, "{name}");
        }
    }
}

fn failed(failure: &Failure, data: &Value, name: &str) {
    assert_eq!(data["message"], failure.message.as_str(), "{name}");
    assert_eq!(data["code"], &*failure.code, "{name}");
    assert_eq!(
        data.get("detail").and_then(Value::as_str),
        failure.detail.as_deref(),
        "{name}"
    );
    let effect = match failure.effect {
        Effect::None => "none",
        Effect::Maybe => "maybe",
        Effect::Done => "done",
    };
    assert_eq!(data["effect"], effect, "{name}");
}
