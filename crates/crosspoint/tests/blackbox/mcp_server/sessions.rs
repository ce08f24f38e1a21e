//! Sessions: how many there are, for how long, and what is left without one.

use http::Method;
use serde_json::json;

use super::{Events, greeting, request};
use crate::harness::{Ask, Proxy, Setup};

const VERSION: &str = "2025-11-25";

fn of(session: &str, ask: Ask) -> Ask {
    ask.header("mcp-session-id", session)
}

async fn ping(proxy: &Proxy, session: &str) -> u16 {
    let ask = proxy.mcp(&request(1, "ping", json!({})));
    of(session, ask).send().await.status
}

async fn end(proxy: &Proxy, session: &str) -> u16 {
    let ask = proxy.ask(Method::DELETE, "/mcp").verbatim();
    of(session, ask).send().await.status
}

#[tokio::test]
async fn a_session_that_has_ended_or_never_was_is_not_found() {
    let proxy = Setup::new().serve().await;
    let session = proxy.session(VERSION).await;
    assert_eq!(ping(&proxy, &session).await, 200);
    proxy.counts("crosspoint_mcp_sessions", 1.0).await;
    assert_eq!(end(&proxy, &session).await, 204);
    assert_eq!(ping(&proxy, &session).await, 404);
    assert_eq!(end(&proxy, &session).await, 404);
    proxy.counts("crosspoint_mcp_sessions", 0.0).await;
    for made_up in ["nope", "%00", &"x".repeat(4000)] {
        assert_eq!(ping(&proxy, made_up).await, 404);
    }
    let ask = proxy.ask(Method::GET, "/mcp").verbatim();
    let get = of(&session, ask).header("accept", "text/event-stream");
    assert_eq!(get.send().await.status, 404);
}

#[tokio::test]
async fn who_finds_no_room_for_a_session_is_served_without() {
    let proxy = Setup::new().config("[mcp]\nsessions = 2").serve().await;
    let first = proxy.session(VERSION).await;
    assert!(!first.is_empty() && !proxy.session(VERSION).await.is_empty());
    let third = proxy.mcp(&greeting(VERSION)).send().await;
    assert_eq!(third.header("mcp-session-id"), "");
    let listens = &third.result()["capabilities"]["tools"]["listChanged"];
    assert_eq!(*listens, json!(false));
    assert!(!proxy.tool_names().await.is_empty());
    end(&proxy, &first).await;
    assert!(!proxy.session(VERSION).await.is_empty());
}

#[tokio::test]
async fn a_session_that_nobody_uses_is_given_up() {
    let config = "[mcp]\nsession_idle = \"1ms\"\nsessions = 1";
    let proxy = Setup::new().config(config).serve().await;
    let session = proxy.session(VERSION).await;
    crate::harness::until("the session is gone", async || {
        ping(&proxy, &session).await == 404
    })
    .await;
    assert!(!proxy.session(VERSION).await.is_empty());
}

#[tokio::test]
async fn without_sessions_any_replica_answers_any_request() {
    let proxy = Setup::new().config("[mcp]\nsessions = 0").serve().await;
    assert_eq!(proxy.session(VERSION).await, "");
    let write = super::call(1, "logging_Write", json!({"message": "x"}));
    assert_eq!(proxy.result_of(&write).await["isError"], false);
}

#[tokio::test]
async fn a_session_has_one_stream_and_there_are_so_many_in_all() {
    let proxy = Setup::new().config("[mcp]\nstreams = 1").serve().await;
    let (one, other) = (proxy.session(VERSION).await, proxy.session(VERSION).await);
    let listen = |session: &str| {
        let ask = proxy.ask(Method::GET, "/mcp").verbatim();
        of(session, ask).header("accept", "text/event-stream")
    };
    let events = Events::of(listen(&one)).await;
    assert_eq!(listen(&one).send().await.status, 409);
    let busy = listen(&other).send().await;
    assert_eq!((busy.status, busy.header("retry-after")), (503, "1"));
    assert!(busy.fault().2.contains("mcp.streams"), "{}", busy.text);
    proxy.counts("crosspoint_mcp_streams", 1.0).await;
    drop(events);
    proxy.counts("crosspoint_mcp_streams", 0.0).await;
    Events::of(listen(&other)).await;
    let ask = proxy.ask(Method::GET, "/mcp").verbatim();
    assert_eq!(of(&one, ask).send().await.status, 406);
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let proxy = Setup::new().serve().await;
    let session = proxy.session(VERSION).await;
    let ask = proxy.ask(Method::GET, "/mcp").verbatim();
    let ask = of(&session, ask).header("accept", "text/event-stream");
    let mut events = Events::of(ask).await;
    assert_eq!(end(&proxy, &session).await, 204);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn connectors_do_not_get_to_see_the_session() {
    let upstream = crate::harness::Upstream::echo().await;
    let proxy = Setup::new().serve().await;
    let session = proxy.session(VERSION).await;
    let get = super::call(1, "http_GetRequestV2", json!({"url": upstream.url("/")}));
    let answer = of(&session, proxy.mcp(&get)).send().await;
    assert!(!answer.result().to_string().contains(&session));
    assert!(!format!("{:?}", upstream.last().headers).contains(&session));
}
