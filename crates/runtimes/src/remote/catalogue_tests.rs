use crosspoint_core::{Parameter, Type};
use crosspoint_net::Http;
use serde_json::json;

use super::*;
use crate::Idempotent;

fn proxy() -> Proxy {
    let http = Http::new(crosspoint_net::Settings::default()).unwrap();
    let mut proxy = Proxy::new("branch", "http://h:7004", None, http).unwrap();
    proxy.instance = "me".into();
    proxy
}

fn listed(catalogue: Value) -> Listed {
    read(catalogue.to_string().as_bytes(), None, &proxy()).unwrap()
}

fn names(listed: &Listed) -> Vec<String> {
    let connectors = listed.connectors.iter();
    let names = connectors.flat_map(|offered| {
        let commands = offered.manifest.commands.iter();
        commands.map(move |command| format!("{}/{}", offered.manifest.name, command.name))
    });
    names.collect()
}

#[test]
fn a_catalogue_by_the_letter_gives_its_connectors_and_no_note() {
    let listed = listed(json!([
        {"id": "http/Get", "parameters": [
            {"id": "headers", "type": "any", "required": false},
            {"id": "url", "type": "str", "required": true},
            {"id": "token", "type": "str", "required": false}]},
        {"id": "smtp/Send", "parameters": []},
        {"id": "http/Post", "parameters": []},
    ]));
    assert_eq!(names(&listed), ["http/Get", "http/Post", "smtp/Send"]);
    assert_eq!(listed.notes, [""; 0]);
    let get = &listed.connectors[0].manifest.commands[0];
    assert!(get.open && !get.coerce && get.safety == Safety::Effectful);
    let shape = |p: &Parameter| (p.name.clone(), p.spiff_type(), p.required, p.secret);
    assert_eq!(
        get.parameters.iter().map(shape).collect::<Vec<_>>(),
        [
            ("url".to_owned(), "str", true, false),
            ("headers".to_owned(), "any", false, false),
            ("token".to_owned(), "str", false, true),
        ]
    );
}

#[test]
fn what_another_crosspoint_adds_is_taken_over() {
    let listed = listed(
        json!([{"id": "x/Y", "description": "Reads.", "safety": "read-only",
        "via": ["one", "two"],
        "parameters": [{"id": "n", "type": "int", "required": false, "secret": true,
            "schema": {"type": "integer", "minimum": 1}, "default": 5}]}]),
    );
    let command = &listed.connectors[0].manifest.commands[0];
    assert_eq!(
        (&*command.description, command.safety),
        ("Reads.", Safety::ReadOnly)
    );
    let n = &command.parameters[0];
    let schema: Value = n.schema.read().unwrap();
    assert!(n.secret && schema["minimum"] == 1 && n.default() == Some(&json!(5)));
    assert_eq!(listed.connectors[0].via, ["one", "two"]);
}

#[test]
fn what_does_not_keep_to_the_protocol_is_tolerated_and_named() {
    let odd = listed(json!({"commands": [
        {"id": "a/B", "parameters": [{"id": "d", "type": "dict", "required": "true"}]},
        {"id": "a/C", "parameters": {"n": {"type": "integer"}}},
        {"id": "a/D", "parameters": 7},
        {"id": "a/B"},
        {"id": "a/b/c"}, {"id": "nothing"}, {"id": "größe/X"}, {"id": "a/"}, {"id": "a/."}, {"id": "a/.."},
        {"id": 5}, "text",
        {"id": "a/E", "parameters": [{"type": "str"}, {"id": "x"}, {"id": "x"}]},
    ]}));
    assert_eq!(names(&odd), ["a/B", "a/C", "a/D", "a/E"]);
    let notes = odd.notes.join("\n");
    for clause in [
        "the catalogue is an object in place of a list",
        "types are none of str, int, bool and any, and read as what they seem to mean (dict in \
         a/B, integer in a/C)",
        "'required' is no boolean (a/B)",
        "parameters are an object in place of a list (a/C)",
        "parameters are no list, and passed over (a/D)",
        "commands that are listed twice count once (a/B)",
        "commands whose id is not connector/Command are left out (6 in all, such as a/b/c, \
         nothing, größe/X)",
        "commands without an id are left out",
        "parameters without a usable id are passed over (a/E)",
        "parameters that are listed twice, or too many, are passed over (a/E)",
    ] {
        assert!(notes.contains(clause), "{clause} is not in\n{notes}");
    }
    let commands = &odd.connectors[0].manifest.commands;
    assert_eq!(commands[0].parameters[0].types, [Type::Object]);
    assert!(commands[0].parameters[0].required);
    assert_eq!(commands[1].parameters[0].types, [Type::Integer]);
    let by_id = listed(json!({"a/B": {"parameters": []}}));
    assert_eq!(names(&by_id), ["a/B"]);
}

#[test]
fn what_is_no_catalogue_is_said() {
    for (body, clause) in [
        ("<!doctype html><p>Welcome", "a web page"),
        ("", "with nothing"),
        ("{\"error\": \"Unauthorized\"}", "an object that is no list"),
        ("{}", "an object that is no list"),
        ("7", "JSON that is no list"),
        ("oops", "something that is no JSON"),
    ] {
        let error = read(body.as_bytes(), None, &proxy()).err().unwrap();
        assert!(error.contains(clause), "{body}: {error}");
    }
    let deep = "[".repeat(100_000);
    assert!(read(deep.as_bytes(), None, &proxy()).is_err());
}

#[test]
fn some_connectors_are_mounted_and_missing_ones_are_named() {
    let mut proxy = proxy();
    proxy.settings.only = vec!["smtp".into(), "htpp".into()];
    proxy.settings.idempotent = Idempotent::Commands(vec!["smtp/Send".into()]);
    let catalogue = json!([{"id": "http/Get"}, {"id": "smtp/Send"}]).to_string();
    let listed = read(catalogue.as_bytes(), Some("them"), &proxy).unwrap();
    assert_eq!(names(&listed), ["smtp/Send"]);
    assert_eq!(listed.notes, ["has no connector 'htpp'; it has http"]);
    let smtp = &listed.connectors[0];
    assert_eq!(smtp.manifest.commands[0].safety, Safety::Idempotent);
    assert_eq!(smtp.via, ["them"]);
}

#[test]
fn connectors_that_come_from_here_are_left_out() {
    let listed = listed(json!([
        {"id": "b_a_http/Get", "via": ["x", "me"]},
        {"id": "http/Get"},
    ]));
    assert_eq!(names(&listed), ["http/Get"]);
    assert_eq!(
        listed.notes,
        ["connectors that come from here are left out (b_a_http)"]
    );
}

#[test]
fn a_catalogue_without_end_is_cut() {
    let many: Vec<_> = (0..10_500)
        .map(|n| json!({"id": format!("c/X{n}")}))
        .collect();
    let listed = listed(many.into());
    assert_eq!(listed.connectors[0].manifest.commands.len(), 10_000);
    assert_eq!(
        listed.notes,
        ["of more than 10,000 commands the first 10,000 count"]
    );
}
