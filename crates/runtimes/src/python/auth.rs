//! Asking a connector's code how to authorise by one of its auths.

use std::sync::Arc;

use crosspoint_core::{Context, Effect, Failure, Json, Kind};
use tokio::time::sleep_until;

use super::answer;
use super::connector::log;
use super::pool::Pool;
use super::running::Event;
use super::wire::{DescribeAuth, Described};
use super::worker::Worker;

/// How many workers are asked when they go before they have read the question.
const OFFERS: usize = 5;

/// What the class says, with the values of the profile of `cx` in its `config`.
pub(super) async fn describe(
    pool: &Arc<Pool>,
    auth: &str,
    arguments: Json,
    cx: &Context,
) -> Result<Json, Failure> {
    for _ in 0..OFFERS {
        if let Some(answer) = ask(pool, auth, &arguments, cx).await? {
            return Ok(answer);
        }
    }
    let name = &pool.source().name;
    let message = format!("each worker of {name} went before it could describe {auth}");
    let failure = Failure::new(Kind::Crashed, "worker_unavailable", message);
    Err(failure.with_effect(Effect::None))
}

/// Asks one worker; nothing when it went before it had read the question.
async fn ask(
    pool: &Arc<Pool>,
    auth: &str,
    arguments: &Json,
    cx: &Context,
) -> Result<Option<Json>, Failure> {
    let lease = pool.lease(cx).await?;
    let worker = lease.worker().clone();
    let asked = DescribeAuth {
        call: &cx.call_id.to_string(),
        connector: &worker.origin.connector,
        auth,
        arguments,
        config: cx.profile.values(),
    };
    let mut running = Worker::describe_auth(lease, &asked, cx.deadline);
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
            Event::Answer(Ok(result)) => {
                let described = serde_json::from_slice::<Described>(&result);
                return described.map(|d| Some(d.description)).map_err(|error| {
                    let message = format!("what {auth} says of itself cannot be used: {error}");
                    Failure::new(Kind::Crashed, "worker_failed", message)
                });
            }
            Event::Answer(Err(error)) => return answer::failed(&error).map_or(Ok(None), Err),
            Event::Lost { written: false, .. } => return Ok(None),
            Event::Lost { end, .. } => {
                let failure = answer::lost(&format!("was to describe {auth}"), &end);
                return Err(failure.with_effect(Effect::None));
            }
        }
    }
}
