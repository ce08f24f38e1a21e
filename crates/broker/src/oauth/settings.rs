//! How to authorise by one auth: what the configuration or a connector says about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Failure, Kind, Outcome, inner_status};
use regex::Regex;

use crate::profiles::Source;

/// `connector/auth`: a way to authorise against the system behind a connector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthId {
    /// The connector's name.
    pub connector: Arc<str>,
    /// The auth's name within the connector.
    pub auth: Arc<str>,
}

/// How a token is had in the first place (RFC 6749, section 1.3).
#[derive(Debug, Clone, PartialEq)]
pub enum Grant {
    /// A person consents in a browser (section 4.1, with PKCE as in RFC 7636).
    AuthorizationCode {
        /// Where the person consents.
        authorize_url: String,
        /// Further parameters of that address.
        parameters: BTreeMap<String, String>,
        /// Whether the code is bound to us by a verifier.
        pkce: bool,
    },
    /// The client itself is authorised (section 4.4).
    ClientCredentials,
    /// A signed statement stands for the consent (RFC 7523, section 2.1).
    JwtBearer(Assertion),
    /// Somebody had consented elsewhere and left a refresh token (section 6).
    RefreshToken(Source),
}

/// A statement that is signed and exchanged for a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Assertion {
    /// The private key, in PEM form.
    pub key: Source,
    /// How the key is called at the provider: `kid`.
    pub key_id: Option<String>,
    /// Who states it: `iss`.
    pub issuer: String,
    /// For whom the token is: `sub`.
    pub subject: String,
    /// Who reads it: `aud`.
    pub audience: String,
    /// Further claims.
    pub claims: BTreeMap<String, String>,
}

/// How the client proves to the provider who it is (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// By the header `Authorization: Basic`.
    Basic,
    /// By `client_id` and `client_secret` among the parameters.
    Body,
}

/// By what it is known that a system does not take a token any more.
#[derive(Debug, Clone)]
pub struct Expired {
    /// Statuses of an answer.
    pub status: Vec<u16>,
    /// What the body of an answer of any status holds.
    pub body: Option<Pattern>,
}

/// What is looked for in a text.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// These characters.
    Text(String),
    /// What matches this.
    Regex(Regex),
}

/// How to authorise by one auth.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Which auth.
    pub id: AuthId,
    /// What it authorises, for people.
    pub description: String,
    /// How a token is had in the first place.
    pub grant: Grant,
    /// Where tokens are.
    pub token_url: String,
    /// Where they are refreshed, where that is elsewhere.
    pub refresh_url: Option<String>,
    /// Who we are at the provider.
    pub client_id: String,
    /// What proves it. None: a public client.
    pub client_secret: Option<Source>,
    /// How it is proved.
    pub client_auth: ClientAuth,
    /// What the token is to be good for.
    pub scopes: Vec<String>,
    /// What stands between scopes: a space, and with some providers a comma.
    pub scope_separator: String,
    /// Further parameters of every request for a token, such as `audience`.
    pub parameters: BTreeMap<String, String>,
    /// Who the provider says that it is, in answers that say so (RFC 9207).
    pub issuer: Option<String>,
    /// The field of the profile that the access token fills.
    pub token_field: String,
    /// How long before its end a token is refreshed.
    pub refresh_before: Duration,
    /// By what it is known that a token does not count any more.
    pub expired: Expired,
}

// === impl AuthId ===

impl AuthId {
    /// From the two parts.
    pub fn new(connector: impl Into<Arc<str>>, auth: impl Into<Arc<str>>) -> AuthId {
        AuthId {
            connector: connector.into(),
            auth: auth.into(),
        }
    }
}

impl fmt::Display for AuthId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.connector, self.auth)
    }
}

// === impl Grant ===

impl Grant {
    /// The name in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Grant::AuthorizationCode { .. } => "authorization_code",
            Grant::ClientCredentials => "client_credentials",
            Grant::JwtBearer(_) => "jwt_bearer",
            Grant::RefreshToken(_) => "refresh_token",
        }
    }

    /// Whether a person has to consent.
    pub fn needs_consent(&self) -> bool {
        matches!(self, Grant::AuthorizationCode { .. })
    }

    /// Whether a new token can be had at any time from what is configured.
    pub fn is_renewable(&self) -> bool {
        matches!(self, Grant::ClientCredentials | Grant::JwtBearer(_))
    }
}

// === impl Expired ===

/// The status 401.
impl Default for Expired {
    fn default() -> Expired {
        Expired {
            status: vec![401],
            body: None,
        }
    }
}

