//! Secrets of accounts, planted in every place where one may be, and looked for wherever Crosspoint says
//! anything.

mod world;

use std::fs;

use http::Method;
use serde_json::{Value, json};

use self::world::{PROFILES, SHORT, World, in_a_form, value, world};
use crate::connections::provider::{open, query};
use crate::harness::{Canaries, Proxy, Seen, until};
use crate::python::support::ready;

// === impl World ===

impl World {
    fn value(&self, name: &str) -> String {
        value(&self.values, name)
    }

    fn look(&self, what: &str, text: &str) {
        self.canaries.look_in(what, text);
        assert!(
            !text.contains(SHORT),
            "{what} shows the short secret:\n{text}"
        );
    }

    async fn run(&self, arguments: &[&str], input: &str) -> String {
        let ended = self.setup.clone().run_with(arguments, input).await;
        let text = format!("{}{}", ended.stdout, ended.stderr);
        self.look(&format!("{arguments:?}"), &text);
        text
    }

    /// What is kept before the first start.
    async fn keep(&mut self) {
        self.run(&["secret", "set", "CRM"], &self.value("kept"))
            .await;
        self.run(&["secret", "set", "CLIENT"], &self.value("client"))
            .await;
        let origin = format!("origin={}", self.upstream.url(""));
        let set = [
            "profile",
            "set",
            "http/store",
            &origin,
            "--secret",
            "access_token",
        ];
        self.run(&set, &self.value("store")).await;
        let set = [
            "profile",
            "set",
            "http/kept",
            &origin,
            "--from",
            "access_token=secret:CRM",
        ];
        self.run(&set, "").await;
        // A secret where a setting belongs, or where nothing of its kind does.
        for mistake in ["access_token=", "acess_token=", "origin:={"] {
            let mistake = format!("{mistake}{}", self.value("kept"));
            let said = self
                .run(&["profile", "set", "http/odd", &mistake], "")
                .await;
            assert!(said.contains("error"), "{said}");
        }
        let made = self.setup.clone().run(&["key", "create", "engine"]).await;
        self.canaries
            .hide("the key of the store", made.text(0).trim());
        self.look("key create", &made.stderr);
    }

    async fn ask(&self, proxy: &Proxy, method: Method, path: &str, body: Value) -> (u16, String) {
        let ask = proxy.ask(method, path).verbatim();
        let ask = ask.header("authorization", &format!("Bearer {}", self.key));
        let answer = ask.json(&body).send().await;
        (answer.status, answer.text)
    }

    /// The same, where nothing secret may come back.
    async fn asks(&self, proxy: &Proxy, method: Method, path: &str, body: Value) -> String {
        let (_, text) = self.ask(proxy, method, path, body).await;
        self.look(path, &text);
        text
    }

    async fn keep_by_api(&self, proxy: &Proxy) {
        let own = json!({"settings": {"origin": self.upstream.url("")},
                         "secrets": {"access_token": {"value": self.value("api")}}});
        let path = "/api/v1/profiles/http/api";
        let made = self.asks(proxy, Method::PUT, path, own).await;
        assert!(made.contains("\"access_token\":\"***\""), "{made}");
        let path = "/api/v1/profiles/http/odd";
        let secret = self.value("api");
        for odd in [
            json!({"settings": {"access_token": secret}}),
            json!({"settings": {"origin": [secret]}}),
            json!({"secrets": {"access_token": secret, "token": {"value": secret}}}),
            json!({"secrets": {"access_token": {"value": [secret]}}, "check_seconds": secret}),
        ] {
            let said = self.asks(proxy, Method::PUT, path, odd).await;
            assert!(said.contains("\"status\":400"), "{said}");
        }
    }

    async fn authorise(&self, proxy: &Proxy) {
        let begun = proxy
            .ask(Method::GET, "/v1/auth/http/main?profile=oauth")
            .header("authorization", &format!("Bearer {}", self.key));
        let begun = begun.verbatim().send().await;
        let state = query(begun.header("location"))["state"].clone();
        let back = format!("/v1/auth/http/main/callback?code=code-4711&state={state}");
        let done = open(proxy, &back).await;
        assert_eq!(done.status, 200, "{}", done.text);
        self.look("the page after consent", &done.text);
    }

