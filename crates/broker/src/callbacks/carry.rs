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

    /// Brings the result of a call. The call is as it came in, with what its ingress needs to answer.
    fn carry(&self, call: Call, result: Result<Outcome, Failure>) -> BoxFuture<'_, Carried>;
}

/// What became of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// The engine, or whoever passes it on for good, has it.
    Yes,
    /// It may be had another time; a clause that says why not now.
    Later(String),
    /// It never will be.
    Never(String),
}

/// The callback of a call whose result a carrier brings to this place.
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
        return Verdict::Later(why.to_owned());
    };
    let sealed = match recorder.store.replay(&row.id).await {
        Ok(Some(sealed)) => sealed,
        Ok(None) => return Verdict::GivenUp("its request was not kept".to_owned()),
        Err(error) => return Verdict::Later(error.to_string()),
    };
    match open_call(&row.id, &sealed) {
        Ok(call) => match carrier.carry(call, result).await {
            Carried::Yes => Verdict::Delivered,
            Carried::Later(why) => Verdict::Later(why),
            Carried::Never(why) => Verdict::GivenUp(why),
        },
        Err(error) => Verdict::GivenUp(error.to_string()),
    }
}
