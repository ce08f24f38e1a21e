//! What providers have granted, kept fresh.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use crosspoint_core::{Failure, Json, Outcome, Refusal};
use crosspoint_net::Http;
use futures_util::future::BoxFuture;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::description;
use super::redirect::Redirects;
use super::request::Client;
use super::settings::{AuthId, AuthSettings, Expired};
use super::slot::{self, Slot};
use super::waiting::Consents;
use crate::cabinet::Cabinet;
use crate::profiles::{ProfileId, Secrets, Token, Tokens};

/// How long a call waits for a new token while the old one still counts.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long what a connector's code says of an auth counts.
const DESCRIBED_FOR: Duration = Duration::from_secs(60);

/// What is configured.
#[derive(Clone)]
pub struct Setup {
    /// The auths that the configuration describes. They go before those that connectors describe.
    pub auths: Vec<AuthSettings>,
    /// Where browsers reach this proxy, without a slash at the end.
    pub public_url: String,
    /// Where browsers may be sent with tokens.
    pub redirects: Redirects,
    /// Asks providers.
    pub http: Http,
    /// The same for connectors with rules of their own about where requests may go, by their names.
    pub own_http: HashMap<Arc<str>, Http>,
}

/// Knows the auths that connectors describe by code.
pub trait Describe: Send + Sync + 'static {
    /// The description of an OAuth application, with the values of a profile. None: no such auth.
    fn describe<'a>(
        &'a self,
        id: &'a AuthId,
        profile: Option<&'a ProfileId>,
    ) -> BoxFuture<'a, Result<Option<Json>, Failure>>;
}

/// Counts refreshes.
pub type Refreshes = Family<RefreshLabels, Counter>;

/// What a refresh is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefreshLabels {
    connector: String,
    profile: String,
    outcome: &'static str,
}

/// Keeps grants. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Grants(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) cabinet: Arc<dyn Cabinet>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) now: ArcSwap<Now>,
    describe: OnceLock<Arc<dyn Describe>>,
    described: Mutex<HashMap<(AuthId, Option<ProfileId>), Described>>,
    slots: Mutex<HashMap<ProfileId, Arc<Slot>>>,
    /// Grants that are of no use, each with a sentence for people.
    pub(super) dead: Mutex<BTreeMap<ProfileId, String>>,
    pub(super) consents: Mutex<Consents>,
    refreshes: Refreshes,
    /// Since when round trips are counted, and how many have begun.
    pub(super) begun: Mutex<(Instant, u32)>,
    pub(super) tasks: TaskTracker,
}

/// What a connector's code said of an auth, and until when that counts.
type Described = (Instant, Arc<AuthSettings>);

/// The setup at a moment, in the form in which it is used.
pub(super) struct Now {
    auths: HashMap<AuthId, Arc<AuthSettings>>,
    pub(super) public_url: String,
    pub(super) redirects: Redirects,
    pub(super) client: Client,
}

// === impl Grants ===

impl Grants {
    /// Keeps grants in a cabinet. References to secrets are followed by `secrets`.
    pub fn new(cabinet: Arc<dyn Cabinet>, secrets: Arc<Secrets>, setup: Setup) -> Grants {
        Grants(Arc::new(Inner {
            now: ArcSwap::from_pointee(now(setup, &secrets)),
            cabinet,
            secrets,
            describe: OnceLock::new(),
            described: Mutex::default(),
            slots: Mutex::default(),
            dead: Mutex::default(),
            consents: Mutex::default(),
            refreshes: Refreshes::default(),
            begun: Mutex::new((Instant::now(), 0)),
            tasks: TaskTracker::new(),
        }))
    }

    /// From here on this is configured.
    pub fn configure(&self, setup: Setup) {
        self.0.now.store(Arc::new(now(setup, &self.0.secrets)));
        self.renew();
    }

    /// Where auths are looked up that are not configured. Counts once.
    pub(crate) fn describe_by(&self, describe: Arc<dyn Describe>) {
        let _ = self.0.describe.set(describe);
    }

    /// Forgets what was read, so that changes count at once.
    pub fn renew(&self) {
        self.0.secrets.forget();
        lock(&self.0.described).clear();
        for slot in lock(&self.0.slots).values() {
            slot.state().forget();
        }
    }

    /// The auths that are configured, ordered by name.
    pub fn configured(&self) -> Vec<Arc<AuthSettings>> {
        let mut auths: Vec<_> = self.0.now.load().auths.values().cloned().collect();
        auths.sort_by(|a, b| a.id.cmp(&b.id));
        auths
    }

    /// Whether a person consents to an auth of the configuration. None: there is none of that name.
    pub(super) fn needs_consent(&self, id: &AuthId) -> Option<bool> {
        let now = self.0.now.load();
        now.auths.get(id).map(|auth| auth.grant.needs_consent())
    }

    /// Counts refreshes, for the metrics.
    pub(crate) fn refreshes(&self) -> Refreshes {
        self.0.refreshes.clone()
    }

