//! What a call that did not succeed tells the caller, the operator and the ledger.
//!
//! A failure has two audiences. `message` is public: it goes to the engine, and often into a
//! diagram's error event. `detail` is private: it goes to the log only. Neither may hold a secret;
//! the broker masks both before they leave it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::Outcome;

/// Whether the outside world may have changed.
///
/// Decides whether a failed call may be repeated, and whether the ledger calls it `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing left this process: our check refused it, or the connection was never made.
    None,
    /// Something was sent and no answer came back: a timeout or a reset after sending.
    Maybe,
    /// It happened. An answer was read, and it is the answer that could not be used.
    Done,
}

/// Why our own check turned a call away before a connector saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    /// Missing, unknown or wrongly typed parameters.
    Arguments,
    /// What the connector itself turned away though our check did not; the code is its own.
    Input,
    /// No connector or command of that name.
    UnknownCommand,
    /// The same key was used with another command or other arguments.
    Conflict,
    /// The profile is not there, not enabled, or lacks a value; the code says which.
    Profile,
}

/// Why a limit of ours refused a call that was valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// More calls in a time than the policy allows.
    RateLimited,
    /// The queue in front of the connector is full.
    Overloaded,
    /// The circuit breaker is open.
    CircuitOpen,
    /// The total deadline passed before an attempt could begin.
    DeadlineExceeded,
    /// An egress rule forbids the target.
    Egress,
    /// The call must be recorded first and cannot be at the moment.
    LedgerUnavailable,
    /// The call must be recorded first, and nothing is recorded here.
    LedgerOff,
    /// The process is draining and takes no new calls.
    ShuttingDown,
    /// The connector is still being loaded.
    NotReady,
    /// A secret of the profile cannot be had at the moment.
    SecretUnavailable,
    /// Nobody has authorised the profile, or the grant is dead: somebody has to authorise it.
    NotAuthorised,
    /// The call has come through too many proxies: their mounts lead in a circle.
    Loop,
}

/// What went wrong, as far as it decides what to do next. A closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Our check said no.
    Invalid(Invalid),
    /// A limit, a breaker, an egress rule or a deadline in the queue said no.
    Refused(Refusal),
    /// The outside system, or the connector on its behalf, said no.
    Reported,
    /// The outside system could not be reached, or broke off.
    Transport,
    /// The connector threw.
    Raised,
    /// The worker that ran the connector died.
    Crashed,
    /// Nobody can tell whether it happened.
    Unknown,
}

// === impl Effect ===

impl Effect {
    /// The name used in logs and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Effect::None => "none",
            Effect::Maybe => "maybe",
            Effect::Done => "done",
        }
    }

    /// The effect of that name.
    pub fn named(name: &str) -> Option<Effect> {
        let all = [Effect::None, Effect::Maybe, Effect::Done];
        all.into_iter().find(|effect| effect.name() == name)
    }
}

// === impl Refusal ===

impl Refusal {
    /// All reasons.
    pub const ALL: [Refusal; 12] = [
        Refusal::RateLimited,
        Refusal::Overloaded,
        Refusal::CircuitOpen,
        Refusal::DeadlineExceeded,
        Refusal::Egress,
        Refusal::LedgerUnavailable,
        Refusal::LedgerOff,
        Refusal::ShuttingDown,
        Refusal::NotReady,
        Refusal::SecretUnavailable,
        Refusal::NotAuthorised,
        Refusal::Loop,
    ];

    /// The code of its failures.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::RateLimited => "rate_limited",
            Refusal::Overloaded => "overloaded",
            Refusal::CircuitOpen => "circuit_open",
            Refusal::DeadlineExceeded => "deadline_exceeded",
            Refusal::Egress => "EgressRefused",
            Refusal::LedgerUnavailable => "ledger_unavailable",
            Refusal::LedgerOff => "ledger_off",
            Refusal::ShuttingDown => "shutting_down",
            Refusal::NotReady => "not_ready",
            Refusal::SecretUnavailable => "secret_unavailable",
            Refusal::NotAuthorised => "not_authorised",
            Refusal::Loop => "loop_detected",
        }
    }
}

// === impl Kind ===

impl Kind {
    /// The name used in metrics, logs and the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invalid(_) => "invalid",
            Kind::Refused(_) => "refused",
            Kind::Reported => "reported",
            Kind::Transport => "transport",
            Kind::Raised => "raised",
            Kind::Crashed => "crashed",
            Kind::Unknown => "unknown",
        }
    }
}

