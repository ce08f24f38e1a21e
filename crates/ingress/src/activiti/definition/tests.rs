use serde_json::json;

use super::*;

/// The Slack connector of the documentation, its excerpts put together.
const SLACK: &str = include_str!("golden/slack-connector.json");

fn problems(text: &str) -> Vec<String> {
    let found = check(text);
    found
        .iter()
        .map(|one| format!("{}: {}", one.path, one.problem))
        .collect()
}

#[test]
fn the_excerpts_of_the_documentation_put_together_pass_both_checks() {
    assert_eq!(problems(SLACK), Vec::<String>::new());
    let slack = Definition::read(SLACK).unwrap();
    let (key, action) = slack.actions.first().unwrap();
    assert_eq!((&action.id, &*action.name), (key, "SEND_MESSAGE"));
    assert_eq!(slack.implementation(action), "slack-connector.SEND_MESSAGE");
    assert_eq!(slack.events.first().unwrap().1.outputs[0].kind, "json");
    let config: Vec<_> = slack
        .config
        .iter()
        .map(|c| (&*c.name, c.required))
        .collect();
    assert_eq!(config, [("SLACK_XOXB", true), ("SLACK_XOXP", true)]);
}

#[test]
fn what_was_read_is_written_back_the_same() {
    let slack = Definition::read(SLACK).unwrap();
    assert_eq!(Definition::read(&slack.text()).unwrap(), slack);
    let written: Value = serde_json::from_str(&slack.text()).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(SLACK).unwrap());
}

#[test]
fn the_name_that_diagrams_of_the_documentation_use_is_refused_with_the_rule() {
    let text = SLACK.replace("\"slack-connector\"", "\"slackConnector\"");
    let found = check(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].path, "#/name");
    assert!(
        found[0]
            .problem
            .starts_with("string [slackConnector] does not match pattern ^[a-z]")
    );
    assert!(found[0].to_string().contains("lower case"), "{}", found[0]);
    // The engine takes it all the same.
    assert_eq!(Definition::read(&text).unwrap().name, "slackConnector");
}

#[test]
fn an_excerpt_is_told_and_checked() {
    let found = check(r#""config": [{"name": "", "value": 5, "x": 1}],"#);
    let told: Vec<_> = found.iter().map(|one| &*one.problem).collect();
    assert_eq!(
        told,
        [
            "A JSONObject text must begin with '{'",
            "required key [name] not found",
            "expected minLength: 1, actual: 0",
            "expected type: String, found: Integer",
            "extraneous key [x] is not permitted",
        ]
    );
    assert!(
        found[1]
            .help
            .is_some_and(|help| help.contains("lower case"))
    );
}

#[test]
fn an_excerpt_with_gaps_that_closes_too_little_is_told_and_checked() {
    let text = r#"
        "actions": {
            "1": {
                "id": "1",
                "name": "SEND",
                "inputs": [
                    {"id": "2", "name": "to"},
    ...
                ],
                "outputs": [
                    {"id": "3", "name": "error", "type": "string"},
    ...
                ]
            },"#;
    let found = check(text);
    let told: Vec<_> = found
        .iter()
        .map(|one| format!("{}: {}", one.path, one.problem))
        .collect();
    assert_eq!(
        told,
        [
            "#: A JSONObject text must begin with '{'",
            "#: required key [name] not found",
            "#/actions/1/inputs/0: required key [type] not found",
        ]
    );
    assert!(found[0].help.is_some_and(|help| help.contains("`...`")));
    assert!(
        found[1]
            .help
            .is_some_and(|help| help.contains("lower case"))
    );
    let found = check("{\"name\": \"Slack\",\n...\n}");
    assert!(found[0].help.is_some_and(|help| help.contains("excerpt")));
    assert_eq!((found.len(), &*found[1].path), (2, "#/name"));
}

#[test]
fn a_key_that_is_there_twice_is_refused_strictly_and_the_last_counts_leniently() {
    let text = r#"{"name": "a", "name": "b", "actions": {"x": {"id": "1", "id": "2", "name": "n"}},
                   "config": [{"name": "A"}, {"name": "B", "name": "C"}]}"#;
    assert_eq!(
        problems(text),
        [
            "#: Duplicate key \"name\"",
            "#/actions/x: Duplicate key \"id\"",
            "#/config/1: Duplicate key \"name\"",
        ]
    );
    let read = Definition::read(text).unwrap();
    assert_eq!((&*read.name, &*read.actions["x"].id), ("b", "2"));
    assert_eq!(read.config[1].name, "C");
}

#[test]
fn numbers_and_booleans_where_a_text_is_meant_are_their_text() {
    let read = Definition::read(
        r#"{"name": 5, "description": 1.5, "actions": {"x": {"id": true, "name": "n", "description": 7,
            "inputs": [{"id": 1, "name": 2, "type": null, "required": true, "more": 3}]}},
            "config": [{"name": "A", "value": 80}], "errors": [{"name": 1, "code": 404}]}"#,
    )
    .unwrap();
    assert_eq!(
        (&*read.name, read.description.as_deref()),
        ("5", Some("1.5"))
    );
    let action = &read.actions["x"];
    assert_eq!(
        (&*action.id, action.description.as_deref()),
        ("true", Some("7"))
    );
    let input = &action.inputs[0];
    assert_eq!((&*input.id, &*input.name, &*input.kind), ("1", "2", ""));
    assert_eq!(input.more["more"], json!(3));
    assert_eq!(read.config[0].value.as_deref(), Some("80"));
    assert_eq!(read.errors[0].code.as_deref(), Some("404"));
}

