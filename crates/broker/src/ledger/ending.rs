//! What a result means for its row: where it goes, whether the call may run again.

use std::time::{SystemTime, UNIX_EPOCH};

use crosspoint_core::{
    Call, Command, Completion, Effect, Failure, Kind, Outcome, Refusal, Safety, inner_status,
};

use super::{Ending, State};

/// What a command says about being repeated, as far as it counts for one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeat {
    pub(crate) safety: Safety,
    /// The call has a key and the system behind the command honours it.
    pub(crate) key_honoured: bool,
}

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// Where a running call goes with this result, and how it ended. The summary is left out.
pub(crate) fn ending(result: &Result<Outcome, Failure>, repeat: Repeat) -> (State, Ending) {
    let ended = now();
    match result {
        Ok(outcome) => {
            let state = match outcome.completion {
                Completion::HandedOver => State::HandedOver,
                Completion::Finished | Completion::Accepted => State::Succeeded,
            };
            let ending = Ending {
                ended,
                status: Some(outcome.status),
                mimetype: Some(outcome.mimetype.clone().into_owned()),
                result_bytes: outcome.body.as_bytes().len() as u64,
                ..Ending::default()
            };
            (state, ending)
        }
        Err(failure) => failed(failure, ended, repeat),
    }
}

fn failed(failure: &Failure, ended: i64, repeat: Repeat) -> (State, Ending) {
    let effect = repeat.effect(failure);
    let harmless = repeat.harmless();
    let in_doubt = effect == Effect::Maybe || failure.kind == Kind::Unknown;
    let state = match in_doubt && !harmless {
        true => State::Unknown,
        false => State::Failed,
    };
    let outcome = failure.outcome.as_deref();
    let ending = Ending {
        ended,
        status: Some(inner_status(failure)),
        mimetype: outcome.map(|outcome| outcome.mimetype.clone().into_owned()),
        code: Some(failure.code.clone().into_owned()),
        message: Some(failure.message.clone()),
        effect: Some(effect),
        may_pass: repeat.may_run_again(failure),
        summary: None,
        result_bytes: outcome.map_or(0, |outcome| outcome.body.as_bytes().len() as u64),
    };
    (state, ending)
}

/// Whether the same call may go well another time.
fn may_pass(failure: &Failure) -> bool {
    match failure.kind {
        Kind::Refused(
            Refusal::Egress | Refusal::NotAuthorised | Refusal::LedgerOff | Refusal::Loop,
        ) => false,
        Kind::Refused(_) => true,
        Kind::Transport | Kind::Crashed => true,
        Kind::Reported => matches!(inner_status(failure), 429 | 500..),
        Kind::Invalid(_) | Kind::Raised | Kind::Unknown => false,
    }
}

// === impl Repeat ===

impl Repeat {
    pub(crate) fn of(call: &Call, command: &Command) -> Repeat {
        Repeat {
            safety: command.safety,
            key_honoured: command.passes_key && call.key.is_some(),
        }
    }

    /// What the call did. One that only reads does nothing, whatever failed.
    pub(crate) fn effect(self, failure: &Failure) -> Effect {
        match self.safety {
            Safety::ReadOnly => Effect::None,
            Safety::Idempotent | Safety::Effectful => failure.effect,
        }
    }

    /// Whether the call may go well another time, and running it again does no harm. What the
    /// connector itself says of its failure goes before what we make of it.
    pub(crate) fn may_run_again(self, failure: &Failure) -> bool {
        let judged =
            || may_pass(failure) && (self.harmless() || self.effect(failure) == Effect::None);
        failure.retryable.unwrap_or_else(judged)
    }

    /// Whether running the call twice does what running it once does.
    pub(crate) fn harmless(self) -> bool {
        self.safety.is_idempotent() || self.key_honoured
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(failure: Failure, safety: Safety) -> (State, Effect, bool) {
        let repeat = Repeat {
            safety,
            key_honoured: false,
        };
        let (state, ending) = ending(&Err(failure), repeat);
        (state, ending.effect.unwrap(), ending.may_pass)
    }

    #[test]
    fn only_what_did_nothing_or_does_no_harm_runs_again() {
        use Safety::{Effectful, Idempotent, ReadOnly};
        let timeout = || Failure::transport("ReadTimeout", "slow");
        let refused = || Failure::transport("ConnectionError", "no").with_effect(Effect::None);
        let busy = || {
            Failure::reported("HttpError503", "later")
                .with_outcome(Outcome::text("").with_status(503))
        };
        let wrong = || {
            Failure::reported("HttpError404", "no").with_outcome(Outcome::text("").with_status(404))
        };
        for (failure, safety, wanted) in [
            (timeout(), Effectful, (State::Unknown, Effect::Maybe, false)),
            (timeout(), Idempotent, (State::Failed, Effect::Maybe, true)),
            (timeout(), ReadOnly, (State::Failed, Effect::None, true)),
            (refused(), Effectful, (State::Failed, Effect::None, true)),
            (busy(), Effectful, (State::Failed, Effect::Done, false)),
            (busy(), ReadOnly, (State::Failed, Effect::None, true)),
            (wrong(), ReadOnly, (State::Failed, Effect::None, false)),
            (wrong(), Effectful, (State::Failed, Effect::Done, false)),
        ] {
            let shown = format!("{failure} {safety:?}");
            assert_eq!(judged(failure, safety), wanted, "{shown}");
        }
    }

    #[test]
    fn a_command_that_passes_its_key_on_may_run_again() {
        let repeat = Repeat {
            safety: Safety::Effectful,
            key_honoured: true,
        };
        let failure = Failure::transport("ReadTimeout", "slow");
        let (state, ending) = ending(&Err(failure), repeat);
        assert_eq!((state, ending.may_pass), (State::Failed, true));
    }

    #[test]
    fn what_the_connector_finishes_by_itself_is_handed_over() {
        let repeat = Repeat {
            safety: Safety::Effectful,
            key_honoured: false,
        };
        let mut outcome = Outcome::text("x");
        outcome.completion = Completion::HandedOver;
        assert_eq!(ending(&Ok(outcome), repeat).0, State::HandedOver);
    }
}
