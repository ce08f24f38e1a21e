//! URLs: reading them as people type them, and showing them without their secrets.

use http::Uri;
use percent_encoding::percent_decode_str;
use url::{ParseError, Position, Url};

use crate::error::{NetError, NetErrorKind};

/// User and password.
pub(crate) type UserInfo = (String, String);

/// Where a request goes.
pub(crate) struct Target {
    /// Without user and password.
    pub url: Url,
    /// What stood before the `@`, decoded.
    pub user_info: Option<UserInfo>,
}

// === impl Target ===

impl Target {
    /// Reads a URL as somebody typed it and adds `query` to the one it has.
    pub fn parse(text: &str, query: &[(String, String)]) -> Result<Target, NetError> {
        let text = text.trim();
        check_start(text)?;
        let mut url = Url::parse(text).map_err(|error| invalid(text, error))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Target::of(url)
    }

    /// Reads the `Location` of an answer that came from `base`.
    pub fn join(base: &Url, location: &str) -> Result<Target, NetError> {
        let url = base
            .join(location.trim())
            .map_err(|error| invalid(location, error))?;
        Target::of(url)
    }

    fn of(mut url: Url) -> Result<Target, NetError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid_schema(url.scheme()));
        }
        let user_info = user_info(&url);
        // Refused only for URLs without host, and these schemes require one.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        match uri(&url) {
            Some(_) => Ok(Target { url, user_info }),
            None => Err(invalid(
                url.as_str(),
                "it has characters that must be percent-encoded",
            )),
        }
    }
}

/// The URL as other libraries want it, without query.
pub(crate) fn uri(url: &Url) -> Option<Uri> {
    url[..Position::AfterQuery].parse().ok()
}

/// `https://host:port`: what messages show of a URL. Paths, queries and user names often hold
/// secrets.
pub(crate) fn origin(url: &Url) -> String {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    format!("{}://{host}", url.scheme())
}

/// Insists on `scheme://host`, where the URL standard would also read `http:host` and
/// `http:///host`.
fn check_start(text: &str) -> Result<(), NetError> {
    let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Err(missing_schema(text));
    };
    let known = ["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    match rest.strip_prefix("//") {
        // `localhost:8080/x` starts with a host rather than a scheme.
        None if !known && rest.starts_with(|c: char| c.is_ascii_digit()) => {
            Err(missing_schema(text))
        }
        _ if !known => Err(invalid_schema(scheme)),
        Some(rest) if !rest.is_empty() && !rest.starts_with(['/', '\\', '?', '#']) => Ok(()),
        _ => Err(invalid(text, ParseError::EmptyHost)),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn missing_schema(text: &str) -> NetError {
    let message = match text {
        "" => "the URL is empty: write https://…".to_owned(),
        _ => format!("the URL {0} has no scheme: write https://{0}", shown(text)),
    };
    NetError::new(NetErrorKind::MissingSchema, message)
}

fn invalid_schema(scheme: &str) -> NetError {
    let message = format!("URLs with the scheme {scheme} cannot be called: write http or https");
    NetError::new(NetErrorKind::InvalidSchema, message)
}

fn invalid(text: &str, reason: impl std::fmt::Display) -> NetError {
    let message = format!("the URL {} is not valid: {reason}", shown(text));
    NetError::new(NetErrorKind::InvalidUrl, message)
}

/// The part of a text, which may not be a URL, that would hold scheme, host and port.
fn shown(text: &str) -> String {
    let (scheme, rest) = match text.find("://") {
        Some(at) => text.split_at(at + 3),
        None => ("", text),
    };
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    // Without the slash there may be a password before an @ that comes later.
    let host = match (rest[..end].rsplit_once('@'), rest[end..].contains('@')) {
        (_, true) => "",
        (Some((_, host)), false) => host,
        (None, false) => &rest[..end],
    };
    let short: String = scheme.chars().chain(host.chars()).take(100).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}

fn user_info(url: &Url) -> Option<UserInfo> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((
        decode(url.username()),
        decode(url.password().unwrap_or_default()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> NetError {
        Target::parse(text, &[])
            .err()
            .unwrap_or_else(|| panic!("{text} was taken"))
    }

    #[test]
    fn each_mistake_has_its_code() {
        use NetErrorKind::*;
        for (text, kind) in [
            ("", MissingSchema),
            ("example.com/path", MissingSchema),
            ("localhost:8080/path", MissingSchema),
            ("//example.com", MissingSchema),
            ("ftp://example.com", InvalidSchema),
            ("mailto:me@example.com", InvalidSchema),
            ("file:///etc/passwd", InvalidSchema),
            ("http://", InvalidUrl),
            ("http:///path", InvalidUrl),
            ("https:example.com", InvalidUrl),
            ("http://example.com:99999/", InvalidUrl),
            ("http://example.com:x/", InvalidUrl),
            ("http://1.2.3.4.5/", InvalidUrl),
            ("http://[fe80::1%25eth0]/", InvalidUrl),
            ("http://a b/", InvalidUrl),
        ] {
            assert_eq!(error(text).kind, kind, "{text}: {}", error(text));
        }
    }

    #[test]
    fn messages_show_no_more_than_the_origin() {
        for text in [
            "user:hunter2@example.com/x",
            "example.com/hunter2",
            "http://user:hunter2@example.com:99999/",
            "http://user:hunter2/x@example.com:99999/",
            "http://example.com:99999/?token=hunter2",
            "example.com?hunter2",
        ] {
            let error = error(text);
            assert!(!error.message.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn user_and_password_are_taken_out_and_decoded() {
        let target = Target::parse("https://me%40x:p%20w@example.com/a", &[]).unwrap();
        assert_eq!(target.url.as_str(), "https://example.com/a");
        assert_eq!(
            target.user_info,
            Some(("me@x".to_owned(), "p w".to_owned()))
        );
    }

    #[test]
    fn a_query_is_added_to_the_one_there() {
        let add = [("a b".to_owned(), "c&d".to_owned())];
        let query = |text| {
            Target::parse(text, &add)
                .unwrap()
                .url
                .query()
                .map(str::to_owned)
        };
        assert_eq!(query("http://h/").unwrap(), "a+b=c%26d");
        assert_eq!(query("http://h/?x=1").unwrap(), "x=1&a+b=c%26d");
        assert_eq!(
            Target::parse(" http://h/p ", &[]).unwrap().url.as_str(),
            "http://h/p"
        );
    }

    #[test]
    fn ipv4_in_any_spelling_is_one_address() {
        for text in ["http://2130706433/", "http://0177.0.0.1/", "http://0x7f.1/"] {
            assert_eq!(
                Target::parse(text, &[]).unwrap().url.host_str(),
                Some("127.0.0.1")
            );
        }
    }
}
