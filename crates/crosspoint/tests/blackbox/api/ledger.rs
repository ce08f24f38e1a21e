//! What was recorded, as a list and one by one.

use serde_json::{Value, json};

use crate::harness::{Answer, Effects, Proxy, Setup, json as read, until};

/// Waits until so many calls are recorded.
async fn recorded(proxy: &Proxy, count: usize) {
    until("the calls are recorded", async || {
        let rows = proxy.rows(&[]).await;
        rows.len() == count && rows.iter().all(|row| row.state != "running")
    })
    .await;
}

fn ids(page: &Answer) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    let calls = page.json()["calls"].as_array().cloned().unwrap();
    let id = |call: &Value| call["id"].as_str().unwrap().to_owned();
    calls.iter().map(id).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let mut wanted = Vec::new();
    for n in 0..7 {
        let arguments = effects.arguments(&n.to_string());
        wanted.insert(0, proxy.api("http/PostRequestV2", arguments).await.id());
    }
    recorded(&proxy, 7).await;
    let (mut seen, mut path) = (Vec::new(), "/api/v1/calls?limit=3".to_owned());
    loop {
        let page = proxy.get(&path).await;
        seen.push(ids(&page));
        match page.json()["next"].as_str() {
            Some(next) => path = format!("/api/v1/calls?limit=3&cursor={next}"),
            None => break,
        }
        // What comes meanwhile changes no later page.
        proxy
            .api("http/PostRequestV2", effects.arguments("x"))
            .await;
    }
    assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(seen.concat(), wanted);
    // Exactly as many as asked for are the last page.
    let page = proxy.get("/api/v1/calls?limit=200").await;
    assert_eq!(page.json()["next"], Value::Null);
}

#[tokio::test]
async fn rows_are_those_of_the_command_line() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let engine = proxy
        .do_("http/PostRequestV2")
        .json(&effects.arguments("a"));
    engine.header("idempotency-key", "k").send().await.success();
    proxy
        .api("http/PostRequestV2", effects.arguments("b"))
        .await;
    recorded(&proxy, 2).await;
    let listed = proxy.ledger(&["list", "--json"]).await.json();
    let page = proxy.get("/api/v1/calls").await;
    assert_eq!(page.json()["calls"], listed);
}

#[tokio::test]
async fn calls_are_found_by_what_is_known_of_them() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let mut arguments = effects.arguments("a");
    arguments["spiff__task_id"] = "t 1+1".into();
    arguments["spiff__process_instance_id"] = 12.into();
    let ask = proxy.do_("http/PostRequestV2").json(&arguments);
    ask.header("x-request-id", "engine-1")
        .send()
        .await
        .success();
    let read = json!({"url": "http://169.254.169.254/"});
    proxy.api("http/GetRequestV2", read).await;
    recorded(&proxy, 2).await;
    let found = async |query: &str| {
        let page = proxy.get(&format!("/api/v1/calls?{query}")).await;
        let ids = ids(&page).len();
        let calls = page.json()["calls"].clone();
        (
            ids,
            calls[0]["ingress"].as_str().unwrap_or_default().to_owned(),
        )
    };
    for (query, wanted) in [
        ("task=t%201%2B1", "spiff"),
        ("instance=12", "spiff"),
        ("request=engine-1", "spiff"),
        ("command=http/PostRequestV2", "spiff"),
        ("command=GetRequestV2", "api"),
        ("state=failed&connector=http", "api"),
    ] {
        assert_eq!(found(query).await, (1, wanted.to_owned()), "{query}");
    }
    for query in [
        "task=none",
        "connector=smtp",
        "state=unknown",
        "until=2020-01-01T00:00:00Z",
    ] {
        assert_eq!(found(query).await.0, 0, "{query}");
    }
    for query in [
        "since=2020-01-01T00:00:00+01:00",
        "until=9999-12-30T00:00:00%2B01:00",
    ] {
        assert_eq!(found(query).await.0, 2, "{query}");
    }
}

#[tokio::test]
async fn a_call_is_shown_with_what_was_kept() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let plain = proxy
        .api("http/PostRequestV2", effects.arguments("a"))
        .await;
    let row = proxy.recorded_in(&plain.id(), "succeeded").await;
    assert_eq!(
        (&row["result_kept"], &row["outcome"]),
        (&json!(false), &Value::Null)
    );
    let failed = json!({"url": "http://169.254.169.254/"});
    let failed = proxy.api("http/GetRequestV2", failed).await;
    let row = proxy.recorded_in(&failed.id(), "failed").await;
    assert_eq!(row["error"]["code"], "EgressRefused");
    assert_eq!(row["error"]["kind"], Value::Null);
    // However the id is spelled.
    let path = format!(
        "/api/v1/calls/{}",
        failed.id().to_uppercase().replace('-', "")
    );
    assert_eq!(proxy.get(&path).await.id(), failed.id());
}

#[tokio::test]
async fn a_result_that_was_changed_is_told_and_the_row_shown() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let ask = proxy.asks(&json!({
        "command": "http/PostRequestV2", "arguments": effects.arguments("a"),
    }));
    let id = ask.header("idempotency-key", "k").send().await.id();
    let file = proxy.path().join(".crosspoint/crosspoint.db");
    let change = "UPDATE crosspoint_calls SET sealed_result = X'00'";
    crate::harness::Database::file(&file).sql(change).await;
    let answer = proxy.get(&format!("/api/v1/calls/{id}")).await;
    let row = read(&answer.text);
    assert_eq!((answer.status, &row["outcome"]), (200, &Value::Null));
    assert!(
        row["result_error"]
            .as_str()
            .unwrap()
            .contains("cannot be opened")
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let proxy = Setup::new().serve().await;
    for id in [
        "0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77",
        "x",
        "%ff",
        "%00",
        "a%20b",
    ] {
        let answer = proxy.get(&format!("/api/v1/calls/{id}")).await;
        assert_eq!(answer.problem(), (404, "call_not_found".to_owned()), "{id}");
        let answer = proxy.decide(&format!("{id}/replay"), &json!({})).await;
        assert_eq!(answer.problem(), (404, "call_not_found".to_owned()), "{id}");
        let succeeded = json!({"succeeded": true});
        let answer = proxy.decide(&format!("{id}/settle"), &succeeded).await;
        assert_eq!(answer.problem(), (404, "call_not_found".to_owned()), "{id}");
    }
}
