//! Spans as whoever takes them in sees them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crosspoint_core::{
    Arguments, Connector, Context, Execute, Ingress, Native, OpenSpan, Origin, Refusal, Safety,
    Tracer,
};

use super::*;
use crate::{Broker, Naming, Registration, Settings, Static};

const LIMIT: Duration = Duration::from_secs(40);
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Spans that have ended: names, and texts and failures in their order.
#[derive(Default)]
struct Seen(Mutex<Vec<(String, Vec<String>)>>);

struct Taken(Arc<Seen>);

struct One {
    seen: Arc<Seen>,
    name: String,
    told: Vec<String>,
}

impl Tracer for Taken {
    fn begin(
        &self,
        name: String,
        _: SpanKind,
        parent: Parent<'_>,
    ) -> Option<(Trace, Box<dyn OpenSpan>)> {
        let (Parent::Here(parent) | Parent::Remote(parent)) = parent else {
            panic!("{name} belongs to nothing");
        };
        let child = parent.child();
        let told = vec![format!("in {}, is {}", parent.parent_id, child.parent_id)];
        let seen = self.0.clone();
        Some((child, Box::new(One { seen, name, told })))
    }
}

impl OpenSpan for One {
    fn text(&mut self, name: &'static str, value: &str) {
        self.told.push(format!("{name}={value}"));
    }

    fn number(&mut self, name: &'static str, value: i64) {
        self.text(name, &value.to_string());
    }

    fn failed(&mut self, reason: &str) {
        self.text("failed", reason);
    }
}

impl Drop for One {
    fn drop(&mut self) {
        let ended = (self.name.clone(), std::mem::take(&mut self.told));
        self.seen.0.lock().unwrap().push(ended);
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Wait {
    token: crosspoint_core::Secret<String>,
}

impl Execute<()> for Wait {
    const NAME: &'static str = "Wait";
    const SAFETY: Safety = Safety::ReadOnly;

    async fn execute(self, _: &(), cx: &Context) -> Result<Outcome, Failure> {
        drop(cx.span(format_args!("within"), SpanKind::Internal));
        match self.token.expose().as_str() {
            "hangs" => std::future::pending().await,
            token => Err(Failure::reported("Denied", format!("not by {token}"))),
        }
    }
}

fn broker() -> (Broker, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let settings = Settings {
        tracing: Tracing::to(Arc::new(Taken(seen.clone()))),
        ..Settings::default()
    };
    let broker = Broker::new(settings, vec![mount()], None).unwrap();
    (broker, seen)
}

fn mount() -> Registration {
    let native = Native::new("odd", "Does odd things.", ()).command::<Wait>();
    let connectors: Vec<Arc<dyn Connector>> = vec![Arc::new(native)];
    Registration {
        naming: Naming::BuiltIn,
        mount: Arc::new(Static::new(connectors)),
    }
}

fn waits(arguments: &'static str) -> Call {
    let arguments = Arguments::parse(arguments.into()).unwrap();
    let id = "odd/Wait".parse().unwrap();
    let mut call = Call::new(id, arguments, Origin::of(Ingress::Cli));
    call.trace = Trace::parse(CALLER, None);
    call
}

#[tokio::test]
async fn each_span_is_within_the_one_around_it_and_failures_are_masked() {
    let (broker, seen) = broker();
    // As after a reload.
    let replaced = broker.replace(Settings::default(), vec![mount()]).await;
    replaced.unwrap();
    let call = waits(r#"{"token": "hunter2"}"#);
    broker.submit(call, LIMIT).await.unwrap_err();
    let seen = seen.0.lock().unwrap();
    let names: Vec<_> = seen.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["within", "attempt odd/Wait", "call odd/Wait"]);
    let mut around = "00f067aa0ba902b7".to_owned();
    for (name, told) in seen.iter().rev() {
        let own = told[0].strip_prefix(&format!("in {around}, is "));
        around = own.unwrap_or_else(|| panic!("{name} {told:?}")).to_owned();
        if name != "within" {
            let told = told.join(" ");
            assert!(told.contains("outcome=reported"), "{told}");
            assert!(told.contains("error.type=Denied"), "{told}");
            assert!(told.contains("failed=not by ***"), "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_waits_for_ends_as_abandoned() {
    let (broker, seen) = broker();
    let waiting = broker.submit(waits(r#"{"token": "hangs"}"#), LIMIT);
    let second = Duration::from_secs(1);
    tokio::time::timeout(second, waiting).await.unwrap_err();
    let seen = seen.0.lock().unwrap();
    let (name, told) = seen.last().unwrap();
    assert_eq!(name, "call odd/Wait");
    assert_eq!(told.last().unwrap(), "crosspoint.outcome=abandoned");
}

#[tokio::test]
async fn a_call_that_comes_too_late_has_no_attempt() {
    let (broker, seen) = broker();
    broker.drain(Duration::ZERO).await;
    let call = waits(r#"{"token": "hunter2"}"#);
    let failure = broker.submit(call, LIMIT).await.unwrap_err();
    assert_eq!(
        failure.kind,
        crosspoint_core::Kind::Refused(Refusal::ShuttingDown)
    );
    let seen = seen.0.lock().unwrap();
    let [(name, told)] = &seen[..] else {
        panic!("one span");
    };
    assert_eq!(name, "call odd/Wait");
    assert!(told.contains(&"error.type=shutting_down".to_owned()));
}
