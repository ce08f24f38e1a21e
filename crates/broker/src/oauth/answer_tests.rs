//! Answers as real providers give them.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use super::*;

fn response(status: u16, mime: &'static str, body: &str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(mime));
    Response {
        status,
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
        url: url::Url::parse("http://h/").unwrap(),
    }
}

fn json(status: u16, body: &str) -> Result<TokenSet, NoTokens> {
    read(&response(status, "application/json", body))
}

#[test]
fn tokens_are_read_however_they_are_written() {
    let cases = [
        (
            r#"{"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r"}"#,
            Some(3600.0),
            Some("r"),
        ),
        (
            r#"{"access_token": "a", "expires_in": "3600"}"#,
            Some(3600.0),
            None,
        ),
        (
            r#"{"access_token": "a", "expires_in": 12.5, "refresh_token": null}"#,
            Some(12.5),
            None,
        ),
        (r#"{"access_token": "a", "expires_in": null}"#, None, None),
        (r#"{"access_token": "a", "expires_in": 0}"#, None, None),
        (r#"{"access_token": "a", "expires": 7}"#, Some(7.0), None),
        (
            r#"{"access_token": "a", "expires_in": 1e300, "refresh_token": ""}"#,
            Some(LONGEST),
            None,
        ),
        (
            r#"{"ok": true, "authed_user": {"access_token": "a", "expires_in": 9, "refresh_token": "r"}}"#,
            Some(9.0),
            Some("r"),
        ),
        (
            r#"{"ok": true, "access_token": "a", "authed_user": {"id": "U", "access_token": "other", "refresh_token": "other"}}"#,
            None,
            None,
        ),
        (
            r#"{"access_token": "a", "scope": "read,write", "error": null}"#,
            None,
            None,
        ),
    ];
    for (body, expires, refresh) in cases {
        let set = json(200, body).unwrap();
        assert_eq!(set.access_token(), Some("a"), "{body}");
        assert_eq!(set.expires_in(), expires, "{body}");
        assert_eq!(set.refresh_token(), refresh, "{body}");
    }
    let form = "access_token=a&scope=repo%2Cgist&token_type=bearer";
    for mime in [
        "application/x-www-form-urlencoded; charset=utf-8",
        "text/plain",
    ] {
        let set = read(&response(200, mime, form)).unwrap();
        assert_eq!(set.access_token(), Some("a"));
        assert_eq!(set.as_json()["scope"], "repo,gist");
    }
}

#[test]
fn further_members_stay_and_debug_output_shows_no_value() {
    let body = r#"{"access_token":"canary","tenant":{"id":7},"id_token":"canary"}"#;
    let set = json(200, body).unwrap();
    assert_eq!(serde_json::to_string(set.as_json()).unwrap(), body);
    assert!(!format!("{set:?}").contains("canary"));
}

#[test]
fn errors_are_told_apart() {
    let dead = |text: &str| Err(NoTokens::Dead(text.to_owned()));
    let refused = |text: &str| Err(NoTokens::Refused(text.to_owned()));
    let trouble = |text: &str| Err(NoTokens::Trouble(text.to_owned()));
    let cases = [
        (
            400,
            r#"{"error": "invalid_grant", "error_description": "Token was\n revoked"}"#,
            dead("invalid_grant: Token was revoked"),
        ),
        (
            200,
            r#"{"ok": false, "error": "invalid_refresh_token"}"#,
            dead("invalid_refresh_token"),
        ),
        (
            200,
            r#"{"error": "invalid_grant", "access_token": "a"}"#,
            dead("invalid_grant"),
        ),
        (
            401,
            r#"{"error": "invalid_client"}"#,
            refused("invalid_client"),
        ),
        (
            400,
            r#"{"error": {"message": "Bad", "type": "OAuthException", "code": 190}}"#,
            refused("OAuthException: Bad"),
        ),
        (403, r#"{"message": "no"}"#, refused("answered 403")),
        (200, r#"{"ok": false}"#, refused("an error")),
        (
            503,
            r#"{"error": "temporarily_unavailable"}"#,
            trouble("answered 503: temporarily_unavailable"),
        ),
        (
            429,
            r#"{"error": "slow_down"}"#,
            trouble("answered 429: slow_down"),
        ),
        (400, r#"{"error": "server_error"}"#, trouble("server_error")),
        (
            502,
            "<html>Bad gateway</html>",
            trouble("answered 502 with what is no JSON object"),
        ),
        (
            200,
            "<html>Sign in</html>",
            trouble("answered 200 with what is no JSON object"),
        ),
        (200, "", trouble("answered 200 with nothing")),
        (
            200,
            r#"{"token_type": "bearer"}"#,
            trouble("answered 200 without an access_token"),
        ),
        (302, r#"{"access_token": "a"}"#, trouble("answered 302")),
        (
            200,
            r#"["access_token"]"#,
            trouble("answered 200 with what is no JSON object"),
        ),
    ];
    for (status, body, expected) in cases {
        assert_eq!(json(status, body), expected, "{status} {body}");
    }
}
