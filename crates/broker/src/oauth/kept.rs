//! What is kept of a grant: the set of tokens as it came, and what became of it.

use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answer::TokenSet;
use super::settings::{AuthSettings, Grant};
use crate::profiles::Token;

/// A grant as it lies in the store, sealed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The auth by which it was granted.
    pub auth: String,
    /// Grows with each new token, also when the profile is authorised anew.
    pub serial: i64,
    /// The set as it came last. Empty before the first token.
    #[serde(default)]
    pub tokens: Map<String, Value>,
    /// The refresh token that counts: the last one that any answer had.
    #[serde(default)]
    pub refresh_token: Option<String>,
    /// When the set came, in milliseconds since 1970.
    #[serde(default)]
    pub obtained: i64,
    /// When the access token ends, if that is known.
    #[serde(default)]
    pub expires: Option<i64>,
    /// Tells from which configured refresh token it grew: another one begins anew.
    #[serde(default)]
    pub seed: Option<String>,
    /// Since when and why the grant is of no use.
    #[serde(default)]
    pub dead: Option<Ended>,
    /// Who has authorised.
    #[serde(default)]
    pub by: Option<String>,
    /// When somebody has, in milliseconds since 1970; 0 where nobody had to.
    #[serde(default)]
    pub authorised: i64,
}

/// When and why something ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// In milliseconds since 1970.
    pub at: i64,
    /// What the provider said.
    pub why: String,
}

// === impl Kept ===

impl Kept {
    /// One without a token yet, which other processes can be told of.
    pub(super) fn place(auth: &str, seed: Option<String>) -> Kept {
        Kept {
            auth: auth.to_owned(),
            seed,
            ..Kept::default()
        }
    }

    /// What was kept. None: another version wrote it.
    pub(super) fn read(body: &[u8]) -> Option<Kept> {
        serde_json::from_slice(body).ok()
    }

    /// As it is kept.
    pub(super) fn write(&self) -> Bytes {
        // A map of JSON values is always JSON.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The same grant with a new set of tokens. Where that has no refresh token, the old one goes on
    /// counting (RFC 6749, section 6).
    pub(super) fn renewed(&self, set: TokenSet, now: i64) -> Kept {
        let refresh_token = set.refresh_token().map(str::to_owned);
        let expires = set.expires_in().map(|secs| now + (secs * 1000.0) as i64);
        Kept {
            auth: self.auth.clone(),
            // After a grant was forgotten, the next one must not look like it.
            serial: (self.serial + 1).max(now),
            refresh_token: refresh_token.or_else(|| self.refresh_token.clone()),
            expires,
            obtained: now,
            tokens: set.0,
            seed: self.seed.clone(),
            dead: None,
            by: self.by.clone(),
            authorised: self.authorised,
        }
    }

    /// Whether this is what `auth` works with, and not the rest of what was configured before.
    pub(super) fn belongs_to(&self, auth: &AuthSettings, seed: Option<&str>) -> bool {
        let seeded = matches!(auth.grant, Grant::RefreshToken(_));
        self.auth == *auth.id.auth && (!seeded || self.seed.as_deref() == seed)
    }

    /// The access token, as long as it counts: not beyond its end less `before`, and not when it is
    /// the one that the system did not take.
    pub(super) fn token(
        &self,
        auth: &AuthSettings,
        now: i64,
        before: Duration,
        stale: Option<i64>,
    ) -> Option<Token> {
        let before = i64::try_from(before.as_millis()).unwrap_or(i64::MAX);
        // A token that lives no longer than that would never count.
        let life = self.expires.map(|expires| expires - self.obtained);
        let before = life.map_or(before, |life| before.min(life / 4));
        let ended = self
            .expires
            .is_some_and(|expires| now >= expires.saturating_sub(before));
        let refused = stale.is_some_and(|stale| stale >= self.serial);
        if ended || refused || self.dead.is_some() {
            return None;
        }
        let value = TokenSet(self.tokens.clone()).access_token()?.to_owned();
        Some(Token {
            field: auth.token_field.clone(),
            value: Secret::new(value),
            revision: self.serial,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oauth::AuthId;

    fn set(value: Value) -> TokenSet {
        TokenSet(value.as_object().unwrap().clone())
    }

    fn auth() -> AuthSettings {
        let id = AuthId::new("crm", "main");
        AuthSettings::new(id, Grant::ClientCredentials, "http://h/token", "me")
    }

    #[test]
    fn the_old_refresh_token_stays_where_the_answer_has_none() {
        let kept = Kept::place("main", None);
        let first = set(json!({"access_token": "a1", "refresh_token": "r1", "more": [1]}));
        let kept = kept.renewed(first, 1000);
        let kept = kept.renewed(set(json!({"access_token": "a2", "expires_in": 10})), 1000);
        assert_eq!(kept.refresh_token.as_deref(), Some("r1"));
        assert_eq!((kept.expires, kept.serial), (Some(11_000), 1001));
        let read = Kept::read(&kept.write()).unwrap();
        assert_eq!(read.tokens, kept.tokens);
        assert!(Kept::read(b"[]").is_none());
    }

    #[test]
    fn a_token_counts_until_shortly_before_its_end_and_unless_it_was_refused() {
        let minute = Duration::from_secs(60);
        let token =
            |kept: &Kept, now, stale| kept.token(&auth(), now, minute, stale).map(|t| t.revision);
        let place = Kept::place("main", None);
        assert_eq!(token(&place, 0, None), None);
        let kept = place.renewed(set(json!({"access_token": "a", "expires_in": 3600})), 1000);
        assert_eq!(token(&kept, 1000, None), Some(1000));
        assert_eq!(token(&kept, 1000, Some(999)), Some(1000));
        assert_eq!(token(&kept, 1000, Some(1000)), None);
        assert_eq!(token(&kept, 3_540_999, None), Some(1000));
        assert_eq!(token(&kept, 3_541_000, None), None);
        // One of a minute counts for three quarters of it.
        let short = place.renewed(set(json!({"access_token": "a", "expires_in": 60})), 0);
        assert!(token(&short, 44_999, None).is_some() && token(&short, 45_000, None).is_none());
        let endless = place.renewed(set(json!({"access_token": "a"})), 0);
        assert!(token(&endless, i64::MAX, None).is_some());
    }
}
