//! Connectors with configuration parameters of their own.

use std::collections::HashMap;
use std::sync::Arc;

use crosspoint_core::Secret;
use serde_json::{Value, json};

use super::tests::{definition, fields, url, value};
use super::{ConfigurationParameter, Connections, Definition, Held, Variant, Wanted};

fn parameter(name: &str, default: Option<&str>) -> ConfigurationParameter {
    ConfigurationParameter {
        name: name.to_owned(),
        field: None,
        value: None,
        default: default.map(|text| Secret::new(text.to_owned())),
        required: false,
        secret: false,
    }
}

fn variant(name: &str, profile: Option<&str>, parameters: Vec<ConfigurationParameter>) -> Variant {
    Variant {
        connector: "crm".into(),
        name: name.into(),
        profile: profile.map(str::to_owned),
        parameters,
    }
}

fn connections(file: Vec<Definition>, variants: Vec<Variant>) -> Connections {
    Connections::default()
        .with_file(file)
        .with_variants(variants)
}

fn wanted(name: &str) -> Wanted<'_> {
    Wanted {
        variant: Some(name),
        ..Wanted::default()
    }
}

async fn values(held: &Held, name: &str) -> Value {
    let choice = held.choose(wanted(name), &|_| false).unwrap();
    let profile = choice.resolve(None).await.unwrap().profile;
    Value::Object(profile.values().clone())
}

fn held(connections: &Connections) -> Arc<Held> {
    connections.of(&"crm".into(), &fields(false))
}

#[tokio::test]
async fn a_parameter_is_the_profile_then_its_variable_then_the_default_of_the_definition() {
    let parameters = vec![
        parameter("URL", Some("https://default")),
        parameter("PORT", Some("1")),
        parameter("LIMIT", Some("2")),
    ];
    let prod = definition("crm/prod", url(), &[]);
    let connections = connections(vec![prod], vec![variant("v", None, parameters)]);
    let variables = HashMap::from([
        ("PORT".to_owned(), "3".to_owned()),
        ("URL".to_owned(), "https://environment".to_owned()),
    ]);
    let held = held(&connections.with_environment(variables));
    assert_eq!(
        values(&held, "v").await,
        json!({"url": "https://h", "port": 3, "limit": 2})
    );
    // Other calls do not see them, nor do those of a variant that nobody knows.
    assert_eq!(
        values(&held, "gone").await,
        json!({"url": "https://h", "limit": 10})
    );
}

#[tokio::test]
async fn variants_of_one_connector_have_values_of_their_own() {
    let own = |text: &str| {
        let mut url = parameter("URL", None);
        url.value = Some(Secret::new(text.to_owned()));
        let mut key = parameter("API_KEY", None);
        (key.field, key.value) = (
            Some("token".to_owned()),
            Some(Secret::new(format!("key-{text}"))),
        );
        vec![url, key]
    };
    let prod = definition("crm/prod", url(), &[("token", "key-of-prod")]);
    let held = held(&connections(
        vec![prod],
        vec![
            variant("a", None, own("https://a")),
            variant("b", None, own("https://b")),
        ],
    ));
    for name in ["a", "b"] {
        let seen = values(&held, name).await;
        assert_eq!(seen["url"], format!("https://{name}"));
        assert_eq!(seen["token"], format!("key-https://{name}"));
        let choice = held.choose(wanted(name), &|_| false).unwrap();
        let profile = choice.resolve(None).await.unwrap().profile;
        assert!(profile.is_secret("token") && !profile.is_secret("url"));
    }
    let plain = held.choose(Wanted::default(), &|_| false).unwrap();
    assert_eq!(value(&plain, "url").await, Some(json!("https://h")));
}

#[tokio::test]
async fn a_variant_runs_with_its_profile_and_a_call_may_name_another() {
    let test = definition("crm/test", json!({"url": "https://test"}), &[]);
    let mut prod = definition("crm/prod", url(), &[]);
    prod.default = true;
    let limit = || vec![parameter("limit", Some("5"))];
    let held = held(&connections(
        vec![prod, test],
        vec![
            variant("v", Some("test"), limit()),
            variant("w", Some("gone"), limit()),
        ],
    ));
    assert_eq!(
        values(&held, "v").await,
        json!({"url": "https://test", "limit": 5})
    );
    let both = Wanted {
        named: Some("prod"),
        ..wanted("v")
    };
    let choice = held.choose(both, &|_| false).unwrap();
    assert_eq!(value(&choice, "url").await, Some(json!("https://h")));
    assert_eq!(value(&choice, "limit").await, Some(json!(5)));
    let failure = held.choose(wanted("w"), &|_| false).err().unwrap();
    assert_eq!(failure.code, "profile_not_found");
    assert!(
        held.problems()
            .iter()
            .any(|problem| problem.starts_with("w: crm has no profile 'gone'"))
    );
}

#[tokio::test]
async fn what_a_definition_requires_or_keeps_secret_is_so() {
    let mut limit = parameter("CRM_SIZE", None);
    (limit.field, limit.required, limit.secret) = (Some("port".to_owned()), true, true);
    let of = |limit: ConfigurationParameter, open| {
        let prod = definition("crm/prod", url(), &[]);
        let strange = parameter("STRANGE", Some("x"));
        let variant = variant("v", None, vec![limit, strange]);
        connections(vec![prod], vec![variant]).of(&"crm".into(), &fields(open))
    };
    let held = of(limit.clone(), false);
    let failure = held.choose(wanted("v"), &|_| false).err().unwrap();
    assert_eq!(failure.code, "profile_incomplete");
    for part in ["v: profile crm/prod", "'port'", "CRM_SIZE"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
    let problems = held.problems();
    assert!(
        problems
            .iter()
            .any(|p| p.contains("'STRANGE'") && p.contains("no effect"))
    );
    assert!(problems.iter().any(|p| p.contains("'port' has no value")));
    limit.value = Some(Secret::new("many".to_owned()));
    let failure = of(limit.clone(), false)
        .choose(wanted("v"), &|_| false)
        .err()
        .unwrap();
    assert_eq!(failure.code, "profile_invalid");
    assert!(!failure.message.contains("many"), "{}", failure.message);
    limit.value = Some(Secret::new("7".to_owned()));
    let open = of(limit, true);
    assert_eq!(
        values(&open, "v").await,
        json!({"url": "https://h", "port": 7, "limit": 10, "STRANGE": "x"})
    );
    let choice = open.choose(wanted("v"), &|_| false).unwrap();
    assert!(choice.at_once().unwrap().is_secret("port"));
    assert!(choice.supplies("STRANGE"));
}
