//! What the ledger records of every call, and how it is read.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::place::Place;
use super::post;
use crate::harness::{Proxy, Reply, Row, Setup, Upstream, closed_port};

/// The members of a row, as programs find them.
const MEMBERS: [&str; 34] = [
    "id",
    "state",
    "connector",
    "command",
    "ingress",
    "caller",
    "instance",
    "model",
    "task",
    "request_id",
    "key",
    "key_scope",
    "attempts",
    "created",
    "started",
    "ended",
    "milliseconds",
    "status",
    "mimetype",
    "code",
    "message",
    "effect",
    "arguments",
    "argument_bytes",
    "result",
    "result_bytes",
    "callback",
    "profile",
    "uses",
    "deliveries",
    "next_delivery",
    "delivery_error",
    "replayable",
    "result_kept",
];

fn time(text: &str) -> Timestamp {
    // With milliseconds, and in UTC.
    assert_eq!((text.len(), text.ends_with('Z')), (24, true), "{text}");
    text.parse().unwrap()
}

pub async fn request(proxy: &Proxy, id: &str, command: &str, arguments: Value) {
    let ask = proxy.do_(command).json(&arguments);
    ask.header("x-request-id", id).send().await;
}

#[tokio::test]
async fn a_call_has_a_row_with_its_origin_its_times_and_its_end() {
    for place in Place::both("").await {
        let proxy = place.setup.serve().await;
        let upstream = Upstream::echo().await;
        let arguments = json!({
            "url": upstream.url("/path"),
            "spiff__process_instance_id": 4711,
            "spiff__process_model_identifier": "misc/pay",
            "spiff__task_id": "c9c0a1f4-0c5b-4a3e-9d55-0d1f0b1e6d61",
            "spiff__task_data": {"n": 1},
        });
        request(&proxy, "request-1", "http/GetRequestV2", arguments).await;
        let row = proxy.row_in("request-1", "succeeded").await;
        assert_eq!(
            (&*row.ingress, &*row.connector, &*row.command),
            ("spiff", "http", "GetRequestV2")
        );
        assert_eq!(row.instance.as_deref(), Some("4711"));
        assert_eq!(row.model.as_deref(), Some("misc/pay"));
        let task = "c9c0a1f4-0c5b-4a3e-9d55-0d1f0b1e6d61";
        assert_eq!(row.task.as_deref(), Some(task));
        assert_eq!((row.attempts, row.status), (1, Some(200)));
        assert_eq!(row.mimetype.as_deref(), Some("application/json"));
        assert_eq!(
            (&row.code, &row.message, &row.effect),
            (&None, &None, &None)
        );
        assert!(
            row.argument_bytes > 10 && row.result_bytes > Some(10),
            "{row:?}"
        );
        assert!(
            row.key.is_none() && !row.replayable && !row.result_kept,
            "{row:?}"
        );
        let (created, started) = (time(&row.created), time(&row.started.unwrap()));
        let ended = time(&row.ended.unwrap());
        assert!(created <= started && started <= ended);
        let took = ended.as_millisecond() - started.as_millisecond();
        assert_eq!(row.milliseconds, Some(took));
        // The same, as programs read it, and for people.
        let list: Value = serde_json::from_str(&proxy.setup().list(&[]).await).unwrap();
        let row = list[0].as_object().unwrap();
        for name in MEMBERS {
            assert!(row.contains_key(name), "{name} is not in {row:?}");
        }
        let id = row["id"].as_str().unwrap();
        let shown = proxy.ledger(&["show", id, "--json"]).await.json();
        assert_eq!(shown["id"], row["id"]);
        for command in [&["list"][..], &["show", id]] {
            let text = proxy.ledger(command).await.text(0);
            assert!(text.contains("GetRequestV2"), "{command:?}: {text}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_end_has_its_row() {
    let proxy = Setup::new().serve().await;
    let gone = Upstream::start(|_| Reply::status(404).body("no such page")).await;
    let breaks = Upstream::start(|_| Reply::raw("")).await;
    let (_kept, closed) = closed_port();
    let arguments = |url: String| json!({"url": url, "data": {}});
    let calls = [
        ("gone", gone.url("/")),
        ("breaks", breaks.url("/")),
        ("closed", format!("http://{closed}/")),
        ("refused", "http://169.254.169.254/".to_owned()),
    ];
    for (id, url) in calls {
        request(&proxy, id, "http/PostRequestV2", arguments(url)).await;
    }
    let read = json!({"url": breaks.url("/")});
    request(&proxy, "breaks-read", "http/GetRequestV2", read).await;
    let ends = [
        ("gone", "failed", "HttpError404", "done"),
        ("breaks", "unknown", "ConnectionError", "maybe"),
        ("closed", "failed", "ConnectionError", "none"),
        ("refused", "failed", "EgressRefused", "none"),
    ];
    for (id, state, code, effect) in ends {
        let row = proxy.row_in(id, state).await;
        assert_eq!(row.code.as_deref(), Some(code), "{id}");
        assert_eq!(row.effect.as_deref(), Some(effect), "{id}");
        assert!(
            row.message.is_some_and(|message| !message.is_empty()),
            "{id}"
        );
        assert!(row.ended.is_some(), "{id}");
    }
    assert_eq!(proxy.row_in("gone", "failed").await.status, Some(404));
    // Nothing can have changed by a read.
    let read = proxy.row_in("breaks-read", "failed").await;
    assert_eq!(read.code.as_deref(), Some("ConnectionError"));
}

#[tokio::test]
async fn what_is_no_valid_call_has_no_row() {
    let proxy = Setup::new().serve().await;
    let upstream = Upstream::echo().await;
    let good = json!({"url": upstream.url("/")});
    for (id, command, arguments) in [
        ("missing", "http/GetRequestV2", json!({})),
        ("unknown", "http/Nothing", json!({})),
        (
            "unlisted",
            "http/GetRequestV2",
            json!({"url": "http://127.0.0.1/", "nonsense": 1}),
        ),
    ] {
        request(&proxy, id, command, arguments).await;
    }
    let bad = post(&proxy, &json!({"data": {}}), "with-key").await;
    assert_eq!((bad.status, bad.code()), (400, "TypeError".to_owned()));
    request(&proxy, "good", "http/GetRequestV2", good).await;
    proxy.row_in("good", "succeeded").await;
    assert_eq!(proxy.rows(&[]).await.len(), 1);
}

/// A call of a proxy that shows so much of bodies.
async fn with_bodies(bodies: &str, arguments: &Value, key: Option<&str>) -> (Proxy, Row) {
    let config = format!("[connectors.http.policy]\nbodies = \"{bodies}\"\n");
    let proxy = Setup::new().config(&config).serve().await;
    let mut ask = proxy.do_("http/PostRequestV2").json(arguments);
    if let Some(key) = key {
        ask = ask.header("idempotency-key", key);
    }
    let answer = ask.header("x-request-id", "request").send().await;
    answer.success();
    let row = proxy.row_in("request", "succeeded").await;
    (proxy, row)
}

#[tokio::test]
async fn as_much_of_bodies_is_shown_as_is_configured() {
    let upstream = Upstream::start(|seen| {
        let rest = if seen.body.len() > 100 { 100_000 } else { 10 };
        let answer = json!({"told": "t0ld-4711", "rest": "x".repeat(rest)});
        Reply::json(&answer.to_string())
    })
    .await;
    let small = json!({"url": upstream.url("/"), "data": {"asked": "4sked-4711"}});
    let mut large = small.clone();
    large["data"]["rest"] = "y".repeat(100_000).into();

    let (proxy, row) = with_bodies("none", &small, Some("key")).await;
    assert_eq!((&row.arguments, &row.result), (&Value::Null, &Value::Null));
    assert!(row.argument_bytes > 10 && row.result_bytes > Some(10));
    assert!(row.replayable && row.result_kept, "{row:?}");
    let shown = proxy.ledger(&["show", &row.id, "--json"]).await.text(0);
    assert!(
        !shown.contains("4sked-4711") && !shown.contains("t0ld-4711"),
        "{shown}"
    );
    // The whole result is shown to those who ask for it.
    let command = ["show", &row.id, "--result"];
    let result = proxy.ledger(&command).await.text(0);
    assert!(result.contains("t0ld-4711"), "{result}");

    let (proxy, row) = with_bodies("summary", &large, None).await;
    assert!(row.arguments.get("url").is_some(), "{row:?}");
    let shown = proxy.ledger(&["show", &row.id, "--json"]).await.text(0);
    assert!(shown.len() < 20_000, "{}", shown.len());

    assert!(row.result_bytes > Some(100_000), "{row:?}");

    let (_, row) = with_bodies("full", &small, None).await;
    assert!(row.arguments.to_string().contains("4sked-4711"), "{row:?}");
    assert!(row.result.to_string().contains("t0ld-4711"), "{row:?}");
}
