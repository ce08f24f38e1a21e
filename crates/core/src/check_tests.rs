use schemars::JsonSchema;
use serde::Deserialize;

use super::*;
use crate::manifest::Safety;

#[derive(JsonSchema, Deserialize)]
#[expect(dead_code)]
struct Wants {
    url: String,
    headers: Option<std::collections::BTreeMap<String, Json>>,
    attempts: Option<i64>,
    ratio: Option<f64>,
    follow: Option<bool>,
    mode: Option<Mode>,
    data: Option<Json>,
}

#[derive(JsonSchema, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Json,
    Form,
}

fn check(arguments: &str) -> Result<Arguments, Failure> {
    let arguments = Arguments::parse(arguments.to_owned().into()).unwrap();
    Command::of::<Wants>("Wants", Safety::ReadOnly).check(arguments)
}

fn value(arguments: &str, name: &str) -> Option<String> {
    let arguments = check(arguments).unwrap();
    arguments
        .get(name)
        .map(|json| String::from_utf8(json.as_bytes().to_vec()).unwrap())
}

#[test]
fn one_message_names_every_mistake() {
    let failure = check(r#"{"heders": {}, "attempts": "abc", "mode": "xml", "ratio": []}"#);
    let message = failure.unwrap_err().message;
    for part in [
        "missing parameter 'url'",
        "unknown parameter 'heders' (did you mean 'headers'?)",
        "parameter 'attempts' must be an integer, not text",
        r#"parameter 'mode' must be one of "json", "form""#,
        "parameter 'ratio' must be a number, not a list",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

#[test]
fn the_value_of_a_mistake_is_never_shown() {
    let failure = check(r#"{"url": {"k": "hunter2"}, "attempts": "hunter2"}"#).unwrap_err();
    assert!(!failure.message.contains("hunter2"));
}

#[test]
fn numbers_and_booleans_may_come_as_text() {
    assert_eq!(
        value(r#"{"url": "x", "attempts": " 5 "}"#, "attempts").unwrap(),
        "5"
    );
    assert_eq!(
        value(r#"{"url": "x", "attempts": 5.0}"#, "attempts").unwrap(),
        "5"
    );
    assert_eq!(
        value(r#"{"url": "x", "ratio": "0.5"}"#, "ratio").unwrap(),
        "0.5"
    );
    for (sent, meant) in [(r#""True""#, "true"), (r#""0""#, "false"), ("1", "true")] {
        let arguments = format!(r#"{{"url": "x", "follow": {sent}}}"#);
        assert_eq!(value(&arguments, "follow").unwrap(), meant, "{sent}");
    }
}

#[test]
fn a_number_may_stand_where_text_is_meant() {
    assert_eq!(value(r#"{"url": 12.50}"#, "url").unwrap(), r#""12.50""#);
    assert_eq!(value(r#"{"url": true}"#, "url").unwrap(), r#""true""#);
}

#[test]
fn json_text_may_stand_where_an_object_is_meant() {
    let arguments = r#"{"url": "x", "headers": " {\"a\": 1}"}"#;
    assert_eq!(value(arguments, "headers").unwrap(), r#"{"a": 1}"#);
    assert!(check(r#"{"url": "x", "headers": "{broken"}"#).is_err());
}

#[test]
fn an_absent_option_may_be_empty_text_or_null() {
    for sent in ["null", r#""""#] {
        for name in ["headers", "attempts", "follow", "mode", "data"] {
            let arguments = format!(r#"{{"url": "x", "{name}": {sent}}}"#);
            assert_eq!(value(&arguments, name), None, "{name} = {sent}");
        }
    }
    assert!(check(r#"{"url": null}"#).is_err());
    assert_eq!(value(r#"{"url": ""}"#, "url").unwrap(), r#""""#);
}

#[test]
fn a_parameter_of_any_type_is_left_as_it_was_sent() {
    assert_eq!(
        value(r#"{"url": "x", "data": "{\"a\":1}"}"#, "data").unwrap(),
        r#""{\"a\":1}""#
    );
}

#[test]
fn an_integer_beyond_the_range_is_a_mistake() {
    assert!(check(r#"{"url": "x", "attempts": 1e300}"#).is_err());
    assert!(check(r#"{"url": "x", "attempts": 99999999999999999999}"#).is_err());
    assert!(check(r#"{"url": "x", "attempts": 1.5}"#).is_err());
}

#[test]
fn an_open_command_takes_what_it_does_not_list() {
    let mut command = Command::of::<Wants>("Wants", Safety::ReadOnly);
    command.open = true;
    let arguments = Arguments::parse(r#"{"url": "x", "more": 1}"#.into()).unwrap();
    assert!(command.check(arguments).unwrap().get("more").is_some());
}

#[test]
fn without_coercion_values_stay_as_they_were_sent() {
    let mut command = Command::of::<Wants>("Wants", Safety::ReadOnly);
    command.coerce = false;
    let sent = Arguments::parse(r#"{"url": 5, "attempts": "", "mode": null}"#.into()).unwrap();
    assert_eq!(command.check(sent.clone()).unwrap(), sent);
}

#[test]
fn a_text_with_a_lone_surrogate_is_a_mistake_not_a_crash() {
    assert!(check(r#"{"url": "x", "attempts": "\ud800"}"#).is_err());
}

#[test]
fn a_huge_unknown_name_is_shortened() {
    let failure = check(&format!(r#"{{"url": "x", "{}": 1}}"#, "n".repeat(100_000)));
    assert!(failure.unwrap_err().message.len() < 500);
}

#[test]
fn what_a_profile_supplies_counts_as_given_and_blank_values_make_room_for_it() {
    let command = Command::of::<Wants>("Wants", Safety::ReadOnly);
    let supplied = |name: &str| matches!(name, "url" | "attempts");
    for blank in [
        r#"{}"#,
        r#"{"url": "", "attempts": null}"#,
        r#"{"url": null}"#,
    ] {
        let arguments = Arguments::parse(blank.into()).unwrap();
        let checked = command.check_beside(arguments.clone(), &supplied).unwrap();
        assert_eq!(checked.iter().count(), 0, "{blank}");
        assert!(blank != "{}" || command.check_each(arguments).is_err());
    }
    let given = Arguments::parse(r#"{"url": "x", "attempts": "5"}"#.into()).unwrap();
    let checked = command.check_beside(given, &supplied).unwrap();
    assert_eq!(checked.get("attempts").unwrap().as_bytes(), b"5");
}

#[test]
fn a_single_value_is_fitted_as_an_argument_is() {
    let command = Command::of::<Wants>("Wants", Safety::ReadOnly);
    let fit = |name: &str, json: &'static str| {
        let parameter = command.parameter(name).unwrap();
        parameter.fit(&Json::parse(json).unwrap())
    };
    assert_eq!(fit("attempts", r#""5""#).unwrap().unwrap().as_bytes(), b"5");
    assert_eq!(fit("attempts", r#""""#), Ok(None));
    let clause = fit("attempts", r#""abc""#).unwrap_err();
    assert_eq!(clause, "must be an integer, not text");
}
