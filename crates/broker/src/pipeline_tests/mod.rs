//! The layers behind the ledger, by what they do together. Time is paused throughout.

mod bench;
mod limits;
mod order;
mod profiles;
mod retries;

use bench::{Bench, LIMIT, call, none};

use super::*;

/// Thousands of calls are under way at once: what one of them holds is held as often.
#[tokio::test(start_paused = true)]
async fn a_call_is_held_once_however_many_layers_there_are() {
    let bench = Bench::new(none());
    let entry = bench.broker.catalogue().entries()[0].clone();
    let counted = entry.calls.token();
    let mut call = call("Read");
    let trace = Record::begin(entry.clone(), &mut call);
    let job = Box::new(Job::new(
        entry,
        call,
        Choice::None,
        trace,
        Instant::now() + LIMIT,
        counted,
    ));
    let (mut work, _, _counted) = job.begun();
    let size = size_of_val(&begun(&mut work));
    assert!(size < 1536, "{size}");
    begun(&mut work).await.unwrap();
}
