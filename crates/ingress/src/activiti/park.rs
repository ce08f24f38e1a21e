//! Messages that nobody can answer: they are kept in the ledger with the reason, and leave the queue.

use bytes::Bytes;
use crosspoint_broker::Broker;
use crosspoint_broker::ledger::{About, End, Ending, NewRow, State, StoreError, Wait, seal_result};
use crosspoint_core::{Body, CallId, Effect, Failure, Ingress, Invalid, Kind, Outcome};
use serde_json::json;

use super::served::Served;

/// The code of such rows.
const CODE: &str = "unusable_message";

/// Keeps a message, with the reason and what its command has done. Without a ledger it is only said in the log.
pub(crate) async fn park(
    broker: &Broker,
    served: &Served,
    id: Option<&str>,
    body: &Bytes,
    (reason, effect): (&str, Effect),
) -> Result<(), StoreError> {
    let Some(store) = broker.ledger() else {
        tracing::error!(queue = served.queue, id, reason, "A message is given up.");
        return Ok(());
    };
    let call = CallId::generate();
    let failure = Failure::new(Kind::Invalid(Invalid::Arguments), CODE, reason);
    let failure = failure.with_effect(effect);
    let outcome = Outcome::new(Body::Bytes(body.clone()), "application/json");
    let ending = Ending {
        ended: call.milliseconds(),
        code: Some(CODE.to_owned()),
        message: Some(reason.to_owned()),
        effect: Some(effect),
        result_bytes: body.len() as u64,
        ..Ending::default()
    };
    store
        .begin(row(call, served, id, body), Wait::Committed)
        .await?;
    let end = End {
        id: call.to_string(),
        state: State::Failed,
        ending,
        // The message itself: what an administrator needs who has to find its sender.
        result: Some(seal_result(&Err(failure.with_outcome(outcome)))),
    };
    store.end(end, Wait::Committed).await?;
    tracing::error!(
        id = %call, request = id, queue = served.queue, reason,
        "A message cannot be answered; it is kept: `crosspoint ledger show` has it."
    );
    Ok(())
}

fn row(call: CallId, served: &Served, id: Option<&str>, body: &Bytes) -> NewRow {
    let command = &served.bound.command;
    let arguments = json!({"queue": served.queue, "message": format!("{} bytes", body.len())});
    NewRow {
        id: call.to_string(),
        key: None,
        about: About {
            ingress: Ingress::Activiti.name().to_owned(),
            request_id: id.map_or_else(|| call.to_string(), str::to_owned),
            connector: command.connector.to_string(),
            command: command.command.to_string(),
            created: call.milliseconds(),
            arguments: Some(arguments.to_string()),
            argument_bytes: body.len() as u64,
            ..About::default()
        },
        state: State::Received,
        replay: None,
    }
}
