//! Profiles of built-in connectors: a process need not carry what they hold.

use serde_json::{Value, json};

use crate::harness::{Canaries, Proxy, Reply, Setup, Upstream, closed_port, json as read, until};

const MESSAGE: [(&str, &str); 2] = [("channel", "C1"), ("message", "hello")];

/// A Slack that takes any token.
pub(super) async fn slack() -> Upstream {
    Upstream::start(|_| Reply::json(r#"{"ok": true, "ts": "1.5"}"#)).await
}

pub(super) fn message(more: &[(&str, Value)]) -> Value {
    let mut message: Value = MESSAGE.into_iter().map(|(n, v)| (n, json!(v))).collect();
    for (name, value) in more {
        message[name] = value.clone();
    }
    message
}

pub(super) fn of_slack(slack: &Upstream, profiles: &str) -> String {
    format!(
        "[connectors.slack]\nbase_url = \"{}\"\n{profiles}",
        slack.url("")
    )
}

async fn serve(config: &str) -> Proxy {
    Setup::new().config(config).serve().await
}

pub(super) fn bearer(upstream: &Upstream) -> String {
    upstream.last().header("authorization").to_owned()
}

#[tokio::test]
async fn a_process_carries_no_token_and_what_it_carries_wins() {
    let slack = slack().await;
    let profiles = "[connectors.slack.profiles.prod]\ndefault = true\n\
                    secrets = { token = \"xoxb-prod\" }\n\
                    [connectors.slack.profiles.test]\nsecrets = { token = \"env:TEST_TOKEN\" }\n";
    let setup = Setup::new().config(&of_slack(&slack, profiles));
    let proxy = setup.env("TEST_TOKEN", "xoxb-test").serve().await;
    for (more, token) in [
        (&[][..], "xoxb-prod"),
        (&[("token", json!(""))], "xoxb-prod"),
        (&[("token", Value::Null)], "xoxb-prod"),
        (&[("token", json!("xoxb-own"))], "xoxb-own"),
        (&[("crosspoint__profile", json!("test"))], "xoxb-test"),
        (&[("crosspoint__profile", json!(""))], "xoxb-prod"),
    ] {
        proxy
            .call("slack/PostMessage", message(more))
            .await
            .success();
        assert_eq!(bearer(&slack), format!("Bearer {token}"), "{more:?}");
        assert!(!slack.last().text().contains("crosspoint__"));
    }
    let call =
        json!({"command": "slack/PostMessage", "arguments": message(&[]), "profile": "test"});
    proxy.asks(&call).send().await.brought();
    assert_eq!(bearer(&slack), "Bearer xoxb-test");
    // What was recorded is what the call itself gave.
    let row = proxy.asks(&call).send().await.id();
    let recorded = proxy.recorded(&row).await;
    assert!(!recorded.to_string().contains("xoxb"), "{recorded}");
    assert_eq!(recorded["profile"], "slack/test");
    assert_eq!(recorded["uses"], json!(["profile:slack/test#token"]));
    let shown = proxy.run(&["ledger", "show", &row]).await.stdout;
    assert!(shown.contains("slack/test"), "{shown}");
    let arguments = [
        "call",
        "slack/PostMessage",
        "channel=C1",
        "message=m",
        "--profile",
        "test",
    ];
    let server = ["--server", &proxy.url("")];
    for more in [&server[..], &[]] {
        let ended = proxy.run(&[&arguments[..], more].concat()).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(bearer(&slack), "Bearer xoxb-test");
    }
}

#[tokio::test]
async fn without_a_profile_the_environment_gives_the_values() {
    let slack = slack().await;
    let setup = Setup::new().config(&of_slack(&slack, ""));
    let proxy = setup.env("SLACK_TOKEN", "xoxb-env").serve().await;
    proxy
        .call("slack/PostMessage", message(&[]))
        .await
        .success();
    assert_eq!(bearer(&slack), "Bearer xoxb-env");
    let proxy = serve(&of_slack(&slack, "")).await;
    let answer = proxy.api("slack/PostMessage", message(&[])).await;
    assert_eq!(answer.problem(), (400, "invalid_arguments".to_owned()));
    assert!(
        answer.text.contains("missing parameter 'token'"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_bad_profile_is_its_own_error_before_anything_is_sent() {
    let slack = slack().await;
    let profiles = "[connectors.slack.profiles.off]\nenabled = false\n\
                    secrets = { token = \"x\" }\n\
                    [connectors.slack.profiles.gone]\nsecrets = { token = \"secret:GONE\" }\n";
    let proxy = serve(&of_slack(&slack, profiles)).await;
    let calls = |command: &str, arguments: Value, profile: &str| {
        proxy.asks(&json!({"command": command, "arguments": arguments, "profile": profile}))
    };
    for (profile, status, code, says) in [
        (
            "off",
            400,
            "profile_disabled",
            "profile slack/off is switched off",
        ),
        ("offf", 400, "profile_not_found", "did you mean off?"),
        (
            "smtp/off",
            400,
            "profile_not_found",
            "is one of smtp, and the call is one of slack",
        ),
        (
            "gone",
            503,
            "secret_unavailable",
            "field 'token': secret:GONE is not there",
        ),
    ] {
        let answer = calls("slack/PostMessage", message(&[]), profile)
            .send()
            .await;
        assert_eq!(
            answer.problem(),
            (status, code.to_owned()),
            "{}",
            answer.text
        );
        assert!(answer.text.contains(says), "{}", answer.text);
        assert!(
            answer.text.contains(r#""effect":"none""#) || status == 400,
            "{}",
            answer.text
        );
    }
    let arguments = ["profile", "set", "http/bare", "--secret", "access_token"];
    let bare = proxy.setup().run_with(&arguments, "canary").await;
    assert_eq!(bare.code, Some(2), "{bare:?}");
    assert!(
        bare.stderr.contains("field 'origin' has no value"),
        "{bare:?}"
    );
    let mistaken = json!({"command": "slack/PostMessage", "arguments": {}, "profile": ""});
    assert_eq!(proxy.asks(&mistaken).send().await.problem().0, 400);
    let ended = proxy
        .run(&["call", "slack/PostMessage", "--profile", "offf"])
        .await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(slack.seen().is_empty());
}

#[tokio::test]
async fn another_profile_under_one_key_is_a_conflict() {
    let slack = slack().await;
    let profiles = "[connectors.slack.profiles.a]\nsecrets = { token = \"xoxb-a\" }\n\
                    [connectors.slack.profiles.b]\nsecrets = { token = \"xoxb-b\" }\n";
    let proxy = serve(&of_slack(&slack, profiles)).await;
    let call = async |profile: &str| {
        let call = json!({"command": "slack/PostMessage", "arguments": message(&[]),
                          "profile": profile, "idempotency_key": "k"});
        proxy.asks(&call).send().await
    };
    call("a").await.brought();
    call("a").await.brought();
    assert_eq!(
        call("b").await.problem(),
        (409, "idempotency_conflict".to_owned())
    );
    assert_eq!(slack.seen().len(), 1);
}

#[tokio::test]
async fn many_calls_at_once_get_each_their_own_account() {
    let slack = slack().await;
    let profiles: Vec<_> = (0..4)
        .map(|n| {
            format!("[connectors.slack.profiles.p{n}]\nsecrets = {{ token = \"xoxb-{n}\" }}\n")
        })
        .collect();
    let proxy = serve(&of_slack(&slack, &profiles.concat())).await;
    let calls = (0..200).map(|n| {
        let arguments = message(&[("message", json!((n % 4).to_string()))]);
        let call = json!({"command": "slack/PostMessage", "arguments": arguments,
                          "profile": format!("p{}", n % 4)});
        proxy.asks(&call).send()
    });
    for answer in futures_util::future::join_all(calls).await {
        answer.brought();
    }
    let seen = slack.seen();
    assert_eq!(seen.len(), 200);
    for seen in seen {
        let number = read(&seen.text())["text"].as_str().unwrap().to_owned();
        assert_eq!(
            seen.header("authorization"),
            format!("Bearer xoxb-{number}")
        );
    }
}

#[tokio::test]
async fn the_account_of_one_origin_never_reaches_another() {
    let other = Upstream::echo().await;
    let away = other.url("/away");
    let system = Upstream::start(move |seen| match &*seen.target {
        "/away" => Reply::redirect(307, &away),
        _ => Reply::echo(seen),
    })
    .await;
    let proxy = serve(&format!(
        "[connectors.http.profiles.system]\ndefault = true\nsettings = {{ origin = \"{}\" }}\n\
         secrets = {{ access_token = \"c4n4ry-1\", headers = '{{\"x-tenant\": \"c4n4ry-2\"}}' }}\n",
        system.url("")
    ))
    .await;
    for path in ["/", "/away"] {
        let get = json!({"url": system.url(path)});
        proxy.call("http/GetRequestV2", get).await.success();
    }
    assert!(
        system
            .seen()
            .iter()
            .all(|s| s.header("authorization") == "Bearer c4n4ry-1")
    );
    assert!(
        system
            .seen()
            .iter()
            .all(|s| s.header("x-tenant") == "c4n4ry-2")
    );
    proxy
        .call("http/GetRequestV2", json!({"url": other.url("/")}))
        .await
        .success();
    assert_eq!(other.seen().len(), 2);
    assert!(
        other
            .seen()
            .iter()
            .all(|seen| !seen.everything().contains("c4n4ry"))
    );
    let named = json!({"url": other.url("/"), "crosspoint__profile": "system"});
    let answer = proxy
        .do_("http/GetRequestV2")
        .json(&named)
        .verbatim()
        .send()
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.contains("profile_invalid"), "{}", answer.text);
    assert_eq!(other.seen().len(), 2);
}

#[tokio::test]
async fn a_reload_applies_profiles_and_keeps_the_old_ones_where_the_new_are_wrong() {
    let slack = slack().await;
    let profiles = |secrets: &str| {
        of_slack(
            &slack,
            &format!("[connectors.slack.profiles.main]\nsecrets = {{ {secrets} }}\n"),
        )
    };
    let proxy = serve(&profiles("token = \"xoxb-1\"")).await;
    let uses = async || {
        proxy
            .call("slack/PostMessage", message(&[]))
            .await
            .success();
        bearer(&slack)
    };
    assert_eq!(uses().await, "Bearer xoxb-1");
    proxy.setup().config(&profiles("token = \"xoxb-2\""));
    assert_eq!(proxy.run(&["reload"]).await.code, Some(0));
    assert_eq!(uses().await, "Bearer xoxb-2");
    proxy.setup().config(&profiles("tokn = \"xoxb-3\""));
    let ended = proxy.run(&["reload"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let told = ended.stdout + &ended.stderr;
    assert!(
        told.contains("did you mean 'token'?") && !told.contains("xoxb-3"),
        "{told}"
    );
    proxy.signal("HUP");
    proxy
        .log_line(&["Not reloaded", "did you mean 'token'?"])
        .await;
    assert_eq!(uses().await, "Bearer xoxb-2");
}

#[tokio::test]
async fn secrets_of_profiles_show_nowhere_however_short_and_alike_they_are() {
    let mut canaries = Canaries::default();
    let long = canaries.plant_plain("a secret that begins another one");
    let longer = format!("{long}-and-m0r3");
    canaries.hide("the longer one", &longer);
    let upstream = Upstream::start(|seen| Reply::status(500).body(seen.everything())).await;
    let (_kept, closed) = closed_port();
    let profile = |name: &str, origin: &str, token: &str, tenant: &str| {
        format!(
            "[connectors.http.profiles.{name}]\nsettings = {{ origin = \"{origin}\" }}\n\
             secrets = {{ access_token = \"{token}\", headers = '{{\"x-tenant\": \"{tenant}\"}}' }}\n"
        )
    };
    let config = [
        "log = \"trace\"\n".to_owned(),
        profile("long", &upstream.url(""), &long, &longer),
        profile("gone", &format!("http://{closed}"), &longer, &long),
        profile("short", &upstream.url(""), "q7", "z"),
    ];
    let proxy = serve(&config.concat()).await;
    for (name, url) in [
        ("long", upstream.url("/")),
        ("gone", format!("http://{closed}/")),
    ] {
        let call = json!({"command": "http/GetRequestV2", "arguments": {"url": url},
                          "profile": name});
        let answer = proxy.asks(&call).send().await;
        let error = answer.json()["error"].to_string();
        canaries.look_in(name, &error);
        canaries.look_in(name, &answer.json()["outcome"]["logs"].to_string());
    }
    let short = json!({"command": "http/GetRequestV2", "arguments": {"url": upstream.url("/")},
                       "profile": "short"});
    let answer = proxy.asks(&short).send().await.json();
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("withheld"), "{message}");
    for path in [
        "/readyz",
        "/v1/commands",
        "/metrics",
        "/docs",
        "/openapi.json",
    ] {
        canaries.look_in(path, &proxy.get(path).await.text);
    }
    for arguments in [
        &["config", "check"][..],
        &["config", "check", "--json"],
        &["ledger", "list"],
    ] {
        let ended = proxy.run(arguments).await;
        canaries.look_in(&format!("{arguments:?}"), &(ended.stdout + &ended.stderr));
    }
    let ended = proxy.stop().await;
    canaries.look_in("the log", &(ended.stdout + &ended.stderr));
}

#[tokio::test]
async fn what_is_wrong_with_a_profile_shows_in_readyz_and_stops_nothing() {
    let config = "[connectors.slack.profiles.on]\nsecrets = { token = \"secret:A\" }\n";
    let proxy = serve(config).await;
    until("everything is loaded", async || {
        proxy.get("/readyz").await.json()["ready"] == true
    })
    .await;
    assert_eq!(proxy.get("/readyz").await.json()["problems"], json!([]));
}

#[tokio::test]
async fn what_runs_again_runs_with_the_profile_that_it_had() {
    let system = Upstream::start(|_| Reply::status(503)).await;
    let config = |default: &str| {
        let profile = |name: &str| {
            format!(
                "[connectors.http.profiles.{name}]\ndefault = {}\n\
                 settings = {{ origin = \"{}\" }}\nsecrets = {{ access_token = \"t0ken-{name}\" }}\n",
                name == default,
                system.url("")
            )
        };
        profile("a") + &profile("b")
    };
    let proxy = serve(&config("a")).await;
    let mut calls = Vec::new();
    for profile in [Value::Null, json!("b")] {
        let call = json!({"command": "http/GetRequestV2", "arguments": {"url": system.url("/")},
                          "profile": profile, "wait": false});
        let id = proxy.asks(&call).send().await.id();
        proxy.recorded_in(&id, "failed").await;
        calls.push((id, bearer(&system)));
    }
    assert_eq!(calls[0].1, "Bearer t0ken-a");
    assert_eq!(calls[1].1, "Bearer t0ken-b");
    proxy.setup().config(&config("b"));
    assert_eq!(proxy.run(&["reload"]).await.code, Some(0));
    for (id, token) in calls {
        let before = system.seen().len();
        proxy
            .ask(http::Method::POST, &format!("/api/v1/calls/{id}/replay"))
            .send()
            .await;
        system.arrived(before + 1).await;
        assert_eq!(bearer(&system), token);
    }
}
