//! Results of long calls: published when they come, also by the next process.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use crosspoint_broker::{Carried, Carry};
use crosspoint_core::{Call, Effect, Failure, Outcome};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::answer::Answer;
use super::connection::Shared;
use super::keep::kept;
use super::publisher::Unpublished;
use super::reply::instead;
use super::request::Request;
use super::served::Service;
use super::work::{answer_to, answer_with};

/// Why nothing is published where no message broker is configured.
const NOTHING_SERVED: &str = "no service task is served";

/// Publishes the results of calls whose requests were acknowledged before their end, as the settings
/// of the moment say.
pub(crate) struct Carrier(pub(crate) Arc<ArcSwapOption<Shared>>);

impl Carry for Carrier {
    fn deadline(&self) -> Duration {
        let current = self.0.load();
        current
            .as_ref()
            .map_or(Duration::MAX, |shared| shared.settings.deadline)
    }

    fn patience(&self) -> Duration {
        let current = self.0.load();
        current
            .as_ref()
            .map_or(Duration::MAX, |shared| shared.settings.patience)
    }

    fn carry(&self, call: Call, result: Result<Outcome, Failure>) -> BoxFuture<'_, Carried> {
        async move {
            let Some(shared) = self.0.load_full() else {
                return Carried::Away(NOTHING_SERVED.to_owned());
            };
            let kept = call.context.as_ref().map(|context| context.bytes());
            let request = kept.map(|text| Request::read(text, Some(&call.request_id)));
            let Some(Ok(request)) = request else {
                return Carried::Never("its request was not kept".to_owned());
            };
            let service = Service::of(&shared.settings, &shared.broker.catalogue());
            let mut served = service.served.values();
            let asked = request.connector_type.as_deref().unwrap_or_default();
            let exchange = shared.settings.naming.exchange(asked);
            let by_name = served.clone().find(|served| served.exchange == exchange);
            let served = by_name.or_else(|| served.find(|one| one.bound.command == call.command));
            let Some(served) = served else {
                return Carried::Later(format!("{} is not served any more", call.command));
            };
            let (settings, bound) = (&shared.settings, &served.bound);
            let (answer, did) = match result {
                Ok(outcome) => (answer_to(settings, bound, &request, &outcome), Effect::Done),
                Err(failure) => (
                    answer_with(settings, bound, &request, &failure),
                    failure.effect,
                ),
            };
            let Some(answer) = answer else {
                return Carried::Never("its request does not say where the answer goes".to_owned());
            };
            let id = call.id.to_string();
            let carried = publish(&shared, &id, &answer).await;
            let Carried::Never(why) = &carried else {
                return carried;
            };
            // The result can go nowhere: the task is told so.
            match instead(settings, bound, &request, &answer, (did, why)) {
                Some(error) => match publish(&shared, &id, &error).await {
                    Carried::Yes => carried,
                    of_the_error => of_the_error,
                },
                None => carried,
            }
        }
        .boxed()
    }

    fn bring<'a>(
        &'a self,
        id: &'a str,
        place: &'a str,
        message: Outcome,
    ) -> BoxFuture<'a, Carried> {
        async move {
            match self.0.load_full() {
                Some(shared) => publish(&shared, id, &kept(place, message)).await,
                None => Carried::Away(NOTHING_SERVED.to_owned()),
            }
        }
        .boxed()
    }

    fn given_up(&self, id: &str) {
        if let Some(shared) = self.0.load_full() {
            shared.status.answer_waits_no_more(id);
        }
    }
}

/// Publishes what the row `id` has over the connection of the moment.
async fn publish(shared: &Shared, id: &str, answer: &Answer) -> Carried {
    let Some(publisher) = shared.publisher() else {
        return Carried::Away("there is no connection to the message broker".to_owned());
    };
    let published = publisher.publish(answer).await;
    shared.metrics.published(answer.verdict, &published);
    let carried = match published {
        Ok(()) => Carried::Yes,
        Err(Unpublished::Never(why)) => Carried::Never(why),
        Err(error @ (Unpublished::Unroutable(_) | Unpublished::NotTaken)) => {
            Carried::Later(error.to_string())
        }
        Err(error) => Carried::Away(error.to_string()),
    };
    let status = &shared.status;
    match &carried {
        Carried::Later(why) | Carried::Away(why) => {
            status.answer_waits(id, &answer.destination, why);
        }
        Carried::Yes | Carried::Never(_) => status.answer_waits_no_more(id),
    }
    carried
}
