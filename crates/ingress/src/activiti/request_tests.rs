use serde_json::json;

use super::*;

const GOLDEN: &str = include_str!("golden/request.json");

fn read(text: &str) -> Result<Request, Unusable> {
    Request::read(Bytes::copy_from_slice(text.as_bytes()), None)
}

fn parameter(name: &str) -> Parameter {
    Parameter::new(name, false, &json!({}))
}

#[test]
fn the_golden_request_becomes_a_call() {
    let request = read(GOLDEN).unwrap();
    let known = [
        parameter("movieName"),
        parameter("limit"),
        parameter("headers"),
    ];
    let inputs = request.inputs(&known, false, &[]).unwrap();
    assert_eq!(inputs.dropped, ["since"]);
    let call = request.call(CommandId::new("movies", "x"), inputs.arguments, true);
    let text =
        |name: &str| String::from_utf8(call.arguments.get(name).unwrap().as_bytes().to_vec());
    assert_eq!(text("movieName").unwrap(), r#""The Lord of The Rings""#);
    assert_eq!(text("limit").unwrap(), "5");
    assert_eq!(text("headers").unwrap(), r#"{"Accept":"application/json"}"#);
    assert_eq!(
        call.key.as_deref(),
        Some("1f0d6c7e-0a55-4a53-9a58-6f6b6a3f8a11")
    );
    assert_eq!(call.origin.ingress, Ingress::Activiti);
    assert_eq!(call.origin.caller.as_deref(), Some("rb"));
    assert_eq!(call.origin.model.as_deref(), Some("RankMovieId"));
    assert_eq!(call.origin.task.as_deref(), Some("Task_1spvopd"));
    assert!(call.origin.instance.is_some() && request.is_whole);
    assert_eq!(
        request.call(call.command, Arguments::default(), false).key,
        None
    );
}

#[test]
fn a_variable_may_be_meant_for_a_parameter_of_another_name() {
    let renamed = [("movieName".to_owned(), "title".to_owned())];
    let inputs = read(GOLDEN)
        .unwrap()
        .inputs(&[parameter("title")], false, &renamed)
        .unwrap();
    assert!(inputs.arguments.get("title").is_some() && inputs.dropped.len() == 3);
}

#[test]
fn an_open_command_gets_every_variable() {
    let inputs = read(GOLDEN).unwrap().inputs(&[], true, &[]).unwrap();
    assert_eq!(
        (inputs.arguments.iter().count(), inputs.dropped.len()),
        (4, 0)
    );
}

#[test]
fn everything_optional_may_be_missing_null_or_of_another_type() {
    for text in [
        r#"{"integrationContext": {"id": "i"}}"#,
        r#"{"integrationContext": {"id": "i", "executionId": null, "inBoundVariables": null}}"#,
        r#"{"integrationContext": {"id": "i", "clientId": {}}, "appName": [], "unheard": 1}"#,
    ] {
        let request = read(text).unwrap();
        assert!(!request.is_whole);
        assert_eq!(request.inputs(&[], true, &[]).unwrap(), Inputs::default());
        assert_eq!((request.id.as_str(), request.app_name), ("i", None));
    }
}

#[test]
fn what_cannot_be_answered_is_told_from_what_can() {
    for (text, part) in [
        ("oops", "not JSON"),
        ("", "not JSON"),
        ("[]", "integrationContext"),
        ("{}", "integrationContext"),
        (r#"{"integrationContext": null}"#, "integrationContext"),
        (r#"{"integrationContext": 5}"#, "no object"),
        (r#"{"integrationContext": {}}"#, "no id"),
        (r#"{"integrationContext": {"id": ""}}"#, "no id"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let deep = "[".repeat(1000);
    assert!(matches!(read(&deep), Err(Unusable::Json(_))));
    let bytes = Bytes::from_static(b"{\"integrationContext\": {\"id\": \"\xff\"}}");
    assert!(Request::read(bytes, None).is_err());
}

#[test]
fn the_id_may_be_in_the_header_alone() {
    let text = Bytes::from_static(br#"{"integrationContext": {"clientId": "t"}}"#);
    assert_eq!(Request::read(text, Some("h")).unwrap().id, "h");
}

#[test]
fn all_variables_that_cannot_be_read_are_named_and_the_unused_ones_are_not_looked_at() {
    let text = json!({"integrationContext": {"id": "i", "inBoundVariables": {
        "a": {"type": "integer", "value": "x"},
        "b": {"type": "unheard", "value": "y"},
        "c": {"type": "json", "value": "z"}}}});
    let request = read(&text.to_string()).unwrap();
    let told = request
        .inputs(&[parameter("a"), parameter("b")], false, &[])
        .unwrap_err();
    assert!(
        told.contains("'a'") && told.contains("'b'") && !told.contains("'c'"),
        "{told}"
    );
}

#[test]
fn versions_are_compared_as_numbers_and_others_let_through() {
    let of = |version: &str| {
        read(&json!({"integrationContext": {"id": "i"}, "appVersion": version}).to_string())
            .unwrap()
    };
    assert!(of("10").is_of_version(Some(2), Some(10)));
    assert!(!of("1").is_of_version(Some(2), None) && !of("11").is_of_version(None, Some(10)));
    assert!(of("latest").is_of_version(Some(2), Some(3)));
    assert!(of("5").is_of_version(None, None));
}
