//! What calls choose from, and what that comes to.

use std::collections::HashMap;
use std::sync::Arc;

use crosspoint_core::{Command, Failure, Fields, Safety, Secret};
use schemars::JsonSchema;

use super::{Choice, Connections, Definition, Held, ProfileId, Source, Wanted, Written};
use crate::cabinet::{Cabinet, Drawer, Expected, Memory};

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema counts")]
struct Own {
    url: String,
    port: Option<u16>,
    token: Option<Secret<String>>,
    #[schemars(default = "ten")]
    limit: Option<u16>,
}

fn ten() -> u16 {
    10
}

pub(super) fn fields(open: bool) -> Fields {
    Fields {
        declared: Command::of::<Own>("", Safety::ReadOnly).parameters,
        open,
        ..Fields::default()
    }
}

pub(super) fn definition(
    id: &str,
    settings: serde_json::Value,
    secrets: &[(&str, &str)],
) -> Definition {
    let mut definition = Definition::new(id.parse().unwrap(), Written::File);
    definition.settings = settings.as_object().unwrap().clone();
    let source = |text: &str| {
        Source::of_reference(text).unwrap_or_else(|| Source::Value(Secret::new(text.to_owned())))
    };
    let secrets = secrets
        .iter()
        .map(|(f, text)| ((*f).to_owned(), source(text)));
    definition.secrets = secrets.collect();
    definition
}

fn held(connections: &Connections) -> Arc<Held> {
    connections.of(&"crm".into(), &fields(false))
}

fn file(definitions: Vec<Definition>) -> Arc<Held> {
    held(&Connections::default().with_file(definitions))
}

fn choose(held: &Held, named: Option<&str>) -> Result<Choice, Failure> {
    held.choose(Wanted::named(named), &|_| false)
}

fn fails(held: &Held, named: Option<&str>) -> (String, String) {
    match choose(held, named) {
        Ok(_) => panic!("it was chosen"),
        Err(failure) => (failure.code.into_owned(), failure.message),
    }
}

pub(super) fn url() -> serde_json::Value {
    serde_json::json!({"url": "https://h"})
}

pub(super) async fn value(choice: &Choice, field: &str) -> Option<serde_json::Value> {
    choice
        .resolve(None)
        .await
        .unwrap()
        .profile
        .get(field)
        .cloned()
}

#[tokio::test]
async fn the_named_one_then_the_default_then_the_only_one_then_none() {
    let mut prod = definition("crm/prod", url(), &[]);
    let test = definition("crm/test", serde_json::json!({"url": "t"}), &[]);
    let name = |held: &Held, named| {
        let choice = held.choose(Wanted::named(named), &|_| true).unwrap();
        choice.name().map(|name| name.to_string())
    };
    let both = file(vec![prod.clone(), test.clone()]);
    assert_eq!(name(&both, Some("test")).as_deref(), Some("test"));
    assert_eq!(name(&both, Some("crm/test")).as_deref(), Some("test"));
    assert_eq!(name(&both, None), None);
    assert_eq!(
        name(&file(vec![test.clone()]), None).as_deref(),
        Some("test")
    );
    prod.default = true;
    let both = file(vec![prod, test]);
    assert_eq!(name(&both, None).as_deref(), Some("prod"));
    // A call that was given one before keeps it.
    let again = both
        .choose(
            Wanted {
                before: Some("test"),
                ..Wanted::default()
            },
            &|_| false,
        )
        .unwrap();
    assert_eq!(again.name().map(|name| &**name), Some("test"));
    assert!(!again.resolve(None).await.unwrap().profile.chosen);
}

#[tokio::test]
async fn a_value_is_that_of_the_profile_else_of_the_environment_else_the_default() {
    let variables = [("CRM_URL", "env"), ("CRM_PORT", "8080"), ("CRM_LIMIT", "")];
    let variables: HashMap<_, _> = variables.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    let of = |profiles| {
        let connections = Connections::default().with_environment(variables.clone());
        held(&connections.with_file(profiles))
    };
    let bare = choose(&of(Vec::new()), None).unwrap();
    assert_eq!(value(&bare, "url").await.unwrap(), "env");
    assert_eq!(value(&bare, "port").await.unwrap(), 8080);
    assert_eq!(value(&bare, "limit").await.unwrap(), 10);
    let own = definition(
        "crm/prod",
        serde_json::json!({"url": "own", "limit": "3"}),
        &[],
    );
    let own = choose(&of(vec![own]), None).unwrap();
    assert_eq!(value(&own, "url").await.unwrap(), "own");
    assert_eq!(value(&own, "limit").await.unwrap(), 3);
    assert!(own.supplies("port") && !own.supplies("token"));
}

