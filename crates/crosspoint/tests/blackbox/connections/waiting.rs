//! Profiles that nobody has authorised yet, as `/readyz` tells them.

use serde_json::{Value, json};

use super::rotating::{Rotating, authorise, profile};
use crate::harness::{Proxy, Setup, until};

/// What is told of a profile.
fn told(profile: &str) -> String {
    format!("nobody has authorised {profile} yet: run `crosspoint auth login {profile}`")
}

/// The problems; everything serves all the same.
async fn problems(proxy: &Proxy) -> Value {
    let ready = proxy.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &json!(true)));
    ready.json()["problems"].clone()
}

async fn until_told(proxy: &Proxy, profiles: &[&str]) {
    let wanted: Value = profiles.iter().map(|profile| told(profile)).collect();
    until("these profiles are told", async || {
        problems(proxy).await == wanted
    })
    .await;
}

#[tokio::test]
async fn a_profile_is_told_until_somebody_has_consented() {
    let system = Rotating::default();
    let provider = system.start().await;
    let origin = format!("settings = {{ origin = \"{}\" }}\n", provider.url(""));
    let other =
        |name: &str, lines: &str| format!("[connectors.http.profiles.{name}]\n{lines}\n{origin}");
    let config = [
        profile("http", &provider, &origin),
        // Nobody has to consent to these, and this one is not used.
        format!(
            "[connectors.http.auths.machine]\ngrant = \"client_credentials\"\n\
             token_url = \"{}\"\nclient_id = \"me\"\nclient_secret = \"canary-machine\"\n",
            provider.url("/token")
        ),
        other("machine", "auth = \"machine\""),
        other("plain", "default = true"),
        other("off", "auth = \"main\"\nenabled = false"),
    ];
    let proxy = Setup::new().config(&config.concat()).serve().await;
    until_told(&proxy, &["http/prod"]).await;
    let address = format!("origin={}", provider.url(""));
    let kept = ["profile", "set", "http/kept", "--auth", "main", &address];
    proxy.run(&kept).await.text(0);
    until_told(&proxy, &["http/kept", "http/prod"]).await;
    authorise(&proxy, "http").await;
    assert_eq!(problems(&proxy).await, json!([told("http/kept")]));
    // It is remembered.
    let proxy = proxy.kill().await.serve().await;
    until_told(&proxy, &["http/kept"]).await;
    proxy.run(&["auth", "forget", "http/prod"]).await.text(0);
    assert_eq!(
        problems(&proxy).await,
        json!([told("http/kept"), told("http/prod")])
    );
    proxy.run(&["profile", "remove", "http/kept"]).await.text(0);
    until_told(&proxy, &["http/prod"]).await;
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
}

#[tokio::test]
async fn what_was_granted_by_another_auth_does_not_count() {
    let system = Rotating::default();
    let provider = system.start().await;
    let origin = format!("settings = {{ origin = \"{}\" }}\n", provider.url(""));
    let config = profile("http", &provider, &origin);
    let second = config.replace("auths.main", "auths.second");
    let second = second.split("[connectors.http.profiles").next().unwrap();
    let proxy = Setup::new().config(&config).serve().await;
    until_told(&proxy, &["http/prod"]).await;
    authorise(&proxy, "http").await;
    assert_eq!(problems(&proxy).await, json!([]));
    let config = config.replace("auth = \"main\"", "auth = \"second\"") + second;
    proxy.setup().config(&config);
    proxy.run(&["reload"]).await.text(0);
    assert_eq!(problems(&proxy).await, json!([told("http/prod")]));
    let call = json!({"url": provider.url("/thing")});
    let answer = proxy.call("http/GetRequestV2", call).await;
    assert_eq!(answer.message(), told("http/prod"), "{}", answer.text);
}
