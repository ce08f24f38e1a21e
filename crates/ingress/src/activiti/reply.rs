//! An answer with the call behind it, and what happens where the answer can go nowhere.

use crosspoint_broker::Broker;
use crosspoint_core::{Effect, Safety, shorten};

use super::answer::{Answer, Told, Verdict};
use super::request::Request;
use super::served::Served;
use super::settings::{Bound, Settings};

/// An answer, and what is known of the call behind it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    pub(crate) request: Request,
    /// What it did, by the way it ended.
    pub(crate) did: Effect,
}

/// What a call did, of which this is said. One that only reads does nothing.
pub(crate) fn effect(broker: &Broker, served: &Served, did: Effect) -> Effect {
    let catalogue = broker.catalogue();
    match catalogue.find(&served.bound.command) {
        Ok(entry) if entry.command.safety == Safety::ReadOnly => Effect::None,
        _ => did,
    }
}

// === impl Reply ===

impl Reply {
    /// What the call did.
    pub(crate) fn effect(&self, broker: &Broker, served: &Served) -> Effect {
        effect(broker, served, self.did)
    }
}

/// The error in place of a result that can go nowhere. None: it was none, or the request has no other
/// place.
pub(crate) fn instead(
    settings: &Settings,
    bound: &Bound,
    request: &Request,
    answer: &Answer,
    (did, why): (Effect, &str),
) -> Option<Answer> {
    if answer.verdict != Verdict::Result {
        return None;
    }
    let to = shorten(&answer.destination);
    let why = match did {
        Effect::None => format!("the result of this task cannot go to '{to}': {why}"),
        _ => format!("the command has run, and its result cannot go to '{to}': {why}"),
    };
    tracing::error!(request = request.id, command = %bound.command, "{why}");
    let told = Told::technical("reported", "result_undeliverable", &why);
    let (identity, naming) = (&settings.identity, &settings.naming);
    Answer::error(request, identity, naming, &told, Some(&bound.command))
}