    /// Calls with every profile, by both ways in.
    async fn call(&self, proxy: &Proxy) {
        for (path, n) in [("/fails", 1), ("/expires", 2)] {
            for profile in PROFILES {
                let arguments =
                    json!({"url": self.upstream.url(path), "crosspoint__profile": profile});
                let path = "/v1/do/http/PostRequestV2";
                let (_, text) = self.ask(proxy, Method::POST, path, arguments).await;
                let said: Value = serde_json::from_str(&text).unwrap();
                let said = format!("{} {}", said["error"], said["spiff__logs"]);
                self.look(&format!("{profile} {n}"), &said);
            }
        }
        for profile in ["long", "short"] {
            for how in ["raise", "chain", "fail", "fine"] {
                let call =
                    json!({"command": "crm/Tell", "arguments": {"how": how}, "profile": profile});
                self.asks(proxy, Method::POST, "/api/v1/calls", call).await;
            }
        }
    }

    async fn look_around(&self, proxy: &Proxy) {
        for path in [
            "/metrics",
            "/readyz",
            "/healthz",
            "/docs",
            "/openapi.json",
            "/",
            "/v1/commands",
            "/v1/auths",
            "/api/v1/commands",
            "/api/v1/connectors",
            "/api/v1/calls",
            "/api/v1/profiles",
            "/api/v1/secrets",
            "/api/v1/audit",
        ] {
            self.asks(proxy, Method::GET, path, Value::Null).await;
        }
        for arguments in [
            &["config", "check"][..],
            &["profile", "list"],
            &["secret", "list"],
            &["key", "list"],
            &["auth", "list"],
            &["ledger", "list"],
            &["audit"],
        ] {
            self.run(arguments, "").await;
            self.run(&[arguments, &["--json"]].concat(), "").await;
        }
        let profiles = PROFILES.map(|name| format!("http/{name}"));
        let more = ["crm/long", "crm/short"].map(str::to_owned);
        for profile in profiles.iter().chain(&more) {
            for verb in ["show", "check"] {
                self.run(&["profile", verb, profile], "").await;
                self.run(&["profile", verb, profile, "--json"], "").await;
            }
            let path = format!("/api/v1/profiles/{profile}");
            self.asks(proxy, Method::GET, &path, Value::Null).await;
            self.asks(proxy, Method::POST, &(path + "/check"), Value::Null)
                .await;
        }
        let rows = proxy.rows(&[]).await;
        assert_eq!(rows.len(), 2 * PROFILES.len() + 8);
        for row in rows {
            self.run(&["ledger", "show", &row.id], "").await;
            self.run(&["ledger", "show", &row.id, "--json"], "").await;
            let path = format!("/api/v1/calls/{}", row.id);
            self.asks(proxy, Method::GET, &path, Value::Null).await;
        }
    }

    /// Every file of the store, and what the collector got.
    async fn look_behind(&self) {
        until("spans have come", async || {
            !self.collector.spans().is_empty()
        })
        .await;
        for seen in self.collector.upstream.seen() {
            self.look("an export", &seen.everything());
        }
        for span in self.collector.spans() {
            self.look("a span", &format!("{span:?}"));
        }
        let folder = self.setup.path().join(".crosspoint");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if let Ok(bytes) = fs::read(&path) {
                let text = String::from_utf8_lossy(&bytes);
                let what = path.display().to_string();
                let found = self.canaries.found_in(&text);
                assert!(
                    found.is_empty() && !text.contains(SHORT),
                    "{what} has {found:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn no_secret_of_an_account_shows_anywhere() {
    let mut world = world().await;
    world.keep().await;
    let proxy = world.setup.clone().serve().await;
    ready(&proxy).await;
    world.authorise(&proxy).await;
    world.keep_by_api(&proxy).await;
    world.call(&proxy).await;
    world.look_around(&proxy).await;
    // Each was used, so that each could have shown.
    let arrived: Vec<_> = world.upstream.seen().iter().map(Seen::everything).collect();
    for name in [
        "file",
        "store",
        "kept",
        "vault",
        "oauth",
        "api",
        "refresh",
        "client",
        "vault token",
    ] {
        let mut sent = Canaries::default();
        match name {
            "client" => sent.hide(name, &in_a_form(&world.value(name))),
            name => sent.hide(name, &world.value(name)),
        }
        sent.all_arrived(&arrived);
    }
    let ended = proxy.stop().await;
    assert!(
        ended.stderr.contains("the token is ***"),
        "{}",
        ended.stderr
    );
    world.look("standard output", &ended.stdout);
    for line in ended.stderr.lines() {
        world.look("the log", line);
    }
    world.look_behind().await;
}
