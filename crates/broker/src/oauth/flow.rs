//! The round trip through a person's browser (RFC 6749, section 4.1): to the provider, and back with
//! a code.
//!
//! What belongs to a round trip lies in the store, sealed and for ten minutes, under the digest of
//! its `state`: any replica can end what another has begun, and only once. The `state` is bound to
//! whoever began: the tokens go to the address that was named then, or to the profile that somebody
//! with the right to do so named. So it does no harm when a browser is sent here with a code and a
//! `state` of somebody else.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Failure, Refusal, shorten};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use super::TokenSet;
use super::answer::plain;
use super::grants::{Grants, lock};
use super::kept::Kept;
use super::random;
use super::redirect::with_parameter;
use super::request::{Fault, Proof};
use super::settings::{AuthId, AuthSettings, Grant};
use crate::cabinet::{Drawer, Expected};
use crate::ledger::now;
use crate::profiles::ProfileId;

/// How long a person has.
const PATIENCE: Duration = Duration::from_secs(600);

/// How many round trips may begin in a minute: each lies in the store, and nobody needs a key.
const PER_MINUTE: u32 = 600;

/// What the tokens are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The browser takes them to this address (SpiffArena). It carries a token of the user: never
    /// to be shown.
    Redirect(String),
    /// They are kept for a profile.
    Keep {
        /// The profile.
        profile: ProfileId,
        /// Who wants it: the name of an access key, or of a user of the command line.
        by: String,
        /// The way in: `api` or `cli`.
        ingress: &'static str,
    },
}

/// What the browser brings back.
#[derive(Debug, Clone, Default)]
pub struct Callback {
    /// By which the round trip is known.
    pub state: Option<String>,
    /// What stands for the consent.
    pub code: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
    /// Who the provider is (RFC 9207).
    pub iss: Option<String>,
}

/// How a round trip ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// The browser is to be sent here, with the tokens.
    Redirect(String),
    /// The tokens are kept for this profile.
    Kept(ProfileId),
}

/// Why a round trip does not begin or go on. No token is in it, and nothing of an address but its
/// host.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FlowError {
    /// There is no such auth, or none that needs a browser.
    #[error("{0}")]
    NotFound(String),
    /// What was asked is refused.
    #[error("{0}")]
    Refused(String),
    /// Too many begin at once.
    #[error("too many authorisations have begun in the last minute: try again in a minute")]
    TooMany,
    /// The provider, or the person in front of it, said no. These are its words.
    #[error("the provider says: {0}")]
    Denied(String),
    /// The provider or the store is in trouble.
    #[error("{0}")]
    Trouble(String),
}

/// What lies in the store meanwhile.
#[derive(Serialize, Deserialize)]
struct UnderWay {
    connector: Arc<str>,
    auth: Arc<str>,
    verifier: String,
    #[serde(default)]
    redirect_url: Option<String>,
    #[serde(default)]
    profile: Option<String>,
    #[serde(default)]
    by: String,
    #[serde(default)]
    ingress: String,
}

// === impl Grants ===

impl Grants {
    /// Begins a round trip: the address at the provider to which the browser has to go.
    pub async fn begin(&self, id: &AuthId, purpose: Purpose) -> Result<Url, FlowError> {
        let setup = self.0.now.load_full();
        let (redirect_url, profile, by, ingress) = match purpose {
            Purpose::Redirect(address) => {
                let judged = setup.redirects.judge(&address);
                let url =
                    judged.map_err(|why| FlowError::Refused(format!("redirect_url {why}")))?;
                (Some(String::from(url)), None, String::new(), "spiff")
            }
            Purpose::Keep {
                profile,
                by,
                ingress,
            } => (None, Some(profile), by, ingress),
        };
        let auth = self.of_browser(id, profile.as_ref()).await?;
        self.admit()?;
        let (Some(state), Some(verifier)) = (random::handle(), random::handle()) else {
            return Err(FlowError::Trouble(
                "the system has no randomness yet".to_owned(),
            ));
        };
        let callback = callback_url(&setup.public_url, id);
        let url = authorize_url(&auth, &state, &verifier, &callback)?;
        let under_way = UnderWay {
            connector: id.connector.clone(),
            auth: id.auth.clone(),
            verifier,
            redirect_url,
            profile: profile.map(|profile| profile.to_string()),
            by,
            ingress: ingress.to_owned(),
        };
        let body = serde_json::to_vec(&under_way).unwrap_or_default();
        let expires = now() + PATIENCE.as_millis() as i64;
        let name = random::digest(&state);
        let cabinet = &self.0.cabinet;
        let put = cabinet.put(
            Drawer::State,
            &name,
            body.into(),
            Some(expires),
            Expected::Absent,
        );
        match put.await {
            Ok(Some(_)) => Ok(url),
            Ok(None) => Err(FlowError::Trouble("begin again".to_owned())),
            Err(error) => Err(unkept(&error)),
        }
    }

