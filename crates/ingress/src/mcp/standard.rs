//! Headers that repeat what is in the body, so that who stands between may route by them
//! (2026-07-28, Request Metadata). They must say the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crosspoint_core::{Json, shorten};
use http::{HeaderMap, HeaderName};

use super::fault::Fault;
use super::message::Asked;
use super::meta::Params;
use super::revision::Revision;

pub(crate) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// What a request over HTTP speaks.
pub(crate) fn revision(headers: &HeaderMap, asked: &Asked) -> Result<Option<Revision>, Fault> {
    let params = Params::of(asked);
    let own = params.as_ref().ok().and_then(Params::version);
    let only_modern = matches!(&*asked.method, "server/discover" | "subscriptions/listen");
    // Who opens with the handshake speaks what came before, whatever the header says.
    let opens = asked.method == "initialize" && own.is_none();
    let header = one(headers, &VERSION)?;
    let named = header.and_then(Revision::named);
    let modern = own.is_some() || only_modern || named.is_some_and(Revision::is_modern);
    match (header, modern && !opens) {
        (_, true) => modern_revision(headers, header, own.as_deref(), asked, &params?).map(Some),
        (Some(header), false) if named.is_none() && !opens => {
            Err(Fault::unsupported_revision(header))
        }
        (_, false) => Ok(named),
    }
}

fn modern_revision(
    headers: &HeaderMap,
    header: Option<&str>,
    own: Option<&str>,
    asked: &Asked,
    params: &Params,
) -> Result<Revision, Fault> {
    if let Some(own) = own {
        let header = header.ok_or_else(|| missing(&VERSION))?;
        if header != own {
            return Err(differs(&VERSION, header, own));
        }
    }
    let revision = params.check_modern()?;
    let method = one(headers, &METHOD)?.ok_or_else(|| missing(&METHOD))?;
    if method != asked.method {
        return Err(differs(&METHOD, method, &asked.method));
    }
    if asked.method != "tools/call" {
        return Ok(revision);
    }
    let name = params.own.get("name").and_then(Json::as_text);
    let sent = one(headers, &NAME)?.ok_or_else(|| missing(&NAME))?;
    let decoded = decoded(sent).ok_or_else(|| {
        Fault::header_mismatch("the header Mcp-Name is not valid Base64 of a text")
    })?;
    match name {
        Some(name) if name != decoded => Err(differs(&NAME, &decoded, &name)),
        _ => Ok(revision),
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Fault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let wrong = |what: &str| Fault::header_mismatch(format!("the header {name} {what}"));
    if values.next().is_some() {
        return Err(wrong("is there more than once"));
    }
    let text = value.to_str().map_err(|_| wrong("is not ASCII text"))?;
    Ok(Some(text.trim()))
}

/// A text that cannot be a header's value is sent as `=?base64?…?=` (2026-07-28, Value Encoding).
fn decoded(value: &str) -> Option<String> {
    let inner = value.strip_prefix("=?base64?");
    match inner.and_then(|inner| inner.strip_suffix("?=")) {
        Some(inner) => String::from_utf8(STANDARD.decode(inner).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}

fn missing(name: &HeaderName) -> Fault {
    Fault::header_mismatch(format!("the header {name} is missing"))
}

fn differs(name: &HeaderName, header: &str, body: &str) -> Fault {
    let (header, body) = (shorten(header), shorten(body));
    Fault::header_mismatch(format!(
        "the header {name} says '{header}' and the body '{body}'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &str = r#"{"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                           "io.modelcontextprotocol/clientCapabilities": {}}"#;

    fn found(sent: &[(&HeaderName, &str)], method: &str, params: &str) -> Result<String, i64> {
        let headers = sent.iter().map(|(n, v)| ((*n).clone(), v.parse().unwrap()));
        let asked = Asked {
            method: method.to_owned(),
            params: Some(Json::parse(params.to_owned()).unwrap()),
        };
        let revision = revision(&headers.collect(), &asked);
        let name = |revision: Option<Revision>| revision.map_or("none", Revision::name);
        revision.map(|r| name(r).to_owned()).map_err(|f| f.code)
    }

    #[test]
    fn headers_and_body_must_say_the_same() {
        let call = format!(r#"{{"name": "a_ö", "_meta": {META}}}"#);
        let whole = [
            (&VERSION, "2026-07-28"),
            (&METHOD, "tools/call"),
            (&NAME, "=?base64?YV/Dtg==?="),
        ];
        assert_eq!(found(&whole, "tools/call", &call), Ok("2026-07-28".into()));
        for left_out in 0..3 {
            let mut some = whole.to_vec();
            some.remove(left_out);
            assert_eq!(found(&some, "tools/call", &call), Err(-32020), "{left_out}");
        }
        for (at, odd) in [(0, "2025-11-25"), (1, "TOOLS/CALL"), (2, "a_b")] {
            let mut other = whole;
            other[at].1 = odd;
            assert_eq!(found(&other, "tools/call", &call), Err(-32020), "{odd}");
        }
    }

    #[test]
    fn older_revisions_are_known_by_the_header_alone_or_not_at_all() {
        assert_eq!(found(&[], "ping", "{}"), Ok("none".into()));
        let old = [(&VERSION, "2025-06-18")];
        assert_eq!(found(&old, "ping", "{}"), Ok("2025-06-18".into()));
        assert_eq!(found(&[(&VERSION, "1900")], "ping", "{}"), Err(-32022));
        // What is new in a revision cannot be asked for without saying which.
        assert_eq!(found(&[], "server/discover", "{}"), Err(-32602));
        let new = [(&VERSION, "2026-07-28")];
        assert_eq!(found(&new, "tools/list", "{}"), Err(-32602));
        assert_eq!(found(&new, "initialize", "{}"), Ok("2026-07-28".into()));
    }
}
