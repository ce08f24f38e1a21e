//! Builds the request, sends it, and sends it again where the call asks for that.

use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Context, Effect, Failure, Json, Outcome, Secret, is_sensitive_name};
use crosspoint_net::{Http, Request, Response};
use futures_util::future::{Either, ready};
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};
use url::form_urlencoded::Serializer;
use url::{Position, Url};

use super::Connector;
use super::account;
use super::answer::{self, Style};
use super::shapes::{Asked, Payload};

/// Between two attempts, as in the original packages.
const PAUSE: Duration = Duration::from_secs(1);

/// How the request is sent and its answer read.
struct Plan {
    /// The method and the address without secrets.
    shown: String,
    style: Style,
    attempts: u32,
    include_headers: bool,
    payload: Payload,
}

/// Sends what was asked for and answers in the given style.
pub(super) fn run(
    http: &Connector,
    method: Method,
    style: Style,
    asked: Asked,
    cx: &Context,
) -> impl Future<Output = Result<Outcome, Failure>> + Send {
    // Not in the future itself, which would hold what was asked for beside what is made of it.
    let url = Url::parse(&asked.url).ok();
    protect(&asked, url.as_ref(), cx);
    let plan = Plan {
        shown: format!("{method} {}", shown(url.as_ref())),
        style,
        attempts: asked.attempts.max(1),
        include_headers: asked.include_headers,
        payload: asked.payload.clone(),
    };
    match build(http, method, style, asked, cx) {
        Ok(request) => Either::Left(async move { send(&http.client, &request, &plan, cx).await }),
        Err(failure) => Either::Right(ready(Err(answer::unanswered(failure)))),
    }
}

async fn send(
    client: &Http,
    request: &Request,
    plan: &Plan,
    cx: &Context,
) -> Result<Outcome, Failure> {
    let mut attempt = 1;
    loop {
        let result = client.send(request.clone()).await;
        let again = attempt < plan.attempts
            && result
                .as_ref()
                .map_or(true, |response| response.status >= 500)
            && Instant::now() + PAUSE < cx.deadline;
        let (shown, attempts) = (&plan.shown, plan.attempts);
        cx.log(format!(
            "{shown}: {} ({attempt} of {attempts})",
            in_short(&result)
        ));
        if !again {
            if !result.as_ref().is_ok_and(|response| response.status < 300) {
                protect_payload(&plan.payload, cx);
            }
            return match result {
                Ok(response) => answer::of(&response, plan.style, plan.include_headers, cx),
                Err(error) => Err(answer::unanswered(error.into())),
            };
        }
        attempt += 1;
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = cx.cancelled.cancelled() => return Err(abandoned()),
        }
    }
}

fn abandoned() -> Failure {
    Failure::transport("ConnectionError", "the caller went away").with_effect(Effect::None)
}

fn in_short(result: &Result<Response, crosspoint_net::NetError>) -> String {
    match result {
        Ok(response) => format!("answered {}", response.status),
        Err(error) => error.kind.code().to_owned(),
    }
}

fn build(
    http: &Connector,
    method: Method,
    style: Style,
    asked: Asked,
    cx: &Context,
) -> Result<Request, Failure> {
    let mut request = Request::new(method, asked.url, cx.deadline);
    for (name, value) in &asked.headers {
        set_header(&mut request, name, value)?;
    }
    let (body, mimetype) = body(asked.payload)?;
    if let Some(mimetype) = mimetype {
        let mimetype = HeaderValue::from_static(mimetype);
        request.headers.entry(CONTENT_TYPE).or_insert(mimetype);
    }
    for (name, value) in &asked.params {
        add_pairs(&mut request.query, name, value, style);
    }
    let password = asked.password.unwrap_or_else(|| Secret::new(String::new()));
    request.basic_auth = asked.username.map(|username| (username, password));
    account::apply(&mut request, cx)?;
    request.body = body;
    // The packages follow redirects but for HEAD; the newer family never does.
    request.follow = style != Style::Newer && request.method != Method::HEAD;
    request.max_answer = http.max_answer;
    request.trace = cx.trace.clone();
    Ok(request)
}

fn set_header(request: &mut Request, name: &str, value: &Value) -> Result<(), Failure> {
    match header_text(value) {
        None => Ok(()),
        Some(text) => Ok(request.set_header(name.trim(), text.trim_matches(' '))?),
    }
}

/// Null leaves the header out; a number or boolean is sent as its text.
pub(super) fn header_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        // Never the text of a list or an object: let it fail by the header's name.
        Value::Array(_) | Value::Object(_) => Some("\n".to_owned()),
        value => Some(plain(value, Style::Newer)),
    }
}

/// The body's bytes and the content type that goes with them unless the call names one.
fn body(payload: Payload) -> Result<(Option<Bytes>, Option<&'static str>), Failure> {
    Ok(match payload {
        Payload::None => (None, None),
        Payload::Json(json) => (Some(json.bytes()), Some("application/json")),
        Payload::Raw(json) => (Some(raw(&json)), None),
        Payload::Form(json) => (
            Some(form(&json)?),
            Some("application/x-www-form-urlencoded"),
        ),
    })
}

fn raw(json: &Json) -> Bytes {
    json.as_text().map_or_else(|| json.bytes(), Bytes::from)
}

