//! Questions to a worker that take a place in it as calls do.

use std::sync::Arc;

use bytes::Bytes;
use crosspoint_core::{Context, Effect, Failure, Kind};
use serde::Serialize;
use tokio::time::sleep_until;

use super::answer;
use super::connector::log;
use super::pool::Pool;
use super::running::Event;
use super::worker::Worker;

/// How many workers are asked when they go before they have read the question.
const OFFERS: usize = 5;

/// The answer to a question, or the failure that it is. `what` the worker was to do completes a
/// sentence about its end. Nothing outside was changed, whatever happened.
pub(super) async fn ask(
    pool: &Arc<Pool>,
    method: &str,
    params: &impl Serialize,
    what: &str,
    cx: &Context,
) -> Result<Bytes, Failure> {
    for _ in 0..OFFERS {
        if let Some(answer) = once(pool, method, params, what, cx).await? {
            return Ok(answer);
        }
    }
    let name = &pool.source().name;
    let message = format!("each worker of {name} went before it could {what}");
    let failure = Failure::new(Kind::Crashed, "worker_unavailable", message);
    Err(failure.with_effect(Effect::None))
}

/// Asks one worker; nothing when it went before it had read the question.
async fn once(
    pool: &Arc<Pool>,
    method: &str,
    params: &impl Serialize,
    what: &str,
    cx: &Context,
) -> Result<Option<Bytes>, Failure> {
    let lease = pool.lease(cx).await?;
    let worker = lease.worker().clone();
    let id = cx.call_id.to_string();
    let mut running = Worker::ask(lease, method, params, id, cx.deadline);
    loop {
        let event = tokio::select! {
            biased;
            event = running.next() => event,
            () = sleep_until(cx.deadline) => {
                let written = running.give_up();
                return Err(answer::overdue(&pool.source().name, written));
            }
        };
        match event {
            Event::Line(line) => log(&worker, line, cx),
            Event::Answer(Ok(result)) => return Ok(Some(result)),
            Event::Answer(Err(error)) => return answer::failed(&error, cx).map_or(Ok(None), Err),
            Event::Lost { written: false, .. } => return Ok(None),
            Event::Lost { end, .. } => {
                let failure = answer::lost(&format!("was to {what}"), &end);
                return Err(failure.with_effect(Effect::None));
            }
        }
    }
}