    /// Ends a round trip, with the callback of this auth.
    pub async fn end(&self, id: &AuthId, callback: Callback) -> Result<Finished, FlowError> {
        if callback.state.is_none()
            && let Some(code) = callback.error.as_deref().filter(|code| is_code(code))
        {
            // Some providers forget the state when they say no. Anybody can make a browser come here
            // like this, so no words are repeated but a code.
            return Err(FlowError::Denied(code.to_owned()));
        }
        let under_way = self.take(id, callback.state.as_deref()).await?;
        let profile = under_way.profile.as_deref().map(str::parse::<ProfileId>);
        let profile = profile.transpose().map_err(|_| unknown())?;
        let auth = self.of_browser(id, profile.as_ref()).await?;
        if let (Some(expected), Some(iss)) = (&auth.issuer, &callback.iss)
            && iss != expected
        {
            let message = "the answer comes from another provider than the one that was asked";
            return Err(FlowError::Refused(message.to_owned()));
        }
        if let Some(error) = callback.error {
            let words = callback.error_description.map(|more| plain(&more));
            let words = words.filter(|more| !more.is_empty());
            let error = plain(&error);
            let text = words.map_or(error.clone(), |more| format!("{error}: {more}"));
            return Err(FlowError::Denied(shorten(&text)));
        }
        let Some(code) = callback.code.filter(|code| !code.is_empty()) else {
            return Err(FlowError::Refused("the provider sent no code".to_owned()));
        };
        let set = self.exchange(&auth, &code, &under_way).await?;
        match (under_way.redirect_url, profile) {
            (Some(url), _) => {
                // Where it may go is judged again: the configuration may have changed.
                let setup = self.0.now.load_full();
                let judged = setup.redirects.judge(&url);
                let url =
                    judged.map_err(|why| FlowError::Refused(format!("redirect_url {why}")))?;
                let response = serde_json::to_string(set.as_json()).unwrap_or_default();
                Ok(Finished::Redirect(with_parameter(
                    &url, "response", &response,
                )))
            }
            (None, Some(profile)) => {
                self.authorise(&auth, &profile, set, &under_way.by, &under_way.ingress)
                    .await?;
                Ok(Finished::Kept(profile))
            }
            (None, None) => Err(unknown()),
        }
    }

    /// What a `state` stands for. It can be taken once, even when it is then refused.
    async fn take(&self, id: &AuthId, state: Option<&str>) -> Result<UnderWay, FlowError> {
        let Some(state) = state.filter(|state| !state.is_empty()) else {
            let message = "the provider sent no state: begin where you came from, not here";
            return Err(FlowError::Refused(message.to_owned()));
        };
        let name = random::digest(state);
        let taken = self.0.cabinet.take(Drawer::State, &name).await;
        let item = taken.map_err(|error| unkept(&error))?;
        let item = item.ok_or_else(unknown)?;
        let under_way: UnderWay = serde_json::from_slice(&item.body).map_err(|_| unknown())?;
        if under_way.connector != id.connector || under_way.auth != id.auth {
            let message = "this state belongs to another auth";
            return Err(FlowError::Refused(message.to_owned()));
        }
        Ok(under_way)
    }

    async fn exchange(
        &self,
        auth: &AuthSettings,
        code: &str,
        under_way: &UnderWay,
    ) -> Result<TokenSet, FlowError> {
        let setup = self.0.now.load_full();
        let redirect_uri = callback_url(&setup.public_url, &auth.id);
        let proof = Proof::Code {
            code,
            redirect_uri: &redirect_uri,
            verifier: uses_pkce(auth).then_some(&*under_way.verifier),
        };
        match setup.client.tokens(auth, proof).await {
            Ok(set) => Ok(set),
            Err(Fault::Dead(why)) => Err(FlowError::Denied(why)),
            Err(Fault::Refused(why)) => Err(FlowError::Trouble(format!(
                "there is no token: {why}. See to client_id and client_secret of the auth {}",
                auth.id
            ))),
            Err(Fault::Trouble(failure)) => Err(FlowError::Trouble(failure.message)),
        }
    }

