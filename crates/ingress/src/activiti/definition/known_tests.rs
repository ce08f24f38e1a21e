//! Definitions in the shapes that Activiti's own examples and tests have: what each is odd in is kept,
//! the rest left out.

use serde_json::json;

use super::*;

fn problems(definition: &Value) -> Vec<String> {
    let found = check(&definition.to_string());
    found
        .iter()
        .map(|one| format!("{}: {}", one.path, one.problem))
        .collect()
}

fn read(definition: &Value) -> Definition {
    Definition::read(&definition.to_string()).unwrap()
}

fn parameter(name: &str, kind: &str) -> Value {
    json!({"id": format!("{name}-id"), "name": name, "type": kind})
}

/// `Movies.json`: a name with a capital, and the key of the action is its id and not its name.
fn movies() -> Value {
    json!({"id": "MoviesId", "name": "Movies", "description": "", "actions": {"getMovieDescId": {
        "id": "getMovieDescId", "name": "getMovieDesc",
        "inputs": [parameter("movieName", "string")],
        "outputs": [parameter("movieDescription", "string")]}}})
}

/// `connector-constants.json` and `connector-with-variable-mapping.json`: a name with a space, and
/// `required` as a text.
fn texts_for_booleans(name: &str, action: &str) -> Value {
    let mut output = parameter("out_variable_name_1", "string");
    output["required"] = json!("false");
    output["description"] = json!("");
    let mut input = parameter("input_variable_name_1", "string");
    input["required"] = json!(false);
    json!({"id": "anId", "name": name, "actions": {"anAction": {
        "id": "anAction", "name": action, "inputs": [input], "outputs": [output]}}})
}

/// `generate-signal-connector.json`: no id, parameters with models.
fn signal() -> Value {
    let with_model = |name: &str, kind: &str| {
        let mut parameter = parameter(name, kind);
        parameter["model"] = json!({"$ref": format!("#/$defs/primitive/{kind}")});
        parameter
    };
    json!({"name": "generate-signal-connector", "description": "", "actions": {"generate-signal": {
        "id": "generate-signal", "name": "GENERATE",
        "inputs": [with_model("signal", "string")],
        "outputs": [with_model("status", "boolean")]}}})
}

/// `restconnector.json` and `rest.json`: a template, and inputs of types that cannot be meant.
fn rest(name: &str, map: &str) -> Value {
    let mut url = parameter("restUrl", "string");
    url["required"] = json!(true);
    let action = |method: &str| {
        json!({"id": format!("{method}-id"), "name": method, "description": "", "inputs": [
            url, parameter("requestHeaders", map), parameter("timeout", "boolean"),
            parameter("circuitBreaker", "integer")],
            "outputs": [parameter("restResult", map), parameter("restStatus", "integer"),
                        parameter("restError", "string")]})
    };
    json!({"id": "connector-1", "name": name, "template": "restConnector",
           "actions": {"GET-id": action("GET"), "TRACE-id": action("TRACE")}})
}

#[test]
fn what_activiti_ships_is_read_as_the_engine_reads_it() {
    for (definition, implementation) in [
        (movies(), "Movies.getMovieDesc"),
        (
            texts_for_booleans("Constants Connector", "constantsActionName"),
            "Constants Connector.constantsActionName",
        ),
        (
            texts_for_booleans("Variable Mapping Connector", "variableMappingActionName"),
            "Variable Mapping Connector.variableMappingActionName",
        ),
        (signal(), "generate-signal-connector.GENERATE"),
        (rest("restconnector", "json"), "restconnector.GET"),
        (rest("rest", "string"), "rest.GET"),
    ] {
        let read = read(&definition);
        let action = read.actions.values().next().unwrap();
        assert_eq!(read.implementation(action), implementation);
        assert!(!action.inputs.is_empty() && !action.outputs.is_empty());
        assert!(!action.outputs[0].required, "{implementation}");
        // What is written passes both ways again.
        assert_eq!(Definition::read(&read.text()).unwrap(), read);
    }
    let signal = read(&signal());
    let input = &signal.actions["generate-signal"].inputs[0];
    assert_eq!(
        input.more["model"],
        json!({"$ref": "#/$defs/primitive/string"})
    );
    let rest = read(&rest("rest", "string"));
    assert_eq!(rest.template.as_deref(), Some("restConnector"));
    assert!(rest.actions["GET-id"].inputs[0].required);
}

