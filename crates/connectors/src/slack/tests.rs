//! The connector against a Slack of our own.

use std::time::Duration;

use crosspoint_core::{
    Arguments, Body, Call, CallId, CommandId, Connector as _, Context, Effect, Failure, Ingress,
    Kind, Mask, Origin, Outcome, Refusal, Safety,
};
use crosspoint_net::{Http, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Config, connector};

const TOKEN: &str = "xoxb-canary-51c09e";

/// Answers one request with `reply` and hands over what was asked; an empty reply hangs up.
async fn slack(reply: String) -> (String, JoinHandle<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        loop {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
            let text = String::from_utf8(bytes.clone()).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            if let Ok(body) = serde_json::from_str(body) {
                stream.write_all(reply.as_bytes()).await.unwrap();
                return (head.to_ascii_lowercase(), body);
            }
        }
    });
    (base_url, asked)
}

fn answer(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nretry-after: 30\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn json_answer(body: &Value) -> String {
    answer(
        "200 OK",
        "application/json; charset=utf-8",
        &body.to_string(),
    )
}

fn context() -> Context {
    let deadline = Instant::now() + Duration::from_secs(600);
    Context::new(CallId::generate(), deadline, Mask::default())
}

/// Calls the command. Whatever is shown to anybody is looked through for the token.
async fn post(base_url: &str, more: Value, cx: Context) -> Result<Outcome, Failure> {
    let config = Config {
        base_url: base_url.to_owned(),
    };
    let slack = connector(&config, Http::new(Settings::default()).unwrap());
    let mut arguments = json!({"token": TOKEN, "channel": "C1", "message": "Hällo"});
    for (name, value) in more.as_object().unwrap() {
        arguments[name] = value.clone();
    }
    let arguments = Arguments::parse(arguments.to_string().into()).unwrap();
    let command = &slack.manifest().commands[0];
    let arguments = command.check(arguments).unwrap();
    let id = CommandId::new("slack", "PostMessage");
    let call = Call::new(id, arguments, Origin::of(Ingress::Cli));
    let result = cx.finish(slack.call(call, &cx).await);
    let mut shown = format!("{result:?}");
    let outcome = match &result {
        Ok(outcome) => Some(outcome),
        Err(failure) => {
            shown += &failure.message;
            shown += failure.detail.as_deref().unwrap_or_default();
            failure.outcome.as_deref()
        }
    };
    shown.extend(outcome.map(|outcome| outcome.logs.concat()));
    assert!(!shown.contains(TOKEN), "{shown}");
    result
}

/// What comes of an answer.
async fn answered(reply: String) -> Result<Outcome, Failure> {
    let (base_url, asked) = slack(reply).await;
    let result = post(&base_url, json!({}), context()).await;
    asked.await.unwrap();
    result
}

fn status(failure: &Failure) -> u16 {
    let outcome = failure.outcome.as_ref().unwrap();
    assert_eq!(outcome.body, Outcome::empty(200).body);
    outcome.status
}

#[test]
fn the_parameters_are_those_of_the_package_with_ours_after_them() {
    let http = Http::new(Settings::default()).unwrap();
    let slack = connector(&Config::default(), http);
    let [command] = &slack.manifest().commands[..] else {
        panic!("there is one command");
    };
    assert_eq!(command.safety, Safety::Effectful);
    let list: Vec<_> = command
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.spiff_type(), p.required, p.secret))
        .collect();
    assert_eq!(
        list,
        [
            ("token", "str", true, true),
            ("channel", "str", true, false),
            ("message", "str", true, false),
            ("blocks", "any", false, false),
            ("thread_ts", "str", false, false),
        ]
    );
}

#[tokio::test]
async fn a_message_is_posted_and_the_answer_handed_on() {
    let reply = json!({"ok": true, "channel": "C1", "ts": "1.5", "message": {"text": "Hällo"}});
    let (base_url, asked) = slack(json_answer(&reply)).await;
    let outcome = post(&format!("{base_url}/"), json!({}), context())
        .await
        .unwrap();
    let Body::Json(body) = &outcome.body else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (body.read::<Value>().unwrap(), outcome.status),
        (reply, 200)
    );
    assert_eq!(outcome.logs, ["chat.postMessage: answered 200"]);
    let (head, body) = asked.await.unwrap();
    assert!(
        head.starts_with("post /api/chat.postmessage http/1.1"),
        "{head}"
    );
    assert!(
        head.contains(&format!("authorization: bearer {TOKEN}")),
        "{head}"
    );
    assert!(
        head.contains("content-type: application/json; charset=utf-8"),
        "{head}"
    );
    assert_eq!(body, json!({"channel": "C1", "text": "Hällo"}));
}

#[tokio::test]
async fn blocks_come_as_a_list_as_an_object_or_as_text() {
    let list = json!([{"type": "divider"}]);
    let built = json!({"blocks": list});
    for blocks in [
        list.clone(),
        built.clone(),
        list.to_string().into(),
        built.to_string().into(),
    ] {
        let (base_url, asked) = slack(json_answer(&json!({"ok": true}))).await;
        let more = json!({"blocks": blocks, "thread_ts": "1.5"});
        post(&base_url, more, context()).await.unwrap();
        let body = asked.await.unwrap().1;
        assert_eq!(
            (&body["blocks"], &body["thread_ts"]),
            (&list, &json!("1.5"))
        );
    }
}

