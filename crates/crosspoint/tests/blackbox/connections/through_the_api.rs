//! Profiles and secrets through `/api/v1`.

use http::Method;
use serde_json::{Value, json};

use super::profiles::{bearer, message, of_slack, slack};
use crate::harness::{Answer, Proxy, Setup, until};

const SECRET: &str = "c4n4ry-of-the-api";

async fn send(proxy: &Proxy, method: Method, path: &str, body: Value) -> Answer {
    let ask = proxy.ask(method, &format!("/api/v1/{path}"));
    ask.json(&body).send().await
}

async fn delete(proxy: &Proxy, path: &str) -> Answer {
    proxy
        .ask(Method::DELETE, &format!("/api/v1/{path}"))
        .send()
        .await
}

#[tokio::test]
async fn a_profile_and_its_secret_are_kept_used_at_once_and_never_shown() {
    let slack = slack().await;
    let proxy = Setup::new().config(&of_slack(&slack, "")).serve().await;
    let kept = send(
        &proxy,
        Method::PUT,
        "secrets/SLACK",
        json!({"value": SECRET}),
    )
    .await;
    assert_eq!(kept.status, 204, "{}", kept.text);
    let profile = json!({"default": true, "secrets": {"token": "secret:SLACK"}});
    let made = send(&proxy, Method::PUT, "profiles/slack/prod", profile).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.json()["used_by_default"], true);
    assert_eq!(made.json()["secrets"], json!({"token": "secret:SLACK"}));
    proxy
        .call("slack/PostMessage", message(&[]))
        .await
        .success();
    assert_eq!(bearer(&slack), format!("Bearer {SECRET}"));

    let checked = send(&proxy, Method::POST, "profiles/slack/prod/check", json!({})).await;
    assert_eq!(checked.status, 200, "{}", checked.text);
    assert_eq!(checked.json()["error"], Value::Null);
    let one = proxy.get("/api/v1/profiles/slack/prod").await.json();
    assert_eq!(one["last_check"], checked.json());
    let none = send(&proxy, Method::POST, "profiles/slack/none/check", json!({})).await;
    assert_eq!(none.problem(), (404, "not_found".to_owned()));

    // What is absent stays, what is null goes.
    let own = json!({"secrets": {"token": {"value": "c4n4ry-2"}}, "check_seconds": 3600});
    let changed = send(&proxy, Method::PATCH, "profiles/slack/prod", own)
        .await
        .json();
    assert_eq!(changed["secrets"], json!({"token": "***"}));
    assert_eq!(
        (&changed["default"], &changed["check_seconds"]),
        (&json!(true), &json!(3600))
    );
    proxy
        .call("slack/PostMessage", message(&[]))
        .await
        .success();
    assert_eq!(bearer(&slack), "Bearer c4n4ry-2");
    let off = json!({"enabled": false, "check_seconds": null});
    send(&proxy, Method::PATCH, "profiles/slack/prod", off).await;
    let refused = proxy.api("slack/PostMessage", message(&[])).await;
    assert_eq!(refused.problem(), (400, "profile_disabled".to_owned()));

    let listed = proxy.get("/api/v1/profiles").await;
    let names = proxy.get("/api/v1/secrets").await;
    assert_eq!(names.json()[0]["name"], "SLACK");
    let one = proxy.get("/api/v1/profiles/slack/prod").await;
    assert!(
        one.json()["problem"]
            .as_str()
            .unwrap()
            .contains("switched off"),
        "{}",
        one.text
    );
    for (path, act) in [
        ("profiles/slack/prod", "profile.remove"),
        ("secrets/SLACK", "secret.remove"),
    ] {
        assert_eq!(delete(&proxy, path).await.status, 204);
        assert_eq!(delete(&proxy, path).await.status, 404, "{act}");
    }
    let acts = proxy.get("/api/v1/audit").await;
    for act in [
        "secret.set",
        "profile.set",
        "profile.remove",
        "secret.remove",
    ] {
        assert!(acts.text.contains(act), "{act}: {}", acts.text);
    }
    let log = proxy.stop().await.stderr;
    for text in [listed.text, names.text, one.text, acts.text, log] {
        assert!(!text.contains("c4n4ry"), "{text}");
    }
}