#[test]
fn the_modelling_service_takes_some_of_it_and_says_what_it_does_not_take() {
    let pattern = "does not match pattern ^[a-z]([-a-z0-9]{0,24}[a-z0-9])?$";
    assert_eq!(
        problems(&movies()),
        [format!("#/name: string [Movies] {pattern}")]
    );
    assert_eq!(
        problems(&texts_for_booleans("Constants Connector", "x")),
        [
            format!("#/name: string [Constants Connector] {pattern}"),
            "#/actions/anAction/outputs/0/required: expected type: Boolean, found: String"
                .to_owned(),
        ]
    );
    for definition in [
        signal(),
        rest("restconnector", "json"),
        rest("rest", "string"),
    ] {
        assert_eq!(problems(&definition), Vec::<String>::new());
    }
}

#[test]
fn each_mistake_has_the_words_of_the_modelling_service() {
    let action = |action: Value| json!({"name": "a", "actions": {"x": action}});
    let pattern = "does not match pattern ^[a-z]([-a-z0-9]{0,24}[a-z0-9])?$";
    let long = "a".repeat(27);
    for (definition, expected) in [
        (
            json!({"name": "a", "icon": "i"}),
            vec!["#: extraneous key [icon] is not permitted".to_owned()],
        ),
        (
            action(json!({"id": "1", "name": "n", "input": [], "output": []})),
            vec![
                "#/actions/x: extraneous key [input] is not permitted".to_owned(),
                "#/actions/x: extraneous key [output] is not permitted".to_owned(),
            ],
        ),
        (
            action(json!({"name": "n"})),
            vec!["#/actions/x: required key [id] not found".to_owned()],
        ),
        (
            action(json!({"id": "1"})),
            vec!["#/actions/x: required key [name] not found".to_owned()],
        ),
        (
            action(json!({"id": "", "name": ""})),
            vec![
                "#/actions/x/id: expected minLength: 1, actual: 0".to_owned(),
                "#/actions/x/name: expected minLength: 1, actual: 0".to_owned(),
            ],
        ),
        (
            json!({}),
            vec!["#: required key [name] not found".to_owned()],
        ),
        (
            json!({"name": ""}),
            vec![
                "#/name: expected minLength: 1, actual: 0".to_owned(),
                format!("#/name: string [] {pattern}"),
            ],
        ),
        (
            json!({"name": long}),
            vec![
                "#/name: expected maxLength: 26, actual: 27".to_owned(),
                format!("#/name: string [{long}] {pattern}"),
            ],
        ),
        (
            json!({"name": "a_b"}),
            vec![format!("#/name: string [a_b] {pattern}")],
        ),
        (
            json!({"name": "Ab"}),
            vec![format!("#/name: string [Ab] {pattern}")],
        ),
        (
            json!({"name": "a", "config": [{"name": "A", "secure": true, "value": "1"},
                                           {"name": "B", "value": true}]}),
            vec!["#/config/1/value: expected type: String, found: Boolean".to_owned()],
        ),
        (
            json!({"name": "a", "config": [{"name": "A", "more": 1}], "errors": [{"name": "E", "more": 1}]}),
            vec![
                "#/config/0: extraneous key [more] is not permitted".to_owned(),
                "#/errors/0: extraneous key [more] is not permitted".to_owned(),
            ],
        ),
    ] {
        assert_eq!(problems(&definition), expected, "{definition}");
    }
}
