//! The connector with a log of the test's own.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crosspoint_core::{
    Arguments, Body, Call, CallId, CommandId, Connector as _, Context, Failure, Ingress, Mask,
    Origin, Safety,
};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::LevelFilter;

use super::{Config, connector};

/// What was written while this lives, on this thread.
struct Log {
    written: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

struct Writer(Arc<Mutex<Vec<u8>>>);

// === impl Log ===

impl Log {
    fn start(most: LevelFilter) -> Log {
        let written = Arc::new(Mutex::new(Vec::new()));
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(most)
            .without_time()
            .with_ansi(false)
            .with_writer(move || Writer(writer.clone()))
            .finish();
        Log {
            written,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn run(name: &str, arguments: Value) -> Result<Value, Failure> {
    let logging = connector(&Config::default());
    let mut commands = logging.manifest().commands.iter();
    let command = commands.find(|command| command.name == name).unwrap();
    let arguments = Arguments::parse(arguments.to_string().into()).unwrap();
    let arguments = command.check(arguments)?;
    let call = Call::new(
        CommandId::new("logging", name),
        arguments,
        Origin::of(Ingress::Cli),
    );
    let deadline = Instant::now() + Duration::from_secs(600);
    let cx = Context::new(CallId::generate(), deadline, Mask::default());
    let outcome = logging.call(call, &cx).await?;
    match outcome.body {
        Body::Json(json) => Ok(json.read().unwrap()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_line_is_written_at_its_level_and_echoed() {
    for (level, shown) in [
        (None, " INFO"),
        (Some("debug"), "DEBUG"),
        (Some("info"), " INFO"),
        (Some("warn"), " WARN"),
        (Some("error"), "ERROR"),
    ] {
        let log = Log::start(LevelFilter::TRACE);
        let mut arguments = json!({"message": "Zoë was here", "fields": {"n": 1, "a": [true]}});
        arguments["level"] = level.into();
        let echo = run("Write", arguments).await.unwrap();
        let fields = json!({"n": 1, "a": [true]});
        let level = level.unwrap_or("info");
        let expected = json!({"message": "Zoë was here", "level": level, "fields": fields});
        assert_eq!(echo, expected);
        let expected = format!(
            "{shown} crosspoint::connector::logging: Zoë was here fields={{\"n\":1,\"a\":[true]}}\n"
        );
        assert_eq!(log.text(), expected);
    }
}

#[tokio::test]
async fn what_is_not_given_is_not_written() {
    let log = Log::start(LevelFilter::INFO);
    let echo = run("Write", json!({"message": "x"})).await.unwrap();
    assert_eq!(echo, json!({"message": "x", "level": "info", "fields": {}}));
    assert_eq!(log.text(), " INFO crosspoint::connector::logging: x\n");
}

#[tokio::test]
async fn nobody_forges_a_line() {
    let log = Log::start(LevelFilter::INFO);
    let evil = "x\r\n ERROR all is lost\u{2028}\u{85}\u{1b}[2J{0} {}";
    let arguments = json!({"message": evil, "fields": {(evil): evil}});
    let echo = run("Write", arguments).await.unwrap();
    assert_eq!(echo["message"], evil);
    let text = log.text();
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    let controls = |c: char| (c.is_control() && c != '\n') || c == '\u{2028}';
    assert!(!text.contains(controls), "{text:?}");
    assert!(text.contains(r"x\r\n ERROR all is lost"), "{text}");
}

#[tokio::test]
async fn a_line_is_shortened_but_the_echo_is_not() {
    let log = Log::start(LevelFilter::INFO);
    let long = "ä".repeat(100_000);
    let echo = run("Write", json!({"message": long})).await.unwrap();
    assert_eq!(echo["message"], long);
    let text = log.text();
    assert!(text.contains("ä…") && text.len() < 20_000);
}

#[tokio::test]
async fn a_trace_is_echoed_and_seldom_shown() {
    let log = Log::start(LevelFilter::DEBUG);
    let echo = run("Trace", json!({"fields": {"step": 3}})).await.unwrap();
    assert_eq!(echo["level"], "trace");
    assert_eq!(echo["fields"], json!({"step": 3}));
    assert_eq!(log.text(), "");
    drop(log);
    let log = Log::start(LevelFilter::TRACE);
    run("Trace", json!({})).await.unwrap();
    assert_eq!(
        log.text(),
        "TRACE crosspoint::connector::logging: A process was here.\n"
    );
}

#[tokio::test]
async fn an_unknown_level_is_refused() {
    let failure = run("Write", json!({"message": "x", "level": "loud"}))
        .await
        .unwrap_err();
    assert!(
        failure.message.contains("'level' must be one of"),
        "{failure}"
    );
}

#[test]
fn both_commands_may_be_repeated() {
    let logging = connector(&Config::default());
    for command in &logging.manifest().commands {
        assert_eq!(command.safety, Safety::Idempotent, "{}", command.name);
    }
    let write: Vec<_> = logging.manifest().commands[0]
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.spiff_type(), p.required))
        .collect();
    assert_eq!(
        write,
        [
            ("message", "str", true),
            ("level", "str", false),
            ("fields", "any", false)
        ]
    );
}