#[test]
fn what_has_another_shape_is_told_with_its_place_and_what_is_expected() {
    for (text, parts) in [
        ("[1]", ["a JSON object", "\"actions\""]),
        ("5", ["a JSON object", "\"name\""]),
        (r#"{"name": ["a"]}"#, ["name", "a text"]),
        (r#"{"name": "a", "actions": 5}"#, ["actions", "a map"]),
        (
            r#"{"name": "a", "actions": {"x": {"id": {}}}}"#,
            ["actions.x.id", "a text"],
        ),
        ("{", ["line 1", "EOF"]),
    ] {
        let told = Definition::read(text).unwrap_err().to_string();
        for part in parts {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }
}

#[test]
fn all_violations_are_told_at_once_each_with_its_place() {
    let text = json!({
        "name": "", "icon": "x", "input": [], "output": [],
        "actions": {"a": {"inputs": [{"name": "n", "more": 1}]}, "b": 1},
        "config": [{"name": "A", "value": 1, "secure": true, "more": 1}],
        "errors": [{"code": "C", "more": 1}],
        "events": []
    });
    assert_eq!(
        problems(&text.to_string()),
        [
            "#/name: expected minLength: 1, actual: 0",
            "#/name: string [] does not match pattern ^[a-z]([-a-z0-9]{0,24}[a-z0-9])?$",
            "#: extraneous key [icon] is not permitted",
            "#: extraneous key [input] is not permitted",
            "#: extraneous key [output] is not permitted",
            "#/actions/a: required key [id] not found",
            "#/actions/a: required key [name] not found",
            "#/actions/a/inputs/0: required key [id] not found",
            "#/actions/a/inputs/0: required key [type] not found",
            "#/actions/b: expected type: JSONObject, found: Integer",
            "#/config/0/value: expected type: String, found: Integer",
            "#/config/0: extraneous key [more] is not permitted",
            "#/errors/0: required key [name] not found",
            "#/errors/0: extraneous key [more] is not permitted",
            "#/events: expected type: JSONObject, found: JSONArray",
        ]
    );
}

#[test]
fn names_follow_the_rule_to_the_letter() {
    for name in [
        "a",
        "a1",
        "a-b",
        "email-connector-1",
        "abcdefghijklmnopqrstuvwxyz",
    ] {
        assert_eq!(
            problems(&json!({"name": name}).to_string()).len(),
            0,
            "{name}"
        );
    }
    for (name, count) in [
        ("1a", 1),
        ("a-", 1),
        ("a_b", 1),
        ("Movies", 1),
        ("Constants Connector", 1),
        ("é", 1),
        ("abcdefghijklmnopqrstuvwxyz1", 2),
    ] {
        let found = problems(&json!({"name": name}).to_string());
        assert_eq!(found.len(), count, "{name}: {found:?}");
    }
}

#[test]
fn any_type_and_any_further_key_of_a_parameter_is_fine() {
    let text = json!({"name": "a", "actions": {"x": {"id": "x", "name": "GET_it now", "inputs": [
        {"id": "1", "name": "n", "type": "content-metadata", "display": true, "model": 5}]}}});
    assert_eq!(problems(&text.to_string()), Vec::<String>::new());
    let read = Definition::read(&text.to_string()).unwrap();
    assert_eq!(read.actions["x"].inputs[0].more["display"], json!(true));
}

#[test]
fn what_is_not_json_is_one_violation() {
    for text in ["", "oops", "[", "\"a\": ..."] {
        assert_eq!(problems(text).len(), 1, "{text}");
    }
    assert_eq!(
        problems("[]"),
        ["#: expected type: JSONObject, found: JSONArray"]
    );
}

#[test]
fn the_engine_passes_over_what_it_does_not_know() {
    let text = r#"{"id": null, "name": "Constants Connector", "icon": "i", "actions": null,
                   "config": [{"name": "A", "required": "true", "secure": null}]}"#;
    let read = Definition::read(text).unwrap();
    assert!(read.config[0].required && read.actions.is_empty());
}

#[test]
fn the_engine_refuses_no_name_a_dot_and_two_of_one_name() {
    assert_eq!(Definition::read("{}"), Err(Unreadable::NoName));
    assert_eq!(
        Definition::read(r#"{"name": "a.b"}"#),
        Err(Unreadable::Dot("a.b".to_owned()))
    );
    let one = Definition::read(r#"{"name": "a"}"#).unwrap();
    let twice = [one.clone(), one];
    assert_eq!(Definition::distinct(&twice[..1]), Ok(()));
    assert!(Definition::distinct(&twice).is_err());
}
