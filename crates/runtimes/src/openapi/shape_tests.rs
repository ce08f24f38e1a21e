use serde_json::json;

use super::*;

fn document() -> Document {
    Document::read(b"openapi: 3.1.0").unwrap()
}

fn read(shape: Value) -> Result<Option<Shape>, String> {
    Shape::read(&document(), &json!({ "x-crosspoint-result": shape }))
}

/// What becomes of an answer.
fn shaped(shape: Value, answer: &'static str) -> String {
    let shape = read(shape).unwrap().unwrap();
    let answer = shape.apply(Json::parse(answer).unwrap());
    String::from_utf8(answer.as_bytes().to_vec()).unwrap()
}

fn pay() -> Value {
    json!({"match": {"pay": r"^(?<amount>\S+) (?<currency>\S+)( (?<per>\S+))?$"}})
}

#[test]
fn named_groups_become_members_beside_the_text_and_all_else_stays_as_spelled() {
    assert_eq!(
        shaped(
            pay(),
            " {\"z\": 1.50,\n \"pay\":\"65 \\u20ac\", \"a\": [1e2]\n} "
        ),
        "{\"z\": 1.50,\n \"pay\":\"65 \\u20ac\", \"a\": [1e2],\"amount\":\"65\",\"currency\":\"€\"}"
    );
    assert_eq!(
        shaped(pay(), r#"{"pay":"\"1\" USD year"}"#),
        r#"{"pay":"\"1\" USD year","amount":"\"1\"","currency":"USD","per":"year"}"#
    );
}

#[test]
fn what_does_not_match_stays_as_it_is() {
    for answer in [
        r#"{"pay": "65000"}"#,
        r#"{"pay": 5}"#,
        r#"{"pay": {"pay": "1 USD"}}"#,
        r#"{"pay": "\ud800 x"}"#,
        r#"{"\ud800": 1, "pay": "1 USD"}"#,
        r#"{"other": 1}"#,
        "{}",
        r#"["1 USD"]"#,
        r#""1 USD""#,
        "null",
    ] {
        assert_eq!(shaped(pay(), answer), answer);
    }
    let long = format!("{} USD", "1".repeat(LONGEST_TEXT));
    let answer = json!({ "pay": long }).to_string();
    let shape = read(pay()).unwrap().unwrap();
    let unshaped = Json::parse(answer).unwrap();
    assert_eq!(shape.apply(unshaped.clone()), unshaped);
}

#[test]
fn nothing_takes_the_place_of_a_member_that_is_there() {
    assert_eq!(
        shaped(pay(), r#"{"pay":"1 USD","amount":2}"#),
        r#"{"pay":"1 USD","amount":2,"currency":"USD"}"#
    );
    let two = json!({"match": {"a": "(?<x>.+)", "b": "(?<x>.+)"}, "with": {"x": 0, "y": 0}});
    assert_eq!(
        shaped(two, r#"{"b":"B","a":"A"}"#),
        r#"{"b":"B","a":"A","x":"A","y":0}"#
    );
}

#[test]
fn an_answer_becomes_a_member_beside_constants() {
    let shape = || json!({"within": "answer", "with": {"auth": "x/y", "n": [1]}});
    assert_eq!(
        shaped(shape(), r#"{"a": 1.0}"#),
        r#"{"answer":{"a": 1.0},"auth":"x/y","n":[1]}"#
    );
    assert_eq!(
        shaped(shape(), "[1]"),
        r#"{"answer":[1],"auth":"x/y","n":[1]}"#
    );
    assert_eq!(
        shaped(json!({"within": "a\"b"}), "null"),
        r#"{"a\"b":null}"#
    );
    let mut both = pay();
    both["within"] = "answer".into();
    assert_eq!(
        shaped(both, r#"{"pay":"1 USD"}"#),
        r#"{"answer":{"pay":"1 USD","amount":"1","currency":"USD"}}"#
    );
}

#[test]
fn constants_alone_stand_in_an_object_and_nowhere_else() {
    let shape = || json!({"with": {"auth": "x/y"}});
    assert_eq!(shaped(shape(), r#"{"a":1}"#), r#"{"a":1,"auth":"x/y"}"#);
    assert_eq!(shaped(shape(), " { } "), r#"{"auth":"x/y"}"#);
    assert_eq!(shaped(shape(), "[1]"), "[1]");
    assert_eq!(shaped(json!({}), r#"{"a": 1}"#), r#"{"a": 1}"#);
}

#[test]
fn an_answer_that_would_be_nested_too_deep_stays_as_it_is() {
    let deep = "[".repeat(127) + &"]".repeat(127);
    let answer = Json::parse(deep).unwrap();
    let shape = read(json!({"within": "a"})).unwrap().unwrap();
    assert_eq!(shape.apply(answer.clone()), answer);
}

#[test]
fn a_wrong_shape_is_said() {
    for (shape, clause) in [
        (json!("x"), "it is no object"),
        (json!(null), "it is no object"),
        (
            json!({"map": 1}),
            "it has `map`, not `match`, `within` or `with`",
        ),
        (json!({"match": []}), "`match` is no object"),
        (json!({"match": {"a": 1}}), "`match` has what is no text"),
        (
            json!({"match": {"a": "(?<x>"}}),
            "no valid expression: unclosed group",
        ),
        (
            json!({"match": {"a": "(?<x>a)\\1"}}),
            "no valid expression: backreferences are not supported",
        ),
        (
            json!({"match": {"a": "(?<x>(\\w{1000}){1000})"}}),
            "size limit",
        ),
        (json!({"match": {"a": "(.)"}}), "without named groups"),
        (json!({"within": 1}), "`within` is no text"),
        (json!({"with": "x"}), "`with` is no object"),
        (
            json!({"within": "a", "with": {"a": 1}}),
            "`with` has the name that `within` gives",
        ),
    ] {
        let error = read(shape.clone()).unwrap_err();
        assert!(error.contains(clause), "{shape}: {error}");
    }
    assert!(Shape::read(&document(), &json!({})).unwrap().is_none());
}

#[test]
fn a_document_has_only_so_many_expressions() {
    let document = document();
    let operation = json!({"x-crosspoint-result": {"match": {"a": "(?<x>.)"}}});
    let read = || Shape::read(&document, &operation);
    let good = (0..1000).filter(|_| read().is_ok()).count();
    assert_eq!(good, 200);
    assert!(read().unwrap_err().contains("more expressions"));
}