    /// Waits until no refresh is under way: one that is cut off may lose the refresh token.
    pub async fn finish(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// How to authorise by an auth, with the values of a profile.
    pub(super) async fn settings(
        &self,
        id: &AuthId,
        profile: Option<&ProfileId>,
    ) -> Result<Arc<AuthSettings>, Failure> {
        if let Some(settings) = self.0.now.load().auths.get(id) {
            return Ok(settings.clone());
        }
        let key = (id.clone(), profile.cloned());
        if let Some((until, settings)) = lock(&self.0.described).get(&key)
            && *until > Instant::now()
        {
            return Ok(settings.clone());
        }
        let described = match self.0.describe.get() {
            Some(describe) => describe.describe(id, profile).await?,
            None => None,
        };
        let Some(described) = described else {
            let message = format!("there is no auth {id}: GET /v1/auths lists them");
            return Err(Failure::profile("profile_invalid", message));
        };
        let settings = description::read(id, &described)
            .map_err(|why| Failure::profile("profile_invalid", format!("the auth {id} {why}")))?;
        let settings = Arc::new(settings);
        let until = Instant::now() + DESCRIBED_FOR;
        lock(&self.0.described).insert(key, (until, settings.clone()));
        Ok(settings)
    }

    pub(super) fn slot(&self, profile: &ProfileId) -> Arc<Slot> {
        lock(&self.0.slots)
            .entry(profile.clone())
            .or_default()
            .clone()
    }

    pub(super) fn count(&self, profile: &ProfileId, outcome: &'static str) {
        let labels = RefreshLabels {
            connector: profile.connector.to_string(),
            profile: profile.name.to_string(),
            outcome,
        };
        self.0.refreshes.get_or_create(&labels).inc();
    }

    async fn fresh(
        &self,
        profile: &ProfileId,
        auth: &str,
        stale: Option<i64>,
    ) -> Result<Token, Failure> {
        let id = AuthId::new(profile.connector.clone(), auth);
        let auth = self.settings(&id, Some(profile)).await?;
        let slot = self.slot(profile);
        // Another's look may have begun before the token was found to be stale: then once more.
        for _ in 0..3 {
            let (flight, old) = {
                let mut state = slot.state();
                if let Some(ready) = state.ready(&auth, stale) {
                    return ready;
                }
                let flight = match state.under_way() {
                    Some(flight) => flight,
                    None => {
                        let flight = self.look(profile, &auth, stale, &slot, state.seen.clone());
                        state.flight.insert(flight).clone()
                    }
                };
                (flight, state.token(&auth, Duration::ZERO, stale))
            };
            let seen = match old {
                None => flight.await?,
                Some(old) => match timeout(PATIENCE, flight).await {
                    Ok(seen) => seen?,
                    Err(_) => return Ok(old),
                },
            };
            let time = crate::ledger::now();
            if let Some(token) = seen.kept.token(&auth, time, Duration::ZERO, stale) {
                return Ok(token);
            }
        }
        let message = format!("{profile}: the provider gives no token that counts");
        Err(Failure::refused(Refusal::NotAuthorised, message))
    }

    /// Begins to look, in a task of its own: whoever waits may go away, and what a provider has
    /// answered must be kept.
    fn look(
        &self,
        profile: &ProfileId,
        auth: &Arc<AuthSettings>,
        stale: Option<i64>,
        slot: &Arc<Slot>,
        known: Option<slot::Seen>,
    ) -> slot::Flight {
        let (grants, slot) = (self.clone(), slot.clone());
        let (profile, auth) = (profile.clone(), auth.clone());
        let look = self.0.tasks.spawn(async move {
            let (result, pause) = grants.find(&profile, &auth, stale, known).await;
            let mut state = slot.state();
            state.landed(&result, pause);
            state.flight = None;
            result
        });
        slot::flight(async move {
            look.await.unwrap_or_else(|_| {
                let message = "looking for a token broke off";
                Err(Failure::refused(Refusal::SecretUnavailable, message))
            })
        })
    }
}

impl Tokens for Grants {
    fn field(&self, profile: &ProfileId, auth: &str) -> String {
        let id = AuthId::new(profile.connector.clone(), auth);
        let now = self.0.now.load();
        let configured = now.auths.get(&id).map(|auth| auth.token_field.clone());
        configured.unwrap_or_else(|| crate::profiles::FIELD.to_owned())
    }

    fn token<'a>(
        &'a self,
        profile: &'a ProfileId,
        auth: &'a str,
        stale: Option<i64>,
    ) -> BoxFuture<'a, Result<Token, Failure>> {
        Box::pin(self.fresh(profile, auth, stale))
    }

    fn is_expiry(
        &self,
        profile: &ProfileId,
        auth: &str,
        result: &Result<Outcome, Failure>,
    ) -> bool {
        let id = AuthId::new(profile.connector.clone(), auth);
        match self.0.now.load().auths.get(&id) {
            Some(auth) => auth.expired.is_told_by(result),
            None => Expired::default().is_told_by(result),
        }
    }
}

/// Shows nothing that was granted.
impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants").finish_non_exhaustive()
    }
}

fn now(setup: Setup, secrets: &Arc<Secrets>) -> Now {
    let auths = setup.auths.into_iter();
    Now {
        auths: auths
            .map(|auth| (auth.id.clone(), Arc::new(auth)))
            .collect(),
        public_url: setup.public_url,
        redirects: setup.redirects,
        client: Client::new(setup.http, setup.own_http, secrets.clone()),
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
