//! Secrets in the configuration and the environment.

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::look_in_answer;
use crate::harness::{Canaries, Proxy, Reply, Setup, Upstream};

/// A proxy with keys from everywhere.
fn keyed(canaries: &mut Canaries) -> (Setup, [String; 4]) {
    let keys = ["a literal", "a table", "env:", "file:"];
    let keys = keys.map(|place| canaries.plant(&format!("the API key from {place}")));
    let config = format!(
        "[access]\napi_keys = [{}, {{ name = \"table\", key = {} }}, \"env:THE_KEY\", \"file:key.txt\"]\n",
        json!(keys[0]),
        json!(keys[1]),
    );
    let setup = Setup::new()
        .config(&config)
        .file("key.txt", &keys[3])
        .env("THE_KEY", &keys[2]);
    (setup, keys)
}

async fn look_around(canaries: &Canaries, proxy: Proxy, key: &str) {
    for path in [
        "/metrics",
        "/openapi.json",
        "/docs",
        "/v1/commands",
        "/readyz",
        "/",
        "/nowhere",
    ] {
        let ask = proxy
            .ask(Method::GET, path)
            .header("authorization", &format!("Bearer {key}"));
        canaries.look_in(path, &ask.send().await.text);
    }
    let ended = proxy.stop().await;
    canaries.look_in("standard output", &ended.stdout);
    for line in ended.stderr.lines() {
        canaries.look_in("the log", line);
    }
}

#[tokio::test]
async fn api_keys_do_not_show_even_when_an_upstream_knows_them() {
    let mut canaries = Canaries::default();
    let (setup, keys) = keyed(&mut canaries);
    let proxy = setup.env("CROSSPOINT_LOG", "trace").serve().await;
    let known = keys.join(" ");
    let upstream = Upstream::start(move |_| Reply::status(500).body(&known)).await;
    for key in &keys {
        let ask = || {
            proxy
                .do_("http/GetRequestV2")
                .json(&json!({"url": upstream.url("/")}))
        };
        for ask in [
            ask().header("spiff-connector-proxy-api-key", key),
            ask().header("authorization", &format!("Bearer {key}")),
        ] {
            let answer = ask.send().await;
            assert_eq!(answer.code(), "HttpError500", "{}", answer.text);
            look_in_answer(&canaries, "a call", &answer);
        }
    }
    for (name, value) in [
        ("spiff-connector-proxy-api-key", format!("{}x", keys[0])),
        ("authorization", format!("Basic {}", keys[1])),
        ("x-request-id", keys[2].clone()),
    ] {
        let answer = proxy
            .do_("http/GetRequestV2")
            .json(&json!({}))
            .header(name, &value)
            .send()
            .await;
        assert_eq!(answer.status, 401);
        canaries.look_in("a refusal", &answer.text);
    }
    let path = format!("/{}", utf8_percent_encode(&keys[3], NON_ALPHANUMERIC));
    proxy.get(&path).await;
    look_around(&canaries, proxy, &keys[0]).await;
}

#[tokio::test]
async fn checking_the_configuration_does_not_show_it() {
    for arguments in [&["config", "check"][..], &["config", "check", "--json"]] {
        let mut canaries = Canaries::default();
        let (setup, _) = keyed(&mut canaries);
        let ended = setup.run(arguments).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains("env:THE_KEY"), "{}", ended.stdout);
        canaries.look_in("config check", &format!("{}{}", ended.stdout, ended.stderr));
    }
}

#[tokio::test]
async fn mistakes_in_the_configuration_do_not_show_it() {
    let mut canaries = Canaries::default();
    let key = canaries.plant_plain("a key in a wrong place");
    for config in [
        format!("[access]\napi_keys = \"{key}\"\n"),
        format!("[access]\napi_keys = [\"{key}\"\n"),
        format!("[access]\napi_keys = [{key}]\n"),
        format!("[access]\napi_keys = [\"{key}\", \"{key}\"]\n"),
        format!("[access]\napi_keys = [{{ name = \"x\", key = \"{key}\", kye = \"{key}\" }}]\n"),
        format!("[access]\napi_keys = [{{ name = \"x\", key = [\"{key}\"] }}]\n"),
        format!("[access]\napi_key = \"{key}\"\n"),
        format!("[access]\napi_keys = [\"{key}\\u000a\"]\n"),
        format!("access = \"{key}\"\n"),
        format!("api_keys = [\"{key}\"]\n"),
    ] {
        for arguments in [
            &["config", "check"][..],
            &["config", "check", "--json"],
            &["serve"],
        ] {
            let ended = Setup::new().config(&config).run(arguments).await;
            assert_eq!(ended.code, Some(2), "{config}{ended:?}");
            let output = format!("{}{}", ended.stdout, ended.stderr);
            canaries.look_in(&format!("{arguments:?} of {config}"), &output);
        }
    }
    for (name, value) in [
        ("CROSSPOINT_ACCESS__API_KEYS", format!("{key},{key}")),
        ("CONNECTOR_PROXY_API_KEY", format!("{key}\n{key}")),
    ] {
        let ended = Setup::new()
            .env(name, value)
            .run(&["config", "check"])
            .await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        canaries.look_in(name, &format!("{}{}", ended.stdout, ended.stderr));
    }
}

#[tokio::test]
async fn the_password_of_a_forward_proxy_does_not_show() {
    let mut canaries = Canaries::default();
    let password = canaries.plant("the password of HTTP_PROXY");
    let encoded = utf8_percent_encode(&password, NON_ALPHANUMERIC).to_string();
    let forward = Upstream::start(|seen| match seen.target.ends_with("/fails") {
        // The odd proxy repeats what it was sent.
        true => Reply::status(407).body(seen.header("proxy-authorization")),
        false => Reply::raw(""),
    })
    .await;
    let url = format!("http://someone:{encoded}@{}", forward.address);
    let setup = Setup::new()
        .env("CROSSPOINT_LOG", "trace")
        .env("HTTP_PROXY", &url);
    let proxy = setup.env("HTTPS_PROXY", &url).serve().await;
    for url in [
        "http://127.0.0.1:1/fails",
        "http://127.0.0.1:1/hangs-up",
        "https://127.0.0.1:1/",
    ] {
        for id in ["http/GetRequestV2", "http/PutRequest"] {
            let answer = proxy.call(id, json!({"url": url})).await;
            assert_ne!(answer.code(), "", "{}", answer.text);
            look_in_answer(&canaries, url, &answer);
        }
    }
    let seen: Vec<_> = forward
        .seen()
        .iter()
        .map(|seen| seen.everything())
        .collect();
    canaries.all_arrived(&seen);
    look_around(&canaries, proxy, "none").await;
}

#[tokio::test]
async fn a_variable_that_is_none_of_ours_stays_where_it_is() {
    let mut canaries = Canaries::default();
    let value = canaries.plant("a variable of the environment");
    let setup = || {
        Setup::new()
            .env("SOME_TOKEN", &value)
            .env("CROSSPOINT_LOG", "trace")
    };
    let ended = setup().run(&["config", "check"]).await;
    canaries.look_in("config check", &format!("{}{}", ended.stdout, ended.stderr));
    let proxy = setup().serve().await;
    let upstream = Upstream::echo().await;
    let arguments = json!({"url": upstream.url("/"), "headers": {"X-Token": "env:SOME_TOKEN"}});
    proxy.call("http/GetRequestV2", arguments).await.success();
    // Arguments are never resolved.
    assert_eq!(upstream.last().header("x-token"), "env:SOME_TOKEN");
    look_around(&canaries, proxy, "none").await;
}
