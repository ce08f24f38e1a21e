//! Makes a call a task that the broker owns. Whoever asked only waits for it.

use crosspoint_core::{Failure, Kind, Outcome, Refusal, Safety};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::layers::trace::Record;
use crate::pipeline::Surroundings;

/// Runs `inner` as a task of its own, and ends the call's record with its result.
///
/// A caller that goes away (the future returned here is dropped) ends the task only when the
/// command is read-only; anything else runs on, since half of it may have happened and the rest
/// should too. A panic ends this call alone.
pub(crate) async fn layer<F>(
    around: Surroundings,
    safety: Safety,
    record: Record,
    inner: impl FnOnce(Surroundings, CancellationToken) -> F,
) -> Result<Outcome, Failure>
where
    F: Future<Output = Result<Outcome, Failure>> + Send + 'static,
{
    if around.stopping.is_cancelled() {
        let message = "crosspoint is shutting down and takes no new calls";
        return record.end(Err(Failure::refused(Refusal::ShuttingDown, message)));
    }
    let (tasks, cancelled) = (around.tasks.clone(), CancellationToken::new());
    let span = record.span.clone();
    let inner = inner(around, cancelled.clone());
    let handle = tasks.spawn(async move { record.end(inner.await) }.instrument(span));
    let mut waiting = Waiting {
        handle,
        cancelled,
        droppable: safety == Safety::ReadOnly,
    };
    match (&mut waiting.handle).await {
        Ok(result) => result,
        Err(error) => Err(broken(error)),
    }
}

/// The panic itself is in the log, with the ids of the call's span; see the binary's panic hook.
fn broken(error: tokio::task::JoinError) -> Failure {
    let message = "the connector broke down while running this command; \
                   the log has more under this request's id";
    let failure = Failure::new(Kind::Raised, "connector_panicked", message);
    failure.with_detail(error.to_string())
}

/// Ends the task when nobody waits any more, if that does no harm.
struct Waiting {
    handle: JoinHandle<Result<Outcome, Failure>>,
    cancelled: CancellationToken,
    droppable: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.handle.is_finished() {
            return;
        }
        self.cancelled.cancel();
        if self.droppable {
            self.handle.abort();
        }
    }
}
