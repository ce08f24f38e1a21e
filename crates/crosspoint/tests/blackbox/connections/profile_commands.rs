//! `crosspoint profile`: profiles of the store, before a server and beside it.

use serde_json::{Value, json};

use super::profiles::{bearer, message, of_slack, slack};
use crate::harness::{Ended, Proxy, Reply, Setup, Upstream, json as read, until};
use crate::python::support::{connector, lives, serve_setup};

async fn profile(setup: &Setup, arguments: &[&str], input: &str) -> Ended {
    let arguments = [&["profile"][..], arguments].concat();
    setup.clone().run_with(&arguments, input).await
}

async fn done(setup: &Setup, arguments: &[&str], input: &str) -> String {
    let ended = profile(setup, arguments, input).await;
    assert_eq!(ended.code, Some(0), "{arguments:?} {ended:?}");
    let shown = ended.stdout + &ended.stderr;
    assert!(!shown.contains("c4n4ry"), "{shown}");
    shown
}

async fn sends_until(proxy: &Proxy, what: &str, sent: impl Fn() -> bool) {
    until(what, async || {
        proxy.call("slack/PostMessage", message(&[])).await;
        sent()
    })
    .await;
}

#[tokio::test]
async fn a_profile_is_set_before_the_first_server_and_changed_beside_it() {
    let slack = slack().await;
    let setup = Setup::new().config(&of_slack(&slack, ""));
    let shown = done(
        &setup,
        &["set", "slack/prod", "--secret", "token"],
        "c4n4ry-1\n",
    )
    .await;
    assert!(shown.contains("token: ***"), "{shown}");
    let call = ["call", "slack/PostMessage", "channel=C1", "message=m"];
    assert_eq!(setup.clone().run(&call).await.code, Some(0));
    assert_eq!(bearer(&slack), "Bearer c4n4ry-1");

    let proxy = setup.serve().await;
    proxy
        .call("slack/PostMessage", message(&[]))
        .await
        .success();
    assert_eq!(bearer(&slack), "Bearer c4n4ry-1");
    let setup = proxy.setup();
    done(
        &setup,
        &["set", "slack/prod", "--secret", "token"],
        "c4n4ry-2",
    )
    .await;
    sends_until(&proxy, "the new token is used", || {
        bearer(&slack) == "Bearer c4n4ry-2"
    })
    .await;
    done(&setup, &["set", "slack/prod", "--disabled"], "").await;
    until("the profile is switched off", async || {
        let answer = proxy.api("slack/PostMessage", message(&[])).await;
        answer.status == 400 && answer.problem().1 == "profile_disabled"
    })
    .await;
    done(&setup, &["remove", "slack/prod"], "").await;
    until("the profile is gone", async || {
        let answer = proxy.api("slack/PostMessage", message(&[])).await;
        answer.status == 400 && answer.problem().1 == "invalid_arguments"
    })
    .await;
    let audit = proxy.run(&["audit", "--json"]).await.stdout;
    for act in ["profile.set", "profile.remove"] {
        assert!(audit.contains(act), "{audit}");
    }
    let log = proxy.stop().await.stderr;
    assert!(!(audit + &log).contains("c4n4ry"), "{log}");
}

#[tokio::test]
async fn profiles_are_listed_and_shown_without_their_secrets() {
    let file = "[connectors.slack.profiles.file]\nsecrets = { token = \"c4n4ry-3\" }\n";
    let setup = Setup::new().config(file);
    let list = async || read(&profile(&setup, &["list", "--json"], "").await.stdout);
    let set = [
        "set",
        "smtp/main",
        "smtp_host=h",
        "smtp_port:=25",
        "--secret",
        "smtp_password",
    ];
    let more = ["--default", "--check-every", "5m"];
    done(&setup, &[&set[..], &more].concat(), "c4n4ry-4").await;
    let from = ["set", "slack/file", "--from", "token=secret:SLACK"];
    let told = done(&setup, &from, "").await;
    assert!(told.contains("It does not count"), "{told}");
    let listed = list().await;
    let seen: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["id"].clone(), p["from"].clone(), p["counts"].clone()))
        .collect();
    let wanted = json!([
        ["slack/file", "file", true],
        ["slack/file", "store", false],
        ["smtp/main", "store", true],
    ]);
    assert_eq!(json!(seen), wanted);
    assert_eq!(listed[1]["secrets"]["token"], "secret:SLACK");
    assert_eq!(
        listed[2]["settings"],
        json!({"smtp_host": "h", "smtp_port": 25})
    );
    assert_eq!(listed[2]["check_seconds"], 300);
    let shown = done(&setup, &["show", "smtp/main"], "").await;
    for line in ["smtp_host: h", "smtp_password: ***", "default: true"] {
        assert!(shown.contains(line), "{shown}");
    }
    let table = done(&setup, &["list"], "").await;
    assert!(table.contains("covered by the file"), "{table}");
    done(&setup, &["set", "smtp/main", "--unset", "smtp_port"], "").await;
    assert_eq!(list().await[2]["settings"], json!({"smtp_host": "h"}));
}

