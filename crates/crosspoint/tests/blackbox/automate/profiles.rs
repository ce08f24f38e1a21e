//! Accounts, in each of the ways in which adapters look for them.

use std::fs;

use futures_util::future::join_all;
use serde_json::json;

use super::support::{adapter, odd, seen, serve_odd};
use crate::harness::{Setup, until};
use crate::python::support::{serve, serve_setup, zoo};

const TWO: &str = "[connectors.odd.profiles.prod]\n\
                   default = true\n\
                   settings = { region = \"north\" }\n\
                   secrets = { token = \"canary-prod\" }\n\
                   [connectors.odd.profiles.test]\n\
                   secrets = { token = \"canary-test\" }\n\
                   [connectors.odd.profiles.off]\n\
                   enabled = false\n";

#[tokio::test]
async fn case_15_calls_at_once_on_two_profiles_never_mix() {
    let proxy = serve_odd(TWO).await;
    let calls = (0..200).map(|n| {
        let name = ["prod", "test"][n % 2];
        let proxy = &proxy;
        async move { (name, seen(proxy, Some(name)).await) }
    });
    let mut numbers = std::collections::BTreeMap::new();
    for (name, seen) in join_all(calls).await {
        let secrets = json!({"token": format!("canary-{name}")});
        assert_eq!(
            (&seen["secrets"], &seen["in_context"]),
            (&secrets, &secrets),
            "{name}"
        );
        assert_eq!(seen["connects"], 1);
        let number = numbers
            .entry(name)
            .or_insert_with(|| seen["number"].clone());
        assert_eq!(&seen["number"], number, "{name} has one instance");
    }
    assert_ne!(numbers["prod"], numbers["test"]);
}

