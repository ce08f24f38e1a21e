//! What becomes of one request: a call, and its answer.

use std::time::Duration;

use bytes::Bytes;
use crosspoint_broker::Broker;
use crosspoint_broker::ledger::Recorded;
use crosspoint_core::{
    Completion, Effect, Failure, Invalid, Kind, Outcome, Refusal, Trace, shorten,
};
use tokio::time::sleep;

use super::answer::{Answer, Told};
use super::outputs::outputs;
use super::reply::{Reply, effect};
use super::request::Request;
use super::served::Served;
use super::settings::{Bound, Settings};
use super::stand_in::StandIn;

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What to do with a message.
#[derive(Debug)]
pub(crate) enum Fate {
    /// Publish this; acknowledge once that is confirmed and the end of the call is recorded.
    Answer(Box<Reply>, Option<Recorded>),
    /// Nobody can be answered: keep it with the reason and what its command has done, and take it out
    /// of the queue.
    Park(String, Effect),
    /// Acknowledge it: it is for another version of the application.
    PassOver,
    /// Acknowledge it: the ledger has promised the result.
    Promised,
    /// The process ends: somebody else, or the next process, answers.
    GiveBack,
}

/// A message, as far as it matters.
pub(crate) struct Message<'m> {
    pub(crate) body: Bytes,
    /// The id of its context, as a header says it.
    pub(crate) id: Option<&'m str>,
    /// The engine's trace.
    pub(crate) trace: Option<Trace>,
}

/// Runs what a message asks for.
pub(crate) async fn work(
    broker: &Broker,
    settings: &Settings,
    served: &Served,
    message: Message<'_>,
) -> Fate {
    let request = match Request::read(message.body, message.id) {
        Ok(request) => request,
        Err(error) => return Fate::Park(error.to_string(), Effect::None),
    };
    if !request.is_of_version(settings.min_app_version, settings.max_app_version) {
        return Fate::PassOver;
    }
    let mut recorded = None;
    let ran = run(
        (broker, settings, served),
        &request,
        message.trace,
        &mut recorded,
    );
    let (answer, did) = match ran.await {
        Ok(outcome) => {
            let answer = answer_to(settings, &served.bound, &request, &outcome);
            (answer, Effect::Done)
        }
        Err(Ended::GivenBack) => return Fate::GiveBack,
        Err(Ended::Later) => return Fate::Promised,
        Err(Ended::Failed(failure)) => {
            let answer = answer_with(settings, &served.bound, &request, &failure);
            (answer, failure.effect)
        }
    };
    match answer {
        Some(answer) => {
            let reply = Reply {
                answer,
                request,
                did,
            };
            Fate::Answer(Box::new(reply), recorded)
        }
        None => Fate::Park(
            "the request does not say where its answer goes: it has neither a destination nor the \
             name of a runtime bundle"
                .to_owned(),
            effect(broker, served, did),
        ),
    }
}

/// Why a call has no outcome.
enum Ended {
    Failed(Box<Failure>),
    GivenBack,
    /// The ledger has it, and its result is published when it comes.
    Later,
}

/// Runs the command. `recorded` comes when the end of the call is in the ledger: the message broker
/// keeps the request until then, so that the answer need not wait for it.
async fn run(
    (broker, settings, served): (&Broker, &Settings, &Served),
    request: &Request,
    trace: Option<Trace>,
    recorded: &mut Option<Recorded>,
) -> Result<Outcome, Ended> {
    let bound = &served.bound;
    let invalid = |code: &str, why: &str| {
        Ended::Failed(Box::new(Failure::new(
            Kind::Invalid(Invalid::Arguments),
            code.to_owned(),
            why,
        )))
    };
    if !request.is_whole {
        let why = "the integrationContext has no executionId or no clientId: no answer would \
                   continue the process, so that nothing was done";
        return Err(invalid("invalid_request", why));
    }
    if let Some(asked) = &request.connector_type
        && settings.naming.exchange(asked) != served.exchange
    {
        let why = format!(
            "the request is for {}, and this queue is that of {}: nothing was done",
            shorten(asked),
            bound.implementation
        );
        return Err(invalid("unknown_connector_type", &why));
    }
    let catalogue = broker.catalogue();
    let entry = catalogue.find(&bound.command);
    let entry = entry.map_err(|failure| Ended::Failed(Box::new(failure)))?;
    let (parameters, open) = (&entry.command.parameters, entry.command.open);
    let open = open || bound.stand_in.is_some();
    let inputs = request.inputs(parameters, open, &bound.inputs);
    let mut inputs = inputs.map_err(|why| invalid("invalid_variable", &why))?;
    let mut limit = None;
    if let Some(stand_in) = bound.stand_in {
        limit = stand_in.limit(&inputs.arguments);
        let made = stand_in.arguments(&inputs.arguments, &bound.command, &bound.parameters);
        inputs.arguments = made.map_err(|why| invalid("invalid_input", &why))?;
    }
    if !inputs.dropped.is_empty() {
        let dropped: Vec<_> = inputs.dropped.iter().map(|name| shorten(name)).collect();
        tracing::info!(
            request = request.id, command = %bound.command, dropped = dropped.join(", "),
            "Variables that the command does not declare are left out."
        );
    }
    let keyed = broker.ledger().is_some();
    let limit = limit.unwrap_or(settings.deadline).min(settings.deadline);
    let mut attempt = 0;
    loop {
        let mut call = request.call(bound.command.clone(), inputs.arguments.clone(), keyed);
        call.trace = trace.clone();
        call.variant = bound.variant.clone();
        call.kept_outside = true;
        if keyed && entry.policy.async_after.is_some() {
            request.answer_later(&mut call);
        }
        let asked = call.id;
        attempt += 1;
        let ended = broker.call(call, limit).await;
        *recorded = ended.recorded;
        match ended.result {
            Ok(outcome) if outcome.completion == Completion::Accepted => {
                // The ledger has promised the result: it is published when it comes.
                broker.answered(asked);
                return Err(Ended::Later);
            }
            Ok(outcome) => return finished(outcome),
            Err(failure) => match again(&failure, attempt, settings) {
                Again::No => return Err(Ended::Failed(Box::new(failure))),
                Again::Elsewhere => return Err(Ended::GivenBack),
                Again::After(pause) => {
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = broker.stopping() => return Err(Ended::GivenBack),
                    }
                    // Its key knows the next attempt only then.
                    if let Some(recorded) = recorded.take() {
                        recorded.wait().await;
                    }
                }
            },
        }
    }
}

