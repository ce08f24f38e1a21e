//! Runs the tests on one subject: what they share is here.

use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::arguments;
use super::canary::Canary;
use super::findings::{Complaint, Findings};
use super::samples::{Expect, Sample, Samples, UNIQUE};
use super::subject::{Abilities, Ended, Listed, Listing, Observed, Probe, Subject, Verdicts};
use super::suite::Test;
use crate::{MASKED, Mask, is_sensitive_name, shorten};

/// How long a call may take of which nothing says how long it may take.
const AMPLE: Duration = Duration::from_secs(30);

/// How much of a text a report shows, in characters.
const SHOWN: usize = 400;

/// What the suite may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// Samples of commands that are not read-only are run, too.
    pub effects: bool,
}

/// A subject under judgement.
pub struct Kit<'s> {
    subject: &'s dyn Subject,
    listing: Result<Listing, String>,
    samples: Samples,
    trials: Vec<Trial>,
    idle: Vec<(String, String)>,
    mask: Mask,
    canaries: Mutex<Vec<Canary>>,
}

/// A call that may be made, with how it should end.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub command: Listed,
    pub sample: Sample,
}

/// A probe and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub command: String,
    pub sent: String,
    pub seen: Observed,
}

// === impl Kit ===

impl<'s> Kit<'s> {
    /// Reads the subject's list and decides what may be run.
    pub async fn new(subject: &'s dyn Subject, samples: Samples, settings: Settings) -> Kit<'s> {
        let listing = subject.list().await;
        let mut kit = Kit {
            subject,
            mask: Mask::default(),
            canaries: Mutex::default(),
            trials: Vec::new(),
            idle: Vec::new(),
            listing,
            samples,
        };
        let commands = kit.commands().to_vec();
        for command in &commands {
            kit.plan(command, settings);
        }
        kit.mask = Mask::new(kit.secrets(&commands));
        kit
    }

    /// Runs one test.
    pub async fn run(&self, test: &Test) -> Findings {
        (test.run)(self).await
    }

    /// How many commands the subject lists.
    pub fn count(&self) -> usize {
        self.commands().len()
    }

    /// Decides which calls of a command may be made, or why none.
    fn plan(&mut self, command: &Listed, settings: Settings) {
        let given = self.samples.of(&command.id);
        let may = |sample: &Sample| command.is_read_only() || settings.effects || sample.effects;
        let mut trials: Vec<Trial> = Vec::new();
        for sample in given.iter().filter(|sample| may(sample)) {
            let (command, sample) = (command.clone(), sample.clone());
            trials.push(Trial { command, sample });
        }
        if trials.is_empty() && given.is_empty() && command.is_read_only() {
            let mut sample = Sample::new(arguments::made_up(command));
            sample.expect = Expect::Anything;
            trials.push(Trial {
                command: command.clone(),
                sample,
            });
        }
        if trials.is_empty() {
            let reason = match (given.is_empty(), command.safety) {
                (true, _) => "no sample, and not read-only",
                (false, None) => "does not say what a repeat does, and effects are not allowed",
                (false, Some(_)) => "not read-only, and effects are not allowed",
            };
            self.idle.push((command.id.clone(), reason.to_owned()));
        }
        self.trials.extend(trials);
    }

    /// The texts of samples that reports must not show.
    fn secrets(&self, commands: &[Listed]) -> Vec<String> {
        let mut secrets = Vec::new();
        for command in commands {
            for sample in self.samples.of(&command.id) {
                for (name, value) in &sample.arguments {
                    let declared = command.parameter(name).and_then(|p| p.secret);
                    collect(
                        value,
                        declared.unwrap_or(false) || is_sensitive_name(name),
                        &mut secrets,
                    );
                }
            }
        }
        secrets
    }

    pub(super) fn abilities(&self) -> Abilities {
        self.subject.abilities()
    }

    pub(super) fn listing(&self) -> &Result<Listing, String> {
        &self.listing
    }

    pub(super) fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The commands; none when the list could not be read.
    pub(super) fn commands(&self) -> &[Listed] {
        let commands = self.listing.as_ref().map(|listing| &listing.commands[..]);
        commands.unwrap_or_default()
    }

    /// Calls that may be made. What may not is passed over in `findings`.
    pub(super) fn trials(&self, findings: &mut Findings) -> &[Trial] {
        for (command, reason) in &self.idle {
            findings.skip(command, reason);
        }
        &self.trials
    }

    /// Whether a command may be called with whatever the suite likes.
    pub(super) fn may_run(&self, command: &Listed) -> bool {
        command.is_read_only()
            || self
                .trials
                .iter()
                .any(|trial| trial.command.id == command.id)
    }

    pub(super) async fn list_again(&self) -> Result<Listing, String> {
        self.subject.list().await
    }

    pub(super) async fn endpoints(&self) -> Verdicts {
        self.subject.endpoints().await
    }

    /// A secret of its own. Reports mask it from now on.
    pub(super) fn canary(&self) -> Canary {
        let mut canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner);
        let canary = Canary::new(canaries.len() + 1);
        canaries.push(canary.clone());
        canary
    }