#[tokio::test]
async fn case_22_a_profile_that_cannot_be_used_is_refused_by_its_name() {
    let proxy = serve_odd(TWO).await;
    let with = async |profile: &str| {
        let call = json!({"command": "odd/seen", "arguments": {}, "profile": profile});
        proxy.asks(&call).send().await
    };
    assert_eq!(
        with("off").await.problem(),
        (400, "profile_disabled".into())
    );
    assert_eq!(
        with("nobody").await.problem(),
        (400, "profile_not_found".into())
    );
    assert_eq!(
        with("slack/prod").await.problem(),
        (400, "profile_not_found".into())
    );
    let config = adapter("odd", zoo("adapters/odd.py"))
        + "[connectors.odd.profiles.p]\nsecrets = { token = \"env://NOT_THERE\" }\n";
    let ended = Setup::new().config(&config).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("`env://NOT_THERE` is not set"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn case_23_the_references_of_django_automate_are_followed() {
    let setup = Setup::new();
    let config = odd(&setup)
        + "[connectors.odd.profiles.p]\n\
           secrets = { a = \"env://A_TOKEN\", b = \"secretref://env/stripe/prod/key\", \
                       c = \"secretref://env/stripe/prod/key?version=2\" }\n\
           settings = { region = \"env://REGION\" }\n";
    let setup = setup
        .config(&config)
        .env("A_TOKEN", "canary-a")
        .env("REGION", "north");
    let setup = setup.env("AUTOMATE_SECRET__stripe__prod__key", "canary-b");
    let proxy = serve_setup(setup).await;
    let seen = seen(&proxy, None).await;
    assert_eq!(
        seen["secrets"],
        json!({"a": "canary-a", "b": "canary-b", "c": "canary-b"})
    );
    assert_eq!(seen["config"], json!({"region": "north"}));

    let config = adapter("odd", zoo("adapters/odd.py"))
        + "[connectors.odd.profiles.p]\nsecrets = { a = \"secretref://env/../x\", \
           b = \"secretref://env/__x/y\", c = \"secretref://encrypted_db/a/b\", d = \"secretref://env/x\" }\n";
    let ended = Setup::new().config(&config).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(2));
    for key in ["secrets.a`", "secrets.b`", "secrets.c`", "secrets.d`"] {
        assert!(ended.stderr.contains(key), "{key}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn case_24_each_form_of_adapter_finds_the_secrets_where_it_looks() {
    let profile = |name: &str| {
        format!(
            "[connectors.{name}.profiles.p]\nsecrets = {{ token = \"canary-1\" }}\n\
                 settings = {{ region = \"north\" }}\n"
        )
    };
    let config = adapter("billing", zoo("adapters/source.py"))
        + &profile("billing")
        + &adapter("tickets", zoo("adapters/how_to.py"))
        + &profile("tickets");
    let proxy = serve(&config).await;
    let billing = proxy
        .call("billing/charge", json!({"amount": 1}))
        .await
        .success();
    let account = &billing["ctx"]["profile"];
    assert_eq!(account["encrypted_secrets"], json!({"token": "canary-1"}));
    assert_eq!(
        (&account["config"]["region"], &account["slug"]),
        (&json!("north"), &json!("p"))
    );
    assert_eq!(billing["input"], json!({"amount": 1}));
    let tickets = proxy
        .call("tickets/open", json!({"title": "x"}))
        .await
        .success();
    assert_eq!(tickets["token"], "canary-1");
}

#[tokio::test]
async fn case_24_the_payload_of_the_guides_adapter_stays_as_it_was_sent() {
    // The profile has a field of the name of a member of the payload, which is not filled in.
    let profile = "[connectors.odd.profiles.p]\nsettings = { a = \"from the profile\" }\nsecrets = { b = \"canary-2\" }\n";
    let proxy = serve_odd(profile).await;
    let seen = seen(&proxy, None).await;
    assert_eq!(seen["payload"], json!({"a": 1}));
    let arguments = json!({"action": "seen", "payload": {}});
    let answer = proxy.call("odd/execute", arguments).await.success();
    assert_eq!(answer["payload"], json!({}));
}

#[tokio::test]
async fn case_25_credentials_in_a_payload_are_refused_unless_a_switch_allows_them() {
    let proxy = serve_odd("").await;
    for name in ["token", "api_key", "password", "secret", "Authorization"] {
        let mut payload = json!({"a": 1});
        payload[name] = "canary-raw".into();
        let arguments = json!({"action": "echo", "payload": payload});
        for (command, arguments) in [("odd/echo", payload.clone()), ("odd/execute", arguments)] {
            let answer = proxy.call(command, arguments).await;
            assert_eq!(answer.status, 400, "{name}: {}", answer.text);
            assert!(
                answer.message().contains("raw_credentials = true"),
                "{}",
                answer.text
            );
        }
    }
    // Only at the top.
    let nested = json!({"body": {"token": "t"}});
    assert_eq!(
        proxy.call("odd/echo", nested.clone()).await.success(),
        nested
    );
    let proxy = serve_odd("raw_credentials = true\n").await;
    let payload = json!({"token": "canary-raw"});
    assert_eq!(
        proxy.call("odd/echo", payload.clone()).await.success(),
        payload
    );
}

#[tokio::test]
async fn case_26_a_secret_that_changes_counts_without_a_restart() {
    let setup = Setup::new();
    let table = odd(&setup);
    fs::write(setup.path().join("token"), "canary-old").unwrap();
    let profile = "[connectors.odd.profiles.p]\nsecrets = { token = \"file:token\" }\n";
    let proxy = serve_setup(setup.config(&(table + profile))).await;
    assert_eq!(seen(&proxy, None).await["secrets"]["token"], "canary-old");
    fs::write(proxy.path().join("token"), "canary-new").unwrap();
    assert_eq!(proxy.run(&["reload"]).await.code, Some(0));
    until("the new one counts", async || {
        seen(&proxy, None).await["secrets"]["token"] == "canary-new"
    })
    .await;
}

#[tokio::test]
async fn settings_of_the_table_are_there_under_those_of_the_profile() {
    let more = "config = { region = \"south\", unit = 5 }\n[connectors.odd.profiles.p]\nsettings = { region = \"north\" }\n";
    let proxy = serve_odd(more).await;
    assert_eq!(
        seen(&proxy, None).await["config"],
        json!({"region": "north", "unit": 5})
    );
}
