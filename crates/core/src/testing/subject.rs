//! What is judged, in words that fit any language: it lists commands, and it runs one.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::{Effect, Safety};

/// Something whose commands can be judged.
///
/// A subject only reports what it sees; what is right and wrong is the suite's business, except
/// for the shape of its own protocol, which nobody else knows ([`Listing::faults`],
/// [`Observed::faults`]).
pub trait Subject: Send + Sync {
    /// What can be asked of it beyond listing and running.
    fn abilities(&self) -> Abilities;

    /// Its commands as they are now, or why they cannot be read, in a sentence.
    fn list(&self) -> BoxFuture<'_, Result<Listing, String>>;

    /// Runs one command. Never panics and always ends, at the latest some seconds after the
    /// probe's deadline.
    fn run<'a>(&'a self, probe: &'a Probe) -> BoxFuture<'a, Observed>;

    /// Looks at what the subject's protocol has beside commands. Nothing by default.
    fn endpoints(&self) -> BoxFuture<'_, Verdicts> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// Rules of a protocol beyond its commands: each with what is wrong with it, if anything.
pub type Verdicts = Vec<(String, Result<(), String>)>;

/// What can be asked of a subject. Tests that need more are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Reads the JSON text of the arguments by itself, so that it may read it wrongly.
    pub reads_json: bool,
    /// Can be told when a call's answer is due.
    pub takes_deadline: bool,
}

/// The commands of a subject.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// In the subject's order.
    pub commands: Vec<Listed>,
    /// What in the list is not as the subject's protocol wants it, one sentence each.
    pub faults: Vec<String>,
}

/// A command as a subject lists it. What the subject does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// What callers write; should be `connector/Command`.
    pub id: String,
    /// What it does.
    pub description: Option<String>,
    /// In the subject's order.
    pub parameters: Vec<ListedParameter>,
    /// Whether it takes parameters that it does not list.
    pub open: Option<bool>,
    /// Whether values in other spellings are brought to the declared type, and all others
    /// refused.
    pub coerces: Option<bool>,
    /// How it behaves when it is repeated.
    pub safety: Option<Safety>,
}

/// A parameter as a subject lists it. What the subject does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListedParameter {
    /// Its name.
    pub name: String,
    /// What it means.
    pub description: Option<String>,
    /// Its type as engines see it: `str`, `int`, `bool` or `any`.
    pub kind: String,
    /// Whether a call must have it.
    pub required: bool,
    /// Whether its value must never be shown.
    pub secret: Option<bool>,
    /// Its JSON Schema.
    pub schema: Option<Value>,
    /// The value that counts when there is none.
    pub default: Option<Value>,
}

/// One call to make.
#[derive(Debug, Clone)]
pub struct Probe {
    /// What to run: an id of the listing, or one that is not in it.
    pub command: String,
    /// The arguments as JSON text, or as what pretends to be that.
    pub arguments: String,
    /// How long the call may take. A subject that cannot tell its commands
    /// ([`Abilities::takes_deadline`]) waits as long as its callers would.
    pub deadline: Duration,
    /// Drop the call after this time. Zero: as soon as it has begun.
    pub cancel: Option<Duration>,
}

/// What came of a probe.
#[derive(Debug, Clone)]
pub struct Observed {
    /// How it ended.
    pub ended: Ended,
    /// The status in the sense of HTTP, when there is one.
    pub status: Option<u16>,
    /// Media type of the body, when there is one.
    pub mimetype: Option<String>,
    /// The result as JSON; text is a string, and bytes are one in base64.
    pub body: Option<Value>,
    /// Lines for the engine's log.
    pub logs: Vec<String>,
    /// What only an operator sees, where the subject hands it out.
    pub detail: Option<String>,
    /// What in the answer is not as the subject's protocol wants it, one sentence each.
    pub faults: Vec<String>,
    /// Names at the top of the answer that the protocol does not know.
    pub extra: Vec<String>,
    /// The whole answer as text, for people.
    pub whole: String,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With a result.
    Succeeded,
    /// With a failure that has a code and a message.
    Failed(Fault),
    /// In a way that no caller can make sense of: a panic, a closed connection, a web page. The
    /// text says what it was.
    Broke(String),
    /// Not at all, long after its deadline.
    Overran,
    /// By us: the probe asked for it.
    Dropped,
}

