//! What a diagram's author can choose from: `/v1/commands` and `/v1/auths`.

use serde_json::{Value, json};

use crate::harness::{self, Proxy, Setup, shared};

/// The catalogue of the official packages, as the reference proxy lists it.
const UPSTREAM: &str = include_str!("../data/spiff-upstream-commands.json");

async fn commands(proxy: &Proxy) -> Vec<Value> {
    let answer = proxy.get("/v1/commands").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json")
    );
    answer.json().as_array().unwrap().clone()
}

/// Those of the connector `http`.
async fn http(proxy: &Proxy) -> Vec<Value> {
    let mut commands = commands(proxy).await;
    commands.retain(|command| command["id"].as_str().unwrap().starts_with("http/"));
    commands
}

fn ids(commands: &[Value]) -> Vec<&str> {
    commands
        .iter()
        .map(|command| command["id"].as_str().unwrap())
        .collect()
}

/// A command with the keys of the protocol alone.
fn bare(command: &Value) -> Value {
    let parameters = command["parameters"].as_array().unwrap().iter();
    let parameters: Vec<_> = parameters
        .map(|p| json!({"id": p["id"], "type": p["type"], "required": p["required"]}))
        .collect();
    json!({"id": command["id"], "parameters": parameters})
}

/// A command's parameters in one line: `url!` where required, `headers:any` where not a text.
fn line(commands: &[Value], id: &str) -> String {
    let found = commands.iter().find(|command| command["id"] == id);
    let command = found.unwrap_or_else(|| panic!("{id} is not there"));
    let parameters = command["parameters"].as_array().unwrap().iter().map(|p| {
        let (name, kind) = (p["id"].as_str().unwrap(), p["type"].as_str().unwrap());
        let kind = if kind == "str" {
            String::new()
        } else {
            format!(":{kind}")
        };
        let required = if p["required"] == true { "!" } else { "" };
        format!("{name}{kind}{required}")
    });
    parameters.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_commands_of_the_official_http_package_are_there_as_they_were() {
    let upstream = harness::json(UPSTREAM);
    let upstream = upstream.as_array().unwrap().iter();
    let wanted: Vec<_> = upstream
        .filter(|command| command["id"].as_str().unwrap().starts_with("http/"))
        .cloned()
        .collect();
    assert_eq!(wanted.len(), 8);
    let ours = http(shared().await).await;
    let ours: Vec<_> = ours
        .iter()
        .map(bare)
        .filter(|c| ids(&wanted).contains(&c["id"].as_str().unwrap()))
        .collect();
    assert_eq!(ours, wanted);
}

const READ: &str = "url! headers:any params:any basic_auth_username basic_auth_password";
const SEND: &str = "url! headers:any data:any body_format include_response_headers:bool \
                    basic_auth_username basic_auth_password";

#[tokio::test]
async fn the_newer_family_is_there_but_for_the_two_names_that_older_engines_use() {
    let ours = http(shared().await).await;
    assert_eq!(line(&ours, "http/HeadRequest"), READ);
    for id in ["http/DeleteRequest", "http/PatchRequest", "http/PutRequest"] {
        assert_eq!(line(&ours, id), SEND, "{id}");
    }
    let post = "url! headers:any basic_auth_username basic_auth_password data:any";
    assert_eq!(line(&ours, "http/GetRequest"), READ);
    assert_eq!(line(&ours, "http/PostRequest"), post);
    // OPTIONS and TRACE are in no package: Activiti's connector for HTTP has them.
    for id in ["http/OptionsRequestV2", "http/TraceRequestV2"] {
        assert_eq!(line(&ours, id), line(&ours, "http/GetRequestV2"), "{id}");
    }
    assert_eq!(ours.len(), 14);
}

#[tokio::test]
async fn a_setting_gives_the_two_names_to_the_newer_family() {
    let config = "[connectors.http]\nanswers = \"newer\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let newer = http(&proxy).await;
    assert_eq!(line(&newer, "http/GetRequest"), READ);
    assert_eq!(line(&newer, "http/PostRequest"), SEND);
    assert_eq!(ids(&newer), ids(&http(shared().await).await));
}

#[tokio::test]
async fn passwords_are_marked_as_secret_and_nothing_else_is() {
    for command in http(shared().await).await {
        for parameter in command["parameters"].as_array().unwrap() {
            let secret = parameter["id"] == "basic_auth_password";
            let marked = parameter.get("secret") == Some(&Value::Bool(true));
            assert_eq!(marked, secret, "{} {}", command["id"], parameter["id"]);
            let write_only = parameter["schema"]["writeOnly"] == true;
            assert_eq!(write_only, secret, "{} {}", command["id"], parameter["id"]);
        }
    }
}

#[tokio::test]
async fn each_command_and_parameter_is_described() {
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    for command in commands(shared().await).await {
        assert!(
            text(&command["title"]) && text(&command["description"]),
            "{command}"
        );
        for parameter in command["parameters"].as_array().unwrap() {
            assert!(
                text(&parameter["title"]) && text(&parameter["description"]),
                "{parameter}"
            );
            assert!(parameter["schema"].is_object(), "{parameter}");
        }
    }
}

#[tokio::test]
async fn each_command_says_what_repeating_it_does() {
    let commands = http(shared().await).await;
    for command in &commands {
        let id = command["id"].as_str().unwrap();
        let wanted = match id.trim_start_matches("http/") {
            name if name.starts_with("Get") || name.starts_with("Head") => "read-only",
            "OptionsRequestV2" | "TraceRequestV2" => "read-only",
            name if name.starts_with("Put") || name.starts_with("Delete") => "idempotent",
            _ => "effectful",
        };
        assert_eq!(command["safety"], wanted, "{id}");
    }
}

#[tokio::test]
async fn a_connector_that_is_not_named_is_not_there() {
    let proxy = Setup::new().config("builtin = []\n").serve().await;
    assert!(commands(&proxy).await.is_empty());
    let answer = proxy.call("http/GetRequestV2", json!({})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "command_not_found")
    );
}

#[tokio::test]
async fn there_are_no_auths_yet() {
    let answer = shared().await.get("/v1/auths").await;
    assert_eq!((answer.status, answer.json()), (200, json!([])));
}
