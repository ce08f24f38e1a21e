use crosspoint_core::{Secret, Trace};
use tokio::time::Instant;

use super::*;
use crate::NetErrorKind;

fn hop(method: Method, url: &str, headers: &[(&'static str, &'static str)]) -> Hop {
    let mut request = Request::new(method, url, Instant::now());
    request.body = Some(Bytes::from_static(b"body"));
    for (name, value) in headers {
        request.set_header(name, value).unwrap();
    }
    Hop::first(request).unwrap()
}

fn follow(hop: &mut Hop, status: u16, location: &str) -> Result<bool, NetError> {
    let mut headers = HeaderMap::new();
    headers.insert(LOCATION, location.parse().unwrap());
    hop.follow(status, &headers)
}

#[test]
fn methods_change_as_requests_changes_them() {
    for (status, before, after, keeps_body) in [
        (301, Method::POST, Method::GET, false),
        (302, Method::POST, Method::GET, false),
        (303, Method::POST, Method::GET, false),
        (303, Method::PUT, Method::GET, false),
        (302, Method::PUT, Method::GET, false),
        (301, Method::PUT, Method::PUT, true),
        (303, Method::HEAD, Method::HEAD, true),
        (307, Method::POST, Method::POST, true),
        (308, Method::PATCH, Method::PATCH, true),
    ] {
        let mut hop = hop(
            before.clone(),
            "http://h/",
            &[("content-type", "a/b"), ("x", "y")],
        );
        assert!(follow(&mut hop, status, "/next").unwrap());
        assert_eq!(hop.method, after, "{status} {before}");
        assert_eq!(hop.body.is_some(), keeps_body, "{status} {before}");
        assert_eq!(
            hop.headers.contains_key("content-type"),
            keeps_body,
            "{status} {before}"
        );
        assert!(hop.headers.contains_key("x"));
    }
}

#[test]
fn what_is_no_redirect_is_the_answer() {
    let mut hop = hop(Method::GET, "http://h/", &[]);
    assert!(!follow(&mut hop, 200, "/x").unwrap());
    assert!(!follow(&mut hop, 304, "/x").unwrap());
    assert!(!follow(&mut hop, 302, "").unwrap());
    assert!(!hop.follow(302, &HeaderMap::new()).unwrap());
    assert_eq!(hop.url.as_str(), "http://h/");
}

#[test]
fn secrets_stay_with_their_origin() {
    let headers = [
        ("authorization", "Bearer x"),
        ("cookie", "a=b"),
        ("proxy-authorization", "Basic x"),
        ("x-api-key", "k"),
        ("host", "other"),
        ("accept", "a/b"),
    ];
    for (from, to, kept) in [
        ("http://h/", "/relative", true),
        ("http://h/", "http://h:80/x", true),
        ("http://h/", "https://h/x", true),
        ("https://h/", "http://h/x", false),
        ("http://h/", "http://h:81/x", false),
        ("http://h:8080/", "https://h/x", false),
        ("http://h/", "https://h:8443/x", false),
        ("http://h/", "http://other/x", false),
        ("http://h/", "//other/x", false),
        ("http://h/", "http://sub.h/x", false),
    ] {
        let mut hop = hop(Method::GET, from, &headers);
        follow(&mut hop, 302, to).unwrap();
        for (name, _) in headers {
            let expected = kept || name == "accept";
            assert_eq!(
                hop.headers.contains_key(name),
                expected,
                "{from} -> {to}: {name}"
            );
        }
    }
}

#[test]
fn redirects_to_other_schemes_and_to_nonsense_are_errors() {
    let mut hop = hop(Method::GET, "http://h/", &[]);
    for (location, kind) in [
        ("file:///etc/passwd", NetErrorKind::InvalidSchema),
        ("ftp://h/", NetErrorKind::InvalidSchema),
        ("http://h:99999/", NetErrorKind::InvalidUrl),
    ] {
        assert_eq!(
            follow(&mut hop, 302, location).unwrap_err().kind,
            kind,
            "{location}"
        );
    }
}

#[test]
fn basic_authentication_comes_from_the_first_that_has_it() {
    let mut request = Request::new(Method::GET, "http://url:pw@h/", Instant::now());
    let sent = |request: &Request| {
        let value = Hop::first(request.clone()).unwrap().headers[AUTHORIZATION].clone();
        assert!(value.is_sensitive());
        value.to_str().unwrap().to_owned()
    };
    assert_eq!(sent(&request), "Basic dXJsOnB3");
    request.set_header("Authorization", "Bearer x").unwrap();
    assert_eq!(sent(&request), "Bearer x");
    request.basic_auth = Some(("a".to_owned(), Secret::new("b".to_owned())));
    assert_eq!(sent(&request), "Basic YTpi");
}

#[test]
fn the_length_of_the_body_is_not_the_callers_to_say() {
    let headers = [("content-length", "1"), ("transfer-encoding", "chunked")];
    let hop = hop(Method::POST, "http://h/", &headers);
    assert!(hop.headers.is_empty());
}

#[test]
fn the_trace_is_passed_on_unless_the_caller_has_one() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut request = Request::new(Method::GET, "http://h/", Instant::now());
    request.trace = Trace::parse(parent, Some("a=b"));
    let sent = Hop::first(request.clone()).unwrap().headers;
    assert_eq!(
        (&sent["traceparent"], &sent["tracestate"]),
        (&parent.parse().unwrap(), &"a=b".parse().unwrap())
    );
    request.set_header("traceparent", "own").unwrap();
    let sent = Hop::first(request.clone()).unwrap().headers;
    assert_eq!(sent["traceparent"], "own");
    assert!(!sent.contains_key("tracestate"));
}
