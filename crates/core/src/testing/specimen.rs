//! A connector to judge the suite by: healthy, or with one defect.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::{
    Call, Command, Connector, Context, Effect, Failure, Invalid, Json, Kind, Manifest, Outcome,
    Parameter, Safety, Secret,
};

/// One thing that is wrong with the connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    NoCommands,
    IdTwice,
    SpaceInName,
    TwoSlashes,
    ParameterTwice,
    InvalidSchema,
    SchemaRefersElsewhere,
    DefaultOfAnotherType,
    ManifestChanges,
    NoDescription,
    RequiredLast,
    SecretUndeclared,
    IgnoresDeadline,
    PanicsOnUnicode,
    PanicsAtOnce,
    ChokesOnLength,
    SecretInMessage,
    SecretInLogsAsBase64,
    SecretInDetailReversed,
    TextIsNoJson,
    StatusZero,
    Status700,
    NoMediaType,
    HeaderBreaksLine,
    NoCode,
    NoMessage,
    RefusalActed,
    UnknownCommandRuns,
    LinesInLogs,
    PageAsMessage,
    SharedState,
    SharedLogs,
    NotIdempotent,
    DropBreaksIt,
    ResultOffSchema,
}

/// Gives back what it gets.
#[derive(Deserialize, JsonSchema)]
struct Echo {
    /// What to give back.
    text: String,
    /// How often.
    #[serde(default = "once")]
    times: u32,
    /// Who asks.
    api_key: Option<Secret<String>>,
    /// Sent along.
    headers: Option<Map<String, Value>>,
}

/// Keeps a value.
#[derive(Deserialize, JsonSchema)]
struct Keep {
    /// Under which name.
    name: String,
}

/// Fails.
#[derive(Deserialize, JsonSchema)]
struct Fail {
    /// Why.
    reason: String,
}

/// Takes anything.
#[derive(Deserialize, JsonSchema)]
struct Open {}

fn once() -> u32 {
    1
}