fn finished(outcome: Outcome) -> Result<Outcome, Ended> {
    match outcome.completion {
        Completion::Finished | Completion::Accepted => Ok(outcome),
        Completion::HandedOver => {
            let why = "the command answers later, and only to SpiffArena: nothing more will come \
                       for this task";
            Err(Ended::Failed(Box::new(Failure::new(
                Kind::Unknown,
                "handed_over",
                why,
            ))))
        }
    }
}

/// Whether a call that failed is tried again here.
enum Again {
    No,
    /// Not in this process.
    Elsewhere,
    After(Duration),
}

/// Only what had no effect, and what may pass. An engine repeats nothing by itself: a task that got an
/// error waits for an administrator.
fn again(failure: &Failure, attempt: u32, settings: &Settings) -> Again {
    let doubled = settings
        .retry_pause
        .saturating_mul(1 << (attempt - 1).min(16));
    let pause = failure.retry_after.unwrap_or(doubled).min(LONGEST_PAUSE);
    match failure.kind {
        _ if failure.effect != Effect::None => Again::No,
        Kind::Refused(Refusal::ShuttingDown) => Again::Elsewhere,
        // Until the ledger is back the queue is the better place for it.
        Kind::Refused(Refusal::LedgerUnavailable) => Again::After(pause),
        Kind::Refused(
            Refusal::RateLimited
            | Refusal::Overloaded
            | Refusal::CircuitOpen
            | Refusal::SecretUnavailable,
        )
        | Kind::Transport
            if attempt < settings.attempts =>
        {
            Again::After(pause)
        }
        _ => Again::No,
    }
}

/// The message that an outcome becomes: the error, where no engine would take the result.
pub(crate) fn answer_to(
    settings: &Settings,
    bound: &Bound,
    request: &Request,
    outcome: &Outcome,
) -> Option<Answer> {
    let (identity, naming) = (&settings.identity, &settings.naming);
    match outputs(outcome, &bound.outputs, settings.expressions) {
        Ok(variables) => Answer::result(request, identity, naming, &variables),
        Err(names) => {
            let why = format!(
                "the command has run, and its output {names} holds an expression (${{…}}), with \
                 which no runtime bundle takes a result: activiti.expressions = \"escape\" sends \
                 it with a space after the $"
            );
            tracing::error!(request = request.id, command = %bound.command, "{why}");
            let told = Told::technical("reported", "expression_in_output", &why);
            Answer::error(request, identity, naming, &told, Some(&bound.command))
        }
    }
}

/// The message that a failure becomes.
pub(crate) fn answer_with(
    settings: &Settings,
    bound: &Bound,
    request: &Request,
    failure: &Failure,
) -> Option<Answer> {
    let (identity, naming) = (&settings.identity, &settings.naming);
    // Without its task only an error is seen by anybody.
    if let Some(stand_in) = bound.stand_in.filter(|_| request.is_whole) {
        let answered = failure.kind == Kind::Reported && failure.outcome.is_some();
        let outcome = StandIn::outcome(failure);
        // What no engine would take is left out: the task is told what went wrong all the same.
        let variables = outputs(&outcome, &bound.outputs, settings.expressions);
        let mut variables = variables.unwrap_or_default();
        stand_in.tell(&mut variables, answered, &failure.message);
        return Answer::result(request, identity, naming, &variables);
    }
    let told = Told::of(failure);
    Answer::error(request, identity, naming, &told, Some(&bound.command))
}
