//! Results of long calls: published when they come, also by the next process.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use crosspoint_broker::{Carried, Carry};
use crosspoint_core::{Call, Failure, Outcome};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::connection::Shared;
use super::publisher::Unpublished;
use super::request::Request;
use super::served::Service;
use super::work::{answer_to, answer_with};

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

    fn carry(&self, call: Call, result: Result<Outcome, Failure>) -> BoxFuture<'_, Carried> {
        async move {
            let Some(shared) = self.0.load_full() else {
                return Carried::Later("no service task is served".to_owned());
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
            let answer = match (served, result) {
                (Some(served), Ok(outcome)) => {
                    answer_to(&shared.settings, &served.bound, &request, &outcome)
                }
                (None, _) => {
                    return Carried::Later(format!("{} is not served any more", call.command));
                }
                (Some(served), Err(failure)) => {
                    answer_with(&shared.settings, &served.bound, &request, &failure)
                }
            };
            let Some(answer) = answer else {
                return Carried::Never("its request does not say where the answer goes".to_owned());
            };
            let Some(publisher) = shared.publisher() else {
                return Carried::Later("there is no connection to the message broker".to_owned());
            };
            let published = publisher.publish(&answer).await;
            shared.metrics.published(answer.verdict, &published);
            match published {
                Ok(()) => Carried::Yes,
                Err(Unpublished::Never(why)) => Carried::Never(why),
                Err(error) => Carried::Later(error.to_string()),
            }
        }
        .boxed()
    }
}
