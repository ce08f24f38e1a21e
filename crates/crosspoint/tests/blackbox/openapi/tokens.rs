//! Profiles of documents whose token is kept fresh: by an auth of the configuration, and by the one that
//! the document describes itself.

use serde_json::{Value, json};

use super::{problems, started};
use crate::connections::rotating::{Rotating, asked, authorise_by, profile};
use crate::harness::{Proxy, Reply, Setup, Upstream, until};

const XERO: &str = include_str!("../../../../../examples/openapi/xero.yaml");

const TENANT: &str = "settings = { tenant_id = \"t-1\" }\n";

/// The example's document, for a provider and a system of ours.
fn document(provider: &Upstream, system: &Upstream) -> Setup {
    let document = XERO
        .replace("https://api.xero.com", &system.url(""))
        .replace(
            "https://login.xero.com/identity/connect/authorize",
            &provider.url("/authorize"),
        )
        .replace(
            "https://identity.xero.com/connect/token",
            &provider.url("/token"),
        );
    Setup::new().file("xero.yaml", &document)
}

/// A proxy whose profile `xero/prod` names the auth `main` of the configuration, and is authorised.
async fn authorised(provider: &Upstream, system: &Upstream) -> Proxy {
    let config = format!(
        "[connectors.xero]\nopenapi = \"xero.yaml\"\n{}",
        profile("xero", provider, TENANT)
    );
    let proxy = started(document(provider, system), &config).await;
    authorise_by(&proxy, "xero/main").await;
    proxy
}

async fn currencies(proxy: &Proxy) -> Value {
    proxy.call("xero/GetCurrencies", json!({})).await.success()
}

/// The result of a call that a system of [`Rotating`] answers with this token.
fn with(token: &str) -> Value {
    let answer = json!({"raw_response": format!("for {token}")});
    json!({"api_response": answer, "auth": "xero/OAuth"})
}

#[tokio::test]
async fn a_token_that_has_run_out_is_refreshed_before_the_system_is_asked() {
    let system = Rotating::default();
    system.state().brief = true;
    let upstream = system.start().await;
    let proxy = authorised(&upstream, &upstream).await;
    system.state().brief = false;
    assert_eq!(currencies(&proxy).await, with("access-2"));
    assert_eq!(currencies(&proxy).await, with("access-2"));
    assert_eq!(asked(&upstream), 2);
    let seen = upstream.seen();
    let bearers = seen.iter().map(|seen| seen.header("authorization"));
    let stale = bearers.filter(|bearer| *bearer == "Bearer access-1");
    assert_eq!(stale.count(), 0, "the old token was sent");
    assert_eq!(upstream.last().header("xero-tenant-id"), "t-1");
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
}

#[tokio::test]
async fn a_token_that_the_system_refuses_is_refreshed_and_the_call_made_once_more() {
    let system = Rotating::default();
    let upstream = system.start().await;
    let proxy = authorised(&upstream, &upstream).await;
    assert_eq!(currencies(&proxy).await, with("access-1"));
    system.state().expired = true;
    let arguments = json!({"description": "A day.", "contact_name": "Ada",
        "contact_email": "ada@example.com", "amount": 100});
    let answer = proxy.call("xero/CreateInvoice", arguments).await;
    assert_eq!(answer.success(), with("access-2"));
    assert!(answer.logs().contains("did not take the token"));
    let posted: Vec<_> = upstream
        .seen()
        .into_iter()
        .filter(|seen| seen.target.ends_with("/Invoices"))
        .map(|seen| {
            let name = seen.json()["Invoices"][0]["Contact"]["Name"].clone();
            (seen.header("authorization").to_owned(), name)
        })
        .collect();
    let wanted = ["access-1", "access-2"].map(|token| (format!("Bearer {token}"), "Ada".into()));
    assert_eq!(posted, wanted);
    assert_eq!(asked(&upstream), 2);
}

#[tokio::test]
async fn a_system_that_takes_no_token_is_asked_twice_and_not_again() {
    let rotating = Rotating::default();
    let provider = rotating.start().await;
    let system = Upstream::start(|_| Reply::status(401)).await;
    let proxy = authorised(&provider, &system).await;
    let answer = proxy.call("xero/GetCurrencies", json!({})).await;
    assert_eq!(answer.failure(), (200, 401, "HttpError401".to_owned()));
    assert_eq!((system.seen().len(), asked(&provider)), (2, 2));
}

#[tokio::test]
async fn a_refresh_that_is_refused_says_what_to_run_and_asks_the_system_no_more() {
    let system = Rotating::default();
    system.state().brief = true;
    let upstream = system.start().await;
    let proxy = authorised(&upstream, &upstream).await;
    system.state().revoked = true;
    for _ in 0..2 {
        let answer = proxy.call("xero/GetCurrencies", json!({})).await;
        assert_eq!(answer.code(), "not_authorised", "{}", answer.text);
        let run = "Run `crosspoint auth login xero/prod`";
        assert!(answer.message().contains(run), "{}", answer.text);
    }
    let calls = upstream.seen().into_iter();
    let calls = calls.filter(|seen| seen.target.ends_with("/Currencies"));
    assert_eq!(calls.count(), 0, "the system was asked in vain");
    assert_eq!(asked(&upstream), 2);
    let told = proxy.get("/readyz").await.json()["problems"].clone();
    let [told] = &told.as_array().unwrap()[..] else {
        panic!("{told}");
    };
    let told = told.as_str().unwrap();
    assert!(
        told.contains("xero/prod has to be authorised again"),
        "{told}"
    );
    // Somebody consents anew.
    system.state().revoked = false;
    system.state().brief = false;
    authorise_by(&proxy, "xero/main").await;
    assert_eq!(currencies(&proxy).await, with("access-2"));
    assert_eq!(problems(&proxy).await, "[]");
}

#[tokio::test]
async fn the_auth_that_a_document_describes_keeps_the_token_fresh_too() {
    let system = Rotating::default();
    system.state().brief = true;
    let upstream = system.start().await;
    let config = "[connectors.xero]\nopenapi = \"xero.yaml\"\n[connectors.xero.profiles.prod]\n\
                  auth = \"OAuth\"\nsettings = { tenant_id = \"t-1\", client_id = \"me\" }\n\
                  secrets = { client_secret = \"canary-client\" }\n";
    let proxy = started(document(&upstream, &upstream), config).await;
    until("it is told that nobody has consented", async || {
        problems(&proxy).await.contains("xero/prod")
    })
    .await;
    let unauthorised = proxy.call("xero/GetCurrencies", json!({})).await;
    assert_eq!(unauthorised.code(), "not_authorised");
    let run = "run `crosspoint auth login xero/prod`";
    assert!(unauthorised.message().contains(run));
    assert_eq!(
        problems(&proxy).await,
        json!([unauthorised.message()]).to_string()
    );
    authorise_by(&proxy, "xero/OAuth").await;
    assert_eq!(problems(&proxy).await, "[]");
    system.state().brief = false;
    assert_eq!(currencies(&proxy).await, with("access-2"));
    system.state().expired = true;
    assert_eq!(currencies(&proxy).await, with("access-3"));
    let tokens: Vec<_> = upstream
        .seen()
        .into_iter()
        .filter(|seen| seen.target == "/token")
        .collect();
    assert_eq!(tokens.len(), 3);
    for token in tokens {
        let form = token.text();
        assert!(form.contains("client_id=me"), "{form}");
        assert!(form.contains("client_secret=canary-client"), "{form}");
    }
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
}
