//! Reading what a provider answers to a request for a token. Providers keep to RFC 6749 (section 5)
//! only roughly, so reading is lenient, and failing is clear.

use crosspoint_net::Response;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

/// The longest life of a token that is believed.
const LONGEST: f64 = 10.0 * 365.0 * 24.0 * 3600.0;

/// Codes of errors by which a provider says that a refresh token is of no use any more. The first
/// is that of RFC 6749, the others are seen at Slack.
const DEAD: [&str; 4] = [
    "invalid_grant",
    "invalid_refresh_token",
    "token_revoked",
    "token_expired",
];

/// A set of tokens as it came.
#[derive(Clone, PartialEq)]
pub struct TokenSet(pub(super) Map<String, Value>);

/// Why an answer has no tokens. Texts are those of the provider: they are masked before anybody
/// sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoTokens {
    /// The provider says that what it granted does not count any more.
    Dead(String),
    /// It refuses for another reason: the client is not known, a parameter is wrong.
    Refused(String),
    /// It is in trouble, or not the provider at all.
    Trouble(String),
}

// === impl TokenSet ===

impl TokenSet {
    /// The access token, which every set has.
    pub fn access_token(&self) -> Option<&str> {
        self.text("access_token")
    }

    /// The refresh token, if the provider gave one.
    pub fn refresh_token(&self) -> Option<&str> {
        self.text("refresh_token")
    }

    /// How many seconds the access token counts, if the provider says.
    pub fn expires_in(&self) -> Option<f64> {
        let found = self.part("expires_in").or_else(|| self.part("expires"));
        let seconds = match found? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        (seconds.is_finite() && seconds > 0.0).then_some(seconds.min(LONGEST))
    }

    /// The set as it came.
    pub fn as_json(&self) -> &Map<String, Value> {
        &self.0
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.part(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A member, also of the part in which Slack puts the tokens of a person.
    fn part(&self, name: &str) -> Option<&Value> {
        let own = |value: &&Value| !value.is_null();
        let nested = || self.0.get("authed_user")?.get(name);
        // A person's tokens belong together, even where others of the bot are beside them.
        match self.0.contains_key("access_token") {
            true => self.0.get(name).filter(own),
            false => nested().filter(own),
        }
    }
}

/// Shows no token.
impl std::fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members: Vec<_> = self.0.keys().collect();
        f.debug_tuple("TokenSet").field(&members).finish()
    }
}

/// The tokens of an answer.
pub(super) fn read(response: &Response) -> Result<TokenSet, NoTokens> {
    let status = response.status;
    let Some(members) = members(response) else {
        let what = match response.body.is_empty() {
            true => "nothing",
            false => "what is no JSON object",
        };
        return Err(NoTokens::Trouble(format!("answered {status} with {what}")));
    };
    if let Some(error) = error(&members) {
        return Err(match status {
            _ if error.is_dead() => NoTokens::Dead(error.text()),
            429 | 500.. => NoTokens::Trouble(format!("answered {status}: {}", error.text())),
            _ if error.is_passing() => NoTokens::Trouble(error.text()),
            _ => NoTokens::Refused(error.text()),
        });
    }
    let set = TokenSet(members);
    match (status, set.access_token()) {
        (200..=299, Some(_)) => Ok(set),
        (200..=299, None) => Err(NoTokens::Trouble(format!(
            "answered {status} without an access_token"
        ))),
        (400..=428 | 430..=499, _) => Err(NoTokens::Refused(format!("answered {status}"))),
        _ => Err(NoTokens::Trouble(format!("answered {status}"))),
    }
}

/// The object of an answer: JSON, or the form that some providers answer with.
fn members(response: &Response) -> Option<Map<String, Value>> {
    let text = response.text();
    if let Ok(Value::Object(members)) = serde_json::from_str(&text) {
        return Some(members);
    }
    let mime = response.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let is_form = mime.contains("x-www-form-urlencoded") || mime.starts_with("text/plain");
    let form = || form_urlencoded::parse(text.trim().as_bytes());
    let is_ours = form().any(|(name, _)| name == "access_token" || name == "error");
    (is_form && is_ours).then(|| {
        form()
            .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
            .collect()
    })
}

struct Error {
    code: String,
    more: Option<String>,
}

/// The error of an answer, whatever its status.
fn error(members: &Map<String, Value>) -> Option<Error> {
    let text = |value: &Value| value.as_str().map(plain);
    let described = members.get("error_description").and_then(text);
    match members.get("error") {
        Some(Value::String(code)) if !code.is_empty() => Some(Error {
            code: plain(code),
            more: described,
        }),
        Some(Value::Object(error)) => {
            let first = |names: [&str; 3]| names.iter().find_map(|n| error.get(*n).and_then(text));
            Some(Error {
                code: first(["code", "type", "error"]).unwrap_or_else(|| "an error".to_owned()),
                more: first(["message", "error_description", "description"]).or(described),
            })
        }
        _ if members.get("ok") == Some(&Value::Bool(false)) => Some(Error {
            code: "an error".to_owned(),
            more: described,
        }),
        _ => None,
    }
}

// === impl Error ===

impl Error {
    fn is_dead(&self) -> bool {
        DEAD.contains(&&*self.code)
    }

    /// RFC 6749, section 4.1.2.1.
    fn is_passing(&self) -> bool {
        matches!(
            &*self.code,
            "temporarily_unavailable" | "server_error" | "ratelimited"
        )
    }

    fn text(self) -> String {
        match self.more {
            Some(more) if !more.is_empty() => format!("{}: {more}", self.code),
            _ => self.code,
        }
    }
}

/// A text of the provider on one line. It is shortened only after it was masked.
pub(super) fn plain(text: &str) -> String {
    let words: Vec<_> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