/// A call that did not succeed.
///
/// Each ingress has exactly one function that turns this into its own kind of answer.
#[derive(Clone)]
pub struct Failure {
    /// What went wrong.
    pub kind: Kind,
    /// Stable code that diagrams catch: ours in `snake_case`, a connector's as its users know it
    /// (`HttpError404`, `ConnectTimeout`, a Python class name).
    pub code: Cow<'static, str>,
    /// One or two sentences for the caller.
    pub message: String,
    /// What only the operator may see.
    pub detail: Option<String>,
    /// When it is worth trying again.
    pub retry_after: Option<Duration>,
    /// Whether the outside world may have changed.
    pub effect: Effect,
    /// What the connector itself says about trying again: that it does no harm and may help, or that
    /// it is of no use. None: kind and effect decide.
    pub retryable: Option<bool>,
    /// What came with the failure: an error page, the body of a 404, log lines.
    pub outcome: Option<Box<Outcome>>,
}

// === impl Failure ===

impl Failure {
    /// A failure of `kind` whose effect is the one that kind has unless the caller knows better:
    /// none for what we refused, done for what the outside reported, maybe for the rest.
    pub fn new(
        kind: Kind,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Failure {
        let effect = match kind {
            Kind::Invalid(_) | Kind::Refused(_) => Effect::None,
            Kind::Reported => Effect::Done,
            Kind::Transport | Kind::Raised | Kind::Crashed | Kind::Unknown => Effect::Maybe,
        };
        Failure {
            kind,
            code: code.into(),
            message: message.into(),
            detail: None,
            retry_after: None,
            effect,
            retryable: None,
            outcome: None,
        }
    }

    /// The code of [`Failure::arguments`].
    pub const ARGUMENTS: &str = "TypeError";

    /// The arguments are wrong. The code is `TypeError`, which is what processes written for the
    /// reference proxy catch when a parameter is missing or unknown.
    pub fn arguments(message: impl Into<String>) -> Failure {
        Failure::new(
            Kind::Invalid(Invalid::Arguments),
            Failure::ARGUMENTS,
            message,
        )
    }

    /// There is no such connector or command.
    pub fn unknown_command(message: impl Into<String>) -> Failure {
        Failure::new(
            Kind::Invalid(Invalid::UnknownCommand),
            "command_not_found",
            message,
        )
    }

    /// The profile cannot be used: `profile_not_found`, `profile_disabled`, `profile_incomplete`.
    pub fn profile(code: &'static str, message: impl Into<String>) -> Failure {
        Failure::new(Kind::Invalid(Invalid::Profile), code, message)
    }

    /// One of our limits says no; the code follows from the reason.
    pub fn refused(refusal: Refusal, message: impl Into<String>) -> Failure {
        Failure::new(Kind::Refused(refusal), refusal.code(), message)
    }

    /// The outside system, or the connector on its behalf, said no.
    pub fn reported(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Failure {
        Failure::new(Kind::Reported, code, message)
    }

    /// The outside system could not be reached, or broke off.
    pub fn transport(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Failure {
        Failure::new(Kind::Transport, code, message)
    }

    /// Sets the private detail.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Failure {
        self.detail = Some(detail.into());
        self
    }

    /// Sets the effect, where the caller knows better than the kind.
    pub fn with_effect(mut self, effect: Effect) -> Failure {
        self.effect = effect;
        self
    }

    /// Sets when it is worth trying again.
    pub fn with_retry_after(mut self, wait: Duration) -> Failure {
        self.retry_after = Some(wait);
        self
    }

    /// Says whether trying again is right, where the connector knows better than kind and effect.
    pub fn with_retryable(mut self, retryable: Option<bool>) -> Failure {
        self.retryable = retryable;
        self
    }

    /// Attaches what came with the failure.
    pub fn with_outcome(mut self, outcome: Outcome) -> Failure {
        self.outcome = Some(Box::new(outcome));
        self
    }
}

/// Prints kind, code and message. The detail and the outcome's body stay out, so that a failure
/// may be formatted anywhere.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_no_effect_and_its_own_code() {
        let failure = Failure::refused(Refusal::CircuitOpen, "no");
        assert_eq!(failure.effect, Effect::None);
        assert_eq!(failure.code, "circuit_open");
    }

    #[test]
    fn what_broke_off_may_have_happened_unless_said_otherwise() {
        assert_eq!(
            Failure::transport("ReadTimeout", "slow").effect,
            Effect::Maybe
        );
        let refused = Failure::transport("ConnectionError", "x").with_effect(Effect::None);
        assert_eq!(refused.effect, Effect::None);
    }

    #[test]
    fn formatting_a_failure_never_shows_the_detail() {
        let failure = Failure::reported("E", "public").with_detail("private");
        assert!(!format!("{failure:?} {failure}").contains("private"));
    }
}
