//! Configuration parameters of definitions: where their values come from, and instances that have
//! different ones.

use serde_json::{Value, json};

use super::bundle::{Bundle, Task};
use super::mapping::opened;
use super::{Served, process};
use crate::harness::{Reply, Seen, Setup, Upstream};

/// A definition with parameters that are fields of the profiles of `http`: one by its name, one by
/// another, and one that is none.
fn definition() -> String {
    json!({"name": "movies", "config": [
            {"name": "ORIGIN", "required": true},
            {"name": "MOVIE_KEY", "secure": true, "required": true, "value": "key-by-default"},
            {"name": "MOVIE_SHELF", "value": "7"}],
        "actions": {"a": {"id": "a", "name": "find", "inputs": [
            {"id": "i", "name": "url", "type": "string"}],
            "outputs": [{"id": "o", "name": "said", "type": "string"}]}}})
    .to_string()
}

/// A table that serves it.
fn table(name: &str, more: &str) -> String {
    format!(
        "[activiti.definitions.{name}]\nfile = \"movies.json\"\nconnector = \"http\"\n\
         name = \"{name}\"\nfields = {{ MOVIE_KEY = \"access_token\" }}\n{more}\n\
         [activiti.definitions.{name}.actions.find]\ncommand = \"GetRequestV2\"\n"
    )
}

async fn said(bundle: &Bundle, implementation: &str, upstream: &Upstream) -> Value {
    let variables = process(json!({"url": upstream.url("/find")}));
    let execution = bundle.begin(&Task::of(implementation), &variables).await;
    opened(&bundle.outputs(&execution).await["said"])
}

fn told(seen: &Seen) -> Reply {
    Reply::json(&json!({"said": seen.header("authorization")}).to_string())
}

#[tokio::test]
async fn instances_of_one_definition_have_values_of_their_own() {
    let upstream = Upstream::start(told).await;
    let origin = format!("ORIGIN = \"{}\"", upstream.url(""));
    let tables = [
        table("plain", &format!("config = {{ {origin} }}")),
        table(
            "eu",
            &format!("config = {{ {origin}, MOVIE_KEY = \"env:EU_KEY\" }}"),
        ),
        table("us", "profile = \"us\""),
    ];
    // Two profiles, of which none is used by default.
    let profiles = ["us", "asia"].map(|name| {
        format!(
            "[connectors.http.profiles.{name}]\nsettings = {{ origin = \"{}\" }}\n\
             secrets = {{ access_token = \"key-of-{name}\" }}\n",
            upstream.url("")
        )
    });
    let setup = Setup::new()
        .file("movies.json", &definition())
        .env("EU_KEY", "key-of-eu");
    let served = Served::start(setup, &(tables.concat() + &profiles.concat())).await;
    let bundle = served.bundle().await;
    for (implementation, key) in [
        ("eu.find", "key-of-eu"),
        ("us.find", "key-of-us"),
        ("plain.find", "key-by-default"),
        ("eu.find", "key-of-eu"),
    ] {
        assert_eq!(
            said(&bundle, implementation, &upstream).await,
            json!(format!("Bearer {key}")),
            "{implementation}"
        );
    }
    // What the connector does not know is said, and nothing else stops for it.
    let ready = served.proxy.get("/readyz").await;
    assert!(ready.text.contains("'MOVIE_SHELF'"), "{}", ready.text);
    let rows = served.proxy.get("/api/v1/calls").await.text;
    assert!(
        !rows.contains("key-of-") && !ready.text.contains("key-"),
        "{rows}"
    );
}

#[tokio::test]
async fn the_variable_of_a_parameter_counts_over_the_definition_and_the_profile_over_both() {
    let upstream = Upstream::start(told).await;
    for (profile, key) in [
        ("", "key-of-variable"),
        ("access_token = \"key-of-profile\"", "key-of-profile"),
    ] {
        let lines = format!(
            "{}[connectors.http.profiles.it]\nsettings = {{ origin = \"{}\" }}\n\
             secrets = {{ {profile} }}\n",
            table("movies", ""),
            upstream.url("")
        );
        let setup = Setup::new()
            .file("movies.json", &definition())
            .env("MOVIE_KEY", "key-of-variable");
        let served = Served::start(setup, &lines).await;
        let bundle = served.bundle().await;
        assert_eq!(
            said(&bundle, "movies.find", &upstream).await,
            json!(format!("Bearer {key}"))
        );
    }
}

#[tokio::test]
async fn a_parameter_that_is_required_and_missing_is_named_and_nothing_is_sent() {
    let upstream = Upstream::start(told).await;
    let setup = Setup::new().file("movies.json", &definition());
    let served = Served::start(setup, &table("movies", "")).await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/find")}));
    let execution = bundle.begin(&Task::of("movies.find"), &variables).await;
    let error = bundle.failure(&execution).await.to_string();
    for part in ["profile_incomplete", "'origin'", "the variable ORIGIN"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_definition_made_from_the_rest_connector_is_stood_in_for_with_its_own_values() {
    let upstream = Upstream::start(|seen| Reply::json(&json!(seen.target).to_string())).await;
    let rest = |name: &str| {
        json!({"name": name, "template": "restConnector",
            "config": [{"name": "REST_HOST", "value": "nowhere.invalid"},
                       {"name": "REST_HTTP_PORT", "value": upstream.address.port().to_string()}],
            "actions": {"g": {"id": "g", "name": "GET"}, "x": {"id": "x", "name": "CONNECT"}}})
        .to_string()
    };
    let setup = Setup::new()
        .file("one.json", &rest("rest-one"))
        .file("two.json", &rest("rest-two"));
    let printed = setup.clone().run(&["activiti", "import", "one.json"]).await;
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.stderr.contains("CONNECT"), "{}", printed.stderr);
    let lines = format!(
        "{}config = {{ REST_HOST = \"127.0.0.1\" }}\n\
         [activiti.definitions.two]\nfile = \"two.json\"\nconnector = \"restConnector\"\n",
        printed.stdout
    );
    let served = Served::start(setup, &lines).await;
    served
        .proxy
        .log_line(&["WARN", "CONNECT", "restConnector"])
        .await;
    let bundle = served.bundle().await;
    let variables = process(json!({"restUrl": "http://${host}:${rest-http-port}/here"}));
    let execution = bundle.begin(&Task::of("rest-one.GET"), &variables).await;
    let outputs = bundle.outputs(&execution).await;
    assert_eq!(
        opened(&outputs["restResult"]),
        json!("/here"),
        "{outputs:?}"
    );
    let execution = bundle.begin(&Task::of("rest-two.GET"), &variables).await;
    let outputs = bundle.outputs(&execution).await;
    assert_eq!(
        outputs.keys().collect::<Vec<_>>(),
        ["restError"],
        "{outputs:?}"
    );
}
