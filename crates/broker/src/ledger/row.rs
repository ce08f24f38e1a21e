//! What the ledger keeps of a call.

use bytes::Bytes;
use crosspoint_core::Effect;

use super::State;

/// What is known of a call when it comes in. Texts other than `arguments`, `callback` and `uses` that
/// are longer than 500 bytes are cut by the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The way in, by name.
    pub ingress: String,
    /// The name of the access key, or the engine instance.
    pub caller: Option<String>,
    /// The engine's process instance.
    pub instance: Option<String>,
    /// The engine's process model.
    pub model: Option<String>,
    /// The engine's task.
    pub task: Option<String>,
    /// What the caller knows the request by.
    pub request_id: String,
    /// The connector's published name.
    pub connector: String,
    /// The command's name.
    pub command: String,
    /// When the call came in, in milliseconds since 1970 by this machine's clock. For people: order
    /// and filters by time follow the id.
    pub created: i64,
    /// The readable summary of the arguments: JSON text, without secrets. Kept in clear.
    pub arguments: Option<String>,
    /// The size of the arguments in bytes.
    pub argument_bytes: u64,
    /// Where the result of a long call is delivered. Kept in clear.
    pub callback: Option<String>,
    /// The profile that it runs with, as `crm/prod`.
    pub profile: Option<String>,
    /// Where the secrets and tokens come from that it runs with: references with a space between
    /// them, as `secret:crm auth:main`. No value is in it. Kept in clear.
    pub uses: Option<String>,
}

/// Under which key the effect must happen at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Whose key it is: the same text of another caller is another key.
    pub scope: String,
    /// The key itself. Of any length.
    pub text: String,
    /// A digest of command and arguments, by which the same call is told from another one.
    pub fingerprint: [u8; 32],
}

/// A row to be.
#[derive(Debug, Clone)]
pub struct NewRow {
    /// The call's id.
    pub id: String,
    /// Its key.
    pub key: Option<Key>,
    /// What is known of it.
    pub about: About,
    /// Received, accepted, or running when it starts at once.
    pub state: State,
    /// What is needed to run the call again, in whatever encoding. Sealed.
    pub replay: Option<Bytes>,
}

/// How a call ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// In milliseconds since 1970 by this machine's clock.
    pub ended: i64,
    /// The status of the outcome, in the sense of HTTP.
    pub status: Option<u16>,
    /// The media type of the result.
    pub mimetype: Option<String>,
    /// The failure's code. None: it succeeded.
    pub code: Option<String>,
    /// The failure's public message, cut by the store after 16 KiB.
    pub message: Option<String>,
    /// Whether the outside may have changed. None: it succeeded.
    pub effect: Option<Effect>,
    /// Whether the failure may pass, so that the same call may run again under the same key.
    pub may_pass: bool,
    /// The readable summary of the result: JSON text, without secrets. Kept in clear.
    pub summary: Option<String>,
    /// The size of the result in bytes.
    pub result_bytes: u64,
}

/// How far the delivery of a long call's result has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, in milliseconds since 1970 by the store's clock; 0: at once.
    pub next: Option<i64>,
    /// Why it failed last.
    pub error: Option<String>,
}

/// Which sealed parts a row has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// What is needed to run the call again.
    pub replay: bool,
    /// The whole result.
    pub result: bool,
}

/// A row of the ledger, without its sealed parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The call's id: a UUID of version 7 as text. Orders rows by time.
    pub id: String,
    /// Its key.
    pub key: Option<Key>,
    /// What is known of it.
    pub about: About,
    /// Where it is.
    pub state: State,
    /// How often it began to run.
    pub attempts: u32,
    /// The process that is or was at work on it; see [`super::Store::owner`].
    pub owner: String,
    /// When it began to run last, in milliseconds since 1970.
    pub started: Option<i64>,
    /// How it ended. None while it is open.
    pub ending: Option<Ending>,
    /// Its delivery, when it is a long call.
    pub delivery: Delivery,
    /// Which sealed parts there are.
    pub kept: Kept,
}

/// Which rows to list. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The connector's published name.
    pub connector: Option<String>,
    /// The command's name.
    pub command: Option<String>,
    /// Where the call is.
    pub state: Option<State>,
    /// The engine's task.
    pub task: Option<String>,
    /// The engine's process instance.
    pub instance: Option<String>,
    /// What the caller knows the request by.
    pub request_id: Option<String>,
    /// Not before this time, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Before this time, in milliseconds since 1970.
    pub until: Option<i64>,
}
