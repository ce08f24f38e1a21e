//! Secrets in the arguments of calls.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use super::look_in_answer;
use crate::harness::{Canaries, Proxy, Reply, Seen, Setup, Upstream, closed_port, shared};

/// Arguments with a canary wherever a secret is usual, but for the address.
struct Hidden {
    canaries: Canaries,
    arguments: Value,
    /// What stands before the `@` of an address.
    user_info: String,
    /// The query of an address.
    query: String,
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn hidden() -> Hidden {
    let mut canaries = Canaries::default();
    let password = canaries.plant("the password of the URL");
    let token = canaries.plant("the token in the URL's query");
    let headers = json!({
        "Authorization": format!("Bearer {}", canaries.plant("the header Authorization")),
        "X-Api-Key": canaries.plant("the header X-Api-Key"),
        "Cookie": format!("session={}", canaries.plant_plain("the header Cookie")),
    });
    let params = json!({"access_token": canaries.plant("the parameter access_token")});
    Hidden {
        user_info: format!("someone:{}", encoded(&password)),
        query: format!("token={}", encoded(&token)),
        arguments: json!({"headers": headers, "params": params}),
        canaries,
    }
}

/// An error page that has everything that was sent, in the spellings that upstreams like.
fn telltale(seen: &Seen) -> String {
    let target = percent_decode_str(&seen.target).decode_utf8_lossy();
    let plain = seen
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"));
    let words = seen
        .headers
        .iter()
        .flat_map(|(_, value)| value.split(' '))
        .collect::<Vec<_>>();
    let quoted = json!({"target": seen.target, "headers": seen.headers, "body": seen.text()});
    let basic = seen
        .header("authorization")
        .strip_prefix("Basic ")
        .map(decoded)
        .unwrap_or_default();
    let plain: String = plain.collect();
    format!(
        "{target}\n{}\n{plain}\n{words:?}\n{quoted}\n{quoted:?}\n{basic}",
        seen.target
    )
}

fn decoded(text: &str) -> String {
    let bytes = STANDARD.decode(text).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Upstreams that do what makes proxies talk.
fn reply(seen: &Seen) -> Reply {
    let page = telltale(seen);
    match seen.target.split(['?', '/']).nth(1).unwrap_or_default() {
        "refuses" => Reply::status(401)
            .header("content-type", "text/plain")
            .body(page),
        "fails" => Reply::status(500)
            .header("content-type", "application/json")
            .body(page),
        "lies" => Reply::json(&page),
        "lies-in-xml" => Reply::ok("application/xml", format!("<{page}>")),
        "succeeds" => Reply::ok("text/plain", page),
        "cuts" => Reply::raw(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n{page}"
        )),
        "is-garbled" => Reply::raw(page),
        "hangs-up" => Reply::raw(""),
        "answers-in-headers" => {
            let one_line = page.replace('\n', " ");
            Reply::status(400)
                .header("x-echo", &one_line)
                .header("www-authenticate", &one_line)
        }
        "redirects-elsewhere" => {
            Reply::redirect(302, &format!("http://127.0.0.1:1/?{}", seen.target))
        }
        "redirects-to-nonsense" => Reply::redirect(302, &format!("ftp://x/?{}", seen.target)),
        "redirects-to-refused" => {
            let query = seen.target.split('?').nth(1).unwrap_or_default();
            Reply::redirect(302, &format!("http://u:{query}@169.254.169.254/?{query}"))
        }
        other => panic!("{other} is not a thing to do"),
    }
}

const DEEDS: [&str; 12] = [
    "refuses",
    "fails",
    "lies",
    "lies-in-xml",
    "succeeds",
    "cuts",
    "is-garbled",
    "hangs-up",
    "answers-in-headers",
    "redirects-elsewhere",
    "redirects-to-nonsense",
    "redirects-to-refused",
];

const COMMANDS: [&str; 5] = [
    "http/GetRequestV2",
    "http/HeadRequestV2",
    "http/DeleteRequestV2",
    "http/HeadRequest",
    "http/GetRequest",
];

/// Calls a command in every way that makes it talk, and looks in what it says.
async fn provoke(proxy: &Proxy, upstream: &Upstream, hidden: &Hidden) {
    let Hidden {
        canaries,
        arguments,
        user_info,
        query,
    } = hidden;
    let (_kept, closed) = closed_port();
    let address = upstream.address;
    let mut urls: Vec<_> = DEEDS
        .iter()
        .map(|deed| format!("http://{user_info}@{address}/{deed}?{query}"))
        .collect();
    urls.extend([
        format!("http://{user_info}@{closed}/?{query}"),
        format!("http://{user_info}@127.0.0.1:99999/?{query}"),
        format!("http://{user_info}@a b/?{query}"),
        format!("{user_info}@127.0.0.1/?{query}"),
        format!("ftp://{user_info}@127.0.0.1/?{query}"),
        format!("https://{user_info}@{address}/?{query}"),
        format!("http://{user_info}@169.254.169.254/?{query}"),
    ]);
    for id in COMMANDS {
        for url in &urls {
            let mut arguments = arguments.clone();
            arguments["url"] = url.as_str().into();
            let what = format!("{id} {url}");
            let answer = proxy.do_(id).json(&arguments).verbatim().send().await;
            if answer.text.contains("command_response_version") {
                look_in_answer(canaries, &what, &answer);
            }
        }
    }
}

async fn look_around(canaries: &Canaries, proxy: Proxy) {
    for path in [
        "/metrics",
        "/openapi.json",
        "/docs",
        "/v1/commands",
        "/readyz",
        "/",
    ] {
        canaries.look_in(path, &proxy.get(path).await.text);
    }
    let ended = proxy.stop().await;
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stderr.contains("TRACE") && ended.stderr.contains("Call failed."),
        "{}",
        ended.stderr
    );
    canaries.look_in("standard output", &ended.stdout);
    for line in ended.stderr.lines() {
        canaries.look_in("the log", line);
    }
}

