//! Refreshing a grant once, however many ask in whatever process.
//!
//! Within a process one task looks and all wait for it (`slot.rs`). Across processes the one whose
//! claim on the item is taken asks the provider; the others go on with the old token while it
//! counts, else they wait for the new item, at most as long as the claim lasts. What a provider has
//! answered is kept, whatever happens: the old refresh token may be gone.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Failure, Refusal};
use tokio::time::{Instant, sleep};

use super::grants::{Grants, lock};
use super::kept::{Ended, Kept};
use super::random;
use super::request::{Fault, PATIENCE, Proof};
use super::settings::{AuthSettings, Grant};
use super::slot::Seen;
use super::waiting::never;
use crate::cabinet::{Drawer, Expected};
use crate::ledger::now;
use crate::profiles::ProfileId;

/// How long a claim lasts: longer than a provider may take.
pub(super) const LEASE: Duration = Duration::from_secs(PATIENCE.as_secs() + 10);

/// After trouble nobody asks again for so long: while the old token counts, and when it does not.
const PAUSES: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(1));

/// The first and the longest pause between attempts to keep what the store did not take.
const KEEPING: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// What was found, and for how long nobody should look again.
type Found = (Result<Seen, Failure>, Option<Duration>);

/// A look for a fresh grant.
struct Look<'a> {
    grants: &'a Grants,
    profile: &'a ProfileId,
    id: String,
    auth: &'a Arc<AuthSettings>,
    stale: Option<i64>,
    known: Option<Seen>,
}

/// How a step of a look ended.
enum Step {
    Found(Box<Found>),
    Again,
    /// Another process has the claim.
    Wait,
}

// === impl Grants ===

impl Grants {
    /// Finds the grant of a profile, fresh.
    pub(super) async fn find(
        &self,
        profile: &ProfileId,
        auth: &Arc<AuthSettings>,
        stale: Option<i64>,
        known: Option<Seen>,
    ) -> Found {
        let look = Look {
            grants: self,
            profile,
            id: profile.to_string(),
            auth,
            stale,
            known,
        };
        let seed = match &auth.grant {
            Grant::RefreshToken(source) => match self.0.secrets.value(source).await {
                Ok(value) => Some(value),
                Err(failure) => return (Err(failure), None),
            },
            _ => None,
        };
        let seed = seed.as_ref().map(|seed| seed.expose().as_str());
        let until = Instant::now() + LEASE + PATIENCE;
        let mut waits = false;
        while Instant::now() < until {
            match look.step(seed).await {
                Step::Found(found) => {
                    if found.0.is_ok() {
                        self.mourn(profile, None);
                        lock(&self.0.consents).given(profile, &auth.id.auth);
                    }
                    return *found;
                }
                Step::Again => {}
                Step::Wait => {
                    if !waits {
                        tracing::debug!(profile = look.id, "Another process refreshes the token.");
                    }
                    waits = true;
                    sleep(Duration::from_millis(fastrand::u64(50..200))).await;
                }
            }
        }
        let message =
            format!("another process has been refreshing the token of {profile} too long");
        (Err(unavailable(message)), None)
    }
}

// === impl Look ===