    /// Makes a call with these arguments.
    pub(super) async fn ask(&self, command: &str, arguments: String) -> Exchange {
        self.probe(command, arguments, AMPLE, None).await
    }

    /// Makes a call with these arguments, as an object.
    pub(super) async fn ask_with(&self, command: &str, arguments: &Map<String, Value>) -> Exchange {
        self.ask(command, arguments::text(arguments)).await
    }

    /// Makes the call of a trial, with a unique text of its own.
    pub(super) async fn run_trial(&self, trial: &Trial) -> Exchange {
        self.run_as(trial, &unique()).await
    }

    /// Makes the call of a trial with the given unique text.
    pub(super) async fn run_as(&self, trial: &Trial, unique: &str) -> Exchange {
        let arguments = arguments::text(&trial.sample.arguments(unique));
        let deadline = trial.sample.deadline();
        self.probe(&trial.command.id, arguments, deadline, None)
            .await
    }

    pub(super) async fn probe(
        &self,
        command: &str,
        arguments: String,
        deadline: Duration,
        cancel: Option<Duration>,
    ) -> Exchange {
        let probe = Probe {
            command: command.to_owned(),
            arguments,
            deadline,
            cancel,
        };
        let seen = self.subject.run(&probe).await;
        Exchange {
            command: probe.command,
            sent: probe.arguments,
            seen,
        }
    }

    /// A complaint about a call, with what was sent and what came back.
    pub(super) fn complain(&self, exchange: &Exchange, what: impl Into<String>) -> Complaint {
        let came_back = match &exchange.seen.ended {
            Ended::Succeeded | Ended::Failed(_) => exchange.seen.whole.clone(),
            _ if exchange.seen.whole.is_empty() => exchange.seen.end(),
            _ => format!("{}: {}", exchange.seen.end(), exchange.seen.whole),
        };
        Complaint {
            about: exchange.command.clone(),
            what: self.shown(&what.into()),
            sent: Some(self.shown(&exchange.sent)),
            came_back: Some(self.shown(&came_back)),
        }
    }

    /// The failure to end in good order, if that is how a call ended.
    pub(super) fn unclean(&self, exchange: &Exchange) -> Option<Complaint> {
        let ended = || format!("it ended with {}", exchange.seen.end());
        (!exchange.seen.is_clean()).then(|| self.complain(exchange, ended()))
    }

    /// The failure to end as the sample says, if that is how its call ended.
    pub(super) fn unexpected(&self, trial: &Trial, exchange: &Exchange) -> Option<Complaint> {
        let (right, wanted) = match &trial.sample.expect {
            Expect::Success => (exchange.seen.ended == Ended::Succeeded, "success"),
            Expect::Anything => return self.unclean(exchange),
            Expect::ErrorCode(code) => {
                let fault = exchange.seen.fault();
                (
                    fault.is_some_and(|fault| fault.code == *code),
                    code.as_str(),
                )
            }
        };
        let ended = || {
            format!(
                "it should end with {wanted}, not with {}",
                exchange.seen.end()
            )
        };
        (!right).then(|| self.complain(exchange, ended()))
    }

    /// The failure to end as an earlier call of the same trial did, if there is one.
    pub(super) fn changed(
        &self,
        before: &Exchange,
        after: &Exchange,
        when: &str,
    ) -> Option<Complaint> {
        let ends = (before.seen.end(), after.seen.end());
        let what = || format!("{when} it ended with {}, not with {}", ends.1, ends.0);
        (ends.0 != ends.1).then(|| self.complain(after, what()))
    }

    /// A text fit for a report: one line, not long, without secrets.
    fn shown(&self, text: &str) -> String {
        let canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = self.mask.apply(text);
        for canary in canaries.iter() {
            // Spelled as JSON spells it when the arguments are shown.
            let json = Value::from(canary.text()).to_string();
            for form in [canary.text(), json.trim_matches('"')] {
                if text.contains(form) {
                    text = Cow::Owned(text.replace(form, MASKED));
                }
            }
        }
        let mut short: String = text.chars().take(SHOWN).collect();
        if short.len() < text.len() {
            short.push_str(&format!("… ({} bytes)", text.len()));
        }
        short.replace(['\n', '\r'], " ")
    }
}

// === impl Exchange ===

impl Exchange {
    /// How it ended, with its body, for comparing calls of one trial. The call's own unique text
    /// is taken out.
    pub(super) fn essence(&self, unique: &str) -> (String, Option<u16>, Option<String>) {
        let body = self.seen.body.as_ref();
        let body = body.map(|body| body.to_string().replace(unique, UNIQUE));
        (self.seen.end(), self.seen.status, body)
    }
}

/// A text that no other call has.
pub(super) fn unique() -> String {
    format!("u{}", Uuid::now_v7().simple())
}

/// Texts below a value that are secret by their name or by that of something around them.
fn collect(value: &Value, secret: bool, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) if secret => secrets.push(text.clone()),
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect(value, secret, secrets)),
        Value::Object(map) => map
            .iter()
            .for_each(|(name, value)| collect(value, secret || is_sensitive_name(name), secrets)),
        _ => {}
    }
}

/// An id short enough for a sentence.
pub(super) fn short(id: &str) -> String {
    shorten(id)
}
