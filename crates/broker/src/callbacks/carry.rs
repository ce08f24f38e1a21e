//! Results that leave otherwise than by HTTP: an ingress with a connection of its own carries them.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Call, Failure, Outcome};
use futures_util::future::BoxFuture;

use super::Verdict;
use crate::ledger::{Recorder, Row, open_call};

/// Callbacks that begin so are the carrier's.
const CARRIED: &str = "activiti:";

/// Brings results of long calls to an engine that is not reached by HTTP.
pub trait Carry: Send + Sync + 'static {
    /// How long a call may take whose result is carried.
    fn deadline(&self) -> Duration;

    /// For how long a message is tried that was kept ready, counted from then.
    fn patience(&self) -> Duration;

    /// Brings the result of a call. The call is as it came in, with what its ingress needs to answer.
    fn carry(&self, call: Call, result: Result<Outcome, Failure>) -> BoxFuture<'_, Carried>;

    /// Brings a message that was kept ready, as the outcome of the row `id`, to a place.
    fn bring<'a>(&'a self, id: &'a str, place: &'a str, message: Outcome)
    -> BoxFuture<'a, Carried>;

    /// What the row `id` has is not tried any more.
    fn given_up(&self, id: &str);
}

/// What became of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// The engine, or whoever passes it on for good, has it.
    Yes,
    /// Nobody takes it there now; a clause that says why. For how long it is tried is the carrier's.
    Later(String),
    /// The way there is not open; a clause that says why. It says nothing of whoever takes it.
    Away(String),
    /// It never will be.
    Never(String),
}

/// The callback of a call whose result a carrier brings to this place. That of a row without a
/// request, which has a message ready instead of a result.
pub fn carried_to(place: &str) -> String {
    format!("{CARRIED}{place}")
}

/// Whether a callback is the carrier's.
pub(crate) fn is_carried(callback: &str) -> bool {
    callback.starts_with(CARRIED)
}

/// Hands a result to the carrier.
pub(super) async fn hand_over(
    recorder: &Recorder,
    row: &Row,
    result: Result<Outcome, Failure>,
) -> Verdict {
    let Some(carrier) = recorder.carrier.get().map(Arc::clone) else {
        let why = "no message broker is configured any more (activiti.amqp)";
        return Verdict::Away(why.to_owned());
    };
    let sealed = match recorder.store.replay(&row.id).await {
        Ok(Some(sealed)) => sealed,
        Ok(None) => return bring(&*carrier, row, result).await,
        Err(error) => return Verdict::Away(error.to_string()),
    };
    match open_call(&row.id, &sealed) {
        Ok(call) => carrier.carry(call, result).await.into(),
        Err(error) => Verdict::GivenUp(error.to_string()),
    }
}

/// Hands over what was kept without a request: a message that is ready.
async fn bring(carrier: &dyn Carry, row: &Row, result: Result<Outcome, Failure>) -> Verdict {
    let callback = row.about.callback.as_deref().unwrap_or_default();
    match (result, callback.strip_prefix(CARRIED)) {
        (Ok(message), Some(place)) => carrier.bring(&row.id, place, message).await.into(),
        // The process that kept it ended before it was whole: its request comes again.
        _ => Verdict::GivenUp("neither its request nor a message was kept".to_owned()),
    }
}

impl From<Carried> for Verdict {
    fn from(carried: Carried) -> Verdict {
        match carried {
            Carried::Yes => Verdict::Delivered,
            Carried::Later(why) => Verdict::Later(why),
            Carried::Away(why) => Verdict::Away(why),
            Carried::Never(why) => Verdict::GivenUp(why),
        }
    }
}