#[test]
fn every_mistake_is_named_at_once_and_no_value() {
    let settings = serde_json::json!({"token": "canary", "prot": "canary", "port": "canary"});
    let wrong = definition("crm/prod", settings, &[("limit", "canary")]);
    let (code, message) = fails(&file(vec![wrong]), None);
    assert_eq!(code, "profile_invalid");
    for part in [
        "profile crm/prod: ",
        "field 'token' is a secret: it does not belong among the settings",
        "field 'prot' is not known; did you mean 'port'?",
        "field 'port' must be an integer, not text",
        "field 'limit' is no secret: it belongs among the settings",
        "field 'url' has no value (nor has the variable CRM_URL)",
        "correct [connectors.crm.profiles.prod] in the configuration file",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    assert!(!message.contains("canary"), "{message}");
}

#[test]
fn each_reason_has_a_code_of_its_own() {
    let mut off = definition("crm/off", url(), &[]);
    off.enabled = false;
    let empty = definition("crm/empty", serde_json::json!({"url": ""}), &[]);
    let held = file(vec![off, empty]);
    let (code, message) = fails(&held, Some("off"));
    assert_eq!(code, "profile_disabled");
    assert!(
        message.starts_with("profile crm/off is switched off; "),
        "{message}"
    );
    assert_eq!(fails(&held, Some("empty")).0, "profile_incomplete");
    // What the call itself gives is not missing.
    assert!(
        held.choose(Wanted::named(Some("empty")), &|field| field == "url")
            .is_ok()
    );
    assert_eq!(fails(&held, None).0, "profile_incomplete");
    for (name, hint) in [
        ("emtpy", "did you mean empty?"),
        ("nothing-like-it", "there is empty, off"),
        ("other/prod", "is one of other, and the call is one of crm"),
    ] {
        let (code, message) = fails(&held, Some(name));
        assert_eq!(code, "profile_not_found");
        assert!(message.ends_with(hint), "{message}");
    }
    let none = Connections::default().of(&"logging".into(), &Fields::default());
    let (_, message) = fails(&none, Some("prod"));
    assert!(message.ends_with("logging takes no profiles"), "{message}");
    assert!(choose(&none, None).is_ok());
}

#[test]
fn an_open_connector_takes_any_field_and_hides_what_is_called_like_a_secret() {
    let open = Fields {
        open: true,
        ..Fields::default()
    };
    let settings = serde_json::json!({"anything": 1, "api_key": "canary"});
    let profile = definition("crm/prod", settings.clone(), &[("more", "v")]);
    let connections = Connections::default().with_file(vec![profile]);
    let choice = choose(&connections.of(&"crm".into(), &open), None).unwrap();
    let profile = choice.at_once().unwrap();
    assert!(profile.is_secret("api_key") && profile.is_secret("more"));
    assert!(!profile.is_secret("anything"));
    assert!(connections.problems().is_empty());
    connections.of(&"crm".into(), &fields(true));
    assert!(
        connections
            .problems()
            .iter()
            .any(|p| p.contains("'anything' is not declared by crm"))
    );
}

#[tokio::test]
async fn references_are_followed_at_the_attempt_and_all_that_fail_are_named() {
    let secrets = [("token", "secret:CRM_TOKEN")];
    let profile = definition("crm/prod", url(), &secrets);
    let memory = Arc::new(Memory::default());
    let connections = Connections::new(Some(memory.clone()), None, None);
    let held = held(&connections.with_file(vec![profile]));
    let choice = choose(&held, Some("prod")).unwrap();
    assert!(choice.at_once().is_none());
    assert_eq!(choice.uses().as_deref(), Some("secret:CRM_TOKEN"));
    let failure = choice.resolve(None).await.err().unwrap();
    assert_eq!(failure.code, "secret_unavailable");
    assert!(
        failure.message.starts_with(
            "profile crm/prod: field 'token': secret:CRM_TOKEN is not there: `crosspoint secret set"
        ),
        "{failure}"
    );
    let put = memory.put(
        Drawer::Secret,
        "CRM_TOKEN",
        "v1".into(),
        None,
        Expected::Any,
    );
    put.await.unwrap();
    let profile = choice.resolve(None).await.unwrap().profile;
    assert_eq!(profile.get("token").unwrap(), "v1");
    assert!(profile.chosen && profile.is_secret("token"));
}

#[tokio::test]
async fn what_changes_in_the_cabinet_is_told_once_and_only_where_it_was_used() {
    let memory = Arc::new(Memory::default());
    let put = async |drawer, id: &'static str, body: String| {
        let put = memory.put(drawer, id, body.into(), None, Expected::Any);
        put.await.unwrap();
    };
    let store = |secrets| {
        let mut definition = definition("crm/prod", url(), secrets);
        definition.from = Written::Store;
        definition.to_kept().to_string()
    };
    put(Drawer::Secret, "A", "one".into()).await;
    put(Drawer::Profile, "crm/prod", store(&[("token", "secret:A")])).await;
    let connections = Connections::new(Some(memory.clone()), None, None);
    let held = held(&connections);
    let token = async |held: &Held| value(&choose(held, None).unwrap(), "token").await.unwrap();
    assert!(choose(&held, None).is_err());
    assert!(connections.refresh().await.unwrap().is_empty());
    put(Drawer::Secret, "A", "two".into()).await;
    // Nobody has used it yet.
    assert!(connections.refresh().await.unwrap().is_empty());
    assert_eq!(token(&held).await, "two");
    put(Drawer::Secret, "A", "three".into()).await;
    put(Drawer::Secret, "B", "other".into()).await;
    assert_eq!(connections.refresh().await.unwrap(), ["crm".into()]);
    assert_eq!(token(&held).await, "three");
    assert!(connections.refresh().await.unwrap().is_empty());
    assert!(connections.turned().is_empty());
    put(Drawer::Profile, "crm/prod", store(&[("token", "inline")])).await;
    assert_eq!(connections.refresh().await.unwrap(), ["crm".into()]);
    assert_eq!(token(&held).await, "inline");
    memory.remove(Drawer::Profile, "crm/prod").await.unwrap();
    assert_eq!(connections.refresh().await.unwrap(), ["crm".into()]);
    assert!(choose(&held, None).is_err());
}

