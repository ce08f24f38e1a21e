//! What calls come to.

use http::Method;
use serde_json::json;

use super::{call, request};
use crate::harness::{Proxy, Reply, Setup, Upstream};
use crate::ledger::place::Place;

#[tokio::test]
async fn a_result_is_there_for_programs_and_for_models_and_in_the_ledger() {
    let upstream = Upstream::start(|_| Reply::json("{\"n\": 1.50}")).await;
    let proxy = Setup::new().serve().await;
    let get = call(1, "http_GetRequestV2", json!({"url": upstream.url("/")}));
    let ask = proxy.mcp(&get).header("x-request-id", "by-mcp");
    let answer = ask.send().await;
    // As it was spelled.
    assert!(
        answer.text.contains("\"body\":{\"n\": 1.50}"),
        "{}",
        answer.text
    );
    let result = answer.result();
    assert_eq!(result["isError"], false);
    assert_eq!(
        result["content"],
        json!([{"type": "text", "text": "{\"n\": 1.50}"}])
    );
    let structured = &result["structuredContent"];
    assert_eq!(
        (&structured["status"], &structured["encoding"]),
        (&json!(200), &json!("json"))
    );
    let row = proxy.row_in("by-mcp", "succeeded").await;
    assert_eq!(
        (row.ingress.as_str(), row.connector.as_str()),
        ("mcp", "http")
    );
    assert_eq!(json!(row.id), structured["id"]);
    proxy.log_line(&["Call succeeded", "ingress=\"mcp\""]).await;
}

#[tokio::test]
async fn line_breaks_of_a_result_stay_what_they_are() {
    let upstream = Upstream::start(|_| Reply::json("{\r\n  \"a\": \"b\\nc\"\n}")).await;
    let proxy = Setup::new().serve().await;
    let get = call(1, "http_GetRequestV2", json!({"url": upstream.url("/")}));
    let result = proxy.result_of(&get).await;
    assert_eq!(result["structuredContent"]["body"], json!({"a": "b\nc"}));
    let text = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(text, "{\r\n  \"a\": \"b\\nc\"\n}");
}

#[tokio::test]
async fn a_failure_is_a_result_that_a_model_can_act_upon() {
    let upstream = Upstream::start(|_| Reply::status(404).body("no such page")).await;
    let proxy = Setup::new().serve().await;
    let get = call(1, "http_GetRequestV2", json!({"url": upstream.url("/")}));
    let result = proxy.result_of(&get).await;
    assert_eq!(result["isError"], true);
    let structured = &result["structuredContent"];
    assert_eq!(structured["error"]["code"], "HttpError404", "{result}");
    assert_eq!(structured["status"], 404);
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("HttpError404: "), "{text}");
}

