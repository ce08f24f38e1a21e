//! Following the ledger.

use http::Method;
use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::{Effects, Gate, Proxy, Setup, json as read, soon, until};

/// What comes, event by event.
struct Tail {
    response: Response,
    text: String,
}

impl Tail {
    /// Follows from now on, or from an event on.
    async fn begin(proxy: &Proxy, query: &str, last: Option<&str>) -> Tail {
        let mut ask = proxy.ask(Method::GET, &format!("/api/v1/calls/events{query}"));
        if let Some(last) = last {
            ask = ask.header("last-event-id", last);
        }
        let response = ask.stream().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut tail = Tail {
            response,
            text: String::new(),
        };
        // It follows once it has said so.
        assert_eq!(tail.block().await.as_deref(), Some(": following"));
        tail
    }

    /// What comes up to the next empty line. None: the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = soon("a chunk", self.response.chunk()).await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The row of the next event.
    async fn row(&mut self) -> Value {
        soon("an event", self.next_row()).await
    }

    async fn next_row(&mut self) -> Value {
        loop {
            let block = self.block().await.expect("the stream has ended");
            if block.starts_with(':') {
                continue;
            }
            let field = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|line| line.strip_prefix(&format!("{name}: ")))
            };
            assert_eq!(field("event"), Some("call"), "{block}");
            let row = read(field("data").unwrap());
            assert_eq!(field("id"), row["id"].as_str(), "{block}");
            return row;
        }
    }

    /// The row of the next event of a call in a state.
    async fn until(&mut self, id: &str, state: &str) -> Value {
        let reached = async {
            loop {
                let row = self.next_row().await;
                if row["id"] == id && row["state"] == state {
                    return row;
                }
            }
        };
        soon(&format!("{id} {state}"), reached).await
    }
}

#[tokio::test]
async fn each_call_comes_as_it_comes_in_and_as_it_changes() {
    let gate = Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| Effects::usual(seen, id, n).behind(&shut)).await;
    let proxy = Setup::new().serve().await;
    proxy
        .api(
            "http/GetRequestV2",
            json!({"url": "http://169.254.169.254/"}),
        )
        .await;
    // It is written by then, so that it is not news.
    until("it is written", async || !proxy.rows(&[]).await.is_empty()).await;
    let mut tail = Tail::begin(&proxy, "", None).await;
    let call = super::not_waiting("http/PostRequestV2", &effects.arguments("pay"));
    let id = proxy.asks(&call).send().await.id();
    let first = tail.row().await;
    assert_eq!(first["id"], id);
    effects.arrived(1).await;
    if first["state"] != "running" {
        tail.until(&id, "running").await;
    }
    gate.open();
    let last = tail.until(&id, "succeeded").await;
    let mut recorded = proxy.recorded(&id).await;
    for more in ["outcome", "error", "result_error"] {
        recorded.as_object_mut().unwrap().shift_remove(more);
    }
    assert_eq!(last, recorded);
}

#[tokio::test]
async fn only_what_is_asked_for_comes() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let query = "?command=http/PutRequestV2&state=succeeded";
    let mut tail = Tail::begin(&proxy, query, None).await;
    proxy
        .api("http/PostRequestV2", effects.arguments("a"))
        .await
        .brought();
    let wanted = proxy
        .api("http/PutRequestV2", effects.arguments("b"))
        .await
        .id();
    assert_eq!(tail.row().await["id"], wanted);
}

#[tokio::test]
async fn who_was_away_gets_what_was_missed() {
    let gate = Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| match id {
        "slow" => Effects::usual(seen, id, n).behind(&shut),
        _ => Effects::usual(seen, id, n),
    })
    .await;
    let proxy = Setup::new().serve().await;
    let mut tail = Tail::begin(&proxy, "", None).await;
    let call = super::not_waiting("http/PostRequestV2", &effects.arguments("slow"));
    let slow = proxy.asks(&call).send().await.id();
    let seen = proxy
        .api("http/PostRequestV2", effects.arguments("seen"))
        .await
        .id();
    tail.until(&seen, "succeeded").await;
    drop(tail);
    let missed = proxy
        .api("http/PostRequestV2", effects.arguments("missed"))
        .await
        .id();
    gate.open();
    proxy.recorded_in(&slow, "succeeded").await;
    proxy.recorded_in(&missed, "succeeded").await;
    let mut tail = Tail::begin(&proxy, "", Some(&seen)).await;
    // What is older and has changed, too.
    tail.until(&slow, "succeeded").await;
    tail.until(&missed, "succeeded").await;
}

#[tokio::test]
async fn a_process_that_stops_ends_the_stream() {
    let proxy = Setup::new().serve().await;
    let mut tail = Tail::begin(&proxy, "", None).await;
    proxy.terminate();
    while tail.block().await.is_some() {}
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn so_many_may_follow_and_no_more_until_one_leaves() {
    let proxy = Setup::new().serve().await;
    let mut tails = Vec::new();
    for _ in 0..32 {
        tails.push(Tail::begin(&proxy, "", None).await);
    }
    let answer = proxy.get("/api/v1/calls/events").await;
    assert_eq!(answer.problem(), (503, "overloaded".to_owned()));
    assert_ne!(answer.header("retry-after"), "");
    drop(tails);
    until("somebody may follow", async || {
        let ask = proxy.ask(Method::GET, "/api/v1/calls/events");
        ask.stream().await.status() == 200
    })
    .await;
}

#[tokio::test]
async fn mistakes_are_told() {
    let proxy = Setup::new().serve().await;
    for query in ["?limit=5", "?state=done", "?since=2020-01-01T00:00:00Z"] {
        let answer = proxy.get(&format!("/api/v1/calls/events{query}")).await;
        assert_eq!(answer.problem().0, 400, "{query}");
    }
    let ask = proxy.ask(Method::GET, "/api/v1/calls/events");
    let answer = ask.header("last-event-id", "seven").send().await;
    assert_eq!(answer.problem(), (400, "invalid_request".to_owned()));
    assert_eq!(answer.json()["errors"][0]["header"], "Last-Event-ID");
}
