//! The documents of `examples/openapi`, with a system in place of the real one.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::{listed, parameters, problems, started, wanted};
use crate::harness::{Proxy, Reply, Seen, Setup, Upstream, until};

const COINGECKO: &str = include_str!("../../../../../examples/openapi/coingecko.yaml");
const BAMBOOHR: &str = include_str!("../../../../../examples/openapi/bamboohr.yaml");
pub(super) const XERO: &str = include_str!("../../../../../examples/openapi/xero.yaml");
const GITHUB: &str = include_str!("../../../../../examples/openapi/github.yaml");
const TWILIO: &str = include_str!("../../../../../examples/openapi/twilio.yaml");
const CONFIG: &str = include_str!("../../../../../examples/openapi/crosspoint.toml");

/// Mounts an example with its host replaced, the rest of its address as it is.
pub(super) async fn example(
    name: &str,
    document: &str,
    host: &str,
    upstream: &Upstream,
    setup: Setup,
) -> Proxy {
    let document = document.replace(host, &upstream.url(""));
    let setup = setup.file("document.yaml", &document);
    let config = format!("[connectors.{name}]\nopenapi = \"document.yaml\"\n");
    let proxy = started(setup, &config).await;
    assert_eq!(problems(&proxy).await, "[]");
    proxy
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

#[tokio::test]
async fn the_configuration_of_the_examples_mounts_all_of_them() {
    let mut setup = Setup::new();
    for (name, text) in [
        ("coingecko", COINGECKO),
        ("bamboohr", BAMBOOHR),
        ("xero", XERO),
        ("github", GITHUB),
        ("twilio", TWILIO),
    ] {
        setup = setup.file(&format!("{name}.yaml"), text);
    }
    let proxy = started(setup, CONFIG).await;
    let books = "nobody has authorised xero/books yet: run `crosspoint auth login xero/books`";
    let told = json!([books]).to_string();
    until("what is left to do is told", async || {
        problems(&proxy).await == told
    })
    .await;
    for id in [
        "coingecko/SimplePrice",
        "bamboohr/GetEmployeeInfo",
        "bamboohr/GetPayRate",
        "xero/CreateInvoice",
        "xero/GetCurrencies",
        "github/StartActionWorkflow",
        "twilio/SendSms",
    ] {
        listed(&proxy, id).await;
    }
    let auths = proxy.get("/v1/auths").await.json();
    assert_eq!(auths[0]["id"], "xero/OAuth", "{auths}");
    assert_eq!(auths[0]["parameters"], json!([]));
}

#[tokio::test]
async fn coingecko_tells_prices_with_and_without_a_key() {
    let upstream = Upstream::start(|_| Reply::json(r#"{"bitcoin":{"usd":67187.50}}"#)).await;
    let host = "https://api.coingecko.com";
    let proxy = example("coingecko", COINGECKO, host, &upstream, Setup::new()).await;
    let arguments = json!({"ids": ["bitcoin", "a b"], "vs_currencies": "[\"usd\"]", "include_24hr_change": "true"});
    let answer = proxy.call("coingecko/SimplePrice", arguments).await;
    assert!(answer.text.contains("67187.50"), "{}", answer.text);
    let sent = upstream.last();
    assert_eq!(
        sent.target,
        "/api/v3/simple/price?ids=bitcoin,a%20b&vs_currencies=usd&include_24hr_change=true"
    );
    assert_eq!(sent.header("x-cg-demo-api-key"), "");
    let arguments =
        json!({"ids": ["bitcoin"], "vs_currencies": ["usd"], "api_key": "canary-key-1"});
    proxy
        .call("coingecko/SimplePrice", arguments)
        .await
        .success();
    assert_eq!(upstream.last().header("x-cg-demo-api-key"), "canary-key-1");
    assert_eq!(
        listed(&proxy, "coingecko/SimplePrice").await["safety"],
        "read-only"
    );
    let wrong = proxy
        .call("coingecko/SimplePrice", json!({"ids": "bitcoin", "vs": 1}))
        .await;
    assert_eq!((wrong.status, &*wrong.code()), (400, "TypeError"));
    for mistake in [
        "'ids' must be a list",
        "missing parameter 'vs_currencies'",
        "unknown parameter 'vs'",
    ] {
        assert!(wrong.message().contains(mistake), "{}", wrong.message());
    }
}

#[tokio::test]
async fn bamboohr_has_the_commands_of_the_connector_and_its_variables() {
    let upstream = Upstream::start(|seen: &Seen| match &*seen.target {
        target if target.contains("/404?") => Reply::status(404)
            .header("content-type", "application/json")
            .body("{\"payRate\": \"1 USD\"}"),
        target if target.contains("/5?") => Reply::json(r#"{"id":"5","payRate":null}"#),
        _ => Reply::json(r#"{"id":"4","payRate":"65000.00 USD"}"#),
    })
    .await;
    let setup = Setup::new()
        .env("BAMBOOHR_API_KEY", "canary-bamboo")
        .env("BAMBOOHR_SUBDOMAIN", "acme");
    let host = "https://api.bamboohr.com";
    let proxy = example("bamboohr", BAMBOOHR, host, &upstream, setup).await;
    let answer = proxy
        .call("bamboohr/GetPayRate", json!({"employee_id": 4}))
        .await;
    assert_eq!(
        answer.success(),
        json!({"amount": "65000.00", "currency": "USD", "id": "4", "payRate": "65000.00 USD"})
    );
    let sent = upstream.last();
    assert_eq!(
        sent.target,
        "/api/gateway.php/acme/v1/employees/4?onlyCurrent=true&fields=payRate"
    );
    assert_eq!(sent.header("authorization"), basic("canary-bamboo", ""));
    assert_eq!(sent.header("accept"), "application/json");
    let arguments = json!({"employee_id": "4", "fields": "firstName,lastName"});
    proxy
        .call("bamboohr/GetEmployeeInfo", arguments)
        .await
        .success();
    assert!(
        upstream
            .last()
            .target
            .ends_with("&fields=firstName%2ClastName")
    );
    let missing = proxy
        .call("bamboohr/GetPayRate", json!({"employee_id": "404"}))
        .await;
    assert_eq!(missing.failure(), (200, 404, "HttpError404".to_owned()));
    assert!(!missing.text.contains("amount"), "{}", missing.text);
    let unpaid = proxy
        .call("bamboohr/GetPayRate", json!({"employee_id": 5}))
        .await;
    assert_eq!(unpaid.success(), json!({"id": "5", "payRate": null}));
    for escape in ["..", "a/../../admin", ""] {
        let refused = proxy
            .call("bamboohr/GetPayRate", json!({"employee_id": escape}))
            .await;
        let sent = upstream.last().target;
        assert!(
            refused.status == 400 || sent.contains("employees/a%2F..%2F..%2Fadmin"),
            "{sent}"
        );
    }
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
}

#[tokio::test]
async fn github_has_the_parameters_of_the_connector() {
    let upstream = Upstream::start(|_| Reply::status(204)).await;
    let proxy = example("github", GITHUB, "nothing", &upstream, Setup::new()).await;
    let id = "github/StartActionWorkflow";
    assert_eq!(
        parameters(&proxy, id).await,
        wanted(&[
            ("github_repo_api_url", "str", true),
            ("workflow_id", "str", true),
            ("token", "str", true),
            ("additional_workflow_inputs", "any", false),
            ("github_ref", "str", false),
        ])
    );
    let arguments = json!({
        "github_repo_api_url": upstream.url("/repos/a/b"), "workflow_id": "ci.yml",
        "token": "canary-token", "additional_workflow_inputs": "{\"n\": 1.50}"});
    let answer = proxy.call(id, arguments).await;
    assert_eq!(
        (answer.inner(), &*answer.code()),
        (204, ""),
        "{}",
        answer.text
    );
    let sent = upstream.last();
    assert_eq!(
        (&*sent.method, &*sent.target),
        ("POST", "/repos/a/b/actions/workflows/ci.yml/dispatches")
    );
    assert_eq!(sent.text(), r#"{"inputs":{"n": 1.50},"ref":"main"}"#);
    assert_eq!(sent.header("authorization"), "Bearer canary-token");
    assert_eq!(sent.header("x-github-api-version"), "2022-11-28");
    let elsewhere =
        json!({"github_repo_api_url": "file:///etc/passwd", "workflow_id": "x", "token": "t"});
    let refused = proxy.call(id, elsewhere).await;
    assert_eq!((refused.status, &*refused.code()), (400, "TypeError"));
}

#[tokio::test]
async fn twilio_sends_a_form_with_the_account_of_a_profile() {
    let upstream = Upstream::start(|_| {
        Reply::status(201)
            .header("content-type", "application/json")
            .body("{\"sid\": \"SM1\"}")
    })
    .await;
    let document = TWILIO.replace("https://api.twilio.com", &upstream.url(""));
    let setup = Setup::new().file("twilio.yaml", &document);
    let config = "[connectors.twilio]\nopenapi = \"twilio.yaml\"\n[connectors.twilio.profiles.main]\n\
                  settings = { AccountSid = \"AC1\", basic_auth_username = \"AC1\" }\n\
                  secrets = { basic_auth_password = \"canary-twilio\" }\n";
    let proxy = started(setup, config).await;
    let arguments = json!({"To": "+4915112345678", "From": "+1555", "Body": "Grüße & more",
        "MediaUrl": ["http://a", "http://b"]});
    let answer = proxy.call("twilio/SendSms", arguments).await;
    assert_eq!(
        (answer.success(), answer.inner()),
        (json!({"sid": "SM1"}), 201)
    );
    let sent = upstream.last();
    assert_eq!(sent.target, "/2010-04-01/Accounts/AC1/Messages.json");
    assert_eq!(sent.header("authorization"), basic("AC1", "canary-twilio"));
    assert_eq!(
        sent.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        sent.text(),
        "To=%2B4915112345678&From=%2B1555&Body=Gr%C3%BC%C3%9Fe%20%26%20more&MediaUrl=http%3A%2F%2Fa&MediaUrl=http%3A%2F%2Fb"
    );
    assert_eq!(
        listed(&proxy, "twilio/SendSms").await["safety"],
        "effectful"
    );
}
