//! Where secrets go, and where they do not.

use serde_json::json;

use super::{problems, serve, server, started};
use crate::harness::{Reply, Seen, Setup, Upstream};

const DOCUMENT: &str = r##"
openapi: 3.1.0
info: {title: x, version: "1"}
servers:
  - url: "http://{host}:{port}/v1"
    variables:
      host: {default: "127.0.0.1"}
      port: {default: ""}
security:
  - token: []
  - key: []
paths:
  /who:
    get: {operationId: who, responses: {}}
  /open:
    get: {operationId: open, security: [], responses: {}}
  /both:
    get: {operationId: both, security: [{key: [], cookie: []}], responses: {}}
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
    key: {type: apiKey, in: query, name: api_key}
    cookie: {type: apiKey, in: cookie, name: session}
    odd: {type: mutualTLS}
"##;

#[tokio::test]
async fn the_alternative_counts_of_which_everything_is_there() {
    let upstream = Upstream::echo().await;
    let config = format!(
        "{}\n[connectors.api.profiles.a]\ndefault = true\nsecrets = {{ access_token = \"canary-a\" }}\n\
         [connectors.api.profiles.b]\nsecrets = {{ key = \"canary b\", cookie = \"canary-c\" }}",
        server(&upstream)
    );
    let proxy = serve(DOCUMENT, &config).await;
    assert!(
        problems(&proxy)
            .await
            .contains("unknown kinds are passed over (odd)")
    );
    let sent = proxy.call("api/who", json!({})).await.success();
    assert_eq!(sent["headers"]["authorization"], "Bearer canary-a");
    let sent = proxy
        .call("api/who", json!({"crosspoint__profile": "b"}))
        .await
        .success();
    assert_eq!(
        (&sent["target"], &sent["headers"]["authorization"]),
        (&json!("/who?api_key=canary%20b"), &json!(null))
    );
    let sent = proxy
        .call("api/both", json!({"crosspoint__profile": "b"}))
        .await
        .success();
    assert_eq!(sent["headers"]["cookie"], "session=canary-c");
    let sent = proxy.call("api/open", json!({})).await.success();
    assert_eq!(sent["headers"]["authorization"], json!(null));
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
}

#[tokio::test]
async fn an_account_goes_to_no_system_that_a_call_has_chosen() {
    let upstream = Upstream::echo().await;
    let thief = Upstream::echo().await;
    let port = upstream.address.port();
    let config = format!(
        "[connectors.api.profiles.a]\nsettings = {{ port = \"{port}\" }}\n\
         secrets = {{ access_token = \"canary-a\" }}"
    );
    let proxy = serve(DOCUMENT, &config).await;
    let sent = proxy.call("api/who", json!({})).await.success();
    assert_eq!(
        (&sent["target"], &sent["headers"]["authorization"]),
        (&json!("/v1/who"), &json!("Bearer canary-a"))
    );
    let elsewhere = json!({"port": thief.address.port().to_string()});
    let refused = proxy.call("api/who", elsewhere).await;
    assert_eq!((refused.status, &*refused.code()), (400, "profile_invalid"));
    assert!(thief.seen().is_empty());
    // An account of its own may go there.
    let own = json!({"port": thief.address.port().to_string(), "access_token": "mine"});
    assert_eq!(
        proxy.call("api/who", own).await.success()["headers"]["authorization"],
        "Bearer mine"
    );
    for odd in ["80/x", "80@evil", "a b"] {
        let refused = proxy.call("api/who", json!({"port": odd})).await;
        assert_eq!(refused.status, 400, "{odd}");
    }
}

#[tokio::test]
async fn redirects_to_elsewhere_are_followed_without_the_account() {
    let other = Upstream::echo().await;
    let away = other.url("/landed");
    let upstream = Upstream::start(move |_: &Seen| Reply::redirect(302, &away)).await;
    let lines = format!(
        "{}\n[connectors.api.profiles.a]\nsecrets = {{ access_token = \"canary-a\" }}",
        server(&upstream)
    );
    let proxy = serve(DOCUMENT, &lines).await;
    let sent = proxy.call("api/who", json!({})).await.success();
    assert_eq!(sent["headers"]["authorization"], json!(null));
    assert_eq!(upstream.last().header("authorization"), "Bearer canary-a");
}

const WITH_PIN: &str = r##"
openapi: 3.1.0
info: {title: x, version: "1"}
servers:
  - url: "http://127.0.0.1:{port}"
    variables:
      port: {default: ""}
security:
  - seat: []
paths:
  /pay:
    get:
      operationId: pay
      parameters:
        - {name: X-Plain, in: header, schema: {type: string}}
        - {name: X-Pin, in: header, required: true, schema: {type: string, format: password}}
        - {name: seen, in: cookie, schema: {type: string}}
      responses: {}
components:
  securitySchemes:
    seat: {type: apiKey, in: cookie, name: seat}
"##;

#[tokio::test]
async fn parameters_that_are_secret_go_to_the_system_and_nowhere_else() {
    let other = Upstream::echo().await;
    let away = other.url("/landed");
    let upstream = Upstream::start(move |_: &Seen| Reply::redirect(302, &away)).await;
    let port = upstream.address.port();
    let profile = format!(
        "[connectors.api.profiles.a]\nsettings = {{ port = \"{port}\" }}\n\
         secrets = {{ X-Pin = \"canary-p\", seat = \"canary-s\" }}"
    );
    let proxy = serve(WITH_PIN, &profile).await;
    let arguments = json!({"X-Plain": "plain", "seen": "yes"});
    let landed = proxy.call("api/pay", arguments).await.success();
    let seen = upstream.last();
    assert_eq!(seen.header("x-pin"), "canary-p");
    assert_eq!(seen.header("cookie"), "seen=yes; seat=canary-s");
    let headers = &landed["headers"];
    assert_eq!(
        (&headers["x-pin"], &headers["cookie"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(headers["x-plain"], "plain");
    // Nor does the profile's go where a call says.
    let before = other.seen().len();
    let elsewhere = json!({"port": other.address.port().to_string(), "seat": "mine"});
    let refused = proxy.call("api/pay", elsewhere).await;
    assert_eq!((refused.status, &*refused.code()), (400, "profile_invalid"));
    assert_eq!(other.seen().len(), before);
}

#[tokio::test]
async fn a_profile_is_checked_against_the_system() {
    let upstream = Upstream::start(|seen: &Seen| match seen.header("authorization") {
        "Bearer good-token" => Reply::json("{}"),
        _ => Reply::status(401),
    })
    .await;
    let setup = Setup::new().file("api.yaml", DOCUMENT);
    let config = format!(
        "[connectors.api]\nopenapi = \"api.yaml\"\n{}\n\
         profiles.good.secrets = {{ access_token = \"good-token\" }}\n\
         profiles.bad.secrets = {{ access_token = \"bad-token\" }}\n",
        server(&upstream)
    );
    let proxy = started(setup, &config).await;
    let good = proxy.run(&["profile", "check", "api/good"]).await;
    assert_eq!(good.code, Some(0), "{}{}", good.stdout, good.stderr);
    let bad = proxy.run(&["profile", "check", "api/bad"]).await;
    assert_eq!(bad.code, Some(1), "{}", bad.stdout);
    assert!(
        format!("{}{}", bad.stdout, bad.stderr).contains("HttpError401"),
        "{}{}",
        bad.stdout,
        bad.stderr
    );
}