#[tokio::test]
async fn a_secret_that_somebody_names_is_removed_by_force_only() {
    let config = "[access]\nanonymous = true\napi_keys = [\"secret:SHARED\"]\n\
                  [connectors.slack.auths.main]\ngrant = \"client_credentials\"\n\
                  token_url = \"https://login.example/token\"\nclient_id = \"me\"\n\
                  client_secret = \"secret:SHARED\"\ntoken_field = \"token\"\n\
                  [connectors.slack.profiles.file]\nsecrets = { token = \"secret:SHARED\" }\n";
    let setup = Setup::new().config(config);
    super::secrets::set(&setup, "SHARED", "c4n4ry-shared").await;
    let proxy = setup.serve().await;
    let ask = async |method: Method, path: &str, body: Value| {
        let ask = proxy.ask(method, &format!("/api/v1/{path}")).json(&body);
        let key = "Bearer c4n4ry-shared";
        ask.header("authorization", key).send().await
    };
    let profile = json!({"secrets": {"token": "secret:SHARED"}});
    for name in ["one", "two"] {
        let made = ask(
            Method::PUT,
            &format!("profiles/slack/{name}"),
            profile.clone(),
        )
        .await;
        assert_eq!(made.status, 200, "{}", made.text);
    }
    for query in ["", "?force=false"] {
        let path = format!("secrets/SHARED{query}");
        let refused = ask(Method::DELETE, &path, Value::Null).await;
        assert_eq!(refused.problem(), (409, "in_use".to_owned()), "{query}");
        let all = "named by auth slack/main, profile slack/file, profile slack/one, profile slack/two, \
                   setting access.api_keys";
        assert!(refused.text.contains(all), "{}", refused.text);
        assert!(refused.text.contains("?force=true"), "{}", refused.text);
        assert!(!refused.text.contains("c4n4ry"), "{}", refused.text);
    }
    for query in ["?force=yes", "?force=true&force=true", "?forc=true"] {
        let path = format!("secrets/SHARED{query}");
        let refused = ask(Method::DELETE, &path, Value::Null).await;
        assert_eq!(refused.problem(), (400, "invalid_request".to_owned()));
    }
    let names = ask(Method::GET, "secrets", Value::Null).await.json();
    assert_eq!(names[0]["name"], "SHARED");
    let removed = ask(Method::DELETE, "secrets/SHARED?force=true", Value::Null).await;
    assert_eq!(removed.status, 204, "{}", removed.text);
    // That there is none goes before who names it.
    let again = ask(Method::DELETE, "secrets/SHARED", Value::Null).await;
    assert_eq!(again.problem(), (404, "not_found".to_owned()));
    let again = proxy.run(&["secret", "remove", "SHARED"]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.contains("no secret SHARED"), "{again:?}");
    let acts = ask(Method::GET, "audit", Value::Null).await;
    assert!(
        acts.text.contains("still named by auth slack/main"),
        "{}",
        acts.text
    );
}

