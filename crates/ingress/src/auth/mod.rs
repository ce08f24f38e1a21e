//! `/v1/auth/{connector}/{auth}`: the round trip of a person's browser to a provider of OAuth and back,
//! as the reference proxy of SpiffArena does it. `crosspoint_broker::oauth` knows what may be done.
//!
//! These routes are open, since browsers have no key. What comes in here, and where a browser is
//! sent, carries codes, states and tokens of users: no query is ever logged, and no answer may be
//! stored or named as a referrer.

mod page;

use axum::extract::{Extension, Path, State};
use axum::response::Response;
use crosspoint_broker::access::Right;
use crosspoint_broker::oauth::{AuthId, Callback, Finished, FlowError, Grants, Purpose};
use crosspoint_broker::profiles::ProfileId;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};

use crate::answer;
use crate::request::Seen;
use crate::router::Shared;

/// The path that these routes are below.
pub(crate) const BELOW: &str = "/v1/auth/";

/// How a browser says which page made it come here.
static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The pages have a style sheet and nothing else, and no page may frame them.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// Sends a browser to the provider.
pub(crate) async fn begin(
    State(shared): State<Shared>,
    Path((connector, auth)): Path<(String, String)>,
    Extension(seen): Extension<Seen>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let id = AuthId::new(connector, auth);
    let begun = match shared.broker.grants() {
        Some(grants) => begun(&shared, grants, &id, &uri, &headers, &seen).await,
        None => Err(nothing_kept()),
    };
    match begun {
        Ok(url) => redirect(&url),
        Err(error) => failed(&id, &error),
    }
}

/// Takes a browser back.
pub(crate) async fn callback(
    State(shared): State<Shared>,
    Path((connector, auth)): Path<(String, String)>,
    method: Method,
    uri: Uri,
) -> Response {
    let id = AuthId::new(connector, auth);
    let ended = match shared.broker.grants() {
        // What only looks at an address must not use up the state.
        _ if method != Method::GET => Err(FlowError::Refused("only GET ends this".to_owned())),
        Some(grants) => grants.end(&id, read(&uri)).await,
        None => Err(nothing_kept()),
    };
    match ended {
        Ok(Finished::Redirect(url)) => redirect(&url),
        Ok(Finished::Kept(profile)) => shown(StatusCode::OK, page::kept(&profile)),
        Err(error) => failed(&id, &error),
    }
}

async fn begun(
    shared: &Shared,
    grants: &Grants,
    id: &AuthId,
    uri: &Uri,
    headers: &HeaderMap,
    seen: &Seen,
) -> Result<String, FlowError> {
    let refused = |why: &str| Err(FlowError::Refused(why.to_owned()));
    let purpose = match (one(uri, "redirect_url")?, one(uri, "profile")?) {
        (Some(address), None) => Purpose::Redirect(address),
        (None, Some(name)) => {
            let by = asker(shared, headers, seen, &id.connector)?;
            let profile = format!("{}/{name}", id.connector);
            let profile = profile.parse::<ProfileId>();
            let profile = profile.map_err(|error| FlowError::Refused(error.to_string()))?;
            // Nobody shall consent to what no call will ever use.
            let found = shared.broker.find_profile(&profile, &id.auth).await;
            found.map_err(FlowError::NotFound)?;
            Purpose::Keep {
                profile,
                by,
                ingress: "api",
            }
        }
        (None, None) => {
            return refused("say where the tokens go: add ?redirect_url=… to the address");
        }
        (Some(_), Some(_)) => return refused("redirect_url and profile exclude each other"),
    };
    grants.begin(id, purpose).await.map(String::from)
}

