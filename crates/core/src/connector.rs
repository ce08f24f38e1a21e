//! The contract between the broker and whatever runs a command.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::mask::{CallMask, Mask};
use crate::span::{Parent, Span, SpanKind, Tracing};
use crate::{Call, CallId, Failure, Json, Manifest, Outcome, Profile, Trace};

/// A named bundle of commands for one external system.
pub trait Connector: Send + Sync + 'static {
    /// What it can do. Does not change during the connector's life; a mount that finds something
    /// new offers a new connector.
    fn manifest(&self) -> &Manifest;

    /// Runs the command that `call` names; its arguments have passed [`crate::Command::check`].
    ///
    /// Should answer before `cx.deadline`; soon after it the broker drops the future, so nothing
    /// may be left that needs repair when that happens. `cx.cancelled` tells earlier that nobody
    /// waits any more. A panic is answered for the connector and touches no other call.
    fn call<'a>(&'a self, call: Call, cx: &'a Context) -> BoxFuture<'a, Result<Outcome, Failure>>;

    /// Tries whether the system can be reached and takes the profile of `cx`, without changing
    /// anything there (Django Automate: `connect()`). Nothing where the connector cannot tell.
    fn check<'a>(&'a self, _cx: &'a Context) -> Option<BoxFuture<'a, Result<(), Failure>>> {
        None
    }

    /// How often [`Connector::check`] is to be asked by itself, with each of its profiles that does not
    /// say so itself, or without one where there is none. Default: never.
    fn check_every(&self) -> Option<Duration> {
        None
    }

    /// How to authorise by one of its auths, where only its code knows: the description of an OAuth
    /// application as a Python auth class gives it (`app_description` of SpiffArena's connectors),
    /// a JSON object. `arguments` are the parameters of the auth, a JSON object. Nothing where there
    /// is no such code.
    fn describe_auth<'a>(
        &'a self,
        _auth: &'a str,
        _arguments: Json,
        _cx: &'a Context,
    ) -> Option<BoxFuture<'a, Result<Json, Failure>>> {
        None
    }

    /// The proxies behind it, by the ids of their processes, where its calls go through such. A proxy
    /// that finds itself there would be calling itself.
    fn via(&self) -> &[String] {
        &[]
    }

    /// Told that values of its profiles have changed: what was made with the old ones, such as
    /// clients and processes, takes no further call. Calls under way are not disturbed.
    fn renew(&self) {}
}

/// A configuration entry at work: it tells the registry which connectors it has now.
pub trait Mount: Send + Sync + 'static {
    /// The connectors as they are, and every change of them.
    fn connectors(&self) -> watch::Receiver<Mounted>;

    /// Ends what the mount runs, after the last call has been answered.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What a mount has at a moment.
#[derive(Clone)]
pub struct Mounted {
    /// The connectors that can be called.
    pub connectors: Arc<[Arc<dyn Connector>]>,
    /// Whether the first attempt to load them has ended, well or not. `/readyz` waits for it.
    pub settled: bool,
    /// What could not be loaded and why, one sentence each, for people.
    pub problems: Arc<[String]>,
    /// For whoever started this process alone: what the process behind a problem wrote last, in
    /// lines, without secrets.
    pub last_words: Option<Arc<str>>,
}

// === impl Mounted ===

impl Mounted {
    /// Nothing yet: the first attempt goes on.
    pub fn loading() -> Mounted {
        Mounted {
            connectors: Arc::new([]),
            settled: false,
            problems: Arc::new([]),
            last_words: None,
        }
    }

    /// An attempt has failed, and this is why. What was there stays. Whether that is news.
    pub fn fails(&mut self, sentence: &str) -> bool {
        let news = !self.settled || *self.problems != [sentence.to_owned()];
        self.problems = Arc::new([sentence.to_owned()]);
        self.last_words = None;
        self.settled = true;
        news
    }
}

/// How one attempt of a call is run: time, cancellation, and where log lines go.
#[non_exhaustive]
pub struct Context {
    /// The call.
    pub call_id: CallId,
    /// When the answer is due.
    pub deadline: Instant,
    /// Told when the caller is gone or the process is ending.
    pub cancelled: CancellationToken,
    /// The trace to pass on, already with a span of its own.
    pub trace: Option<Trace>,
    /// Where spans are told to.
    pub tracing: Tracing,
    /// The account to use.
    pub profile: Arc<Profile>,
    mask: CallMask,
    logs: Mutex<Vec<String>>,
}

// === impl Mounted ===

impl Mounted {
    /// Connectors that are there from the start and never change.
    pub fn settled(connectors: impl Into<Arc<[Arc<dyn Connector>]>>) -> Mounted {
        Mounted {
            connectors: connectors.into(),
            settled: true,
            problems: Arc::new([]),
            last_words: None,
        }
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.connectors.iter().map(|c| &c.manifest().name).collect();
        f.debug_struct("Mounted")
            .field("connectors", &names)
            .field("settled", &self.settled)
            .field("problems", &self.problems)
            .finish()
    }
}

