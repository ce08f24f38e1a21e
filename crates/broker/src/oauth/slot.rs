//! What a process knows of one grant, and the one refresh of it that may be under way.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crosspoint_core::{Failure, Kind, Refusal};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::kept::Kept;
use super::settings::AuthSettings;
use crate::ledger::now;
use crate::profiles::Token;

/// How long what was read counts before the store is asked again: somebody may have authorised anew,
/// or forgotten the grant, in another process.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// Looking for a fresh grant, by refreshing it where that is due. All who wait share it.
pub(super) type Flight = Shared<BoxFuture<'static, Result<Seen, Failure>>>;

/// A grant as it was seen.
#[derive(Clone)]
pub(super) struct Seen {
    pub kept: Kept,
    /// That of the item in the store.
    pub revision: i64,
    /// Whether the store does not have it yet.
    pub unsaved: bool,
}

/// What a process knows of one grant.
#[derive(Default)]
pub(super) struct Slot(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    pub seen: Option<Seen>,
    looked: Option<Instant>,
    pub flight: Option<Flight>,
    /// Until when nobody looks again, and why those fail who need a token.
    trouble: Option<(Instant, Option<Failure>)>,
}

// === impl Slot ===

impl Slot {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    /// What can be answered without looking any further.
    pub(super) fn ready(
        &self,
        auth: &AuthSettings,
        stale: Option<i64>,
    ) -> Option<Result<Token, Failure>> {
        let time = Instant::now();
        if let Some((until, failure)) = &self.trouble
            && *until > time
        {
            let old = self.token(auth, Duration::ZERO, stale).map(Ok);
            let answer = old.or_else(|| failure.clone().map(Err));
            if answer.is_some() {
                return answer;
            }
        }
        let looked = self.looked.is_some_and(|at| time < at + LOOK_AGAIN);
        let token = self.token(auth, auth.refresh_before, stale)?;
        looked.then_some(Ok(token))
    }

    /// The token that counts now, and `before` its end.
    pub(super) fn token(
        &self,
        auth: &AuthSettings,
        before: Duration,
        stale: Option<i64>,
    ) -> Option<Token> {
        let seen = self.seen.as_ref()?;
        // One that grew from another auth is no token of this one.
        let same = seen.kept.auth == *auth.id.auth;
        same.then(|| seen.kept.token(auth, now(), before, stale))?
    }

    /// The look that is under way.
    pub(super) fn under_way(&self) -> Option<Flight> {
        self.flight.clone().filter(|flight| flight.peek().is_none())
    }

    /// Takes in how a look ended. After trouble nobody looks again for `pause`.
    pub(super) fn landed(&mut self, result: &Result<Seen, Failure>, pause: Option<Duration>) {
        let time = Instant::now();
        match (result, pause) {
            (Ok(seen), pause) => {
                self.seen = Some(seen.clone());
                self.looked = Some(time);
                self.trouble = pause.map(|pause| (time + pause, None));
            }
            (Err(failure), pause) => {
                self.trouble = pause.map(|pause| (time + pause, Some(failure.clone())));
                if failure.kind == Kind::Refused(Refusal::NotAuthorised) {
                    // What is known of a grant that is dead must not be used.
                    self.seen = None;
                }
            }
        }
    }

    /// Forgets what was seen, so that the next look counts.
    pub(super) fn forget(&mut self) {
        self.looked = None;
        self.trouble = None;
    }
}

/// A future that all who wait share.
pub(super) fn flight(look: impl Future<Output = Result<Seen, Failure>> + Send + 'static) -> Flight {
    look.boxed().shared()
}
