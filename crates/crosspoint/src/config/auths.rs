//! How profiles authorise by OAuth 2. The comments here are the configuration reference that users
//! read.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crosspoint_broker::oauth::ClientAuth as HowProved;
use crosspoint_core::is_loopback_host;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use url::Url;

use super::durations::Delay;
use super::format::{as_text, wrong};
use super::problem::Wrong;
use super::profiles::SecretText;

/// The auths of a connector by their names.
pub type Auths = BTreeMap<String, Auth>;

/// A way to authorise against the system behind the connector, by OAuth 2. Profiles name it
/// (`auth = "…"`), and get a token that is always fresh. It goes before an auth of that name that
/// the connector has itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// How a token is had in the first place.
    pub grant: Grant,

    /// What it authorises, for people.
    pub description: String,

    /// Where a person consents. Needed for `authorization_code`.
    pub authorize_url: Option<ProviderUrl>,

    /// Where tokens are. Always needed.
    pub token_url: Option<ProviderUrl>,

    /// Where tokens are refreshed, for providers that do this elsewhere. When there is no such
    /// setting, it is `token_url`.
    pub refresh_url: Option<ProviderUrl>,

    /// Who Crosspoint is at the provider. Needed for all but `jwt_bearer`.
    pub client_id: Option<String>,

    /// What proves it: the secret itself, or a reference to it: `env:NAME`, `file:PATH`,
    /// `exec:COMMAND ARGUMENTS`, `secret:NAME` or `vault:PATH#FIELD`. A public client has none.
    pub client_secret: Option<SecretText>,

    /// How it is proved.
    pub client_auth: ClientAuth,

    /// What the token is to be good for.
    pub scopes: Vec<String>,

    /// What stands between two scopes. RFC 6749 has a space, some providers want a comma.
    pub scope_separator: String,

    /// Whether the code that a browser brings is bound to Crosspoint by PKCE. Providers that do not
    /// know it pass over it; a few refuse it.
    pub pkce: bool,

    /// Further parameters of `authorize_url`, such as `access_type = "offline"`.
    pub authorize_parameters: BTreeMap<String, String>,

    /// Further parameters of each request to `token_url`, such as `audience`.
    pub parameters: BTreeMap<String, String>,

    /// Who the provider says that it is, as `https://login.example`. When an answer of the
    /// `authorize_url` names another one, it is refused (RFC 9207).
    pub issuer: Option<String>,

    /// The refresh token with which it begins, for the grant `refresh_token`; written as
    /// `client_secret` is. Those that follow are kept in the store.
    pub refresh_token: Option<SecretText>,

    /// What is stated and signed, for the grant `jwt_bearer`.
    pub assertion: Option<Assertion>,

    /// The field of the profile that the access token fills.
    pub token_field: String,

    /// How long before its end a token is refreshed; at most for the last quarter of its life.
    pub refresh_before: Delay,

    /// By what it is known that the system does not take a token any more. The call is then made
    /// once more with a new one.
    pub expired: Expired,
}

/// How a token is had in the first place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A person consents in a browser: `crosspoint auth login <connector>/<profile>`, or SpiffArena's
    /// page for authentications.
    #[default]
    AuthorizationCode,
    /// The client itself is authorised.
    ClientCredentials,
    /// A signed statement stands for the consent (RFC 7523), as with Google's service accounts.
    JwtBearer,
    /// Somebody has consented elsewhere, and left a refresh token.
    RefreshToken,
}

/// How the client proves who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// By the header `Authorization: Basic`.
    #[default]
    Basic,
    /// By `client_id` and `client_secret` in the body.
    Body,
}

/// What is stated and signed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Assertion {
    /// The private key in PEM form: RSA (RS256), or the curve P-256 (ES256). Written as
    /// `client_secret` is, best as `file:PATH`.
    pub key: Option<SecretText>,

    /// How the key is called at the provider.
    pub key_id: Option<String>,

    /// Who states it. When there is no such setting, it is `client_id`.
    pub issuer: Option<String>,

    /// For whom the token is. When there is no such setting, it is the issuer.
    pub subject: Option<String>,

    /// Who reads it. When there is no such setting, it is `token_url`.
    pub audience: Option<String>,

    /// Further claims.
    pub claims: BTreeMap<String, String>,
}

/// By what it is known that the system does not take a token any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Expired {
    /// Statuses of its answers.
    #[schemars(inner(range(min = 100, max = 599)))]
    pub status: Vec<u16>,

    /// A text that the body of an answer has, whatever its status, or a regular expression between
    /// two slashes.
    pub body: Option<String>,
}

/// An address at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderUrl(Url);

/// Where browsers reach this proxy, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(pub String);

as_text!(ProviderUrl, "provider-url", "string");
as_text!(PublicUrl, "public-url", "string");

/// The schema of [`Auths`].
pub fn auths(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$", "format": "auth-name" },
        "additionalProperties": generator.subschema_for::<Auth>(),
    })
}

// === impl Auth, Expired ===

impl Default for Auth {
    fn default() -> Auth {
        Auth {
            grant: Grant::default(),
            description: String::new(),
            authorize_url: None,
            token_url: None,
            refresh_url: None,
            client_id: None,
            client_secret: None,
            client_auth: ClientAuth::default(),
            scopes: Vec::new(),
            scope_separator: " ".to_owned(),
            pkce: true,
            authorize_parameters: BTreeMap::new(),
            parameters: BTreeMap::new(),
            issuer: None,
            refresh_token: None,
            assertion: None,
            token_field: "access_token".to_owned(),
            refresh_before: Delay(std::time::Duration::from_secs(60)),
            expired: Expired::default(),
        }
    }
}

impl Default for Expired {
    fn default() -> Expired {
        Expired {
            status: vec![401],
            body: None,
        }
    }
}

// === impl ClientAuth ===

impl ClientAuth {
    /// As the broker has it.
    pub fn proved(self) -> HowProved {
        match self {
            ClientAuth::Basic => HowProved::Basic,
            ClientAuth::Body => HowProved::Body,
        }
    }
}

// === impl ProviderUrl ===

impl ProviderUrl {
    /// Whether what is sent there can be read on the way.
    pub fn is_in_clear(&self) -> bool {
        self.0.scheme() == "http" && !self.0.host_str().is_some_and(is_loopback_host)
    }
}

/// An address of the web without a user. Its text is not shown where it has one.
fn web(text: &str, format: &'static str, what: &str) -> Result<Url, Wrong> {
    let shown = if text.contains('@') { "it" } else { text };
    let url = Url::parse(text).map_err(|_| wrong(shown, what, format))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong(shown, what, format));
    }
    let surplus = match &url {
        _ if !url.username().is_empty() || url.password().is_some() => "a user",
        _ if url.fragment().is_some() => "a fragment",
        _ => return Ok(url),
    };
    Err(Wrong {
        why: format!("{surplus} does not belong there"),
        help: "take it out".to_owned(),
    })
}

impl FromStr for ProviderUrl {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<ProviderUrl, Wrong> {
        web(text, "provider-url", "is not an address").map(ProviderUrl)
    }
}

impl fmt::Display for ProviderUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl PublicUrl ===

impl FromStr for PublicUrl {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<PublicUrl, Wrong> {
        let url = web(text, "public-url", "is not an address")?;
        match url.query() {
            Some(_) => Err(Wrong {
                why: "a query does not belong there".to_owned(),
                help: "take it out".to_owned(),
            }),
            None => Ok(PublicUrl(url.as_str().trim_end_matches('/').to_owned())),
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