#[tokio::test]
async fn all_mistakes_of_the_arguments_are_told_at_once_and_nothing_is_done() {
    let upstream = Upstream::echo().await;
    let proxy = Setup::new().serve().await;
    let arguments = json!({"ur": upstream.url("/"), "headers": 5, "hunter2": "secret-value"});
    let result = proxy
        .result_of(&call(1, "http_GetRequestV2", arguments))
        .await;
    assert_eq!(result["isError"], true);
    let error = &result["structuredContent"]["error"];
    assert_eq!(error["code"], "invalid_arguments");
    let mistakes = error["mistakes"].as_array().unwrap().iter();
    let named: Vec<_> = mistakes.map(|m| m["parameter"].as_str().unwrap()).collect();
    assert_eq!(named, ["url", "headers", "ur", "hunter2"]);
    assert!(!result.to_string().contains("secret-value"));
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_key_gives_a_call_one_effect_wherever_it_is_written() {
    let upstream = Upstream::start(|_| Reply::json("{\"ok\": true}")).await;
    let proxy = Setup::new().serve().await;
    let post = |key: Option<&str>| {
        let mut call = call(
            1,
            "http_PostRequestV2",
            json!({"url": upstream.url("/"), "data": {"n": 1}}),
        );
        if let Some(key) = key {
            call["params"]["_meta"] = json!({"crosspoint/idempotencyKey": key});
        }
        call
    };
    let first = proxy.result_of(&post(Some("order-7"))).await;
    let second = proxy.result_of(&post(Some("order-7"))).await;
    let by_header = proxy.mcp(&post(None)).header("idempotency-key", "order-7");
    let third = by_header.send().await.result();
    for repeated in [&second, &third] {
        assert_eq!(repeated["structuredContent"], first["structuredContent"]);
    }
    assert_eq!(upstream.seen().len(), 1);
    let other = proxy
        .mcp(&post(Some("order-7")))
        .header("idempotency-key", "order-8");
    let (_, code, message) = other.send().await.fault();
    assert_eq!(code, -32602);
    assert!(message.contains("differs from the header"), "{message}");
    let another = call(
        1,
        "http_PostRequestV2",
        json!({"url": upstream.url("/other")}),
    );
    let conflict = proxy.mcp(&another).header("idempotency-key", "order-7");
    let conflict = conflict.send().await.result();
    let code = &conflict["structuredContent"]["error"]["code"];
    assert_eq!(code, "idempotency_conflict", "{conflict}");
    let batch = json!([post(None), post(None)]);
    let batch = proxy
        .mcp(&batch)
        .header("idempotency-key", "order-9")
        .send()
        .await;
    assert_eq!(batch.status, 400, "{}", batch.text);
}

#[tokio::test]
async fn a_key_where_nothing_is_recorded_is_refused_for_good_or_for_now() {
    let upstream = Upstream::echo().await;
    let mut post = call(1, "http_PostRequestV2", json!({"url": upstream.url("/")}));
    post["params"]["_meta"] = json!({"crosspoint/idempotencyKey": "order-7"});
    let error = async |proxy: &Proxy| {
        let ask = proxy.ask(Method::POST, "/mcp").verbatim().json(&post);
        // Waiting for the lock takes longer than others wait for JSON.
        let ask = ask.header("accept", "application/json");
        let result = ask.send().await.result();
        assert_eq!(result["isError"], true, "{result}");
        result["structuredContent"]["error"].clone()
    };
    let config = "[store]\nurl = \"none\"\n";
    let off = error(&Setup::new().config(config).serve().await).await;
    assert_eq!(off["code"], "ledger_off", "{off}");
    assert_eq!(off.get("retry_after"), None, "{off}");
    let place = Place::sqlite("");
    let proxy = place.setup.serve().await;
    let lock = place.database.lock().await;
    assert_eq!(error(&proxy).await["code"], "ledger_unavailable");
    drop(lock);
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_call_runs_with_the_profile_that_it_names() {
    let upstream = Upstream::echo().await;
    let config = format!(
        "[connectors.http.profiles.test]\nsettings = {{ origin = {:?}, basic_auth_username = \"t\" }}\n\
         secrets = {{ basic_auth_password = \"pass-4711\" }}\n",
        upstream.url("")
    );
    let proxy = Setup::new().config(&config).serve().await;
    let mut get = call(1, "http_GetRequestV2", json!({"url": upstream.url("/")}));
    get["params"]["_meta"] = json!({"crosspoint/profile": "test"});
    let result = proxy.result_of(&get).await;
    assert_eq!(result["isError"], false, "{result}");
    let sent = format!("{:?}", upstream.last().headers);
    assert!(sent.contains("authorization"), "{sent}");
    get["params"]["_meta"] = json!({"crosspoint/profile": "nobody"});
    let result = proxy.result_of(&get).await;
    assert_eq!(result["isError"], true);
    let error = &result["structuredContent"]["error"];
    assert_eq!(error["code"], "profile_not_found", "{result}");
    get["params"]["_meta"] = json!({"crosspoint/profile": 5, "progressToken": {}});
    let (_, code, message) = proxy.mcp(&get).send().await.fault();
    assert_eq!(code, -32602);
    assert!(
        message.contains("profile") && message.contains("progressToken"),
        "{message}"
    );
}

#[tokio::test]
async fn the_trace_of_a_request_goes_on() {
    let upstream = Upstream::echo().await;
    let proxy = Setup::new().serve().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut get = call(1, "http_GetRequestV2", json!({"url": upstream.url("/")}));
    get["params"]["_meta"] = json!({"traceparent": format!("00-{trace}-00f067aa0ba902b7-01")});
    assert_eq!(proxy.result_of(&get).await["isError"], false);
    assert!(format!("{:?}", upstream.last().headers).contains(trace));
    assert_eq!(
        proxy.result_of(&request(1, "ping", json!({}))).await,
        json!({})
    );
}

#[tokio::test]
async fn a_secret_that_a_client_sends_is_shown_nowhere() {
    let upstream = Upstream::start(|_| Reply::status(500).body("no")).await;
    let proxy = Setup::new().serve().await;
    let secret = "canary-of-a-password";
    let arguments = json!({
        "url": upstream.url("/"),
        "basic_auth_username": "user",
        "basic_auth_password": secret,
        "unknown": secret,
    });
    let wrong = proxy.mcp(&call(1, "http_GetRequestV2", arguments.clone()));
    let wrong = wrong.send().await.text;
    let mut right = arguments;
    right.as_object_mut().unwrap().remove("unknown");
    let called = proxy.mcp(&call(2, "http_GetRequestV2", right));
    let called = called
        .header("x-request-id", "with-a-secret")
        .send()
        .await
        .text;
    proxy.row_in("with-a-secret", "failed").await;
    let rows = proxy.setup().list(&[]).await;
    for (what, text) in [
        ("answer", wrong),
        ("answer", called),
        ("ledger", rows),
        ("log", proxy.log()),
    ] {
        assert!(!text.contains(secret), "{what}: {text}");
    }
}
