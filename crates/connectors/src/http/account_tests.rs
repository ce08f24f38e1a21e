use std::sync::{Arc, Mutex};
use std::time::Duration;

use crosspoint_core::{
    Arguments, Call, CallId, CommandId, Connector as _, Context, Failure, Ingress, Mask, Origin,
    Outcome, Profile,
};
use crosspoint_net::{Http, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::http::{Config, connector};

/// Answers every request with this status, and keeps what was sent.
struct System {
    origin: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl System {
    async fn start(status: u16) -> System {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = seen.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                while !bytes.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                keep.lock().unwrap().push(String::from_utf8(bytes).unwrap());
                let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n");
                let reply = format!("{head}content-length: 0\r\n\r\n");
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
        System { origin, seen }
    }

    fn last(&self) -> String {
        self.seen
            .lock()
            .unwrap()
            .last()
            .cloned()
            .unwrap_or_default()
    }
}

fn context(values: Value, chosen: bool) -> Context {
    let mut profile = Profile::named(Some("prod".into()), chosen);
    for (name, value) in values.as_object().unwrap() {
        let secret = !matches!(&**name, "origin" | "basic_auth_username");
        profile.set(name, value.clone(), secret);
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    Context::new(CallId::generate(), deadline, Mask::default()).with_profile(Arc::new(profile))
}

async fn get(cx: &Context, arguments: Value) -> Result<Outcome, Failure> {
    let http = connector(&Config::default(), Http::new(Settings::default()).unwrap());
    let arguments = Arguments::parse(arguments.to_string().into()).unwrap();
    let id = CommandId::new("http", "GetRequestV2");
    let call = Call::new(id, arguments, Origin::of(Ingress::Cli));
    cx.finish(http.call(call, cx).await)
}

async fn check(cx: &Context) -> Result<(), Failure> {
    let http = connector(&Config::default(), Http::new(Settings::default()).unwrap());
    http.check(cx).unwrap().await
}

#[tokio::test]
async fn the_account_goes_to_its_origin_and_what_the_call_gives_wins() {
    let system = System::start(200).await;
    let values = json!({"origin": system.origin, "access_token": "canary",
                        "headers": {"X-Tenant": "canary-2", "x-off": null}});
    let cx = context(values, true);
    let url = format!("{}/a?b=1", system.origin);
    get(&cx, json!({"url": url})).await.unwrap();
    let sent = system.last().to_lowercase();
    assert!(sent.contains("authorization: bearer canary\r\n"), "{sent}");
    assert!(
        sent.contains("x-tenant: canary-2\r\n") && !sent.contains("x-off"),
        "{sent}"
    );
    let given = json!({"url": url, "headers": {"x-tenant": "own"}, "basic_auth_username": "me"});
    get(&cx, given).await.unwrap();
    let sent = system.last().to_lowercase();
    assert!(
        sent.contains("x-tenant: own\r\n") && sent.contains("authorization: basic"),
        "{sent}"
    );
    assert!(!sent.contains("canary"), "{sent}");
}

#[tokio::test]
async fn user_and_password_of_the_account_are_basic_authentication() {
    let system = System::start(200).await;
    let values = json!({"origin": system.origin, "basic_auth_username": "me",
                        "basic_auth_password": "you"});
    get(&context(values, false), json!({"url": system.origin}))
        .await
        .unwrap();
    assert!(system.last().contains("authorization: Basic bWU6eW91\r\n"));
}

#[tokio::test]
async fn elsewhere_a_default_account_does_not_count_and_a_named_one_is_refused() {
    let (system, other) = (System::start(200).await, System::start(200).await);
    let values = json!({"origin": system.origin, "access_token": "canary"});
    let url = json!({"url": other.origin});
    get(&context(values.clone(), false), url.clone())
        .await
        .unwrap();
    assert!(!other.last().contains("canary") && !other.last().contains("authorization"));
    let failure = get(&context(values, true), url).await.unwrap_err();
    assert_eq!(failure.code, "profile_invalid");
    assert!(failure.message.contains(&system.origin), "{failure}");
    assert_eq!(other.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_without_a_usable_origin_is_refused_before_anything_is_sent() {
    let system = System::start(200).await;
    for (values, code) in [
        (json!({"access_token": "canary"}), "profile_incomplete"),
        (
            json!({"origin": "h", "access_token": "canary"}),
            "profile_invalid",
        ),
        (
            json!({"origin": system.origin, "headers": {"a b": "canary"}}),
            "profile_invalid",
        ),
    ] {
        let failure = get(&context(values, false), json!({"url": system.origin})).await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
        assert!(!format!("{failure:?}").contains("canary"));
    }
    assert!(system.last().is_empty());
}

#[tokio::test]
async fn a_check_asks_the_origin_whether_it_takes_the_account() {
    for (status, code, asked) in [
        (200, None, 1),
        (404, None, 2),
        (500, None, 1),
        (401, Some("HttpError401"), 1),
        (403, Some("HttpError403"), 1),
    ] {
        let system = System::start(status).await;
        let values = json!({"origin": system.origin, "access_token": "canary"});
        let failure = check(&context(values, false)).await.err();
        assert_eq!(
            failure.as_ref().map(|failure| &*failure.code),
            code,
            "{status}"
        );
        assert_eq!(system.seen.lock().unwrap().len(), asked, "{status}");
        assert!(system.last().contains("authorization: Bearer canary"));
    }
    let gone = json!({"origin": "http://127.0.0.1:1", "access_token": "canary"});
    assert_eq!(
        check(&context(gone, false)).await.unwrap_err().code,
        "ConnectionError"
    );
    let none = check(&context(json!({}), false)).await.unwrap_err();
    assert_eq!(none.code, "profile_incomplete");
}