// === impl Context ===

impl Context {
    /// A context that ends at `deadline` and masks the secrets of `mask`.
    pub fn new(call_id: CallId, deadline: Instant, mask: Mask) -> Context {
        Context {
            call_id,
            deadline,
            cancelled: CancellationToken::new(),
            trace: None,
            tracing: Tracing::default(),
            profile: Arc::default(),
            mask: CallMask::new(mask),
            logs: Mutex::default(),
        }
    }

    /// The account to use; its secrets are masked from here on.
    pub fn with_profile(mut self, profile: Arc<Profile>) -> Context {
        profile.secrets().for_each(|secret| self.protect(&secret));
        self.profile = profile;
        self
    }

    /// Begins a span within this attempt: nothing where spans are told nowhere.
    pub fn span(&self, name: fmt::Arguments<'_>, kind: SpanKind) -> Span {
        self.tracing
            .begin(name, kind, Parent::here(self.trace.as_ref()))
    }

    /// Adds a line to the engine's own log (`spiff__logs`). It is masked before it gets there.
    pub fn log(&self, line: impl Into<String>) {
        self.logs().push(line.into());
    }

    /// Says that a value of this call is a secret though no parameter declares it: the value of
    /// an `Authorization` header, the password in a URL.
    pub fn protect(&self, value: &str) {
        self.mask.protect(value);
    }

    /// A text without the secrets of this call. For what is cut short afterwards: half of a secret
    /// would not be recognised as one any more.
    pub fn masked(&self, mut text: String) -> String {
        self.mask.apply_all([&mut text]);
        text
    }

    /// The secrets of this call, for what is made of its result later.
    pub fn secrets(&self) -> Mask {
        self.mask.own()
    }

    /// Hands the result on without secrets: log lines join it, and they, the message and the
    /// detail are masked. Bodies are results and stay as they are.
    pub fn finish(&self, result: Result<Outcome, Failure>) -> Result<Outcome, Failure> {
        let logs = std::mem::take(&mut *self.logs());
        match result {
            Ok(mut outcome) => {
                outcome.logs.extend(logs);
                self.mask.apply_all(&mut outcome.logs);
                Ok(outcome)
            }
            Err(mut failure) => {
                if !logs.is_empty() {
                    let status = inner_status(&failure);
                    let empty = || Box::new(Outcome::empty(status));
                    failure.outcome.get_or_insert_with(empty).logs.extend(logs);
                }
                let logs = failure
                    .outcome
                    .iter_mut()
                    .flat_map(|outcome| &mut outcome.logs);
                let texts = std::iter::once(&mut failure.message).chain(&mut failure.detail);
                self.mask.apply_all(texts.chain(logs));
                Err(failure)
            }
        }
    }

    fn logs(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The status that stands for a failure which brought none: 403 where egress refused, 401 where
/// nobody has authorised, 400 where
/// the outside said no (trying again is vain), 500 otherwise.
pub fn inner_status(failure: &Failure) -> u16 {
    use crate::{Kind, Refusal};
    match (&failure.outcome, failure.kind) {
        (Some(outcome), _) => outcome.status,
        (None, Kind::Refused(Refusal::Egress)) => 403,
        (None, Kind::Refused(Refusal::NotAuthorised)) => 401,
        (None, Kind::Reported) => 400,
        (None, _) => 500,
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("call_id", &self.call_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        let cx = Context::new(
            CallId::generate(),
            Instant::now(),
            Mask::new(["configured"]),
        );
        cx.protect("argument");
        cx
    }

    #[test]
    fn finishing_masks_messages_details_and_logs_but_no_body() {
        let cx = context();
        cx.log("log: argument");
        let failure = Failure::reported("E", "message: configured")
            .with_detail("detail: argument")
            .with_outcome(Outcome::text("body: argument").with_status(418));
        let failure = cx.finish(Err(failure)).unwrap_err();
        let outcome = failure.outcome.unwrap();
        assert_eq!(failure.message, "message: ***");
        assert_eq!(failure.detail.unwrap(), "detail: ***");
        assert_eq!(outcome.logs, ["log: ***"]);
        assert_eq!(outcome.status, 418);
        assert_eq!(outcome.body, crate::Body::Text("body: argument".into()));
    }

    #[test]
    fn log_lines_of_a_failure_without_an_outcome_are_kept() {
        let cx = context();
        cx.log("one");
        let failure = Failure::refused(crate::Refusal::Egress, "no");
        let failure = cx.finish(Err(failure)).unwrap_err();
        let outcome = failure.outcome.unwrap();
        assert_eq!(
            (outcome.status, outcome.logs),
            (403, vec!["one".to_owned()])
        );
    }
}
