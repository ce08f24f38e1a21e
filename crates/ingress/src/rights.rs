//! What a key must be good for, by method and path: the one list.

use crosspoint_broker::access::{AccessKey, Right, Scopes};
use crosspoint_core::Ingress;
use http::Method;

use crate::{auth, mcp};

/// Paths that never need a key: probes, and the line that says what this is.
pub(crate) const OPEN: [&str; 5] = ["/", "/liveness", "/v1/liveness", "/healthz", "/readyz"];

/// Whether a path never needs a key.
pub(crate) fn is_open(path: &str) -> bool {
    OPEN.contains(&path)
}

/// Why a key is not good for a request, if it is not.
pub(crate) fn refusal(key: &AccessKey, method: &Method, path: &str) -> Option<String> {
    let AccessKey { name, scopes, .. } = key;
    let enough = enough(method, path);
    if !enough.iter().any(|right| scopes.allow(*right)) {
        let needed: Vec<_> = enough.iter().map(|right| right.name()).collect();
        let needed = needed.join(" or ");
        return Some(format!(
            "the key '{name}' may not do this: it needs the scope {needed}, and has {scopes}"
        ));
    }
    let ingress = ingress(path).filter(|ingress| !scopes.allow_ingress(*ingress))?;
    let needed = ingress.name();
    Some(format!(
        "the key '{name}' may not come in here: it needs the scope ingress:{needed}, and has {scopes}"
    ))
}

/// The rights of which one is enough. What is not listed needs the greatest.
fn enough(method: &Method, path: &str) -> &'static [Right] {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let one_call = || {
        let id = path.strip_prefix("/api/v1/calls/");
        id.is_some_and(|id| id != "events" && !id.contains('/'))
    };
    match path {
        // Browsers come here without a key; what needs one there says so itself.
        _ if path.starts_with(auth::BELOW) => &Right::ALL,
        // The reference proxy also takes GET for these.
        _ if path.starts_with("/v1/do/") => &[Right::Call],
        // Whether a message lists or calls is known once it has been read.
        mcp::PATH => &[Right::Read, Right::Call],
        "/api/v1/calls" if *method == Method::POST => &[Right::Call],
        _ if !reads => &[Right::Administer],
        "/v1/commands" | "/v1/auths" | "/api/v1/commands" | "/openapi.json" | "/docs" => {
            &[Right::Read, Right::Call]
        }
        _ if one_call() || path.starts_with("/activiti/") => &[Right::Read, Right::Call],
        "/api/v1/keys" | "/api/v1/audit" => &[Right::Administer],
        _ => &[Right::Read],
    }
}

/// The way in that a path belongs to.
fn ingress(path: &str) -> Option<Ingress> {
    match path {
        _ if path.starts_with("/v1/") => Some(Ingress::Spiff),
        _ if path.starts_with("/api/") => Some(Ingress::Api),
        mcp::PATH => Some(Ingress::Mcp),
        _ => None,
    }
}

/// Why a key is not good for a connector, if it is not.
pub(crate) fn refusal_of(key: &AccessKey, connector: &str) -> Option<String> {
    let AccessKey { name, scopes, .. } = key;
    let allowed = scopes.allow_connector(connector);
    (!allowed).then(|| {
        let connector = crosspoint_core::shorten(connector);
        format!(
            "the key '{name}' is not good for the connector {connector}: it has the scopes {scopes}"
        )
    })
}

/// Whether scopes let a caller see a connector.
pub(crate) fn sees(key: Option<&AccessKey>, connector: &str) -> bool {
    let scopes: Option<&Scopes> = key.map(|key| &key.scopes);
    scopes.is_none_or(|scopes| scopes.allow_connector(connector))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(scopes: &[&str], method: Method, path: &str) -> bool {
        let mut key = AccessKey::new("k", "v");
        key.scopes = Scopes::read(scopes.iter().copied()).unwrap();
        refusal(&key, &method, path).is_some()
    }

    #[test]
    fn each_right_is_good_for_its_own_and_no_more() {
        const CALLS: [(Method, &str); 2] = [
            (Method::POST, "/api/v1/calls"),
            (Method::POST, "/v1/do/http/GetRequestV2"),
        ];
        const READS: [(Method, &str); 5] = [
            (Method::GET, "/api/v1/calls"),
            (Method::GET, "/api/v1/calls/events"),
            (Method::GET, "/api/v1/connectors"),
            (Method::GET, "/metrics"),
            (Method::GET, "/api/v1/profiles"),
        ];
        const BOTH: [(Method, &str); 5] = [
            (Method::GET, "/activiti/connectors/http.json"),
            (Method::GET, "/v1/commands"),
            (Method::GET, "/v1/auths"),
            (Method::GET, "/docs"),
            (
                Method::GET,
                "/api/v1/calls/0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77",
            ),
        ];
        const ACTS: [(Method, &str); 5] = [
            (Method::POST, "/api/v1/calls/0193c0de/settle"),
            (Method::POST, "/api/v1/calls/0193c0de/replay"),
            (Method::PUT, "/api/v1/secrets/x"),
            (Method::DELETE, "/api/v1/profiles/crm/prod"),
            (Method::GET, "/api/v1/audit"),
        ];
        for (scope, calls, reads, acts) in [
            ("call", true, false, false),
            ("read", false, true, false),
            ("administer", false, true, true),
        ] {
            for (list, good) in [
                (&CALLS[..], calls),
                (&READS, reads),
                (&BOTH, true),
                (&ACTS, acts),
            ] {
                for (method, path) in list {
                    let refused = refused(&[scope], method.clone(), path);
                    assert_eq!(refused, !good, "{scope} {method} {path}");
                }
            }
        }
    }

    #[test]
    fn a_key_of_one_way_in_is_refused_on_the_other() {
        assert!(refused(&["ingress:spiff"], Method::GET, "/api/v1/commands"));
        assert!(refused(&["ingress:api"], Method::GET, "/v1/commands"));
        assert!(!refused(&["ingress:api"], Method::GET, "/api/v1/commands"));
        assert!(!refused(&["ingress:api"], Method::GET, "/metrics"));
    }

    #[test]
    fn only_what_probes_need_is_open() {
        assert!(is_open("/readyz") && is_open("/"));
        assert!(!is_open("/v1/auths") && !is_open("/v1/auth") && !is_open("/v1/commands"));
    }
}
