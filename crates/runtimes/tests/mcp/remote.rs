//! Servers that run elsewhere, over HTTP.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crosspoint_core::{Connector, Effect, Failure, Kind, Mask, Mount, Profile, Refusal};
use crosspoint_net::{Http, Preset, Rules};
use crosspoint_runtimes::mcp::{Account, At, McpMount, Remote, Server, Settings};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::common::interpreter::python;
use crate::support::*;

/// A server of `remote.py`.
struct Elsewhere {
    process: Child,
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

/// The account that tools are listed with.
#[derive(Default)]
struct Own(Mutex<Profile>);

impl Account for Own {
    fn profile(&self) -> BoxFuture<'_, Result<Arc<Profile>, Failure>> {
        let profile = Arc::new(self.0.lock().unwrap().clone());
        Box::pin(async { Ok(profile) })
    }
}

// === impl Elsewhere ===

impl Elsewhere {
    fn start(mode: &str, options: &[&str]) -> Elsewhere {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp");
        let mut process = Command::new(python())
            .args(["-B", "remote.py", mode])
            .args(options)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = seen.clone();
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| told.lock().unwrap().push(line));
        });
        Elsewhere {
            process,
            port,
            seen,
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    /// The requests, each as method, session and status.
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn mount(&self, profile: Profile) -> McpMount {
        mount(&self.url(), profile, Rules::default()).await
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn mount(url: &str, profile: Profile, egress: Rules) -> McpMount {
    let http = Http::new(crosspoint_net::Settings {
        egress,
        ..crosspoint_net::Settings::default()
    });
    let mount = McpMount::start(Server {
        name: "probe".to_owned(),
        at: At::Remote(Remote {
            url: url.parse().unwrap(),
            http: http.unwrap(),
            account: Arc::new(Own(Mutex::new(profile))),
        }),
        settings: Settings {
            max_answer: 1_000_000,
            ..Settings::default()
        },
        mask: Mask::default(),
    });
    let mut connectors = mount.connectors();
    connectors
        .wait_for(|mounted| mounted.settled)
        .await
        .unwrap();
    mount
}

fn token(value: &str) -> Profile {
    let mut profile = Profile::named(Some(value.into()), true);
    profile.set("access_token", value.into(), true);
    profile
}

async fn call_as(
    connector: &Arc<dyn Connector>,
    profile: Profile,
    command: &str,
    arguments: Value,
) -> Answer {
    let call = new_call(command, &arguments.to_string());
    let cx = context(&call, Duration::from_secs(120)).with_profile(Arc::new(profile));
    let result = connector.call(call, &cx).await;
    cx.finish(result)
}

#[tokio::test]
async fn json_and_events_with_and_without_sessions_bring_the_same() {
    for options in [
        &["json"][..],
        &["events"],
        &["json", "stateless", "no-get"],
        &["events", "no-get"],
    ] {
        let elsewhere = Elsewhere::start("good", options);
        let mount = elsewhere.mount(Profile::default()).await;
        let connector = connector(&mount);
        assert!(mounted(&mount).problems.is_empty(), "{:?}", mounted(&mount));
        let spelled = r#"{"value": {"n": 1.50, "big": 123456789012345678901}}"#;
        let call_raw = new_call("raw", spelled);
        let cx = context(&call_raw, Duration::from_secs(120));
        let line = body(connector.call(call_raw, &cx).await)["line"].take();
        assert!(
            line.as_str()
                .unwrap()
                .contains(r#"{"n": 1.50, "big": 123456789012345678901}"#)
        );
        let failure = call(&connector, "fail", json!({"text": "no"}))
            .await
            .unwrap_err();
        assert_eq!((&*failure.code, &*failure.message), ("ToolError", "no"));
        mount.close().await;
        let ended = || {
            let seen = elsewhere.seen();
            seen.iter().any(|line| line.starts_with("DELETE"))
        };
        match options.contains(&"stateless") {
            true => assert!(!ended(), "{options:?}"),
            // The server may tell of it a moment after it has answered.
            false => until(&format!("a session ends, {options:?}"), ended).await,
        }
    }
}

#[tokio::test]
async fn progress_comes_with_the_events_of_a_call() {
    let elsewhere = Elsewhere::start("good", &["events"]);
    let mount = elsewhere.mount(Profile::default()).await;
    let outcome = call(&connector(&mount), "steps", json!({"count": 2}))
        .await
        .unwrap();
    assert_eq!(
        outcome.logs,
        ["progress 1 of 2: step", "progress 2 of 2: step"]
    );
    mount.close().await;
}

#[tokio::test]
async fn changes_of_the_list_come_with_the_stream_of_the_session() {
    let elsewhere = Elsewhere::start("good", &["json"]);
    let mount = elsewhere.mount(Profile::default()).await;
    until("the stream is there", || {
        elsewhere.seen().iter().any(|line| line.starts_with("GET"))
    })
    .await;
    call(&connector(&mount), "grow", json!({})).await.unwrap();
    until("it is there", || {
        commands(&mount)
            .iter()
            .any(|name| name.starts_with("grown"))
    })
    .await;
    mount.close().await;
}

#[tokio::test]
async fn a_session_that_has_expired_is_opened_anew_within_the_call() {
    let elsewhere = Elsewhere::start("good", &["json", "expire=5", "no-get"]);
    let mount = elsewhere.mount(Profile::default()).await;
    let connector = connector(&mount);
    for n in 0..20 {
        let arguments = json!({"text": n.to_string()});
        assert_eq!(
            body(call(&connector, "echo", arguments.clone()).await),
            arguments
        );
    }
    assert!(elsewhere.seen().iter().any(|line| line.ends_with(" 404")));
    mount.close().await;
}

#[tokio::test]
async fn the_account_goes_with_each_request_and_each_profile_has_its_session() {
    let elsewhere = Elsewhere::start("good", &["json", "token=correct", "no-get"]);
    let mount = elsewhere.mount(token("correct")).await;
    let connector = connector(&mount);
    assert!(mounted(&mount).problems.is_empty(), "{:?}", mounted(&mount));
    call_as(&connector, token("correct"), "pid", json!({}))
        .await
        .unwrap();
    let failure = call_as(&connector, token("wrong"), "pid", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Reported, "HttpError401")
    );
    assert_eq!(failure.effect, Effect::None);
    assert_eq!(
        failure.outcome.unwrap().status,
        401,
        "the sign of an expired token"
    );

    // The same profile with another token goes on in its session.
    let mut named = token("correct");
    named.name = Some("mine".into());
    call_as(&connector, named.clone(), "pid", json!({}))
        .await
        .unwrap();
    let sessions = |seen: Vec<String>| -> std::collections::BTreeSet<String> {
        let posts = seen.iter().filter(|line| line.starts_with("POST"));
        posts
            .map(|line| line.split(' ').nth(1).unwrap().to_owned())
            .collect()
    };
    let before = sessions(elsewhere.seen());
    named.set("access_token", "expired".into(), true);
    let failure = call_as(&connector, named.clone(), "pid", json!({}))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "HttpError401");
    named.set("access_token", "correct".into(), true);
    call_as(&connector, named, "pid", json!({})).await.unwrap();
    assert_eq!(sessions(elsewhere.seen()), before);
    mount.close().await;
}

#[tokio::test]
async fn a_server_that_wants_an_account_is_a_problem_and_its_connector_is_there() {
    let elsewhere = Elsewhere::start("good", &["json", "token=correct"]);
    let mount = elsewhere.mount(Profile::default()).await;
    let mounted = mounted(&mount);
    let problem = format!(
        "probe (http://127.0.0.1:{}): the server does not take the account: it answers 401",
        elsewhere.port
    );
    assert_eq!(*mounted.problems, [problem]);
    assert!(commands(&mount).is_empty());
    assert!(
        connector(&mount)
            .manifest()
            .fields
            .get("access_token")
            .unwrap()
            .secret
    );
    mount.close().await;
}

#[tokio::test]
async fn egress_rules_count_and_a_server_that_is_not_there_is_told() {
    let elsewhere = Elsewhere::start("good", &["json"]);
    let public = Rules {
        preset: Preset::Public,
        ..Rules::default()
    };
    let refused = mount(&elsewhere.url(), Profile::default(), public).await;
    let problems = mounted(&refused).problems;
    assert!(problems[0].contains("egress"), "{problems:?}");
    assert!(elsewhere.seen().is_empty());
    let mut call = new_call("pid", "{}");
    call.profile = None;
    let cx = context(&call, Duration::from_secs(60));
    // Nothing is known of its commands, and nobody gets past the catalogue with one.
    let failure = connector(&refused).call(call, &cx).await.unwrap_err();
    assert_eq!(&*failure.code, "command_not_found");
    refused.close().await;

    let gone = mount(
        "http://127.0.0.1:1/mcp",
        Profile::default(),
        Rules::default(),
    )
    .await;
    let problems = mounted(&gone).problems;
    assert!(problems[0].contains("127.0.0.1:1"), "{problems:?}");
    gone.close().await;
}

#[tokio::test]
async fn a_server_that_goes_fails_its_calls_and_one_that_comes_back_is_called() {
    let elsewhere = Elsewhere::start("good", &["json", "no-get"]);
    let mount = elsewhere.mount(Profile::default()).await;
    let connector = connector(&mount);
    let port = elsewhere.port;
    drop(elsewhere);
    let failure = call(&connector, "pid", json!({})).await.unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Transport, "ConnectionError")
    );
    assert!(failure.message.contains(&port.to_string()), "{failure}");
    mount.close().await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_fails_its_call_alone() {
    for kind in ["json", "events"] {
        let elsewhere = Elsewhere::start("good", &[kind, "no-get"]);
        let mount = elsewhere.mount(Profile::default()).await;
        let connector = connector(&mount);
        let large = call(&connector, "large", json!({"bytes": 3_000_000}))
            .await
            .unwrap_err();
        assert_eq!(&*large.code, "AnswerTooLarge", "{kind}: {large}");
        let small = call(&connector, "large", json!({"bytes": 300_000})).await;
        assert_eq!(body(small).as_str().unwrap().len(), 300_000);
        mount.close().await;
    }
}

