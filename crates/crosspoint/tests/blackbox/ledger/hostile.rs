//! Arguments that nobody means well, and secrets: neither may do harm in the ledger.

use std::fs;
use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::place::Place;
use crate::harness::{Canaries, Proxy, Reply, Upstream, closed_port};
use crate::python::support::{connector, ready, zoo};

/// Bodies for `gallery/Open`, which takes everything, or for a POST, which gives back less.
fn hostile(url: &str) -> Vec<(&'static str, String)> {
    let deep = format!("{}{}", "[".repeat(126), "]".repeat(126));
    let huge = "h".repeat(5 << 20);
    let many: Vec<_> = (0..5000).map(|n| format!("\"name-{n}\": {n}")).collect();
    let one = |value: &str| format!("{{\"first\": \"x\", \"value\": {value}}}");
    vec![
        ("deep", format!("{{\"url\": \"{url}\", \"data\": {deep}}}")),
        ("huge", one(&format!("\"{huge}\""))),
        ("nul", one(r#""a\u0000b""#)),
        ("surrogate", one(r#""\ud800""#)),
        ("other-surrogate", one(r#"["\udc00\ud800"]"#)),
        ("emoji", one("\"\u{1f600}\u{202e}\\ud83d\\ude00\"")),
        ("escapes", one(r#""\u001b[2J\r\n\u007f\u0085'; DROP TABLE crosspoint_calls; --""#)),
        ("numbers", one("[1e99, -0, 12345678901234567890123, 1.10]")),
        ("many", format!("{{\"first\": \"x\", {}}}", many.join(", "))),
        (
            "names",
            "{\"first\": \"x\", \"a\\u0000b\": 1, \"\u{1f600}\": 2, \"'\\\"\": 3}".to_owned(),
        ),
        (
            "origin",
            r#"{"first": "x", "spiff__task_id": "t\u0000\u001b[2J", "spiff__process_model_identifier": "😀"}"#
                .to_owned(),
        ),
    ]
}

#[tokio::test]
async fn hostile_arguments_are_recorded_and_shown() {
    let config = |bodies: &str| {
        let table = connector("gallery", zoo("connector-gallery")) + "max_answer = \"64MiB\"\n";
        format!("{table}[connectors.gallery.policy]\nbodies = \"{bodies}\"\n")
    };
    let places = [
        Place::sqlite(&config("full")),
        Place::sqlite(&config("summary")),
        Place::postgres(&config("full")).await,
    ];
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    for place in places {
        let proxy = place.setup.serve().await;
        ready(&proxy).await;
        for (name, body) in hostile(&upstream.url("/")) {
            let command = match name {
                "deep" => "http/PostRequestV2",
                _ => "gallery/Open",
            };
            let ask = |key: Option<&str>, request: &str| {
                let ask = proxy.do_(command).body(body.clone()).verbatim();
                let ask = ask.header("content-type", "application/json");
                let ask = ask.header("x-request-id", request);
                match key {
                    Some(key) => ask.header("idempotency-key", key),
                    None => ask,
                }
            };
            let plain = ask(None, &format!("{name}-plain")).send().await;
            let first = ask(Some(name), &format!("{name}-keyed")).send().await;
            let second = ask(Some(name), &format!("{name}-again")).send().await;
            assert_eq!((plain.status, first.status), (200, 200), "{name}");
            assert_eq!(
                (second.status, second.text),
                (first.status, first.text),
                "{name}"
            );
            for request in [format!("{name}-plain"), format!("{name}-keyed")] {
                shown(&proxy, &request).await;
            }
        }
        // Whole, for people and for programs.
        proxy.rows(&[]).await;
        let list = proxy.ledger(&["list"]).await.text(0);
        assert!(!list.contains(['\u{1b}', '\0', '\u{202e}']), "{list:?}");
        assert_eq!(proxy.problems().await, "[]");
        proxy.counts("crosspoint_ledger_lost_total", 0.0).await;
    }
}

/// Fails unless the row of a request can be read in all ways.
async fn shown(proxy: &Proxy, request: &str) {
    let row = proxy.row_in(request, "succeeded").await;
    let text = proxy.ledger(&["show", &row.id]).await.text(0);
    assert!(
        !text.contains(['\u{1b}', '\0', '\u{202e}']),
        "{request}: {text:?}"
    );
    let shown = proxy.ledger(&["show", &row.id, "--json"]).await.json();
    assert_eq!(shown["request_id"], request);
}

/// Secrets wherever one may be, and the calls that carry them.
struct Secrets {
    canaries: Canaries,
    config: String,
    environment: String,
    key: String,
    /// Commands and arguments.
    calls: Vec<(&'static str, Value)>,
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn secrets(upstream: &Upstream, closed: &str, bodies: &str) -> Secrets {
    let mut canaries = Canaries::default();
    let key = canaries.plant_plain("an API key");
    let environment = canaries.plant_plain("an API key from env:");
    let token = canaries.plant_plain("the callback token");
    let password = encoded(&canaries.plant("the password of the URL"));
    let query = encoded(&canaries.plant("the token in the URL's query"));
    let bearer = canaries.plant("the header Authorization");
    let api_key = canaries.plant("the header X-Api-Key");
    let basic = canaries.plant("the parameter basic_auth_password");
    let smtp = canaries.plant("the parameter smtp_password");
    let (address, policy) = (upstream.address, format!("policy.bodies = \"{bodies}\"\n"));
    let config = format!(
        "[access]\napi_keys = [\"{key}\", \"env:THE_KEY\"]\n[spiff]\ncallback_token = \"{token}\"\n\
         [connectors.http]\n{policy}[connectors.smtp]\n{policy}"
    );
    let headers = json!({"Authorization": format!("Bearer {bearer}"), "X-Api-Key": api_key});
    let mut calls = Vec::new();
    for target in [address.to_string(), closed.to_owned()] {
        let url = format!("http://someone:{password}@{target}/?token={query}");
        let arguments = json!({"url": url, "headers": headers, "data": {}});
        calls.push(("http/PostRequestV2", arguments));
        let url = format!("http://{target}/");
        let arguments = json!({
            "url": url, "basic_auth_username": "someone", "basic_auth_password": basic,
        });
        calls.push(("http/GetRequestV2", arguments));
    }
    let mail = json!({
        "smtp_host": "127.0.0.1", "smtp_port": closed.rsplit(':').next().unwrap(),
        "email_subject": "x", "email_body": "x", "email_to": "a@example.com",
        "email_from": "b@example.com", "smtp_user": "someone", "smtp_password": smtp,
    });
    calls.push(("smtp/SendEmail", mail));
    Secrets {
        canaries,
        config,
        environment,
        key,
        calls,
    }
}

/// Everything that lies in a folder, as text.
fn contents(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            all.extend(contents(&entry.path()));
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            all.push((entry.path().display().to_string(), text));
        }
    }
    all
}

#[tokio::test]
async fn no_secret_lies_readable_in_the_ledger() {
    // An upstream that repeats what it was sent.
    let echo = |seen: &crate::harness::Seen| match seen.method.as_str() {
        "GET" => Reply::json(&json!({"you": "said", "all": seen.everything()}).to_string()),
        _ => Reply::status(400).body(seen.everything()),
    };
    for bodies in ["summary", "full"] {
        for postgres in [false, true] {
            let upstream = Upstream::start(echo).await;
            let (_kept, closed) = closed_port();
            let secrets = secrets(&upstream, &closed.to_string(), bodies);
            let place = match postgres {
                true => Place::postgres(&secrets.config).await,
                false => Place::sqlite(&secrets.config),
            };
            let setup = place.setup.env("THE_KEY", &secrets.environment);
            let place = Place {
                setup: setup.clone(),
                ..place
            };
            let proxy = setup.serve().await;
            call_all(&proxy, &secrets).await;
            look(bodies, &proxy, &place, &secrets.canaries).await;
        }
    }
}

/// Makes every call, with a key and without, and waits for its row.
async fn call_all(proxy: &Proxy, secrets: &Secrets) {
    for (n, (command, arguments)) in secrets.calls.iter().enumerate() {
        for (keyed, key) in [(false, &secrets.environment), (true, &secrets.key)] {
            let request = format!("known-request-{n}-{keyed}");
            let ask = proxy.do_(command).json(arguments);
            let mut ask = ask
                .header("authorization", &format!("Bearer {key}"))
                .header("x-request-id", &request);
            if keyed {
                ask = ask.header("idempotency-key", &format!("known-key-{n}"));
            }
            ask.send().await;
            crate::harness::until("the call has ended", async || {
                let rows = proxy.rows(&["--request", &request]).await;
                rows.iter().any(|row| row.ended.is_some())
            })
            .await;
        }
    }
}

async fn look(bodies: &str, proxy: &Proxy, place: &Place, canaries: &Canaries) {
    let mut all = contents(&proxy.path().join(".crosspoint"));
    if !place.is_sqlite {
        all.push(("the tables".to_owned(), place.database.dump().await));
    }
    let known = |(_, text): &(String, String)| text.contains("known-key-0");
    assert!(all.iter().any(known), "the right place is looked at");
    for command in [&["list"][..], &["list", "--json"]] {
        let text = proxy.ledger(command).await.text(0);
        assert!(text.contains("SendEmail"), "{text}");
        all.push((format!("{command:?}"), text));
    }
    for row in proxy.rows(&[]).await {
        for command in [&["show", &row.id][..], &["show", &row.id, "--json"]] {
            let text = proxy.ledger(command).await.text(0);
            all.push((format!("{command:?}"), text));
        }
    }
    for (what, text) in &all {
        let found = canaries.found_in(text);
        assert!(
            found.is_empty(),
            "bodies = {bodies}: {what} shows {found:?}"
        );
    }
}
