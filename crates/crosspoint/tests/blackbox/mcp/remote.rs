//! Servers that run elsewhere, with accounts of profiles and tokens of OAuth.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::support::*;
use crate::harness::{Reply, Setup, Upstream, until};

/// A server of `remote.py`.
struct Elsewhere(Child, u16);

// === impl Elsewhere ===

impl Elsewhere {
    fn start(options: &[&str]) -> Elsewhere {
        let mut process = Command::new(python3())
            .args(["-B", &own("remote.py"), "good"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Elsewhere(process, port)
    }

    fn table(&self, name: &str) -> String {
        format!(
            "[connectors.{name}]\nmcp = \"http://127.0.0.1:{}/mcp\"\n",
            self.1
        )
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_server_elsewhere_is_called_with_the_account_of_a_profile() {
    let elsewhere = Elsewhere::start(&["events", "token=canary-token"]);
    let config = elsewhere.table("probe")
        + "[connectors.probe.profiles.main]\ndefault = true\nsecrets = { access_token = \"canary-token\" }\n\
           [connectors.probe.profiles.wrong]\nsecrets = { headers = '{\"authorization\": \"canary-wrong\"}' }\n";
    let proxy = serve(&config).await;
    assert!(ready(&proxy).await.is_empty());
    let echo = proxy.call("probe/echo", json!({"text": "hi"})).await;
    assert_eq!(echo.success(), json!({"text": "hi"}));
    let wrong = json!({"text": "hi", "crosspoint__profile": "wrong"});
    let answer = proxy.call("probe/echo", wrong).await;
    assert_eq!(answer.failure(), (200, 401, "HttpError401".to_owned()));
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
}

#[tokio::test]
async fn a_token_of_oauth_is_had_for_the_list_and_for_calls() {
    let elsewhere = Elsewhere::start(&["json", "token=granted", "no-get"]);
    let provider = Upstream::start(|_| {
        Reply::json(r#"{"access_token": "granted", "token_type": "bearer", "expires_in": 3600}"#)
    })
    .await;
    let config = elsewhere.table("probe")
        + &format!(
            "[connectors.probe.auths.main]\ngrant = \"client_credentials\"\ntoken_url = \"{}\"\n\
             client_id = \"crosspoint\"\nclient_secret = \"canary-client\"\n\
             [connectors.probe.profiles.main]\nauth = \"main\"\n",
            provider.url("/token")
        );
    let proxy = serve(&config).await;
    assert_eq!(ready(&proxy).await, Vec::<String>::new());
    let echo = proxy.call("probe/echo", json!({"text": "hi"})).await;
    assert_eq!(echo.success(), json!({"text": "hi"}));
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_a_problem_until_it_is() {
    let first = Elsewhere::start(&["json", "token=canary-token"]);
    let proxy = Setup::new().config(&first.table("probe")).serve().await;
    let problems = ready(&proxy).await;
    let wanted = "the server does not take the account: it answers 401";
    assert!(
        problems.iter().any(|problem| problem.contains(wanted)),
        "{problems:?}"
    );
    // Its profile can be kept though nobody knows its commands yet; then they come by themselves.
    let kept = proxy
        .setup()
        .run_with(
            &[
                "profile",
                "set",
                "probe/main",
                "--secret",
                "access_token",
                "--default",
            ],
            "canary-token\n",
        )
        .await;
    assert_eq!(kept.code, Some(0), "{kept:?}");
    until("its commands are there", async || {
        !ids(&proxy, "probe/").await.is_empty()
    })
    .await;
    // Calls hear of it by themselves, too.
    until("they are called with it", async || {
        let echo = proxy.call("probe/echo", json!({"text": "hi"})).await;
        echo.code().is_empty() && echo.body() == json!({"text": "hi"})
    })
    .await;
}

#[tokio::test]
async fn egress_rules_count_for_a_server_elsewhere() {
    let elsewhere = Elsewhere::start(&["json"]);
    let config = elsewhere.table("probe") + "egress = { preset = \"public\" }\n";
    let proxy = Setup::new().config(&config).serve().await;
    let problems = ready(&proxy).await;
    assert!(problems[0].contains("egress"), "{problems:?}");
}
