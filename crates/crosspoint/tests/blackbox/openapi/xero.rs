//! The document of `examples/openapi` for Xero, with a system in place of the real one.

use serde_json::json;

use super::examples::{XERO, example};
use super::{listed, parameters, started, wanted};
use crate::harness::{Reply, Seen, Setup, Upstream};

#[tokio::test]
async fn xero_takes_the_token_set_of_spiffarena_and_sends_browsers_to_consent() {
    let upstream = Upstream::start(|seen: &Seen| match &*seen.target {
        "/identity/connect/token" => Reply::json(r#"{"access_token": "fresh-1", "token_type": "Bearer", "refresh_token": "r", "expires_in": 1800}"#),
        "/api.xro/2.0/Currencies" => Reply::json(r#"{"Currencies":[{"Code":"CHF"}]}"#),
        _ => Reply::json(r#"{"Invoices":[{"InvoiceNumber":"INV-1"}]}"#),
    })
    .await;
    let document = XERO
        .replace("https://api.xero.com", &upstream.url(""))
        .replace("https://identity.xero.com", &upstream.url("/identity"))
        .replace("/identity/connect/token", "/connect/token")
        .replace(
            &upstream.url("/connect/token"),
            &upstream.url("/identity/connect/token"),
        );
    let setup = Setup::new()
        .file("xero.yaml", &document)
        .env("XERO_CLIENT_ID", "me")
        .env("XERO_CLIENT_SECRET", "canary-client");
    let proxy = started(setup, "[connectors.xero]\nopenapi = \"xero.yaml\"\n").await;
    let set =
        json!({"access_token": "canary-access", "refresh_token": "canary-refresh"}).to_string();
    let arguments = json!({"access_token": set, "tenant_id": "t-1"});
    let answer = proxy.call("xero/GetCurrencies", arguments).await;
    assert_eq!(
        answer.success(),
        json!({"api_response": {"Currencies": [{"Code": "CHF"}]}, "auth": "xero/OAuth"})
    );
    let sent = upstream.last();
    assert_eq!(sent.header("authorization"), "Bearer canary-access");
    assert_eq!(sent.header("xero-tenant-id"), "t-1");
    // SpiffArena's page for authentications.
    let auths = proxy.get("/v1/auths").await.json();
    assert_eq!(auths[0]["id"], "xero/OAuth", "{auths}");
    let begin = proxy
        .get("/v1/auth/xero/OAuth?redirect_url=http://localhost:8000/back")
        .await;
    assert_eq!(begin.status, 302, "{}", begin.text);
    let location = begin.header("location").to_owned();
    for part in [
        "https://login.xero.com/identity/connect/authorize?",
        "client_id=me",
        "offline_access",
    ] {
        assert!(location.contains(part), "{location}");
    }
    let state = location
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let back = proxy
        .get(&format!(
            "/v1/auth/xero/OAuth/callback?code=c&state={state}"
        ))
        .await;
    assert_eq!(back.status, 302, "{}", back.text);
    assert!(
        back.header("location").contains("fresh-1"),
        "{}",
        back.header("location")
    );
    let token = upstream.last();
    assert_eq!(token.target, "/identity/connect/token");
    assert!(
        token.text().contains("client_secret=canary-client"),
        "{}",
        token.text()
    );
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
}

#[tokio::test]
async fn xero_creates_an_invoice_of_the_parameters_of_the_connector() {
    let upstream = Upstream::start(|seen: &Seen| match seen.text().contains("Nobody") {
        true => Reply::status(400)
            .header("content-type", "application/json")
            .body(r#"{"Type":"ValidationException"}"#),
        false => Reply::json(r#"{"Invoices":[{"InvoiceNumber":"INV-1","Total":100.50}]}"#),
    })
    .await;
    let host = "https://api.xero.com";
    let proxy = example("xero", XERO, host, &upstream, Setup::new()).await;
    let id = "xero/CreateInvoice";
    assert_eq!(
        parameters(&proxy, id).await,
        wanted(&[
            ("tenant_id", "str", true),
            ("access_token", "str", true),
            ("contact_name", "str", true),
            ("contact_email", "str", true),
            ("description", "str", true),
            ("amount", "any", true),
            ("date", "str", false),
            ("due_date", "str", false),
        ])
    );
    let mut arguments = json!({"access_token": "canary-token", "tenant_id": "t-1",
        "description": "Consulting", "contact_name": "Ada", "contact_email": "ada@example.org",
        "amount": "100.50", "due_date": "2026-02-01"});
    let answer = proxy.call(id, arguments.clone()).await;
    assert!(
        answer.text.contains(
            r#"{"api_response":{"Invoices":[{"InvoiceNumber":"INV-1","Total":100.50}]},"auth":"xero/OAuth"}"#
        ),
        "{}",
        answer.text
    );
    let sent = upstream.last();
    assert_eq!(
        (&*sent.method, &*sent.target),
        ("POST", "/api.xro/2.0/Invoices")
    );
    assert_eq!(sent.header("xero-tenant-id"), "t-1");
    let mut invoice = json!({
        "Type": "ACCREC", "Status": "AUTHORISED", "Reference": "Created by Crosspoint",
        "Contact": {"Name": "Ada", "EmailAddress": "ada@example.org"},
        "LineItems": [{"Description": "Consulting", "Quantity": 1, "UnitAmount": 100.5,
            "AccountCode": "400", "TaxType": "NONE"}],
        "DueDate": "2026-02-01"});
    assert_eq!(sent.json(), json!({"Invoices": [invoice]}));
    // What is not given is not made up.
    arguments.as_object_mut().unwrap().remove("due_date");
    invoice.as_object_mut().unwrap().remove("DueDate");
    proxy.call(id, arguments.clone()).await.success();
    assert_eq!(upstream.last().json(), json!({"Invoices": [invoice]}));
    assert_eq!(listed(&proxy, id).await["safety"], "effectful");
    arguments["contact_name"] = "Nobody".into();
    let refused = proxy.call(id, arguments).await;
    assert_eq!(refused.failure(), (200, 400, "HttpError400".to_owned()));
    assert!(!refused.text.contains("api_response"), "{}", refused.text);
    let wrong = json!({"access_token": "t", "tenant_id": "t-1", "Invoices": [], "amount": "much"});
    let wrong = proxy.call(id, wrong).await;
    for mistake in [
        "missing parameter 'contact_name'",
        "missing parameter 'description'",
        "unknown parameter 'Invoices'",
        "parameter 'amount' must be",
    ] {
        assert!(wrong.message().contains(mistake), "{}", wrong.message());
    }
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
}