    /// Keeps what was granted for a profile, in the place of what there was.
    async fn authorise(
        &self,
        auth: &AuthSettings,
        profile: &ProfileId,
        set: TokenSet,
        by: &str,
        ingress: &str,
    ) -> Result<(), FlowError> {
        let cabinet = &self.0.cabinet;
        let name = profile.to_string();
        let before = cabinet.get(Drawer::Grant, &name).await;
        let before = before.map_err(|error| unkept(&error))?;
        let before = before.and_then(|item| Kept::read(&item.body));
        let place = Kept {
            serial: before.map_or(0, |before| before.serial),
            by: Some(by.to_owned()),
            authorised: now(),
            ..Kept::place(&auth.id.auth, None)
        };
        let kept = place.renewed(set, now());
        let put = cabinet.put(Drawer::Grant, &name, kept.write(), None, Expected::Any);
        put.await.map_err(|error| unkept(&error))?;
        lock(&self.0.consents).given(profile, &auth.id.auth);
        let detail = Some(format!("by the auth {}", auth.id));
        self.record("auth.authorise", profile, by, ingress, detail)
            .await;
        tracing::info!(profile = name, auth = %auth.id, "Authorised.");
        self.mourn(profile, None);
        let slot = self.slot(profile);
        let mut state = slot.state();
        state.forget();
        state.seen = None;
        Ok(())
    }

    async fn of_browser(
        &self,
        id: &AuthId,
        profile: Option<&ProfileId>,
    ) -> Result<Arc<AuthSettings>, FlowError> {
        let found = self.settings(id, profile).await;
        let auth = found.map_err(|failure| not_found(id, failure))?;
        match auth.grant.needs_consent() {
            true => Ok(auth),
            false => Err(FlowError::NotFound(format!(
                "the auth {id} ({}) needs nobody's consent",
                auth.grant.name()
            ))),
        }
    }

    fn admit(&self) -> Result<(), FlowError> {
        let mut begun = lock(&self.0.begun);
        let time = Instant::now();
        if time >= begun.0 + Duration::from_secs(60) {
            *begun = (time, 0);
        }
        begun.1 += 1;
        match begun.1 <= PER_MINUTE {
            true => Ok(()),
            false => Err(FlowError::TooMany),
        }
    }
}

/// Whether a text can be a code of RFC 6749, section 4.1.2.1.
fn is_code(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b == b'_';
    (1..=40).contains(&text.len()) && text.bytes().all(plain)
}

fn uses_pkce(auth: &AuthSettings) -> bool {
    matches!(auth.grant, Grant::AuthorizationCode { pkce: true, .. })
}

/// Where a provider sends browsers back to.
fn callback_url(public_url: &str, id: &AuthId) -> String {
    // Names are plain, but for those of Python classes, which may be of any letters.
    let auth: String = form_urlencoded::byte_serialize(id.auth.as_bytes()).collect();
    format!("{public_url}/v1/auth/{}/{auth}/callback", id.connector)
}

fn authorize_url(
    auth: &AuthSettings,
    state: &str,
    verifier: &str,
    callback: &str,
) -> Result<Url, FlowError> {
    let Grant::AuthorizationCode {
        authorize_url,
        parameters,
        pkce,
    } = &auth.grant
    else {
        return Err(FlowError::NotFound(format!(
            "the auth {} needs no browser",
            auth.id
        )));
    };
    let url = Url::parse(authorize_url);
    let mut url = url.map_err(|_| {
        FlowError::Trouble(format!(
            "the authorize_url of the auth {} is no address",
            auth.id
        ))
    })?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("response_type", "code");
        query.append_pair("client_id", &auth.client_id);
        query.append_pair("redirect_uri", callback);
        if let Some(scope) = auth.scope() {
            query.append_pair("scope", &scope);
        }
        query.append_pair("state", state);
        if *pkce {
            query.append_pair("code_challenge", &random::digest(verifier));
            query.append_pair("code_challenge_method", "S256");
        }
        query.extend_pairs(parameters);
    }
    Ok(url)
}

fn unknown() -> FlowError {
    let message = "this authorisation is not known: it took longer than ten minutes, or has ended \
                   already. Begin again where you came from";
    FlowError::Refused(message.to_owned())
}

fn not_found(id: &AuthId, failure: Failure) -> FlowError {
    match failure.kind {
        crosspoint_core::Kind::Refused(Refusal::SecretUnavailable) => {
            FlowError::Trouble(failure.message)
        }
        crosspoint_core::Kind::Invalid(_) => FlowError::NotFound(failure.message),
        _ => FlowError::Trouble(format!("describing the auth {id}: {}", failure.message)),
    }
}

fn unkept(error: &crate::ledger::StoreError) -> FlowError {
    FlowError::Trouble(format!("the authorisation cannot be kept: {error}"))
}