/// The samples that fit it.
pub(super) const SAMPLES: &str = r#"{
    "specimen/Echo": [{"arguments": {"text": "Zoë {{unique}}"},
        "result_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}],
    "specimen/Keep": [{"arguments": {"name": "{{unique}}"}, "effects": true}],
    "specimen/Fail": [{"arguments": {"reason": "x"}, "expect": {"error_code": "Sample"}}]
}"#;

pub(super) struct Specimen {
    defect: Option<Defect>,
    manifest: Manifest,
    changed: Manifest,
    looks: AtomicUsize,
    kept: Mutex<Vec<String>>,
    slot: Mutex<String>,
    lines: Mutex<Vec<String>>,
    active: AtomicUsize,
    unfinished: AtomicUsize,
}

// === impl Specimen ===

impl Specimen {
    pub(super) fn new(defect: Option<Defect>) -> Specimen {
        let manifest = manifest(defect);
        let mut changed = manifest.clone();
        changed
            .commands
            .push(Command::of::<Open>("Later", Safety::ReadOnly).into());
        Specimen {
            defect,
            manifest,
            changed,
            looks: AtomicUsize::new(0),
            kept: Mutex::default(),
            slot: Mutex::default(),
            lines: Mutex::default(),
            active: AtomicUsize::new(0),
            unfinished: AtomicUsize::new(0),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    async fn run(&self, call: Call, cx: &Context) -> Result<Outcome, Failure> {
        match &*call.command.command {
            "Echo" => self.echo(call.arguments.read()?, cx).await,
            "Keep" => self.keep(call.arguments.read()?),
            "Fail" => Err(self.fail(call.arguments.read()?)),
            "Open" | "Later" | "Bad Name" | "a/b" => Ok(Outcome::text("open")),
            _ if self.has(Defect::UnknownCommandRuns) => Ok(Outcome::text("why not")),
            other => Err(Failure::unknown_command(format!("no command {other}"))),
        }
    }

    async fn echo(&self, echo: Echo, cx: &Context) -> Result<Outcome, Failure> {
        let secret = self.secret(&echo, cx);
        if self.has(Defect::PanicsOnUnicode) {
            assert!(
                echo.text.is_char_boundary(3) || echo.text.starts_with("Zo"),
                "cut between bytes"
            );
        }
        if self.has(Defect::ChokesOnLength) && echo.text.len() > 100_000 {
            panic!("too long for my buffer");
        }
        *lock(&self.slot) = echo.text.clone();
        lock(&self.lines).push(format!("echoed {}", echo.text));
        sleep(Duration::from_millis(2)).await;
        if self.has(Defect::IgnoresDeadline) {
            sleep(Duration::from_secs(15)).await;
        }
        let text = match self.defect {
            Some(Defect::SharedState) => lock(&self.slot).clone(),
            _ => echo.text.repeat(echo.times.min(2) as usize),
        };
        self.write_logs(&echo.text, cx);
        if let (true, Some(secret)) = (self.has(Defect::SecretInMessage), &secret) {
            return Err(Failure::reported(
                "Sample",
                format!("{secret} is not welcome"),
            ));
        }
        if let (true, Some(key)) = (self.has(Defect::SecretInDetailReversed), &echo.api_key) {
            let reversed: String = key.expose().chars().rev().collect();
            return Err(Failure::reported("Sample", "no").with_detail(reversed));
        }
        let value = match self.defect {
            Some(Defect::ResultOffSchema) => json!({"text": 5}),
            _ => json!({"text": text}),
        };
        Ok(self.dress(Outcome::json(Json::of(&value).unwrap())))
    }

    /// The header that carries a secret, protected as it should be.
    fn secret(&self, echo: &Echo, cx: &Context) -> Option<String> {
        let headers = echo.headers.as_ref()?;
        let secret = headers.get("Authorization")?.as_str()?.to_owned();
        match self.defect {
            Some(Defect::SecretInMessage) => {}
            Some(Defect::SecretInLogsAsBase64) => cx.log(STANDARD.encode(&secret)),
            _ => cx.protect(&secret),
        }
        Some(secret)
    }

    fn write_logs(&self, text: &str, cx: &Context) {
        match self.defect {
            Some(Defect::SharedLogs) => lock(&self.lines).drain(..).for_each(|line| cx.log(line)),
            Some(Defect::LinesInLogs) => cx.log("one\ntwo"),
            _ => cx.log(format!("echoed {} characters", text.chars().count())),
        }
    }

    /// Puts defects of shape on an outcome.
    fn dress(&self, mut outcome: Outcome) -> Outcome {
        match self.defect {
            Some(Defect::TextIsNoJson) => {
                let body = crate::Body::Text("{oops".to_owned());
                outcome = Outcome::new(body, "application/json");
            }
            Some(Defect::StatusZero) => outcome.status = 0,
            Some(Defect::Status700) => outcome.status = 700,
            Some(Defect::NoMediaType) => outcome.mimetype = "json".into(),
            Some(Defect::HeaderBreaksLine) => {
                let header = ("x-a".to_owned(), "b\r\nx-c: d".to_owned());
                outcome.headers.push(header);
            }
            _ => {}
        }
        outcome
    }

    fn keep(&self, keep: Keep) -> Result<Outcome, Failure> {
        let mut kept = lock(&self.kept);
        if self.has(Defect::NotIdempotent) && kept.contains(&keep.name) {
            return Err(Failure::reported("Exists", "there is one of that name"));
        }
        kept.push(keep.name);
        Ok(Outcome::empty(200))
    }

    fn fail(&self, fail: Fail) -> Failure {
        match self.defect {
            Some(Defect::NoCode) => Failure::reported("", "no code"),
            Some(Defect::NoMessage) => Failure::reported("Sample", " "),
            Some(Defect::PageAsMessage) => Failure::reported("Sample", "<!DOCTYPE html><p>no"),
            Some(Defect::RefusalActed) => {
                let kind = Kind::Invalid(Invalid::Arguments);
                Failure::new(kind, "Sample", "too late").with_effect(Effect::Done)
            }
            _ => Failure::reported("Sample", format!("as asked: {}", fail.reason)),
        }
    }

    /// A call that was dropped half-way leaves a stream out of step, which the next one trips over.
    fn step_in(&self) -> Result<Guard<'_>, Failure> {
        let active = self.active.fetch_add(1, Ordering::SeqCst);
        let guard = Guard(&self.active);
        let unfinished = self.unfinished.fetch_add(1, Ordering::SeqCst);
        if self.has(Defect::DropBreaksIt) && unfinished > active {
            self.unfinished.store(0, Ordering::SeqCst);
            return Err(Failure::transport(
                "OutOfStep",
                "the last answer was not read",
            ));
        }
        Ok(guard)
    }
}

impl Connector for Specimen {
    fn manifest(&self) -> &Manifest {
        let looks = self.looks.fetch_add(1, Ordering::SeqCst);
        // The first look is for the name, the second for the list.
        match self.has(Defect::ManifestChanges) && looks > 1 {
            true => &self.changed,
            false => &self.manifest,
        }
    }

    fn call<'a>(&'a self, call: Call, cx: &'a Context) -> BoxFuture<'a, Result<Outcome, Failure>> {
        if self.has(Defect::PanicsAtOnce) {
            panic!("before there was a future");
        }
        Box::pin(async move {
            let _guard = self.step_in()?;
            let result = self.run(call, cx).await;
            self.unfinished.fetch_sub(1, Ordering::SeqCst);
            result
        })
    }
}

struct Guard<'a>(&'a AtomicUsize);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn manifest(defect: Option<Defect>) -> Manifest {
    let mut open = Command::of::<Open>("Open", Safety::ReadOnly);
    open.open = true;
    let mut commands = vec![
        Command::of::<Echo>("Echo", Safety::ReadOnly),
        Command::of::<Keep>("Keep", Safety::Idempotent),
        Command::of::<Fail>("Fail", Safety::ReadOnly),
        open,
    ];
    match defect {
        Some(Defect::NoCommands) => commands.clear(),
        Some(Defect::IdTwice) => commands.push(commands[3].clone()),
        Some(Defect::SpaceInName) => commands[3].name = "Bad Name".to_owned(),
        Some(Defect::TwoSlashes) => commands[3].name = "a/b".to_owned(),
        Some(Defect::NoDescription) => commands[3].description.clear(),
        Some(Defect::RequiredLast) => commands[0].parameters.reverse(),
        Some(Defect::ParameterTwice) => {
            let again = commands[0].parameters[1].clone();
            commands[0].parameters.push(again);
        }
        Some(defect) => commands[3].parameters.extend(odd_parameter(defect)),
        None => {}
    }
    Manifest {
        name: "specimen".to_owned(),
        description: "Shows how connectors go wrong.".to_owned(),
        commands: commands.into_iter().map(Arc::new).collect(),
        auths: Vec::new(),
        fields: Default::default(),
    }
}

fn odd_parameter(defect: Defect) -> Option<Parameter> {
    let schema = match defect {
        Defect::InvalidSchema => json!({"type": "string", "minLength": "long", "description": "."}),
        Defect::SchemaRefersElsewhere => json!({"$ref": "#/$defs/Missing", "description": "."}),
        Defect::DefaultOfAnotherType => {
            json!({"type": "integer", "default": "ten", "description": "."})
        }
        Defect::SecretUndeclared => json!({"type": "string", "description": "."}),
        _ => return None,
    };
    let name = match defect {
        Defect::SecretUndeclared => "token",
        _ => "odd",
    };
    Some(Parameter::new(name, false, &schema))
}
