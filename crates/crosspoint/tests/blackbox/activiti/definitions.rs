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
async fn what_was_exported_is_imported_and_what_import_prints_is_a_configuration() {
    let setup = Setup::new();
    let exported = setup
        .clone()
        .run(&["activiti", "export", "postgres_v2"])
        .await;
    let setup = setup.file("pg.json", &exported.text(0));
    let imported = setup.clone().run(&["activiti", "import", "pg.json"]).await;
    assert_eq!(
        (imported.code, &*imported.stderr),
        (Some(0), ""),
        "{imported:?}"
    );
    let checked = setup
        .config(&imported.stdout)
        .run(&["config", "check"])
        .await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("pg.json"), "{}", checked.stdout);
}

#[tokio::test]
async fn definitions_that_are_served_are_shown_under_their_names_without_their_secrets() {
    let definition = json!({"name": "Movie Shelf", "description": "Shelves", "actions": {
            "a": {"id": "a", "name": "GetRequestV2"}},
        "config": [{"name": "ACCESS_TOKEN", "secure": true, "value": "canary-1"},
                   {"name": "ORIGIN", "value": "http://x.invalid"}]});
    let exported = Setup::new().run(&["activiti", "export", "http"]).await;
    let setup = Setup::new()
        .file("movies.json", &definition.to_string())
        .file(
            "http.json",
            &exported.stdout.replace("\"GetRequestV2\"", "\"get\""),
        );
    let table = |name: &str, more: &str| {
        format!("[activiti.definitions.{name}]\nconnector = \"http\"\n{more}\n")
    };
    let config = [
        table("movies", "file = \"movies.json\""),
        table(
            "eu",
            "file = \"movies.json\"\nname = \"eu\"\nprofile = \"nope\"",
        ),
        table(
            "own",
            "file = \"http.json\"\nactions.get.command = \"GetRequestV2\"",
        ),
    ];
    let proxy = setup.config(&config.concat()).serve().await;
    let list = proxy.get("/activiti/connectors").await.json();
    let list = list.as_array().unwrap();
    let named = |name: &str| {
        let mut found = list.iter().filter(|one| one["name"] == name);
        let one = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(found.next().is_none(), "{name} is there twice");
        one
    };
    for (name, actions) in [
        ("Movie Shelf", json!(["GetRequestV2"])),
        ("eu", json!(["GetRequestV2"])),
    ] {
        assert_eq!(named(name)["actions"], actions);
        let shown = proxy.get(named(name)["definition"].as_str().unwrap()).await;
        assert_eq!(shown.json()["name"], json!(name));
        assert!(!shown.text.contains("canary-1"), "{}", shown.text);
        assert!(shown.text.contains("http://x.invalid"), "{}", shown.text);
    }
    // It goes before the connector of its name, as for service tasks.
    let shown = proxy
        .get(named("http")["definition"].as_str().unwrap())
        .await;
    assert!(shown.text.contains("\"get\""), "{}", shown.text);
    let problems = proxy.problems().await;
    assert!(
        problems.contains("eu: http has no profile 'nope'"),
        "{problems}"
    );
}

#[tokio::test]
async fn actions_are_bound_as_they_are_told_and_what_does_not_fit_is_said() {
    let definition = json!({"name": "Movies", "actions": {
        "a": {"id": "a", "name": "getMovieDesc", "inputs": [
            {"id": "1", "name": "URL", "type": "string"}, {"id": "2", "name": "title", "type": "string"}]},
        "b": {"id": "b", "name": "getRequestV3"},
        "c": {"id": "c", "name": "headRequestV2", "inputs": [{"id": "3", "name": "page", "type": "string"}],
              "outputs": [{"id": "4", "name": "status", "type": "string"}]},
        "d": {"id": "d", "name": "go"}},
        "events": {"e": {"id": "e", "name": "MOVIE_SEEN"}},
        "config": [{"name": "MOVIE_KEY", "required": true}]});
    let setup = Setup::new().file("movies.json", &definition.to_string());
    let arguments = [
        "activiti",
        "import",
        "movies.json",
        "--connector",
        "http",
        "--bind",
        "getMovieDesc=GetRequestV2",
        "--bind",
        "go=PostRequestV",
    ];
    let ended = setup.clone().run(&arguments).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in [
        "command = \"GetRequestV2\"",
        "inputs = { \"URL\" = \"url\" }",
        "connector = \"http\"",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part} is not in {}",
            ended.stdout
        );
    }
    for part in [
        "does not take title",
        "no command 'getRequestV3'; did you mean",
        "--bind getRequestV3=GetRequestV2",
        "no command 'PostRequestV'; did you mean --bind go=PostRequestV2",
        "inputs = { \"page\" = \"url\" }",
        "outputs = { status = \"status\" }",
        "MOVIE_SEEN",
        "MOVIE_KEY (required)",
    ] {
        assert!(
            ended.stderr.contains(part),
            "{part} is not in {}",
            ended.stderr
        );
    }
    let ended = setup
        .clone()
        .run(&[&arguments[..], &["--json"]].concat())
        .await;
    assert_eq!(
        json(&ended.stdout)["actions"][0]["command"],
        json!("GetRequestV2")
    );
    let ended = setup.run(&["activiti", "import", "movies.json"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--connector"), "{}", ended.stderr);
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
