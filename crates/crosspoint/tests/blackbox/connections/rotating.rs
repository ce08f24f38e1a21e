//! A provider that gives each refresh token once, and the system behind its tokens.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::json;

use super::provider::{open, query};
use crate::harness::{Proxy, Reply, Seen, Upstream};

/// Both in one: the system takes the newest token alone, the provider rotates refresh tokens and
/// ends everything when one is used twice.
#[derive(Clone, Default)]
pub struct Rotating(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub issued: u32,
    used: HashSet<String>,
    /// Nothing that was granted counts any more.
    pub revoked: bool,
    /// The newest token is not taken any more, though the provider said that it would be.
    pub expired: bool,
    /// Tokens that are given from now on have run out by the time they arrive.
    pub brief: bool,
    /// The provider takes requests for tokens and neither does anything nor answers.
    pub hangs: bool,
}

// === impl Rotating ===

impl Rotating {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub async fn start(&self) -> Upstream {
        let own = self.clone();
        Upstream::start(move |seen| own.state().answer(seen)).await
    }
}

// === impl State ===

impl State {
    fn answer(&mut self, seen: &Seen) -> Reply {
        if seen.target.starts_with("/token") {
            return match self.hangs {
                true => Reply::silence(),
                false => self.token(&seen.text()),
            };
        }
        let newest = format!("Bearer access-{}", self.issued);
        match seen.header("authorization") == newest && !self.expired {
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
        self.expired = false;
        let n = self.issued;
        let expires_in = if self.brief { 0.0001 } else { 3600.0 };
        let set = json!({"access_token": format!("access-{n}"), "refresh_token": format!("refresh-{n}"), "expires_in": expires_in});
        Reply::json(&set.to_string())
    }
}

/// The auth `main` of a connector at this provider, and the profile `prod` that names it.
pub fn profile(connector: &str, provider: &Upstream, settings: &str) -> String {
    format!(
        "[connectors.{connector}.auths.main]\nauthorize_url = \"{0}/authorize\"\n\
         token_url = \"{0}/token\"\nclient_id = \"me\"\nclient_secret = \"canary-client-secret\"\n\
         [connectors.{connector}.profiles.prod]\nauth = \"main\"\n{settings}",
        provider.url("")
    )
}

/// Consents for the profile `prod`, by the auth `main`.
pub async fn authorise(proxy: &Proxy, connector: &str) {
    authorise_by(proxy, &format!("{connector}/main")).await;
}

/// The same by an auth: `connector/name`.
pub async fn authorise_by(proxy: &Proxy, auth: &str) {
    let begun = open(proxy, &format!("/v1/auth/{auth}?profile=prod")).await;
    assert_eq!(begun.status, 302, "{}", begun.text);
    let state = query(begun.header("location"))["state"].clone();
    let back = format!("/v1/auth/{auth}/callback?code=code-4711&state={state}");
    assert_eq!(open(proxy, &back).await.status, 200);
}

/// How many requests for tokens came.
pub fn asked(provider: &Upstream) -> usize {
    let seen = provider.seen();
    seen.iter().filter(|seen| seen.target == "/token").count()
}
