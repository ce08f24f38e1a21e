//! The total deadline: a moment, set when the call comes in, that every layer behind the ledger keeps.

use crosspoint_core::{Failure, Refusal};
use tokio::time::Instant;

use crate::catalogue::Entry;

/// Lets nothing begin after the deadline: the caller has its answer by then.
pub(crate) fn layer(deadline: Instant, entry: &Entry) -> Result<(), Failure> {
    match Instant::now() < deadline {
        true => Ok(()),
        false => Err(passed(&format!("{} could be asked", entry.id))),
    }
}

/// The deadline passed while the call waited, so that nothing was done.
pub(crate) fn passed(before: &str) -> Failure {
    let message = format!("the deadline of this call passed before {before}; nothing was done");
    Failure::refused(Refusal::DeadlineExceeded, message)
}