/// Who wants tokens to be kept. That needs a key where there are keys; where there are none, no page
/// of another site may make a browser do it.
fn asker(
    shared: &Shared,
    headers: &HeaderMap,
    seen: &Seen,
    connector: &str,
) -> Result<String, FlowError> {
    if shared.access.is_keyed() {
        let Some(key) = &seen.key else {
            let message = "authorising a profile needs an access key here: run \
                           `crosspoint auth login <connector>/<profile>`, which prints an address to \
                           open";
            return Err(FlowError::Refused(message.to_owned()));
        };
        if !key.scopes.allow(Right::Administer) {
            let message = format!("the key '{}' has no scope to administer", key.name);
            return Err(FlowError::Refused(message));
        }
        return match seen.refusal_of(connector) {
            Some(message) => Err(FlowError::Refused(message)),
            None => Ok(key.name.to_string()),
        };
    }
    let site = headers.get(&FETCH_SITE).map(HeaderValue::as_bytes);
    match site {
        None | Some(b"none" | b"same-origin") => Ok("anonymous".to_owned()),
        Some(_) => Err(FlowError::Refused(
            "another page leads here: type the address by hand".to_owned(),
        )),
    }
}

fn read(uri: &Uri) -> Callback {
    let mut callback = Callback::default();
    for (name, value) in pairs(uri) {
        let slot = match &*name {
            "state" => &mut callback.state,
            "code" => &mut callback.code,
            "error" => &mut callback.error,
            "error_description" => &mut callback.error_description,
            "iss" => &mut callback.iss,
            _ => continue,
        };
        // Parameters must not be there twice (RFC 6749, section 3.1): the first one counts.
        slot.get_or_insert(value);
    }
    callback
}

fn pairs(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned()
}

fn one(uri: &Uri, name: &str) -> Result<Option<String>, FlowError> {
    let mut found = pairs(uri).filter(|(found, _)| found == name);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(FlowError::Refused(format!("{name} is there twice"))),
        (found, _) => Ok(found.map(|(_, value)| value)),
    }
}

fn nothing_kept() -> FlowError {
    FlowError::NotFound("there are no auths here".to_owned())
}

fn redirect(url: &str) -> Response {
    let mut response = answer::bytes(StatusCode::FOUND, HTML, page::on_the_way());
    answer::set(response.headers_mut(), LOCATION, url);
    guarded(response)
}

fn failed(id: &AuthId, error: &FlowError) -> Response {
    let status = match error {
        FlowError::NotFound(_) => StatusCode::NOT_FOUND,
        FlowError::Refused(_) | FlowError::Denied(_) => StatusCode::BAD_REQUEST,
        FlowError::TooMany => StatusCode::TOO_MANY_REQUESTS,
        FlowError::Trouble(_) => StatusCode::BAD_GATEWAY,
    };
    let auth = crosspoint_core::shorten(&id.to_string());
    tracing::info!(auth, "An authorisation was not completed: {error}");
    shown(status, page::failed(&auth, &error.to_string()))
}

fn shown(status: StatusCode, page: String) -> Response {
    guarded(answer::bytes(status, HTML, page))
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    answer::set(headers, CACHE_CONTROL, "no-store");
    answer::set(headers, REFERRER_POLICY, "no-referrer");
    answer::set(headers, CONTENT_SECURITY_POLICY, POLICY);
    answer::set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_parameters_counts_and_a_redirect_must_be_one() {
        let uri: Uri = "/x?state=a&code=b%2Bc&state=d&iss=https%3A%2F%2Fh&foreign=1"
            .parse()
            .unwrap();
        let callback = read(&uri);
        assert_eq!(callback.state.as_deref(), Some("a"));
        assert_eq!(callback.code.as_deref(), Some("b+c"));
        assert_eq!(callback.iss.as_deref(), Some("https://h"));
        assert_eq!(callback.error, None);
        let twice: Uri = "/x?redirect_url=a&redirect_url=b".parse().unwrap();
        assert!(one(&twice, "redirect_url").is_err());
        // As SpiffArena's page writes it: not encoded.
        let plain: Uri = "/x?redirect_url=http://h/y?token=t".parse().unwrap();
        let address = one(&plain, "redirect_url").unwrap();
        assert_eq!(address.as_deref(), Some("http://h/y?token=t"));
    }
}
