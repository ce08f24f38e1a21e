//! What `/v1/commands` and `/v1/auths` say of Python connectors.

use serde_json::{Value, json};

use super::support::{gallery, ids};

async fn entry(id: &str) -> Value {
    let commands = gallery().await.get("/v1/commands").await.json();
    let mut commands = commands.as_array().unwrap().iter();
    let found = commands.find(|command| command["id"] == id);
    found
        .unwrap_or_else(|| panic!("{id} is not listed"))
        .clone()
}

/// Name, type and whether it is required: what the protocol has.
async fn parameters(id: &str) -> Vec<(String, String, bool)> {
    let entry = entry(id).await;
    let parameters = entry["parameters"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    parameters
        .map(|p| (text(&p["id"]), text(&p["type"]), p["required"] == true))
        .collect()
}

fn listed(parameters: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    let owned = |p: &(&str, &str, bool)| (p.0.to_owned(), p.1.to_owned(), p.2);
    parameters.iter().map(owned).collect()
}

#[tokio::test]
async fn parameters_are_those_of_the_constructor() {
    assert_eq!(
        parameters("gallery/Simple").await,
        listed(&[
            ("name", "str", true),
            ("count", "int", true),
            ("loud", "bool", false),
            ("note", "str", false),
        ])
    );
    assert!(parameters("gallery/Pid").await.is_empty());
}

#[tokio::test]
async fn inherited_and_made_constructors_count() {
    assert_eq!(
        parameters("gallery/Inherits").await,
        parameters("gallery/Simple").await
    );
    assert_eq!(
        parameters("gallery/Record").await,
        listed(&[("title", "str", true), ("pages", "int", false)])
    );
}

#[tokio::test]
async fn annotations_that_are_text_are_read() {
    assert_eq!(
        parameters("gallery/Later").await,
        listed(&[
            ("name", "str", true),
            ("count", "int", false),
            ("price", "any", false),
            ("tags", "any", false),
        ])
    );
}

#[tokio::test]
async fn lists_dicts_and_the_like_are_any_and_their_schema_says_more() {
    let entry = entry("gallery/Rich").await;
    let schema = |name: &str| {
        let mut parameters = entry["parameters"].as_array().unwrap().iter();
        let found = parameters.find(|p| p["id"] == name).unwrap();
        (found["type"].clone(), found["schema"].clone())
    };
    let (kind, ratio) = schema("ratio");
    assert_eq!((kind, &ratio["type"]), (json!("any"), &json!("number")));
    assert_eq!(ratio["description"], "a part of one");
    let (kind, tags) = schema("tags");
    assert_eq!(kind, "any");
    assert_eq!(tags, json!({"type": "array", "items": {"type": "string"}}));
    let (kind, table) = schema("table");
    assert_eq!((kind, &table["type"]), (json!("any"), &json!("object")));
    assert_eq!(table["additionalProperties"], json!({"type": "integer"}));
    assert_eq!(schema("mode").1["enum"], json!(["fast", "slow"]));
    let (_, colour) = schema("colour");
    assert_eq!(colour["enum"], json!(["red", "blue"]));
    assert_eq!(colour["default"], "red");
    assert_eq!(schema("anything"), (json!("any"), json!({})));
    assert_eq!(schema("untold"), (json!("any"), json!({"default": 5})));
}

#[tokio::test]
async fn docstrings_describe_commands_and_parameters() {
    let simple = entry("gallery/Simple").await;
    assert_eq!(
        simple["description"],
        "Takes what the protocol has names for."
    );
    let descriptions = simple["parameters"].as_array().unwrap().iter();
    let descriptions: Vec<_> = descriptions
        .map(|p| p["description"].as_str().unwrap())
        .collect();
    assert_eq!(
        descriptions,
        ["what it is called", "how many there are", "", ""]
    );
}

#[tokio::test]
async fn a_command_that_takes_anything_is_open() {
    let open = entry("gallery/Open").await;
    assert_eq!(open["open"], true);
    assert_eq!(
        parameters("gallery/Open").await,
        listed(&[("first", "str", true)])
    );
    assert_eq!(entry("gallery/Simple").await["open"], false);
}

#[tokio::test]
async fn only_commands_are_listed_and_each_once() {
    let ids = ids(gallery().await, "gallery/").await;
    for none in ["Abstract", "_Private", "NoCommand", "Colour", "OutOfPaper"] {
        assert!(!ids.contains(&format!("gallery/{none}")), "{ids:?}");
    }
    assert_eq!(ids.iter().filter(|id| *id == "gallery/Simple").count(), 1);
    assert!(ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn auths_are_listed_by_themselves() {
    let auths = gallery().await.get("/v1/auths").await.json();
    let [door] = &auths.as_array().unwrap()[..] else {
        panic!("{auths}");
    };
    assert_eq!(door["id"], "gallery/Door");
    assert_eq!(door["parameters"][0]["id"], "key");
    assert_eq!(door["parameters"][1]["type"], "int");
    assert_eq!(door["parameters"][1]["required"], false);
}

#[tokio::test]
async fn python_commands_are_in_the_openapi_document_and_on_the_page() {
    let proxy = gallery().await;
    let document = proxy.get("/openapi.json").await.json();
    let post = &document["paths"]["/v1/do/gallery/Rich"]["post"];
    let schema = &post["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(
        schema["properties"]["mode"]["enum"],
        json!(["fast", "slow"])
    );
    let page = proxy.get("/docs").await;
    assert!(page.text.contains("gallery/Rich"));
}
