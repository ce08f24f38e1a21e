//! Calls that get a fresh token: once it is refused, one refresh serves them all.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde_json::json;

use super::provider::{open, query};
use crate::harness::{Proxy, Reply, Seen, Setup, Upstream};
use crate::python::support::{connector, ready, zoo};

/// A provider and the system behind the connector in one: it takes the newest token alone, rotates
/// refresh tokens, and ends everything when one is used twice.
#[derive(Default)]
struct System {
    issued: u32,
    used: HashSet<String>,
    revoked: bool,
}

impl System {
    fn answer(&mut self, seen: &Seen) -> Reply {
        if seen.target.starts_with("/token") {
            return self.token(&seen.text());
        }
        match seen.header("authorization") == format!("Bearer access-{}", self.issued) {
            true => Reply::ok("text/plain", format!("for access-{}", self.issued)),
            false => Reply::status(401).body("token expired"),
        }
    }

    fn token(&mut self, form: &str) -> Reply {
        if form.contains("grant_type=refresh_token") {
            let current = format!("refresh_token=refresh-{}&", self.issued);
            let again = !self.used.insert(form.to_owned());
            if self.revoked || again || !format!("{form}&").contains(&current) {
                self.revoked = true;
                return Reply::status(400).body(r#"{"error": "invalid_grant"}"#);
            }
        }
        self.issued += 1;
        let n = self.issued;
        let set = json!({"access_token": format!("access-{n}"), "refresh_token": format!("refresh-{n}"), "expires_in": 3600});
        Reply::json(&set.to_string())
    }
}

async fn authorised(system: &Arc<Mutex<System>>) -> (Proxy, Upstream) {
    let shared = system.clone();
    let upstream = Upstream::start(move |seen| shared.lock().unwrap().answer(seen)).await;
    let config = format!(
        "{}[connectors.authed.auths.main]\nauthorize_url = \"{1}/authorize\"\n\
         token_url = \"{1}/token\"\nclient_id = \"me\"\nclient_secret = \"canary-client-secret\"\n\
         [connectors.authed.profiles.prod]\nauth = \"main\"\n",
        connector("authed", zoo("connector-authed")),
        upstream.url(""),
    );
    let proxy = Setup::new().config(&config).serve().await;
    ready(&proxy).await;
    let begun = open(&proxy, "/v1/auth/authed/main?profile=prod").await;
    let state = query(begun.header("location"))["state"].clone();
    let back = format!("/v1/auth/authed/main/callback?code=code-4711&state={state}");
    assert_eq!(open(&proxy, &back).await.status, 200);
    (proxy, upstream)
}

#[tokio::test]
async fn two_hundred_calls_whose_token_is_refused_share_one_refresh() {
    let system: Arc<Mutex<System>> = Arc::default();
    let (proxy, upstream) = authorised(&system).await;
    let fetch = async |url: String| {
        let ask = proxy.do_("authed/Fetch").verbatim();
        let answer = ask.json(&json!({"url": url})).send().await;
        (answer.status, answer.text)
    };
    let fine = (200, "for access-1".to_owned());
    assert_eq!(fetch(upstream.url("/thing")).await, fine);
    let asked = |seen: &[Seen]| seen.iter().filter(|s| s.target == "/token").count();
    assert_eq!(asked(&upstream.seen()), 1);
    // Long before its end the token is taken no more.
    let strict = Upstream::start(|seen| match seen.header("authorization") {
        "Bearer access-2" => Reply::ok("text/plain", "fresh"),
        _ => Reply::status(401).body("token expired"),
    })
    .await;
    let calls = (0..200).map(|_| fetch(strict.url("/thing")));
    let answers = join_all(calls).await;
    let fresh = (200, "fresh".to_owned());
    assert!(answers.iter().all(|a| *a == fresh), "{answers:?}");
    assert_eq!(asked(&upstream.seen()), 2);
    let metrics = proxy.get("/metrics").await.text;
    let line = "crosspoint_token_refreshes_total{connector=\"authed\",profile=\"prod\",\
                outcome=\"refreshed\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn a_dead_grant_says_who_has_to_do_what_everywhere() {
    let system: Arc<Mutex<System>> = Arc::default();
    let (proxy, _upstream) = authorised(&system).await;
    system.lock().unwrap().revoked = true;
    let refusing = Upstream::start(|_| Reply::status(401)).await;
    let arguments = json!({"url": refusing.url("/")});
    let answer = proxy.call("authed/Fetch", arguments.clone()).await;
    assert_eq!(answer.code(), "not_authorised", "{}", answer.text);
    assert!(
        answer
            .message()
            .contains("crosspoint auth login authed/prod"),
        "{}",
        answer.text
    );
    let seen = refusing.seen().len();
    assert_eq!(
        proxy.call("authed/Fetch", arguments).await.code(),
        "not_authorised"
    );
    assert_eq!(
        refusing.seen().len(),
        seen,
        "the system is not asked in vain"
    );
    let problems = proxy.get("/readyz").await.text;
    assert!(
        problems.contains("authed/prod has to be authorised again"),
        "{problems}"
    );
    let listed = proxy.run(&["auth", "list"]).await.stdout;
    assert!(listed.contains("DEAD (invalid_grant)"), "{listed}");
}
