//! The path of a call: the one list of layers, outermost first.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::Call;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::catalogue::Entry;
use crate::layers::hand_over::{self, Held};
use crate::layers::{attempt, trace::Record};

/// How calls of a connector are treated, beyond what the ingress says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// The longest one attempt may take. None: as long as the deadline allows.
    pub timeout: Option<Duration>,
    /// The longest a call may take in all. None: as the ingress says.
    pub deadline: Option<Duration>,
}

/// Sends a call through the layers.
///
/// The order is a promise. Checking comes before the call is handed over, so that a wrong call
/// costs nothing and is answered with its mistakes even while the process drains. Handing over
/// comes before the deadline, so that the deadline holds for a call whose caller has gone. The
/// attempt's time is inside the total deadline and can only shorten it.
///
/// Not an async function: its future would hold the call beside the one that was handed over.
pub(crate) fn run(
    stopping: &CancellationToken,
    (entry, token): (Arc<Entry>, TaskTrackerToken),
    mut call: Call,
    limit: Duration,
) -> Held {
    let deadline = Instant::now() + entry.policy.deadline.unwrap_or(limit);
    // Counted, measured, and one line in the log when it ends, however it ends.
    let record = Record::begin(entry.clone(), &call);
    // All mistakes of the arguments at once, before anything outside is touched.
    match entry.command.check(std::mem::take(&mut call.arguments)) {
        Ok(arguments) => call.arguments = arguments,
        Err(failure) => return Held::ended(record.end(Err(failure))),
    }
    // From here the call is a task of the broker's; whoever asked waits for it.
    let safety = entry.command.safety;
    hand_over::layer(stopping, token, safety, record, move |cancelled| {
        // One attempt, within the total deadline and its own: secrets, connector, mask.
        attempt::layer(entry, call, deadline, cancelled)
    })
}
