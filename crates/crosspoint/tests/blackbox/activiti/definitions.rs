//! Definitions of connectors, exported and checked.

use serde_json::{Value, json};

use crate::harness::{Setup, json, shared};

#[tokio::test]
async fn the_definition_of_every_connector_passes_the_check_of_the_modelling_service() {
    let proxy = shared().await;
    let list = proxy.get("/activiti/connectors").await.json();
    let list = list.as_array().unwrap();
    assert!(list.len() >= 5, "{list:?}");
    for connector in list {
        let path = connector["definition"].as_str().unwrap();
        let text = proxy.get(path).await.text;
        let definition = json(&text);
        assert_eq!(definition["name"], connector["name"]);
        let setup = Setup::new().file("it.json", &text);
        let ended = setup
            .run(&["activiti", "validate", "it.json", "--json"])
            .await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.json()["files"][0]["valid"], json!(true));
    }
}

#[tokio::test]
async fn the_command_line_exports_what_the_server_serves() {
    let ended = Setup::new()
        .run(&["activiti", "export", "postgres_v2"])
        .await;
    let exported = ended.json();
    assert!(ended.stderr.contains("postgres-v2."), "{}", ended.stderr);
    let served = shared()
        .await
        .get("/activiti/connectors/postgres-v2.json")
        .await;
    assert_eq!(served.json(), exported);
    let actions = exported["actions"].as_object().unwrap();
    let action = actions.values().find(|a| a["name"] == "DoSQL").unwrap();
    assert_eq!(actions[action["id"].as_str().unwrap()], *action);
    let inputs = action["inputs"].as_array().unwrap();
    let required = |input: &&Value| input["required"] == json!(true);
    assert!(inputs.iter().any(|input| required(&input)), "{inputs:?}");
}

#[tokio::test]
async fn a_connector_that_is_not_there_is_named_with_its_neighbours() {
    let ended = Setup::new().run(&["activiti", "export", "htp"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("http"), "{}", ended.stderr);
    let answer = shared().await.get("/activiti/connectors/htp.json").await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
}

#[tokio::test]
async fn all_mistakes_of_all_files_are_told_with_their_places() {
    let setup = Setup::new()
        .file("good.json", r#"{"name": "good"}"#)
        .file(
            "excerpt.json",
            r#""actions": {"a": {"id": "a", "name": ""}}"#,
        )
        .file("upper.json", r#"{"name": "slackConnector", "icon": "x"}"#);
    let files = ["good.json", "excerpt.json", "upper.json"];
    let ended = setup
        .clone()
        .run(&[&["activiti", "validate"], &files[..]].concat())
        .await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in [
        "good.json: fine",
        "excerpt.json: #: A JSONObject text must begin with '{'",
        "excerpt.json: #/actions/a/name: expected minLength: 1, actual: 0",
        "upper.json: #/name: string [slackConnector] does not match pattern",
        "lower case",
        "upper.json: #: extraneous key [icon] is not permitted",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part} is not in {}",
            ended.stdout
        );
    }
    let ended = setup.run(&["activiti", "validate", "nothing.json"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
}