#[tokio::test]
async fn a_call_that_is_late_is_cancelled_at_the_server() {
    let elsewhere = Elsewhere::start("good", &["events", "no-get"]);
    let mount = elsewhere.mount(Profile::default()).await;
    let connector = connector(&mount);
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("cancelled");
    let late = call_within(
        &connector,
        "cancelled",
        json!({"until": done}),
        Duration::from_secs(1),
    );
    let failure = late.await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::DeadlineExceeded));
    until_there(&done).await;
    mount.close().await;
}

#[tokio::test]
async fn a_server_of_the_revision_without_a_greeting_is_called() {
    let elsewhere = Elsewhere::start("Modern", &["json", "stateless", "no-get"]);
    let mount = elsewhere.mount(Profile::default()).await;
    assert!(mounted(&mount).problems.is_empty(), "{:?}", mounted(&mount));
    let arguments = json!({"text": "modern"});
    let answer = call(&connector(&mount), "echo", arguments.clone()).await;
    assert_eq!(body(answer), arguments);
    mount.close().await;
}

#[tokio::test]
async fn a_call_and_its_session_leave_the_servers_origin_under_no_circumstances() {
    let thief = Elsewhere::start("good", &["json"]);
    let away = format!("away={}", thief.url());
    let server = Elsewhere::start("good", &["json", &away]);
    let mount = server.mount(Profile::default()).await;
    let failure = call(&connector(&mount), "echo", json!({"text": "mine"})).await;
    let failure = failure.unwrap_err();
    assert_eq!(&*failure.code, "RedirectRefused", "{failure}");
    assert!(thief.seen().is_empty(), "{:?}", thief.seen());
    mount.close().await;
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_is_named_in_plain_words() {
    let server = Elsewhere::start("good", &["json", "page"]);
    let mount = server.mount(Profile::default()).await;
    let failure = call(&connector(&mount), "echo", json!({"text": "x"})).await;
    let message = failure.unwrap_err().message;
    assert!(message.contains("is of 'text/html'"), "{message}");
    mount.close().await;
}
