//! Publishes the answer to a request, or sees to it that it is not lost.

use tokio::time::{Instant, sleep};

use super::answer::{Answer, Verdict};
use super::connection::Shared;
use super::consumer::{LONGEST_PAUSE, SHORTEST_PAUSE};
use super::keep;
use super::publisher::{Publisher, Unpublished};
use super::reply::{Reply, instead};
use super::served::Served;

/// What became of an answer.
pub(crate) enum Delivered {
    /// It is in a queue.
    Yes(Verdict),
    /// It is in the ledger, and is published from there.
    Kept,
    /// The connection is gone. The request comes again, and its answer is known by its key.
    Lost,
    /// The process ends.
    NotNow,
    Never(String),
}

/// Publishes the answer. Where a result has no place to go, the task gets an error that says so.
pub(crate) async fn deliver_or_say(
    shared: &Shared,
    publisher: &Publisher,
    served: &Served,
    reply: &Reply,
) -> Delivered {
    let id = reply.request.id.as_str();
    let delivered = deliver(shared, publisher, served, id, &reply.answer).await;
    let Delivered::Never(why) = delivered else {
        return delivered;
    };
    let (settings, bound) = (&shared.settings, &served.bound);
    let because = (reply.did, why.as_str());
    let Some(error) = instead(settings, bound, &reply.request, &reply.answer, because) else {
        return Delivered::Never(why);
    };
    match deliver(shared, publisher, served, id, &error).await {
        Delivered::Never(also) => Delivered::Never(format!("{why}; and of the error: {also}")),
        delivered => delivered,
    }
}

/// Publishes an answer, or keeps it in the ledger where nobody takes it now: so it holds neither one
/// of the places of its queue nor one of those of calls. Without the ledger it is tried as long as
/// patience lasts.
async fn deliver(
    shared: &Shared,
    publisher: &Publisher,
    served: &Served,
    id: &str,
    answer: &Answer,
) -> Delivered {
    let (begun, mut pause) = (Instant::now(), SHORTEST_PAUSE);
    let to = &answer.destination;
    let delivered = loop {
        let published = publisher.publish(answer).await;
        shared.metrics.published(answer.verdict, &published);
        let why = match published {
            Ok(()) => break Delivered::Yes(answer.verdict),
            Err(Unpublished::Never(why)) => break Delivered::Never(why),
            Err(error) if !publisher.is_connected() => {
                tracing::debug!(%error, "The connection was lost before an answer was confirmed.");
                break Delivered::Lost;
            }
            Err(why) => why.to_string(),
        };
        if let Some(store) = shared.broker.ledger() {
            match keep::keep(store, served, Some(id), answer).await {
                Ok(row) => {
                    tracing::warn!(
                        to,
                        why,
                        row,
                        "An answer cannot be delivered yet; it waits in the ledger."
                    );
                    shared.status.answer_waits(&row, to, &why);
                    break Delivered::Kept;
                }
                Err(error) => tracing::warn!(to, %error, "An answer cannot be kept."),
            }
        }
        if begun.elapsed() >= shared.settings.patience {
            break Delivered::Never(format!("its answer cannot be delivered: {why}"));
        }
        tracing::warn!(to, why, "An answer cannot be delivered yet.");
        shared.status.answer_waits(id, to, &why);
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = shared.broker.stopping() => break Delivered::NotNow,
        }
    };
    shared.status.answer_waits_no_more(id);
    delivered
}
