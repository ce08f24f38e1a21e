//! Servers that the proxy starts: their life beside everything else.

use std::fs;

use serde_json::{Value, json};

use super::support::*;
use crate::harness::{Proxy, Setup, until};

async fn pid(proxy: &Proxy, connector: &str) -> u64 {
    let answer = proxy.call(&format!("{connector}/pid"), json!({})).await;
    answer.success().as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn commands_of_a_server_are_like_any_other() {
    let proxy = serve(&probe("probe", "good")).await;
    assert!(
        ids(&proxy, "probe/")
            .await
            .contains(&"probe/echo".to_owned())
    );
    let echo = proxy.call("probe/echo", json!({"text": "hi"})).await;
    assert_eq!(echo.success(), json!({"text": "hi"}));
    let commands = proxy.get("/v1/commands").await.json();
    let mut all = commands.as_array().unwrap().iter();
    let echo = all.find(|c| c["id"] == "probe/echo").unwrap();
    assert_eq!(echo["parameters"][0]["id"], "text", "{echo}");
    let page = proxy.get("/docs").await.text;
    assert!(page.contains("Gives its arguments back."));
    let unknown = proxy
        .call("probe/echo", json!({"text": "a", "other": 1}))
        .await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (400, "TypeError".to_owned())
    );
}

#[tokio::test]
async fn a_server_that_does_not_work_is_named_and_everything_else_serves() {
    let config = probe("good", "good")
        + &probe("garbage", "garbage")
        + &probe("gone", "gone")
        + &server("absent", &["no-such-program"]);
    let setup = Setup::new().config(&config);
    let proxy = setup.serve().await;
    let problems = ready(&proxy).await;
    for part in [
        "garbage (python",
        "writes what is no message of MCP to its standard output: this is no message",
        "ended with exit status 7",
        "absent (no-such-program): cannot be started: no-such-program: there is no such program in PATH",
    ] {
        assert!(
            problems.iter().any(|problem| problem.contains(part)),
            "{part}: {problems:?}"
        );
    }
    assert_eq!(problems.len(), 3, "{problems:?}");
    pid(&proxy, "good").await;
    let answer = proxy.call("http/HeadRequest", json!({})).await;
    assert_eq!(answer.status, 400, "the built-in ones are there");
    let log = proxy.log();
    assert!(log.contains("I cannot start"), "{log}");
}

#[tokio::test]
async fn nothing_is_left_of_a_proxy_that_is_killed() {
    let proxy = serve(&probe("probe", "Stubborn")).await;
    let server = pid(&proxy, "probe").await;
    kill(proxy.id().into());
    until("the server is gone", async || !lives(server)).await;
}

#[tokio::test]
async fn a_server_that_dies_fails_its_calls_alone_and_is_started_again() {
    let proxy = serve(&(probe("probe", "good") + &probe("other", "good"))).await;
    let other = pid(&proxy, "other").await;
    let answer = proxy.call("probe/leave", json!({"status": 9})).await;
    assert_eq!(
        (answer.status, answer.code()),
        (500, "worker_crashed".to_owned())
    );
    let message = answer.message();
    assert!(message.ends_with("ended with exit status 9"), "{message}");
    pid(&proxy, "probe").await;
    assert_eq!(pid(&proxy, "other").await, other);
}

#[tokio::test]
async fn a_reload_keeps_what_is_the_same_and_changes_what_is_not() {
    let setup = Setup::new().config(&(probe("same", "good") + &probe("changed", "good")));
    let proxy = serve_setup(setup).await;
    let (same, changed) = (pid(&proxy, "same").await, pid(&proxy, "changed").await);
    let write = |text: String| fs::write(proxy.path().join("crosspoint.toml"), text).unwrap();
    let env = "env = { MARK = \"new\" }\n";
    write(probe("same", "good") + &probe("changed", "good") + env);
    let ended = proxy.run(&["reload"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(pid(&proxy, "same").await, same);
    assert_ne!(pid(&proxy, "changed").await, changed);
    let seen = proxy.call("changed/env", json!({})).await.success();
    assert_eq!(seen["env"]["MARK"], "new");
    until("the old one is gone", async || !lives(changed)).await;

    // The same command line, and another script.
    let script = proxy.path().join("server.py");
    fs::copy(own("server.py"), &script).unwrap();
    let line = [&*python3(), "-B", "-u", "server.py", "good"];
    write(probe("same", "good") + &server("changed", &line) + env);
    assert_eq!(proxy.run(&["reload"]).await.code, Some(0));
    let before = pid(&proxy, "changed").await;
    let text = fs::read_to_string(&script).unwrap();
    fs::write(&script, text.replace("\"probe\"", "\"other\"")).unwrap();
    assert_eq!(proxy.run(&["reload"]).await.code, Some(0));
    assert_ne!(pid(&proxy, "changed").await, before);
    assert_eq!(pid(&proxy, "same").await, same);

    // What does not work leaves the old one in place, and is told.
    write(probe("same", "good") + &probe("changed", "gone"));
    let ended = proxy.run(&["reload"]).await;
    assert!(
        ended.stdout.contains("ended with exit status 7")
            || ended.stderr.contains("ended with exit status 7"),
        "{ended:?}"
    );
    let seen = proxy.call("changed/env", json!({})).await.success();
    assert_eq!(seen["env"]["MARK"], "new");
}

#[tokio::test]
async fn a_server_gets_its_own_variables_and_no_key_of_ours() {
    let config = probe("probe", "good") + "env = { TOKEN = \"env:PROBE_TOKEN\" }\n";
    let setup = Setup::new()
        .config(&config)
        .env("PROBE_TOKEN", "canary-probe-token")
        .env("CONNECTOR_PROXY_API_KEY", "canary-proxy-key");
    let proxy = setup.serve().await;
    let ask = |path: &str| {
        let key = "Spiff-Connector-Proxy-Api-Key";
        proxy
            .ask(reqwest::Method::GET, path)
            .header(key, "canary-proxy-key")
    };
    until("it is ready", async || {
        proxy.get("/readyz").await.json()["ready"] == true
    })
    .await;
    assert_eq!(ask("/v1/commands").send().await.status, 200);
    let call = proxy.do_("probe/env").json(&json!({}));
    let seen = call
        .header("Spiff-Connector-Proxy-Api-Key", "canary-proxy-key")
        .send()
        .await;
    let seen = seen.success();
    assert_eq!(seen["env"]["TOKEN"], "canary-probe-token");
    let text = seen["env"].to_string();
    assert!(
        !text.contains("canary-proxy-key") && !text.contains("CROSSPOINT_"),
        "{text}"
    );
    // It prints its secret, which the log hides.
    let print = json!({"text": "I have canary-probe-token"});
    let call = proxy.do_("probe/print").json(&print);
    call.header("Spiff-Connector-Proxy-Api-Key", "canary-proxy-key")
        .send()
        .await
        .success();
    let line = proxy.log_line(&["I have"]).await;
    assert!(!proxy.log().contains("canary-probe-token"), "{line}");
}

#[tokio::test]
async fn a_profile_stands_in_for_parameters_of_its_names() {
    let config = probe("probe", "good")
        + "[connectors.probe.profiles.main]\nsecrets = { text = \"canary-text\" }\n";
    let proxy = serve(&config).await;
    let echo: Value = proxy.call("probe/echo", json!({})).await.success();
    assert_eq!(echo, json!({"text": "canary-text"}));
}
