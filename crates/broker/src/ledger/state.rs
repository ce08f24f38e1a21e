//! The way of a row, and which steps of it are allowed.

use std::fmt;
use std::str::FromStr;

/// Where a call is.
///
/// A call that is answered at once: received -> running -> succeeded, failed or unknown;
/// `execute_async` ends as handed over. A long call: accepted -> running -> finished -> delivered
/// or undeliverable; one whose caller asks for the result ends like the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Recorded; the connector has not been asked yet.
    Received,
    /// A long call, for whose end nobody waits; the connector has not been asked yet.
    Accepted,
    /// The connector was asked. A process that dies leaves this behind.
    Running,
    /// It has happened.
    Succeeded,
    /// It ended with a failure.
    Failed,
    /// Nobody can tell whether it happened, until somebody settles it.
    Unknown,
    /// The connector took the call and answers the engine by itself.
    HandedOver,
    /// A long call has its result, well or not, and the engine does not have it yet.
    Finished,
    /// The engine has the result of a long call.
    Delivered,
    /// The engine did not take the result of a long call in the time that was set for it.
    Undeliverable,
}

/// Not the name of a state.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is not a state: there is {}", State::ALL.map(State::name).join(", "))]
pub struct NotAState {
    name: String,
}

// === impl State ===

impl State {
    /// All states, in the order of a call's way.
    pub const ALL: [State; 10] = [
        State::Received,
        State::Accepted,
        State::Running,
        State::Succeeded,
        State::Failed,
        State::Unknown,
        State::HandedOver,
        State::Finished,
        State::Delivered,
        State::Undeliverable,
    ];

    /// The name in the store, in filters and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            State::Received => "received",
            State::Accepted => "accepted",
            State::Running => "running",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::Unknown => "unknown",
            State::HandedOver => "handed_over",
            State::Finished => "finished",
            State::Delivered => "delivered",
            State::Undeliverable => "undeliverable",
        }
    }

    /// The states that a row may have when it gets this one. None: a row only begins with it.
    ///
    /// A call ends from before it runs when a limit refuses it, or when it was accepted and its command
    /// is not there any more after a crash. It runs again after a failure that
    /// may pass (delivered or not), after recovery, and from unknown when somebody says so; and what
    /// was not taken can be delivered again.
    pub const fn sources(self) -> &'static [State] {
        use State::{
            Accepted, Delivered, Failed, Finished, Received, Running, Undeliverable, Unknown,
        };
        match self {
            Received | Accepted => &[],
            Running => &[Received, Accepted, Running, Failed, Unknown, Delivered],
            State::Succeeded => &[Received, Running, Unknown],
            Failed => &[Received, Accepted, Running, Unknown],
            Unknown | State::HandedOver => &[Running],
            Finished => &[Accepted, Running, Unknown, Undeliverable],
            Delivered | Undeliverable => &[Finished],
        }
    }

    /// Whether a row may go from this state to `next`.
    pub fn may_become(self, next: State) -> bool {
        next.sources().contains(&self)
    }

    /// Whether a process is at work on the call, or should be.
    pub const fn is_open(self) -> bool {
        matches!(self, State::Received | State::Accepted | State::Running)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = NotAState;

    fn from_str(name: &str) -> Result<State, NotAState> {
        let found = State::ALL.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| NotAState {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows are the old states, columns the new ones, both in the order of [`State::ALL`].
    const TABLE: [(State, &str); 10] = [
        (State::Received, "..rsf....."),
        (State::Accepted, "..r.f..F.."),
        (State::Running, "..rsfuhF.."),
        (State::Succeeded, ".........."),
        (State::Failed, "..r......."),
        (State::Unknown, "..rsf..F.."),
        (State::HandedOver, ".........."),
        (State::Finished, "........dD"),
        (State::Delivered, "..r......."),
        (State::Undeliverable, ".......F.."),
    ];

    #[test]
    fn the_table_of_steps_is_the_one_that_was_meant() {
        for (from, row) in TABLE {
            let steps: Vec<bool> = State::ALL.map(|to| from.may_become(to)).into();
            let meant: Vec<bool> = row.chars().map(|step| step != '.').collect();
            assert_eq!(steps, meant, "from {from}");
        }
    }

    #[test]
    fn names_are_read_back_and_others_refused_with_a_list() {
        for state in State::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        let error = "done".parse::<State>().unwrap_err().to_string();
        assert!(error.contains("handed_over"), "{error}");
    }
}