#[tokio::test]
async fn every_mistake_is_told_and_nothing_is_kept() {
    let file = "[connectors.slack.profiles.file]\nsecrets = { token = \"c4n4ry-3\" }\n";
    let proxy = Setup::new().config(file).serve().await;
    for (path, body, code, told) in [
        (
            "slack/a",
            json!({"settings": []}),
            "invalid_request",
            "'settings' must be an object",
        ),
        (
            "slack/a",
            json!({"secrets": {"token": "c4n4ry", "tokn": "env:X"}}),
            "invalid_request",
            "must be a reference",
        ),
        (
            "slack/a",
            json!({"settings": {"token": "c4n4ry", "urls": "x"}, "auth": "main"}),
            "profile_invalid",
            "field 'token' is a secret: it does not belong among the settings; field 'urls' is not known",
        ),
        (
            "slack/a",
            json!({"auth": "main"}),
            "profile_invalid",
            "there is no auth 'main'",
        ),
        (
            "slak/a",
            json!({}),
            "not_found",
            "there is no connector slak",
        ),
        ("slack/a%20b", json!({}), "not_found", "is not a profile"),
        (
            "slack/file",
            json!({}),
            "not_possible",
            "in the configuration file",
        ),
    ] {
        let answer = send(&proxy, Method::PUT, &format!("profiles/{path}"), body).await;
        assert_eq!(answer.problem().1, code, "{path} {}", answer.text);
        assert!(answer.text.contains(told), "{told}: {}", answer.text);
        assert!(!answer.text.contains("c4n4ry"), "{}", answer.text);
    }
    let long = "x".repeat(129);
    for (path, body, status) in [
        ("secrets/A", json!({"value": ""}), 400),
        ("secrets/A", json!({"valu": "c4n4ry"}), 400),
        (&*format!("secrets/{long}"), json!({"value": "x"}), 404),
        ("secrets/a%20b", json!({"value": "x"}), 404),
    ] {
        let answer = send(&proxy, Method::PUT, path, body).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text);
        assert!(!answer.text.contains("c4n4ry"), "{}", answer.text);
    }
    let profiles = proxy.get("/api/v1/profiles").await.json();
    assert_eq!(profiles.as_array().unwrap().len(), 1);
    assert_eq!(profiles[0]["from"], "file");
    assert_eq!(proxy.get("/api/v1/secrets").await.json(), json!([]));
    assert_eq!(
        delete(&proxy, "profiles/slack/file").await.problem().1,
        "not_possible"
    );
}

#[tokio::test]
async fn a_key_of_some_connectors_manages_their_profiles_and_no_secrets() {
    let config = "[access]\napi_keys = [{ name = \"crm\", key = \"key-of-slack\", \
                  scopes = [\"administer\", \"connector:slack\"] }]\n";
    let proxy = Setup::new().config(config).serve().await;
    let ask = async |method: Method, path: &str, body: Value| {
        let ask = proxy.ask(method, &format!("/api/v1/{path}")).json(&body);
        ask.header("authorization", "Bearer key-of-slack")
            .send()
            .await
    };
    let own = json!({"secrets": {"token": {"value": "c4n4ry-4"}}});
    assert_eq!(ask(Method::PUT, "profiles/slack/a", own).await.status, 200);
    let other = json!({"settings": {"smtp_host": "h"}});
    for (method, path, body) in [
        (Method::PUT, "profiles/smtp/a", other),
        (Method::PUT, "secrets/A", json!({"value": "x"})),
        (Method::GET, "secrets", Value::Null),
        (Method::GET, "audit", Value::Null),
    ] {
        let answer = ask(method.clone(), path, body).await;
        assert_eq!(
            answer.problem(),
            (403, "forbidden".to_owned()),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn without_a_store_nothing_is_taken_that_would_be_lost() {
    let proxy = Setup::new().config("store.url = \"none\"\n").serve().await;
    for (path, body) in [
        (
            "profiles/slack/a",
            json!({"secrets": {"token": {"value": "x"}}}),
        ),
        ("secrets/A", json!({"value": "x"})),
    ] {
        let answer = send(&proxy, Method::PUT, path, body).await;
        assert_eq!(answer.problem(), (501, "ledger_off".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_secret_of_the_configuration_that_changes_counts_without_a_restart() {
    let config = "[access]\napi_keys = [\"secret:KEY\"]\n";
    let setup = Setup::new().config(config);
    let set = async |setup: &Setup, value: &str| {
        let ended = setup
            .clone()
            .run_with(&["secret", "set", "KEY"], value)
            .await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    };
    set(&setup, "key-number-one").await;
    let proxy = setup.serve().await;
    let status = async |key: &str| {
        let ask = proxy.ask(Method::GET, "/v1/commands");
        ask.header("authorization", &format!("Bearer {key}"))
            .send()
            .await
            .status
    };
    assert_eq!(status("key-number-one").await, 200);
    set(&proxy.setup(), "key-number-two").await;
    until("the new key is taken and the old one is not", async || {
        status("key-number-two").await == 200 && status("key-number-one").await == 401
    })
    .await;
}