/// An object as a form; text is a form already.
fn form(json: &Json) -> Result<Bytes, Failure> {
    let Ok(fields) = json.read::<Map<String, Value>>() else {
        let mistake = "PostRequest and its kin: parameter 'data' must be an object or text when \
                       body_format is form";
        return json
            .as_text()
            .map(Bytes::from)
            .ok_or_else(|| Failure::arguments(mistake));
    };
    let mut pairs = Vec::new();
    for (name, value) in &fields {
        add_pairs(&mut pairs, name, value, Style::Newer);
    }
    Ok(Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
        .into())
}

/// A list gives one pair an element; null gives none.
fn add_pairs(pairs: &mut Vec<(String, String)>, name: &str, value: &Value, style: Style) {
    match value {
        Value::Null => {}
        Value::Array(list) => {
            for value in list.iter().filter(|v| !v.is_null()) {
                pairs.push((name.to_owned(), plain(value, style)));
            }
        }
        value => pairs.push((name.to_owned(), plain(value, style))),
    }
}

/// A value as the library behind the original writes it: `requests` prints booleans as Python
/// does, `httpx` as JSON does.
fn plain(value: &Value, style: Style) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) if style != Style::Newer => "True".to_owned(),
        Value::Bool(false) if style != Style::Newer => "False".to_owned(),
        other => other.to_string(),
    }
}

/// Values that no parameter declares secret but whose names do.
fn protect(asked: &Asked, url: Option<&Url>, cx: &Context) {
    for (name, value) in asked.headers.iter().chain(&asked.params) {
        if is_sensitive_name(name) {
            protect_value(&plain(value, Style::Newer), cx);
        }
    }
    let Some(url) = url else { return };
    // As the address spells it, and as it is sent.
    // A name without a password is a token: some systems want it that way.
    let password = url.password().unwrap_or_else(|| url.username());
    cx.protect(password);
    cx.protect(&percent_decode_str(password).decode_utf8_lossy());
    for (_, value) in url
        .query_pairs()
        .filter(|(name, _)| is_sensitive_name(name))
    {
        cx.protect(&value);
    }
}

/// The value of a header.
pub(super) fn protect_value(text: &str, cx: &Context) {
    // The scheme is no secret, and upstreams like to quote the rest alone.
    if let Some((_, credentials)) = text.split_once(' ') {
        cx.protect(credentials.trim());
    }
    cx.protect(text);
}

/// Values of the body whose names say that they are secrets: an upstream that refuses a request
/// likes to quote it. Looked for only then, since it means reading the body.
fn protect_payload(payload: &Payload, cx: &Context) {
    let (Payload::Json(json) | Payload::Form(json) | Payload::Raw(json)) = payload else {
        return;
    };
    let mut values = vec![json.read::<Value>().unwrap_or_default()];
    while let Some(value) = values.pop() {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if is_sensitive_name(&name) => cx.protect(&text),
                        value => values.push(value),
                    }
                }
            }
            Value::Array(list) => values.extend(list),
            _ => {}
        }
    }
}

/// The address without what may be secret: user, password, query.
fn shown(url: Option<&Url>) -> String {
    // What is no address of a host is all path, whatever stands in it.
    let Some(url) = url.filter(|url| url.has_host()) else {
        return "(no valid address)".to_owned();
    };
    let rest = &url[Position::BeforeHost..Position::AfterPath];
    format!("{}://{rest}", url.scheme())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_address_is_shown_without_secrets() {
        let url = "https://user:hunter2@api.example:8443/v1/x?token=hunter2#f";
        let shown = |text| shown(Url::parse(text).ok().as_ref());
        assert_eq!(shown(url), "https://api.example:8443/v1/x");
        for odd in [
            "hunter2",
            "user:hunter2@api.example/x",
            "data:hunter2",
            "file:///hunter2",
        ] {
            assert!(!shown(odd).contains("hunter2"), "{odd}");
        }
    }

    #[test]
    fn queries_are_written_as_each_generation_writes_them() {
        let mut pairs = Vec::new();
        for (name, value) in [
            ("a", json!(true)),
            ("b", json!([1, null, "x y"])),
            ("c", Value::Null),
        ] {
            add_pairs(&mut pairs, name, &value, Style::Package);
        }
        let written: Vec<_> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(written, ["a=True", "b=1", "b=x y"]);
        assert_eq!(plain(&json!(true), Style::Newer), "true");
    }

    #[test]
    fn a_form_is_encoded_and_needs_an_object_or_text() {
        let object = Json::parse(r#"{"a b": "c&d", "n": [1, 2]}"#).unwrap();
        assert_eq!(form(&object).unwrap(), "a+b=c%26d&n=1&n=2");
        assert_eq!(form(&Json::parse(r#""x=1""#).unwrap()).unwrap(), "x=1");
        assert_eq!(
            form(&Json::parse("5").unwrap()).unwrap_err().code,
            "TypeError"
        );
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_named_without_its_value() {
        let mut request = Request::new(Method::GET, "http://h/", Instant::now());
        for (name, value) in [
            ("bad name", json!("x")),
            ("x-good", json!("hunter2\r\ninjected: 1")),
            ("x-good", json!({"hunter2": 1})),
        ] {
            let failure = set_header(&mut request, name, &value).unwrap_err();
            assert_eq!(
                (&*failure.code, failure.effect),
                ("InvalidHeader", Effect::None)
            );
            assert!(failure.message.contains(name) && !failure.message.contains("hunter2"));
        }
        set_header(&mut request, "X-Number", &json!(5)).unwrap();
        assert_eq!(request.headers["x-number"], "5");
        set_header(&mut request, "X-Absent", &Value::Null).unwrap();
        assert!(!request.headers.contains_key("x-absent"));
    }
}