/// A failure as its caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Who said no.
    pub stage: Stage,
    /// The code that diagrams catch.
    pub code: String,
    /// The sentence for people.
    pub message: String,
    /// Whether the outside may have changed, where the subject says.
    pub effect: Option<Effect>,
}

/// Who said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A check or a limit, before the command ran.
    Refused,
    /// The command, in good order.
    Reported,
    /// The command, by throwing.
    Raised,
}

// === impl Listed ===

impl Listed {
    /// The parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<&ListedParameter> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// Names of the required parameters.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        let required = self.parameters.iter().filter(|p| p.required);
        required.map(|p| p.name.as_str())
    }

    /// Whether it says that it changes nothing.
    pub fn is_read_only(&self) -> bool {
        self.safety == Some(Safety::ReadOnly)
    }
}

// === impl ListedParameter ===

impl ListedParameter {
    /// The names of the JSON types it takes but for null, as far as it says; none means any.
    pub fn types(&self) -> Vec<&str> {
        let mut types = self.all_types();
        types.retain(|name| *name != "null");
        types
    }

    fn all_types(&self) -> Vec<&str> {
        match (self.schema.as_ref().map(|s| &s["type"]), &*self.kind) {
            (Some(Value::String(one)), _) => vec![one],
            (Some(Value::Array(list)), _) => list.iter().filter_map(Value::as_str).collect(),
            (_, "str") => vec!["string"],
            (_, "int") => vec!["integer"],
            (_, "bool") => vec!["boolean"],
            _ => Vec::new(),
        }
    }

    /// The only values it takes, when it lists them.
    pub fn choices(&self) -> Option<Vec<&Value>> {
        let schema = self.schema.as_ref()?;
        if let Some(list) = schema["enum"].as_array() {
            return Some(list.iter().collect());
        }
        let list = schema["oneOf"].as_array()?;
        list.iter().map(|choice| choice.get("const")).collect()
    }

    /// Whether any text may stand there.
    pub fn takes_any_text(&self) -> bool {
        self.types().contains(&"string") && self.choices().is_none()
    }
}

// === impl Observed ===

impl Observed {
    /// An end of which nothing more is known.
    pub fn of(ended: Ended) -> Observed {
        Observed {
            ended,
            status: None,
            mimetype: None,
            body: None,
            logs: Vec::new(),
            detail: None,
            faults: Vec::new(),
            extra: Vec::new(),
            whole: String::new(),
        }
    }

    /// A broken end.
    pub fn broke(how: impl Into<String>) -> Observed {
        Observed::of(Ended::Broke(how.into()))
    }

    /// The failure, when it ended with one.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.ended {
            Ended::Failed(fault) => Some(fault),
            _ => None,
        }
    }

    /// Whether a check refused it before it ran.
    pub fn is_refused(&self) -> bool {
        self.fault().is_some_and(|f| f.stage == Stage::Refused)
    }

    /// Whether it ended as a call may: with a result, or with a failure in good order.
    pub fn is_clean(&self) -> bool {
        matches!(self.ended, Ended::Succeeded | Ended::Failed(_))
    }

    /// How it ended, in a few words that are the same for ends of the same sort.
    pub fn end(&self) -> String {
        match &self.ended {
            Ended::Succeeded => "success".to_owned(),
            Ended::Failed(fault) if fault.code.is_empty() => "a failure without code".to_owned(),
            Ended::Failed(fault) => format!("the failure {}", fault.code),
            Ended::Broke(how) => how.clone(),
            Ended::Overran => "no answer, long after the deadline".to_owned(),
            Ended::Dropped => "nothing: the call was dropped".to_owned(),
        }
    }

    /// Everything textual that leaves a call beside its result.
    pub fn utterances(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let message = self.fault().map(|f| ("message", f.message.as_str()));
        let code = self.fault().map(|f| ("code", f.code.as_str()));
        let detail = self.detail.as_deref().map(|detail| ("detail", detail));
        let broke = match &self.ended {
            Ended::Broke(how) => Some(("answer", how.as_str())),
            _ => None,
        };
        let logs = self.logs.iter().map(|line| ("log line", line.as_str()));
        message
            .into_iter()
            .chain(code)
            .chain(detail)
            .chain(broke)
            .chain(logs)
    }
}