#[tokio::test]
async fn secrets_in_headers_queries_and_addresses_do_not_show() {
    let proxy = Setup::new().env("CROSSPOINT_LOG", "trace").serve().await;
    let upstream = Upstream::start(reply).await;
    let mut hidden = hidden();
    provoke(&proxy, &upstream, &hidden).await;
    // Without a header of that name the user and password of the address are sent.
    hidden.arguments["headers"]
        .as_object_mut()
        .unwrap()
        .remove("Authorization");
    provoke(&proxy, &upstream, &hidden).await;
    let seen: Vec<_> = upstream.seen().iter().map(telltale).collect();
    hidden.canaries.all_arrived(&seen);
    look_around(&hidden.canaries, proxy).await;
}

#[tokio::test]
async fn a_password_for_basic_authentication_does_not_show() {
    let proxy = Setup::new().env("CROSSPOINT_LOG", "trace").serve().await;
    let upstream = Upstream::start(reply).await;
    let mut canaries = Canaries::default();
    let password = format!(
        "{} äöü",
        canaries.plant("the parameter basic_auth_password")
    );
    let arguments = json!({"basic_auth_username": "someone", "basic_auth_password": password});
    let hidden = Hidden {
        canaries,
        arguments,
        user_info: "u:p".to_owned(),
        query: "q=1".to_owned(),
    };
    provoke(&proxy, &upstream, &hidden).await;
    let seen: Vec<_> = upstream.seen().iter().map(telltale).collect();
    hidden.canaries.all_arrived(&seen);
    look_around(&hidden.canaries, proxy).await;
}

#[tokio::test]
async fn the_message_still_tells_the_rest() {
    let mut canaries = Canaries::default();
    let token = canaries.plant("the header X-Api-Key");
    let upstream = Upstream::start(|seen| {
        let page = format!("the key {} is not known here", seen.header("x-api-key"));
        Reply::status(403).body(page)
    })
    .await;
    let arguments = json!({"url": upstream.url("/"), "headers": {"X-Api-Key": token}});
    let answer = shared().await.call("http/GetRequestV2", arguments).await;
    assert!(
        answer.message().contains("the key *** is not known here"),
        "{}",
        answer.message()
    );
    // The result is the caller's own and stays as it is.
    assert!(
        answer.body()["raw_response"]
            .as_str()
            .unwrap()
            .contains(&token)
    );
}

#[tokio::test]
async fn a_message_that_is_cut_short_does_not_cut_a_secret() {
    let mut canaries = Canaries::default();
    let token = canaries.plant_plain("the header X-Api-Key");
    let upstream = Upstream::start(|seen| {
        let filler: usize = seen.target[1..].parse().unwrap();
        let page = format!("{}{}", ".".repeat(filler), seen.header("x-api-key"));
        Reply::status(403).body(page)
    })
    .await;
    for filler in 1940..2010 {
        let url = upstream.url(&format!("/{filler}"));
        let arguments = json!({"url": url, "headers": {"X-Api-Key": token}});
        let answer = shared().await.call("http/GetRequestV2", arguments).await;
        look_in_answer(&canaries, &url, &answer);
    }
}

#[tokio::test]
async fn mistakes_in_a_call_do_not_show_its_secrets() {
    let proxy = Setup::new().env("CROSSPOINT_LOG", "trace").serve().await;
    let mut canaries = Canaries::default();
    let secret = canaries.plant("a value of the wrong type");
    for arguments in [
        json!({"url": {"token": secret}, "basic_auth_password": [secret], "attempts": secret}),
        json!({"url": "http://127.0.0.1/", "nonsense": secret, "headers": secret}),
        json!({"url": "http://127.0.0.1/", "headers": {"x-one": {"a": secret}}}),
        json!({"url": "http://127.0.0.1/", "headers": {"x-one": format!("{secret}\r\n")}}),
    ] {
        let answer = proxy.call("http/GetRequestV2", arguments).await;
        assert_ne!(answer.code(), "", "{}", answer.text);
        canaries.look_in("the answer", &answer.text);
    }
    let body = format!("{{\"basic_auth_password\": {}, oops", Value::from(secret));
    let answer = proxy.do_("http/GetRequestV2").body(body).send().await;
    canaries.look_in("the answer", &answer.text);
    canaries.look_in("the log", &proxy.stop().await.stderr);
}