#[tokio::test]
async fn the_file_wins_over_the_store_and_what_is_of_no_use_is_said() {
    let memory = Arc::new(Memory::default());
    for id in ["crm/prod", "gone/prod", "not-an-id"] {
        let id_of: ProfileId = id.parse().unwrap_or(ProfileId::new("x", "y"));
        let mut kept = Definition::new(id_of, Written::Store);
        kept.settings.insert("url".into(), "store".into());
        let body = kept.to_kept().to_string().into();
        let put = memory.put(Drawer::Profile, id, body, None, Expected::Any);
        put.await.unwrap();
    }
    let connections = Connections::new(Some(memory), None, None);
    let connections = connections.with_file(vec![definition("crm/prod", url(), &[])]);
    connections.refresh().await.unwrap();
    let choice = choose(&held(&connections), None).unwrap();
    assert_eq!(value(&choice, "url").await.unwrap(), "https://h");
    assert_eq!(
        connections.problems(),
        [
            "profile crm/prod is in the configuration file and in the store: that of the file counts",
            "profile gone/prod is of no use: there is no connector gone",
        ]
    );
}

#[tokio::test]
async fn what_a_connector_holds_is_not_forgotten_when_the_catalogue_is_built_again() {
    let connections = Connections::default();
    let connections = connections.with_file(vec![definition("crm/prod", url(), &[])]);
    let first = held(&connections);
    assert!(Arc::ptr_eq(&first, &held(&connections)));
    let other = connections.of(&"crm".into(), &fields(true));
    assert!(!Arc::ptr_eq(&first, &other));
}