#[tokio::test]
async fn every_mistake_is_named_and_changes_nothing() {
    let setup = Setup::new();
    done(
        &setup,
        &["set", "slack/one", "--secret", "token", "--default"],
        "c4n4ry-5",
    )
    .await;
    for (arguments, input, says) in [
        (
            &["set", "slack", "a=b"][..],
            "",
            "is not a profile: write connector/name",
        ),
        (
            &["set", "slack/two", "tokn=c4n4ry"],
            "",
            "field 'tokn' is not known; did you mean 'token'?",
        ),
        (
            &["set", "slack/two", "token=c4n4ry"],
            "",
            "field 'token' is a secret",
        ),
        (
            &["set", "smtp/a", "smtp_port=c4n4ry"],
            "",
            "field 'smtp_port' must be an integer",
        ),
        (
            &["set", "smtp/a", "--secret", "smtp_host"],
            "c4n4ry",
            "field 'smtp_host' is no secret",
        ),
        (
            &["set", "slack/two", "--secret", "token"],
            "",
            "the value is empty; nothing was changed",
        ),
        (
            &["set", "slack/two", "--from", "token=env:X"],
            "",
            "write token=secret:NAME",
        ),
        (
            &["set", "slack/two", "--default"],
            "",
            "the default profile of slack is slack/one already",
        ),
        (
            &["set", "slack/two", "--unset", "x"],
            "",
            "has no field 'x'",
        ),
        (&["remove", "slack/onne"], "", "did you mean slack/one?"),
        (&["show", "slack/onne"], "", "did you mean slack/one?"),
    ] {
        let ended = profile(&setup, arguments, input).await;
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(says), "{says}\n{}", ended.stderr);
        let own = arguments.iter().any(|argument| argument.contains("c4n4ry"));
        assert!(own || !ended.stderr.contains("c4n4ry"), "{ended:?}");
    }
    let listed = read(&profile(&setup, &["list", "--json"], "").await.stdout);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let none = Setup::new().config("store.url = \"none\"\n");
    let ended = profile(&none, &["set", "slack/a", "--secret", "token"], "x").await;
    assert!(
        ended.code != Some(0) && ended.stderr.contains("store.url"),
        "{ended:?}"
    );
}

const CRM: &str = r#"
import os
class Pid:
    def execute(self, config, task_data):
        return {"response": os.getpid(), "status": 200, "mimetype": "application/json"}
class Token:
    def execute(self, config, task_data):
        return {"response": config["token"], "status": 200, "mimetype": "text/plain"}
"#;

#[tokio::test]
async fn a_changed_secret_is_used_without_a_restart_and_replaces_the_workers_of_python() {
    let setup = Setup::new()
        .file("crm.py", CRM)
        .config(&connector("crm", "./crm.py"));
    done(
        &setup,
        &["set", "crm/prod", "--secret", "token"],
        "c4n4ry-6",
    )
    .await;
    let proxy = serve_setup(setup).await;
    let token = async || {
        let call = proxy.do_("crm/Token").json(&json!({})).verbatim();
        call.send().await.text
    };
    assert_eq!(token().await, "c4n4ry-6");
    let before = pid_of(&proxy).await;
    done(
        &proxy.setup(),
        &["set", "crm/prod", "--secret", "token"],
        "c4n4ry-7",
    )
    .await;
    until("the new token is used", async || {
        token().await == "c4n4ry-7"
    })
    .await;
    until("another worker is there", async || {
        pid_of(&proxy).await != before
    })
    .await;
    until("the old worker is gone", async || !lives(before)).await;
}

async fn pid_of(proxy: &Proxy) -> u64 {
    let answer = proxy
        .do_("crm/Pid")
        .json(&json!({}))
        .verbatim()
        .send()
        .await;
    let pid: Value = read(&answer.text);
    pid.as_u64().unwrap()
}

#[tokio::test]
async fn a_check_tells_whether_the_system_takes_the_profile() {
    let slack = Upstream::start(|seen| match seen.header("authorization") {
        "Bearer c4n4ry-8" => Reply::json(r#"{"ok": true}"#),
        _ => Reply::json(r#"{"ok": false, "error": "invalid_auth"}"#),
    })
    .await;
    let setup = Setup::new().config(&of_slack(&slack, ""));
    done(
        &setup,
        &["set", "slack/prod", "--secret", "token"],
        "c4n4ry-8",
    )
    .await;
    let told = done(&setup, &["check", "slack/prod"], "").await;
    assert!(told.starts_with("slack/prod works ("), "{told}");
    assert_eq!(slack.last().target, "/api/auth.test");
    let often = [
        "set",
        "slack/prod",
        "--check-every",
        "1s",
        "--secret",
        "token",
    ];
    done(&setup, &often, "c4n4ry-9").await;
    let ended = profile(&setup, &["check", "slack/prod"], "").await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("Slack refused the token: invalid_auth"),
        "{ended:?}"
    );
    let ended = profile(&setup, &["check", "slack/prdo"], "").await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("did you mean prod?"), "{ended:?}");
    let proxy = setup.serve().await;
    until("the failed check shows", async || {
        let problems = proxy.get("/readyz").await.text;
        problems.contains("profile slack/prod failed its last check: SlackMessageFailed")
    })
    .await;
    done(
        &proxy.setup(),
        &["set", "slack/prod", "--secret", "token"],
        "c4n4ry-8",
    )
    .await;
    until("the check goes well", async || {
        proxy.get("/readyz").await.json()["problems"] == json!([])
    })
    .await;
}
