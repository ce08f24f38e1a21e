//! What values lead to, and what is shown of them.

use serde_json::json;

use super::*;

fn value(json: Json) -> Value {
    serde_json::from_value(json).unwrap()
}

fn secrets(name: &str, text: &str) -> Vec<String> {
    let env = Environment::from_iter([("NAME", "canary"), ("SHORT", "ab")]);
    let value = value(text.into());
    let secrets = value.secrets(name, &value.resolve(&env).unwrap());
    let texts = secrets.iter().map(|secret| secret.expose().clone());
    texts.collect()
}

#[test]
fn a_value_keeps_its_type() {
    let env = Environment::from_iter([("NAME", "two\nlines")]);
    for (written, resolved) in [
        (json!("text"), json!("text")),
        (json!(""), json!("")),
        (json!("env:NAME"), json!("two\nlines")),
        (json!(5), json!(5)),
        (json!(1.5), json!(1.5)),
        (json!(true), json!(true)),
    ] {
        assert_eq!(value(written).resolve(&env).unwrap(), resolved);
    }
}

#[test]
fn a_reference_that_leads_nowhere_is_named() {
    let env = Environment::from_iter([("EMPTY", ""), ("ZERO", "a\0b")]);
    for (text, why) in [
        ("env:NONE", "`env:NONE` is not set"),
        ("env:EMPTY", "`env:EMPTY` is empty"),
        ("env:ZERO", "`env:ZERO` holds a zero byte"),
        (
            "file:/nowhere",
            "`file:/nowhere` cannot be read: there is no such file",
        ),
    ] {
        assert_eq!(value(text.into()).resolve(&env).unwrap_err().why, why);
    }
}

#[test]
fn what_came_by_reference_or_under_a_sensitive_name_is_a_secret() {
    assert_eq!(secrets("URL", "env:NAME"), ["canary"]);
    assert_eq!(secrets("URL", "env:SHORT"), ["ab"]);
    assert_eq!(secrets("TOKEN", "canary"), ["canary"]);
    assert_eq!(
        secrets("DATABASE", "postgres://u:canary@h/d"),
        ["postgres://u:canary@h/d", "canary"]
    );
    assert!(secrets("URL", "https://host.example").is_empty());
}

#[test]
fn a_literal_that_any_text_may_hold_is_no_secret() {
    for text in ["", "abc", "true", "false"] {
        assert!(secrets("USE_TOKEN", text).is_empty(), "{text}");
    }
    let env = Environment::default();
    for json in [json!(3600), json!(true)] {
        let value = value(json);
        let resolved = value.resolve(&env).unwrap();
        assert!(value.secrets("token_age", &resolved).is_empty());
    }
}

#[test]
fn secrets_are_not_shown_and_references_are() {
    let values: Values = serde_json::from_value(json!({
        "CRM_URL": "https://crm.example",
        "CRM_TOKEN": "canary",
        "DATABASE": "postgres://u:canary@h/d",
        "PASSWORD": "env:PASSWORD",
        "RETRIES": 3,
    }))
    .unwrap();
    let shown = json!({
        "CRM_TOKEN": "***",
        "CRM_URL": "https://crm.example",
        "DATABASE": "***",
        "PASSWORD": "env:PASSWORD",
        "RETRIES": 3,
    });
    assert_eq!(serde_json::to_value(&values).unwrap(), shown);
    assert!(!format!("{values:?}").contains("canary"));
}

#[test]
fn a_text_that_cannot_be_meant_is_refused() {
    for (text, why) in [
        ("***", "`***` stands for a value that is not shown"),
        ("env:", "`env:` names no variable"),
        ("file: ", "`file:` names no file"),
        (
            "secret:a/b",
            "`secret:` names no secret: it takes letters, digits, `_`, `.` and `-`",
        ),
        ("a\0b", "a zero byte is in it"),
    ] {
        assert_eq!(text.parse::<Text>().err().unwrap().why, why);
    }
    for text in ["", "two\nlines", "env:NAME", "https://host.example"] {
        assert!(text.parse::<Text>().is_ok(), "{text}");
    }
}

#[test]
fn a_misspelled_reference_is_noticed() {
    let looks = |text: &str| value(text.into()).looks_like_a_reference();
    assert!(looks("ENV:NAME") && looks("evn:NAME") && looks("vault:a/b"));
    assert!(!looks("env:NAME") && !looks("https://a") && !looks("file:///a") && !looks("host:80"));
}