#[tokio::test]
async fn what_slack_refuses_is_told_with_its_reason() {
    let refused = json!({"ok": false, "error": "invalid_arguments",
                         "response_metadata": {"messages": ["[ERROR] no channel", "[ERROR] x"]}});
    let failure = answered(json_answer(&refused)).await.unwrap_err();
    assert_eq!(
        (&*failure.code, failure.kind),
        ("SlackMessageFailed", Kind::Reported)
    );
    assert_eq!((failure.effect, status(&failure)), (Effect::None, 400));
    let expected = "Slack refused the message: invalid_arguments ([ERROR] no channel. [ERROR] x)";
    assert_eq!(failure.message, expected);
    assert_eq!(failure.retry_after, None);

    // Slack itself does not know whether these were done.
    for body in [
        json!({"ok": false, "error": "fatal_error"}),
        json!({"ok": false}),
    ] {
        let failure = answered(json_answer(&body)).await.unwrap_err();
        assert_eq!(failure.effect, Effect::Maybe, "{failure}");
    }
}

#[tokio::test]
async fn too_many_messages_are_told_with_when_to_try_again() {
    for body in [r#"{"ok": false, "error": "ratelimited"}"#, "slow down"] {
        let reply = answer("429 Too Many Requests", "application/json", body);
        let failure = answered(reply).await.unwrap_err();
        assert_eq!(
            (&*failure.code, failure.kind),
            ("SlackMessageFailed", Kind::Reported)
        );
        assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
        assert_eq!((status(&failure), failure.effect), (429, Effect::None));
    }
}

#[tokio::test]
async fn answers_that_are_not_slacks_are_told_as_such() {
    let html = "<html>Please log in to the network</html>";
    for (line, body, inner) in [
        ("200 OK", html, 400),
        ("200 OK", "", 400),
        ("200 OK", "[1]", 400),
        ("200 OK", r#"{"fine": true}"#, 400),
        ("503 Service Unavailable", html, 503),
        ("500 Internal Server Error", r#"{"ok": true}"#, 500),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", "", 302),
    ] {
        let failure = answered(answer(line, "text/html", body)).await.unwrap_err();
        assert_eq!(
            (&*failure.code, failure.effect),
            ("SlackMessageFailed", Effect::Maybe)
        );
        assert_eq!(status(&failure), inner, "{line} {body}");
        assert!(failure.message.contains("is not Slack's"), "{failure}");
        assert!(!failure.message.contains("html"), "{failure}");
    }
}

#[tokio::test]
async fn a_slack_that_repeats_the_token_does_not_betray_it() {
    let refused = json!({"ok": false, "error": format!("bad token {TOKEN}")});
    let failure = answered(json_answer(&refused)).await.unwrap_err();
    assert_eq!(failure.message, "Slack refused the message: bad token ***");
}

#[tokio::test]
async fn a_slack_that_is_not_there_or_hangs_up_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = post(&base_url, json!({}), context()).await.unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("ConnectionError", Effect::None)
    );
    let failure = answered(String::new()).await.unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("ConnectionError", Effect::Maybe)
    );
    let failure = post("http://169.254.169.254", json!({}), context())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::Egress));
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_is_refused_without_being_shown() {
    let more = json!({"token": format!("{TOKEN}\r\nx-evil: 1")});
    let failure = post("http://127.0.0.1:1", more, context())
        .await
        .unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("InvalidHeader", Effect::None)
    );
}

#[tokio::test]
async fn nobody_waiting_ends_the_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let cx = context();
    let cancelled = cx.cancelled.clone();
    let (result, _held) = tokio::join!(post(&base_url, json!({}), cx), async {
        let held = listener.accept().await.unwrap();
        cancelled.cancel();
        held
    });
    assert_eq!(result.unwrap_err().effect, Effect::Maybe);
}

#[tokio::test]
async fn a_check_asks_slack_whether_it_takes_the_token() {
    let cx = |values: Value| {
        let mut profile = crosspoint_core::Profile::named(Some("prod".into()), false);
        for (name, value) in values.as_object().unwrap() {
            profile.set(name, value.clone(), true);
        }
        context().with_profile(profile.into())
    };
    let (well, ill) = (
        json!({"ok": true}),
        json!({"ok": false, "error": "invalid_auth"}),
    );
    for (reply, message) in [
        (well, None),
        (ill, Some("Slack refused the token: invalid_auth")),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
            }
            stream
                .write_all(json_answer(&reply).as_bytes())
                .await
                .unwrap();
            String::from_utf8(bytes).unwrap()
        });
        let slack = connector(
            &Config { base_url },
            Http::new(Settings::default()).unwrap(),
        );
        let cx = cx(json!({"token": TOKEN}));
        let checked = slack.check(&cx).unwrap().await;
        assert_eq!(
            checked.err().map(|failure| failure.message).as_deref(),
            message
        );
        let asked = asked.await.unwrap();
        assert!(
            asked.starts_with("POST /api/auth.test ") && asked.contains(TOKEN),
            "{asked}"
        );
    }
    let slack = connector(&Config::default(), Http::new(Settings::default()).unwrap());
    let failure = slack.check(&cx(json!({}))).unwrap().await.unwrap_err();
    assert_eq!(failure.code, "profile_incomplete");
}
