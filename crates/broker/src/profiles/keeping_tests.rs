use crosspoint_core::{Parameter, Secret};
use serde_json::json;

use super::*;
use crate::cabinet::Memory;

fn fields() -> Fields {
    let field = |name: &str, schema: Value| Parameter::new(name, false, &schema);
    Fields {
        declared: vec![
            field("url", json!({"type": "string"})),
            field("port", json!({"type": "integer"})),
            field("token", json!({"type": "string", "writeOnly": true})),
        ],
        ..Fields::default()
    }
}

fn id(text: &str) -> ProfileId {
    text.parse().unwrap()
}

fn change(settings: &[(&str, Value)], secrets: &[(&str, &str)]) -> Change {
    let source = |text: &str| {
        Source::of_reference(text).unwrap_or_else(|| Source::Value(Secret::new(text.to_owned())))
    };
    let settings = settings.iter().cloned();
    Change {
        settings: settings
            .map(|(name, value)| (name.to_owned(), Some(value)))
            .collect(),
        secrets: secrets
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Some(source(text))))
            .collect(),
        ..Change::default()
    }
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    let (memory, fields) = (Memory::default(), fields());
    let about = About {
        fields: Some(&fields),
        ..About::default()
    };
    let prod = id("crm/prod");
    let first = change(&[("url", "https://h".into())], &[("token", "canary")]);
    assert!(keep(&memory, &about, &prod, first).await.unwrap().is_new);
    let second = Change {
        default: Some(true),
        ..change(&[("port", 5.into())], &[])
    };
    let kept = keep(&memory, &about, &prod, second).await.unwrap();
    assert!(!kept.is_new && kept.definition.default);
    let shown = Value::Object(kept.definition.shown());
    assert_eq!(shown["settings"], json!({"url": "https://h", "port": 5}));
    assert_eq!(shown["secrets"], json!({"token": "***"}));
    let third = Change {
        anew: true,
        ..change(&[], &[("token", "secret:crm")])
    };
    let kept = keep(&memory, &about, &prod, third).await.unwrap();
    let shown = Value::Object(kept.definition.shown());
    assert_eq!(
        (&shown["settings"], &shown["default"]),
        (&json!({}), &json!(false))
    );
    assert_eq!(shown["secrets"], json!({"token": "secret:crm"}));
    let (all, _) = all(&memory).await.unwrap();
    assert_eq!(all, [kept.definition]);
}

#[tokio::test]
async fn every_mistake_is_told_at_once_and_nothing_is_kept() {
    let (memory, fields) = (Memory::default(), fields());
    let about = About {
        fields: Some(&fields),
        auths: Some(vec!["main".to_owned()]),
        ..About::default()
    };
    let wrong = Change {
        auth: Some(Some("mian".to_owned())),
        ..change(
            &[
                ("port", "x".into()),
                ("token", "canary".into()),
                ("urls", 1.into()),
            ],
            &[("url", "canary"), ("tokn", "secret:a b")],
        )
    };
    let error = keep(&memory, &about, &id("crm/prod"), wrong)
        .await
        .unwrap_err();
    let text = error.to_string();
    for told in [
        "field 'port'",
        "field 'token' is a secret",
        "field 'urls' is not known; did you mean 'url'?",
        "field 'url' is no secret",
        "field 'tokn' is not known",
        "there is no auth 'mian'; there is main",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(all(&memory).await.unwrap().0, []);
}

#[tokio::test]
async fn there_is_one_default_and_the_file_is_left_alone() {
    let memory = Memory::default();
    let mut own = Definition::new(id("crm/file"), Written::File);
    let file = [own.clone()];
    let about = About {
        file: &file,
        ..About::default()
    };
    let default = || Change {
        default: Some(true),
        ..Change::default()
    };
    keep(&memory, &about, &id("crm/a"), default())
        .await
        .unwrap();
    keep(&memory, &about, &id("crm/a"), default())
        .await
        .unwrap();
    keep(&memory, &about, &id("shop/a"), default())
        .await
        .unwrap();
    let error = keep(&memory, &about, &id("crm/b"), default())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is crm/a already; first: crosspoint profile set crm/a"),
        "{error}"
    );
    let covered = keep(&memory, &about, &id("crm/file"), Change::default()).await;
    assert!(!covered.unwrap().counts);
    own.default = true;
    let file = [own];
    let about = About {
        file: &file,
        ..About::default()
    };
    let error = keep(&memory, &about, &id("crm/a"), default())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("out of the configuration file"),
        "{error}"
    );

    remove(&memory, &file, &id("crm/a")).await.unwrap();
    let again = remove(&memory, &file, &id("crm/a")).await.unwrap_err();
    assert_eq!(again, NotChanged::Missing(id("crm/a")));
    remove(&memory, &file, &id("crm/file")).await.unwrap();
    let own = remove(&memory, &file, &id("crm/file")).await.unwrap_err();
    assert_eq!(own, NotChanged::InFile(id("crm/file")));
}
