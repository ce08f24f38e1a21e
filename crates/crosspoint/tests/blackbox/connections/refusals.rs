//! What is refused on the way of a browser.

use http::Method;
use serde_json::json;

use super::provider::{at, open, query};
use crate::harness::{Proxy, Reply, Setup, Upstream, closed_port};

/// Two auths of two providers that differ in their issuers.
fn config(provider: &str) -> String {
    let auth = |name: &str| {
        format!(
            "[connectors.http.auths.{name}]\nauthorize_url = \"{provider}/{name}/authorize\"\n\
             token_url = \"{provider}/{name}/token\"\nclient_id = \"me\"\n\
             issuer = \"https://{name}.example\"\n"
        )
    };
    let profile = "[connectors.http.profiles.prod]\nauth = \"one\"\n\
                   settings = { origin = \"https://api.example\" }\n";
    [&auth("one"), &auth("two"), profile].concat()
}

async fn provider() -> Upstream {
    Upstream::start(|_| Reply::json(r#"{"access_token": "canary-access"}"#)).await
}

async fn state(proxy: &Proxy, auth: &str) -> String {
    let begun = open(proxy, &format!("/v1/auth/http/{auth}?profile=prod")).await;
    assert_eq!(begun.status, 302, "{}", begun.text);
    query(begun.header("location"))["state"].clone()
}

async fn refused(proxy: &Proxy, path: &str, part: &str) {
    let answer = open(proxy, path).await;
    assert_eq!(answer.status, 400, "{path} {}", answer.text);
    assert!(answer.text.contains(part), "{path} {}", answer.text);
    assert_eq!(answer.header("location"), "", "{path}");
}

#[tokio::test]
async fn no_browser_is_sent_where_nobody_meant_it_to_go() {
    let upstream = provider().await;
    let hosts = "[spiff]\nredirect_hosts = [\"arena.example\"]\n";
    let proxy = Setup::new()
        .config(&format!("{hosts}{}", config(&upstream.url(""))))
        .serve()
        .await;
    for address in [
        "https://evil.example/",
        "//evil.example/",
        "https:evil.example",
        "https://arena.example@evil.example/",
        "https://evil.example%5C@arena.example/",
        "https://arena.example%5C.evil.example/",
        "https://ARENA.example.evil.example/",
        "https://xn--rena-8ya.example/",
        "https://%D0%B0rena.example/",
        "javascript:alert(1)",
        "https://arena.example%0d%0aset-cookie:a=b/",
        "http://localhost:8000/",
        "",
    ] {
        let path = format!("/v1/auth/http/one?redirect_url={address}");
        refused(&proxy, &path, "redirect_url").await;
    }
    refused(&proxy, "/v1/auth/http/one", "redirect_url").await;
    let twice = "redirect_url=https://arena.example/&redirect_url=https://evil.example/";
    refused(&proxy, &format!("/v1/auth/http/one?{twice}"), "twice").await;
    let fine = open(
        &proxy,
        "/v1/auth/http/one?redirect_url=https://ARENA.example/x?token=t",
    )
    .await;
    assert_eq!(fine.status, 302);
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn no_code_is_taken_that_was_not_asked_for() {
    let upstream = provider().await;
    let proxy = Setup::new()
        .config(&config(&upstream.url("")))
        .serve()
        .await;
    let callback = |auth: &str, rest: &str| format!("/v1/auth/http/{auth}/callback?{rest}");
    refused(&proxy, &callback("one", "code=stolen"), "no state").await;
    refused(
        &proxy,
        &callback("one", "code=stolen&state=guessed"),
        "not known",
    )
    .await;
    let of_one = state(&proxy, "one").await;
    refused(
        &proxy,
        &callback("two", &format!("code=code-4711&state={of_one}")),
        "another auth",
    )
    .await;
    refused(
        &proxy,
        &callback("one", &format!("code=code-4711&state={of_one}")),
        "not known",
    )
    .await;
    let mixed = format!(
        "code=code-4711&state={}&iss=https://two.example",
        state(&proxy, "one").await
    );
    refused(&proxy, &callback("one", &mixed), "another provider").await;
    let denied = format!(
        "state={}&error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E",
        state(&proxy, "one").await
    );
    let answer = open(&proxy, &callback("one", &denied)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("&lt;script&gt;") && !answer.text.contains("<script>"));
    // What only looks does not use it up.
    let good = callback(
        "one",
        &format!(
            "code=code-4711&state={}&iss=https://one.example",
            state(&proxy, "one").await
        ),
    );
    let looked = proxy.ask(Method::HEAD, &good).verbatim().send().await;
    assert_eq!(looked.status, 400);
    assert!(upstream.seen().is_empty(), "nothing was exchanged");
    let ended = open(&proxy, &good).await;
    assert_eq!(ended.status, 200, "{}", ended.text);
    assert_eq!(upstream.seen().len(), 1);
    assert!(upstream.last().text().contains("code_verifier="));
}

#[tokio::test]
async fn a_provider_that_is_down_or_talks_nonsense_is_told() {
    let (_socket, address) = closed_port();
    let down = Setup::new()
        .config(&config(&format!("http://{address}")))
        .serve()
        .await;
    let path = format!(
        "/v1/auth/http/one/callback?code=code-4711&state={}",
        state(&down, "one").await
    );
    let answer = open(&down, &path).await;
    assert_eq!(answer.status, 502);
    assert!(
        answer.text.contains(&address.to_string()),
        "{}",
        answer.text
    );
    let odd = Upstream::start(|_| Reply::ok("text/html", "<html>Sign in</html>")).await;
    let proxy = Setup::new().config(&config(&odd.url(""))).serve().await;
    let path = format!(
        "/v1/auth/http/one/callback?code=code-4711&state={}",
        state(&proxy, "one").await
    );
    let answer = open(&proxy, &path).await;
    assert_eq!(answer.status, 502);
    assert!(answer.text.contains("no JSON object"), "{}", answer.text);
}

#[tokio::test]
async fn who_keeps_tokens_needs_a_key_and_who_only_passes_by_does_not() {
    let upstream = provider().await;
    let keys = "[access]\napi_keys = [{ name = \"ops\", key = \"ops-key-4711\" }]\n";
    let config = format!("{keys}{}", config(&upstream.url("")));
    let proxy = Setup::new().config(&config).serve().await;
    refused(
        &proxy,
        "/v1/auth/http/one?profile=prod",
        "needs an access key",
    )
    .await;
    let to = "/v1/auth/http/one?redirect_url=http://localhost:8000/";
    assert_eq!(open(&proxy, to).await.status, 302);
    let ask = proxy
        .ask(Method::GET, "/v1/auth/http/one?profile=prod")
        .verbatim();
    let begun = ask
        .header("authorization", "Bearer ops-key-4711")
        .send()
        .await;
    assert_eq!(begun.status, 302);
    let state = query(begun.header("location"))["state"].clone();
    let ended = open(
        &proxy,
        &format!("/v1/auth/http/one/callback?code=code-4711&state={state}"),
    )
    .await;
    assert_eq!(ended.status, 200, "{}", ended.text);
    let listed = proxy.run(&["auth", "list"]).await.stdout;
    assert!(
        listed.contains("by ops") && !listed.contains("canary"),
        "{listed}"
    );
}

#[tokio::test]
async fn no_page_of_another_site_makes_a_browser_authorise_a_profile() {
    let upstream = provider().await;
    let proxy = Setup::new()
        .config(&config(&upstream.url("")))
        .serve()
        .await;
    for site in ["cross-site", "same-site"] {
        let ask = proxy
            .ask(Method::GET, "/v1/auth/http/one?profile=prod")
            .verbatim();
        let answer = ask.header("sec-fetch-site", site).send().await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    let path = at(
        &proxy,
        &proxy.url("/v1/auth/http/one?profile=prod").parse().unwrap(),
    );
    assert_eq!(open(&proxy, &path).await.status, 302);
}

#[tokio::test]
async fn a_connectors_own_egress_rules_count_for_its_tokens() {
    let provider = Upstream::start(|_| Reply::json(r#"{"access_token": "t"}"#)).await;
    let config = format!(
        "[connectors.http.auths.main]\ngrant = \"client_credentials\"\n\
         token_url = \"{0}/token\"\nclient_id = \"me\"\nclient_secret = \"canary\"\n\
         [connectors.http.profiles.prod]\nauth = \"main\"\n\
         settings = {{ origin = \"{0}\" }}\n",
        provider.url("")
    );
    let closed = config.clone() + "[connectors.http.egress]\ndeny = [\"127.0.0.1\"]\n";
    for (config, asked) in [(closed, 0), (config, 1)] {
        let proxy = Setup::new().config(&config).serve().await;
        let arguments = json!({"url": provider.url("/thing")});
        let answer = proxy.call("http/GetRequestV2", arguments).await;
        let tokens = provider
            .seen()
            .iter()
            .filter(|s| s.target == "/token")
            .count();
        assert_eq!(tokens, asked, "{}", answer.text);
        assert_eq!(
            answer.message().contains("asking for a token"),
            asked == 0,
            "{}",
            answer.text
        );
    }
}