impl Expired {
    /// Whether the result of a call says that the system does not take the token any more. What we
    /// refused ourselves says nothing about it.
    pub fn is_told_by(&self, result: &Result<Outcome, Failure>) -> bool {
        let (status, outcome) = match result {
            Ok(outcome) => (outcome.status, Some(outcome)),
            Err(failure) => {
                if matches!(failure.kind, Kind::Invalid(_) | Kind::Refused(_)) {
                    return false;
                }
                (inner_status(failure), failure.outcome.as_deref())
            }
        };
        // A version 1 answer has its own status outside.
        let outer = outcome.and_then(|o| o.verbatim.as_ref()).map(|v| v.status);
        let statuses = [Some(status), outer];
        let by_status = statuses
            .iter()
            .flatten()
            .any(|status| self.status.contains(status));
        by_status
            || self
                .body
                .as_ref()
                .is_some_and(|body| body.is_in(outcome, result))
    }
}

// === impl Pattern ===

impl Pattern {
    /// A text, or a regular expression between two slashes.
    pub fn parse(text: &str) -> Result<Pattern, regex::Error> {
        match text.strip_prefix('/').and_then(|t| t.strip_suffix('/')) {
            Some(pattern) => Regex::new(pattern).map(Pattern::Regex),
            None => Ok(Pattern::Text(text.to_owned())),
        }
    }

    fn is_in(&self, outcome: Option<&Outcome>, result: &Result<Outcome, Failure>) -> bool {
        let body = outcome.map(|outcome| String::from_utf8_lossy(outcome.body.as_bytes()));
        let message = result.as_ref().err().map(|failure| &*failure.message);
        body.as_deref()
            .into_iter()
            .chain(message)
            .any(|text| self.matches(text))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Text(part) => text.contains(&**part),
            Pattern::Regex(regex) => regex.is_match(text),
        }
    }
}

// === impl AuthSettings ===

impl AuthSettings {
    /// Where its secrets are.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let own = match &self.grant {
            Grant::JwtBearer(assertion) => Some(&assertion.key),
            Grant::RefreshToken(source) => Some(source),
            Grant::AuthorizationCode { .. } | Grant::ClientCredentials => None,
        };
        self.client_secret.iter().chain(own)
    }

    /// A client at a provider, all else by default.
    pub fn new(
        id: AuthId,
        grant: Grant,
        token_url: impl Into<String>,
        client_id: impl Into<String>,
    ) -> AuthSettings {
        AuthSettings {
            id,
            description: String::new(),
            grant,
            token_url: token_url.into(),
            refresh_url: None,
            client_id: client_id.into(),
            client_secret: None,
            client_auth: ClientAuth::Basic,
            scopes: Vec::new(),
            scope_separator: " ".to_owned(),
            parameters: BTreeMap::new(),
            issuer: None,
            token_field: crate::profiles::FIELD.to_owned(),
            refresh_before: Duration::from_secs(60),
            expired: Expired::default(),
        }
    }

    /// The scopes as the provider reads them. None when there are none.
    pub fn scope(&self) -> Option<String> {
        (!self.scopes.is_empty()).then(|| self.scopes.join(&self.scope_separator))
    }
}

#[cfg(test)]
mod tests {
    use crosspoint_core::{Json, Refusal};

    use super::*;

    #[test]
    fn an_expired_token_is_known_by_status_or_body() {
        let plain = Expired::default();
        let odd = |body| Expired {
            status: vec![403],
            body: Some(Pattern::parse(body).unwrap()),
        };
        let unauthorised = || Outcome::text("no").with_status(401);
        let hidden = Json::parse(r#"{"ok": false, "error": "token_expired"}"#).unwrap();
        let cases = [
            (&plain, Ok(unauthorised()), true),
            (&plain, Ok(Outcome::text("fine")), false),
            (
                &plain,
                Err(Failure::reported("HttpError401", "no").with_outcome(unauthorised())),
                true,
            ),
            (
                &plain,
                Err(Failure::refused(Refusal::NotAuthorised, "no")),
                false,
            ),
            (
                &odd("token_expired"),
                Ok(Outcome::json(hidden.clone())),
                true,
            ),
            (
                &odd("/token_(expired|revoked)/"),
                Ok(Outcome::json(hidden)),
                true,
            ),
            (&odd("x"), Ok(unauthorised()), false),
            (
                &odd("gone"),
                Err(Failure::reported("E", "it is gone")),
                true,
            ),
        ];
        for (at, (expired, result, told)) in cases.into_iter().enumerate() {
            assert_eq!(expired.is_told_by(&result), told, "case {at}");
        }
    }
}
