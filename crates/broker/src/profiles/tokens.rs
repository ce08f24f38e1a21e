//! The port to what keeps tokens of OAuth fresh.

use crosspoint_core::{Failure, Outcome, Secret};
use futures_util::future::BoxFuture;

use super::ProfileId;

/// The field that an access token fills unless its auth says otherwise.
pub(crate) const FIELD: &str = "access_token";

/// An access token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The field of the profile that it fills.
    pub field: String,
    /// The token.
    pub value: Secret<String>,
    /// Tells this token from the ones before and after it.
    pub revision: i64,
}

/// Keeps the tokens of profiles that authorise by OAuth.
pub trait Tokens: Send + Sync + 'static {
    /// Which field of the profile the token of its auth fills: that of [`Token::field`], known before
    /// there is a token.
    fn field(&self, _profile: &ProfileId, _auth: &str) -> String {
        FIELD.to_owned()
    }

    /// The token of a profile by the auth that it names, refreshed when it is about to expire.
    /// `stale`: the revision of a token that the system did not take any more; a newer one is
    /// wanted. However many ask, in whatever process, one of them refreshes.
    ///
    /// Fails when nobody has authorised yet, and when the grant is dead: the message says who has
    /// to do what.
    fn token<'a>(
        &'a self,
        profile: &'a ProfileId,
        auth: &'a str,
        stale: Option<i64>,
    ) -> BoxFuture<'a, Result<Token, Failure>>;

    /// Whether the result of a call says that the system does not take the token any more.
    fn is_expiry(&self, profile: &ProfileId, auth: &str, result: &Result<Outcome, Failure>)
    -> bool;
}
