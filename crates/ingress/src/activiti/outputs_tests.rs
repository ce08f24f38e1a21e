use serde_json::json;

use super::*;

fn outcome(body: Value) -> Outcome {
    Outcome::json(body.into())
}

fn all(outcome: &Outcome) -> Value {
    Value::Object(outputs(outcome, &[], Expressions::Refuse).unwrap().all)
}

fn from(name: &str, source: &str) -> Output {
    Output {
        source: Source::read(source).unwrap(),
        ..Output::named(name, None)
    }
}

#[test]
fn without_a_definition_each_field_is_an_output_beside_the_whole() {
    let found = all(&outcome(json!({"id": 5, "name": null, "ok": true})));
    assert_eq!(
        found,
        json!({
            "result": {"type": "json", "value": "{\"id\":5,\"name\":null,\"ok\":true}"},
            "status": {"type": "integer", "value": "200"},
            "id": {"type": "integer", "value": "5"},
            "ok": {"type": "boolean", "value": "true"},
        })
    );
}

#[test]
fn result_and_status_are_what_exported_definitions_promise_whatever_the_body_has() {
    let outcome = outcome(json!({"status": "ok", "result": [1], "id": 5}));
    let own = [
        Output::named("status", Some("integer")),
        Output::named("result", Some("json")),
    ];
    for declared in [&[][..], &own] {
        let found = outputs(&outcome, declared, Expressions::Refuse).unwrap();
        assert_eq!(
            found.all["status"],
            json!({"type": "integer", "value": "200"})
        );
        assert_eq!(
            found.all["result"]["value"],
            json!(r#"{"status":"ok","result":[1],"id":5}"#)
        );
        assert_eq!(found.misfits, [""; 0]);
    }
    // A definition of somebody else's says where its fields are.
    let theirs = [from("status", "status"), from("result", "result")];
    let found = outputs(&outcome, &theirs, Expressions::Refuse).unwrap().all;
    assert_eq!(found["status"], json!({"type": "string", "value": "ok"}));
    assert_eq!(found["result"]["value"], json!("[1]"));
}

#[test]
fn an_output_that_is_not_of_its_type_is_sent_as_what_it_is_and_named() {
    let outcome = outcome(json!({"verb": "GET", "n": 5, "none": null}));
    let declared = ["verb", "n", "none"].map(|name| Output::named(name, Some("integer")));
    let found = outputs(&outcome, &declared, Expressions::Refuse).unwrap();
    assert_eq!(found.all["verb"], json!({"type": "string", "value": "GET"}));
    assert_eq!(found.misfits, ["'verb' is declared integer, and is string"]);
}

#[test]
fn what_is_no_object_is_one_output() {
    assert_eq!(
        all(&outcome(json!([1])))["result"],
        json!({"type": "json", "value": "[1]"})
    );
    let text = all(&Outcome::text("hi"));
    assert_eq!(text["result"], json!({"type": "string", "value": "hi"}));
    let bytes = Outcome::new(Body::Bytes(vec![1, 2].into()), "image/png");
    assert_eq!(all(&bytes)["result"]["value"], json!("AQI="));
    assert!(all(&outcome(json!(null))).get("result").is_none());
}

#[test]
fn a_definition_says_which_outputs_there_are_and_of_which_type() {
    let mut outcome = outcome(json!({
        "total": 10, "data": {"items": [{"id": "a"}, {"id": "b"}]}, "e.error": "x", "extra": 1}));
    outcome.headers.push(("x-a".to_owned(), "1".to_owned()));
    let declared = [
        Output::named("total", Some("bigdecimal")),
        from("second", "data.items.1.id"),
        from("missing", "data.items.5.id"),
        Output::named("e.error", Some("string")),
        Output::named("status", Some("integer")),
        from("headers", "@headers"),
        from("all", "@body"),
        from("code", "@status"),
        Output::named("absent", None),
    ];
    let found = outputs(&outcome, &declared, Expressions::Refuse)
        .unwrap()
        .all;
    assert_eq!(found["total"], json!({"type": "bigdecimal", "value": "10"}));
    assert_eq!(found["second"], json!({"type": "string", "value": "b"}));
    assert_eq!(found["e.error"]["value"], json!("x"));
    assert_eq!(found["status"]["value"], json!("200"));
    assert_eq!(found["headers"]["value"], json!(r#"{"x-a":"1"}"#));
    assert_eq!((found.len(), &found["code"]), (7, &found["status"]));
}

#[test]
fn what_an_engine_would_not_take_is_refused_by_name_or_made_harmless() {
    let outcome = outcome(
        json!({"page": "a ${x} b", "deep": {"l": ["${y}"]}, "fine": "$x", "list": ["${z}"]}),
    );
    let refused = outputs(&outcome, &[], Expressions::Refuse).unwrap_err();
    assert_eq!(refused, "'result', 'page', 'deep'");
    let found = outputs(&outcome, &[], Expressions::Escape).unwrap().all;
    assert_eq!(found["page"]["value"], json!("a $ {x} b"));
    assert_eq!(found["deep"]["value"], json!(r#"{"l":["$ {y}"]}"#));
    assert_eq!(
        found["list"],
        json!({"type": "json", "value": "[\"${z}\"]"})
    );
    let declared = [Output::named("fine", None)];
    assert_eq!(
        outputs(&outcome, &declared, Expressions::Refuse)
            .unwrap()
            .all
            .len(),
        1
    );
}

#[test]
fn an_object_that_is_sent_as_a_text_is_refused_for_its_names_as_well() {
    for body in [
        json!({"o": {"${x}": 1}}),
        json!({"o": {"a": "${x", "b": "y"}}),
    ] {
        let outcome = outcome(body);
        let as_text = [Output::named("o", Some("string"))];
        let refused = outputs(&outcome, &as_text, Expressions::Refuse).unwrap_err();
        assert_eq!(refused, "'o'");
        let found = outputs(&outcome, &as_text, Expressions::Escape)
            .unwrap()
            .all;
        let text = found["o"]["value"].as_str().unwrap();
        assert!(text.contains("$ {x") && !text.contains("${"), "{text}");
        // Engines parse what is of type json, and look at no name in it.
        let as_json = [Output::named("o", Some("json"))];
        assert!(outputs(&outcome, &as_json, Expressions::Refuse).is_ok());
    }
}

#[test]
fn a_source_is_a_part_of_the_outcome_or_a_path() {
    assert_eq!(Source::read("@status"), Some(Source::Status));
    assert_eq!(
        Source::read("a.0"),
        Some(Source::Field(vec!["a".to_owned(), "0".to_owned()]))
    );
    for text in ["@oops", "", "a..b", "."] {
        assert_eq!(Source::read(text), None, "{text}");
    }
}