impl Look<'_> {
    async fn step(&self, seed: Option<&str>) -> Step {
        let seen = match self.held(seed).await {
            Ok(Some(seen)) => seen,
            Ok(None) => return Step::Again,
            Err(failure) => return found(Err(failure), None),
        };
        let before = self.auth.refresh_before;
        if self.counts(&seen, before) {
            return found(Ok(seen), None);
        }
        let counts = self.counts(&seen, Duration::ZERO);
        if let Some(dead) = &seen.kept.dead {
            return found(Err(self.dead(dead)), Some(PAUSES.1));
        }
        let refreshable = seen.kept.refresh_token.is_some() || self.auth.grant.is_renewable();
        if !refreshable {
            return match counts {
                true => found(Ok(seen), None),
                false => found(Err(self.ended()), None),
            };
        }
        let cabinet = &self.grants.0.cabinet;
        let claim = cabinet.claim(Drawer::Grant, &self.id, seen.revision, LEASE);
        match claim.await {
            Ok(true) => self.refresh(seen, counts).await,
            Ok(false) if counts => found(Ok(seen), None),
            Ok(false) => Step::Wait,
            Err(error) if counts => {
                tracing::warn!(profile = self.id, %error, "A token cannot be refreshed yet.");
                found(Ok(seen), Some(PAUSES.0))
            }
            // Two new tokens do no harm here.
            Err(_) if self.auth.grant.is_renewable() => self.refresh(seen, counts).await,
            Err(error) => found(Err(self.unreadable(&error.to_string())), Some(PAUSES.1)),
        }
    }

    fn counts(&self, seen: &Seen, before: Duration) -> bool {
        seen.kept
            .token(self.auth, now(), before, self.stale)
            .is_some()
    }

    /// The grant as it is. None: somebody else was faster, look again.
    async fn held(&self, seed: Option<&str>) -> Result<Option<Seen>, Failure> {
        let cabinet = &self.grants.0.cabinet;
        let item = match cabinet.get(Drawer::Grant, &self.id).await {
            Ok(item) => item,
            Err(error) => return self.without_store(&error.to_string(), seed).map(Some),
        };
        let mark = seed.map(random::digest);
        let ours = |kept: &Kept| kept.belongs_to(self.auth, mark.as_deref());
        if let Some(item) = &item {
            let unsaved = self.known.as_ref().filter(|known| known.unsaved);
            if let Some(known) = unsaved
                && known.revision == item.revision
                && ours(&known.kept)
            {
                return Ok(Some(known.clone()));
            }
            if let Some(kept) = Kept::read(&item.body).filter(ours) {
                return Ok(Some(Seen {
                    kept,
                    revision: item.revision,
                    unsaved: false,
                }));
            }
        }
        if self.auth.grant.needs_consent() {
            return Err(self.never());
        }
        let kept = self.place(seed);
        let expected = item.map_or(Expected::Absent, |item| Expected::Revision(item.revision));
        let put = cabinet.put(Drawer::Grant, &self.id, kept.write(), None, expected);
        match put.await {
            Ok(revision) => Ok(revision.map(|revision| Seen {
                kept,
                revision,
                unsaved: false,
            })),
            Err(error) => self.without_store(&error.to_string(), seed).map(Some),
        }
    }

    fn place(&self, seed: Option<&str>) -> Kept {
        Kept {
            refresh_token: seed.map(str::to_owned),
            ..Kept::place(&self.auth.id.auth, seed.map(random::digest))
        }
    }

    /// What is known where the store cannot be reached: the last token, or what can be had at any
    /// time.
    fn without_store(&self, error: &str, seed: Option<&str>) -> Result<Seen, Failure> {
        let known = self.known.clone();
        let known = known.filter(|known| self.counts(known, Duration::ZERO) || known.unsaved);
        match known {
            Some(known) => Ok(known),
            None if self.auth.grant.is_renewable() => Ok(Seen {
                kept: self.place(seed),
                revision: 0,
                unsaved: true,
            }),
            None => Err(self.unreadable(error)),
        }
    }

    /// Asks the provider. The claim is ours.
    async fn refresh(&self, seen: Seen, counts: bool) -> Step {
        let proof = match (&self.auth.grant, &seen.kept.refresh_token) {
            (Grant::ClientCredentials, _) => Proof::Client,
            (Grant::JwtBearer(assertion), _) => Proof::Statement(assertion),
            (_, Some(token)) => Proof::Refresh(token),
            (_, None) => return found(Err(self.ended()), None),
        };
        let grants = self.grants;
        let setup = grants.0.now.load_full();
        let asked = setup.client.tokens(self.auth, proof).await;
        let (failure, outcome) = match asked {
            Ok(set) => {
                grants.count(self.profile, "refreshed");
                let kept = seen.kept.renewed(set, now());
                tracing::debug!(profile = self.id, "A token was refreshed.");
                return found(Ok(self.keep(kept, &seen).await), None);
            }
            Err(Fault::Dead(why)) if !self.auth.grant.is_renewable() => {
                grants.count(self.profile, "refused");
                return self.bury(seen, why).await;
            }
            Err(Fault::Dead(why) | Fault::Refused(why)) => (self.refused(&why), "refused"),
            Err(Fault::Trouble(failure)) => (failure, "failed"),
        };
        grants.count(self.profile, outcome);
        tracing::warn!(
            profile = self.id,
            old_counts = counts,
            "A token cannot be refreshed: {failure}"
        );
        let seen = self.release(seen).await;
        match counts {
            true => found(Ok(seen), Some(PAUSES.0)),
            false => found(Err(failure), Some(PAUSES.1)),
        }
    }

    /// Ends the claim, so that others may try.
    async fn release(&self, seen: Seen) -> Seen {
        let cabinet = &self.grants.0.cabinet;
        let expected = Expected::Revision(seen.revision);
        let put = cabinet.put(Drawer::Grant, &self.id, seen.kept.write(), None, expected);
        match put.await {
            Ok(Some(revision)) => Seen { revision, ..seen },
            // It is not ours any more, or ends with its lease.
            Ok(None) | Err(_) => seen,
        }
    }

    /// Keeps a new set of tokens in the place of `old`.
    async fn keep(&self, kept: Kept, old: &Seen) -> Seen {
        match self.put(&kept, old).await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::error!(
                    profile = self.id,
                    error,
                    "New tokens cannot be kept: they are used, and lost if this process ends now. It is \
                     tried again."
                );
                self.keep_trying(kept.clone(), old.clone());
                Seen {
                    kept,
                    unsaved: true,
                    ..old.clone()
                }
            }
        }
    }

    fn keep_trying(&self, kept: Kept, old: Seen) {
        let (grants, profile) = (self.grants.clone(), self.profile.clone());
        let auth = self.auth.clone();
        // Not among the tasks that the end waits for: it may never succeed.
        tokio::spawn(async move {
            let look = Look {
                grants: &grants,
                id: profile.to_string(),
                profile: &profile,
                auth: &auth,
                stale: None,
                known: None,
            };
            let mut pause = KEEPING.0;
            loop {
                sleep(pause).await;
                pause = (pause * 2).min(KEEPING.1);
                // A later refresh has taken over.
                let slot = grants.slot(&profile);
                let serial = slot.state().seen.as_ref().map(|seen| seen.kept.serial);
                if serial.is_some_and(|serial| serial > kept.serial) {
                    return;
                }
                if let Ok(seen) = look.put(&kept, &old).await {
                    tracing::info!(profile = look.id, "The new tokens are kept now.");
                    let mut state = slot.state();
                    if state
                        .seen
                        .as_ref()
                        .is_some_and(|s| s.kept.serial <= seen.kept.serial)
                    {
                        state.seen = Some(seen);
                    }
                    return;
                }
            }
        });
    }

    /// Puts new tokens in the place of `old`. Where somebody has changed the item meanwhile, theirs
    /// stays if it is newer, and ours goes over the rest.
    async fn put(&self, kept: &Kept, old: &Seen) -> Result<Seen, String> {
        let cabinet = &self.grants.0.cabinet;
        let mut expected = match old.revision {
            0 => Expected::Absent,
            revision => Expected::Revision(revision),
        };
        loop {
            let put = cabinet.put(Drawer::Grant, &self.id, kept.write(), None, expected);
            if let Some(revision) = put.await.map_err(|error| error.to_string())? {
                return Ok(Seen {
                    kept: kept.clone(),
                    revision,
                    unsaved: false,
                });
            }
            let item = cabinet.get(Drawer::Grant, &self.id).await;
            let Some(item) = item.map_err(|error| error.to_string())? else {
                // Forgotten on purpose: nothing is put back.
                return Ok(Seen {
                    kept: kept.clone(),
                    revision: 0,
                    unsaved: false,
                });
            };
            let theirs = Kept::read(&item.body);
            let newer = |theirs: &Kept| theirs.dead.is_none() && theirs.serial > old.kept.serial;
            if let Some(theirs) = theirs.filter(newer) {
                return Ok(Seen {
                    kept: theirs,
                    revision: item.revision,
                    unsaved: false,
                });
            }
            expected = Expected::Revision(item.revision);
        }
    }

    /// Writes down that the grant is of no use any more.
    async fn bury(&self, seen: Seen, why: String) -> Step {
        let dead = Ended { at: now(), why };
        let failure = self.dead(&dead);
        let kept = Kept {
            dead: Some(dead),
            ..seen.kept
        };
        let cabinet = &self.grants.0.cabinet;
        let expected = Expected::Revision(seen.revision);
        let put = cabinet.put(Drawer::Grant, &self.id, kept.write(), None, expected);
        match put.await {
            // Somebody has authorised anew meanwhile.
            Ok(None) => return Step::Again,
            Ok(Some(_)) => {}
            Err(error) => {
                tracing::warn!(profile = self.id, %error, "Writing that a grant is dead failed.")
            }
        }
        tracing::error!(profile = self.id, "{}", failure.message);
        found(Err(failure), Some(PAUSES.1))
    }

    fn dead(&self, dead: &Ended) -> Failure {
        let message = match self.auth.grant {
            Grant::RefreshToken(_) => format!(
                "{}: the provider does not take the refresh token any more ({}): set a new one for \
                 the auth {}",
                self.id, dead.why, self.auth.id
            ),
            _ => format!(
                "{} has to be authorised again: the provider does not take what it granted any more \
                 ({}). Run `crosspoint auth login {}`",
                self.id, dead.why, self.id
            ),
        };
        self.grants.mourn(self.profile, Some(message.clone()));
        Failure::refused(Refusal::NotAuthorised, message)
    }

    fn never(&self) -> Failure {
        lock(&self.grants.0.consents).taken_back(self.profile);
        Failure::refused(Refusal::NotAuthorised, never(self.profile))
    }

    fn ended(&self) -> Failure {
        let message = format!(
            "{} has to be authorised again: its token has ended, and the provider gave no refresh \
             token (many need a scope such as offline_access for that). Run `crosspoint auth login \
             {}`",
            self.id, self.id
        );
        self.grants.mourn(self.profile, Some(message.clone()));
        Failure::refused(Refusal::NotAuthorised, message)
    }

    fn refused(&self, why: &str) -> Failure {
        let message = format!(
            "{} gets no token: {why}. See to client_id, client_secret and scopes of the auth {}",
            self.id, self.auth.id
        );
        Failure::refused(Refusal::NotAuthorised, message)
    }

    fn unreadable(&self, error: &str) -> Failure {
        unavailable(format!("the grant of {} cannot be read: {error}", self.id))
    }
}

fn unavailable(message: String) -> Failure {
    Failure::refused(Refusal::SecretUnavailable, message)
}

fn found(result: Result<Seen, Failure>, pause: Option<Duration>) -> Step {
    Step::Found(Box::new((result, pause)))
}
