use bytes::Bytes;
use crosspoint_core::{CallId, Mask};
use crosspoint_net::{Http, Settings};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::*;

fn response(status: u16, mimetype: &'static str, body: &'static str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(mimetype));
    Response {
        status,
        headers,
        body: Bytes::from_static(body.as_bytes()),
        url: "http://branch/v1/do/x/Y".parse().unwrap(),
    }
}

fn result(response: &Response, standing: Standing) -> Result<Outcome, Failure> {
    let http = Http::new(Settings::default()).unwrap();
    let proxy = Proxy::new("branch", "http://branch", None, http).unwrap();
    let cx = Context::new(CallId::generate(), Instant::now(), Mask::default());
    returned(response, standing, &proxy, &cx)
}

fn failure(status: u16, body: &'static str) -> Failure {
    let response = response(status, "application/json", body);
    result(&response, Standing::Untold).unwrap_err()
}

#[test]
fn the_status_of_a_version_1_answer_is_the_upstreams_and_says_nothing_of_the_effect() {
    for status in [400, 401, 403, 404, 405, 413, 415, 429, 500, 503, 508] {
        for body in [r#"{"r": 1}"#, "{}", "", r#"{"error": "Unauthorized"}"#] {
            let failure = failure(status, body);
            assert_eq!(failure.effect, Effect::Done, "{status} {body}");
            assert_eq!(failure.code, format!("HttpError{status}"));
            let verbatim = failure.outcome.unwrap().verbatim.unwrap();
            assert_eq!(
                (verbatim.status, &*verbatim.body),
                (status, body.as_bytes())
            );
        }
    }
}

#[test]
fn a_version_2_answer_has_run_whatever_its_outer_status() {
    let body = r#"{"command_response": {"body": {"a": 1}, "mimetype": "application/json", "http_status": 503},
        "command_response_version": 2, "error": {"error_code": "HttpError503", "message": "m"}}"#;
    for status in [200, 404, 429, 503, 508] {
        assert_eq!(failure(status, body).effect, Effect::Done, "{status}");
    }
}

#[test]
fn refusals_of_a_crosspoint_were_not_begun_and_everything_else_may_have_been() {
    for (status, code) in NOT_BEGUN {
        let text = format!(
            r#"{{"command_response": {{}}, "error": {{"error_code": "{code}", "message": "m"}}}}"#
        );
        let failure = failure(status, text.leak());
        assert_eq!((failure.effect, &*failure.code), (Effect::None, code));
        assert_eq!(failure.outcome.unwrap().verbatim.unwrap().status, status);
    }
    for (status, body) in [
        // Codes that anybody may use, by a status that is theirs and one that is not.
        (
            503,
            r#"{"command_response": {}, "error": {"error_code": "busy", "message": "m"}}"#,
        ),
        (
            500,
            r#"{"command_response": {}, "error": {"error_code": "TypeError", "message": "m"}}"#,
        ),
        (
            503,
            r#"{"command_response": {}, "error": {"error_code": "command_not_found", "message": "m"}}"#,
        ),
        (
            504,
            r#"{"command_response": {}, "error": {"error_code": "deadline_exceeded", "message": "m"}}"#,
        ),
        (
            409,
            r#"{"command_response": {}, "error": {"error_code": "outcome_unknown", "message": "m"}}"#,
        ),
        // Not the shape: an upstream that speaks like this of itself.
        (
            429,
            r#"{"error": {"error_code": "rate_limited", "message": "m"}}"#,
        ),
        (
            503,
            r#"{"command_response": {"a": 1}, "error": {"error_code": "overloaded", "message": "m"}}"#,
        ),
    ] {
        assert_eq!(
            failure(status, body).effect,
            Effect::Maybe,
            "{status} {body}"
        );
    }
}

#[test]
fn only_a_proxy_that_refuses_its_catalogue_too_does_not_take_the_key() {
    let refusal = response(401, "application/json", r#"{"error": "Unauthorized"}"#);
    assert!(is_doubtful(&refusal));
    let failure = result(&refusal, Standing::Refuses).unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("ProxyUnauthorized", Effect::None)
    );
    for standing in [Standing::Serves, Standing::Page, Standing::Untold] {
        let failure = result(&refusal, standing).unwrap_err();
        assert_eq!(
            (&*failure.code, failure.effect),
            ("HttpError401", Effect::Done)
        );
    }
    // These say by themselves who gives them.
    let structured = r#"{"command_response": {}, "error": {"error_code": "E", "message": "m"}}"#;
    assert!(!is_doubtful(&response(403, "application/json", structured)));
    assert!(!is_doubtful(&response(503, "text/html", "<p>")));
    assert!(!is_doubtful(&response(200, "application/json", "\"<p>\"")));
}

#[test]
fn a_page_is_a_result_unless_there_is_no_catalogue_either() {
    let page = response(200, "text/html; charset=utf-8", "<html>login</html>");
    assert!(is_doubtful(&page));
    for standing in [Standing::Serves, Standing::Untold] {
        let outcome = result(&page, standing).unwrap();
        assert_eq!(outcome.verbatim.unwrap().body, page.body);
    }
    for standing in [Standing::Page, Standing::Refuses] {
        let failure = result(&page, standing).unwrap_err();
        assert_eq!(
            (&*failure.code, failure.effect),
            ("ProxyError", Effect::Maybe)
        );
        assert!(failure.message.contains("a web page"), "{failure}");
    }
}
