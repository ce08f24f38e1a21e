//! A Python connector as the broker sees it.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{
    Call, Connector, Context, Effect, Failure, Json, Kind, Manifest, Outcome, Span, SpanKind,
};
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::manifest::Description;
use super::pool::Pool;
use super::program::At;
use super::running::Event;
use super::slots::Lease;
use super::wire::Line;
use super::worker::Worker;
use super::{adapter, answer, auth};

/// How many workers a call is offered to when they go before they have begun it.
const OFFERS: usize = 5;

/// A connector whose commands run in the workers of a pool.
pub(super) struct PythonConnector {
    manifest: Manifest,
    description: Arc<Description>,
    pool: Arc<Pool>,
}

// === impl PythonConnector ===

impl PythonConnector {
    /// The connector that the workers of `pool` describe.
    pub(super) fn new(pool: Arc<Pool>, description: Arc<Description>) -> PythonConnector {
        let manifest = description.manifest(&pool.program().settings.idempotent);
        PythonConnector {
            manifest,
            description,
            pool,
        }
    }

    /// Whether it is what a worker described last.
    pub(super) fn is_described_by(&self, description: &Arc<Description>) -> bool {
        Arc::ptr_eq(&self.description, description)
    }

    /// The workers that run it.
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    async fn run(&self, call: &Call, cx: &Context) -> Result<Outcome, Failure> {
        for _ in 0..OFFERS {
            if let Some(result) = self.hop(call, cx).await {
                return result;
            }
        }
        let name = &self.manifest.name;
        let message = format!("each worker of {name} went before it could begin this call");
        let failure = Failure::new(Kind::Crashed, "worker_unavailable", message);
        Err(failure.with_effect(Effect::None))
    }

    /// Waits for a worker and runs the call there; nothing when the worker went before it had seen
    /// the call.
    async fn hop(&self, call: &Call, cx: &Context) -> Option<Result<Outcome, Failure>> {
        let name = &self.manifest.name;
        let mut span = cx.span(format_args!("worker {name}"), SpanKind::Internal);
        let asked = Instant::now();
        let result = match self.pool.lease(cx).await {
            Ok(lease) => {
                let waited = asked.elapsed().as_millis();
                span.number("crosspoint.waited_ms", waited as i64);
                span.number("crosspoint.worker", lease.worker().origin.worker.into());
                self.attempt(lease, call, cx, &span).await
            }
            Err(failure) => Some(Err(failure)),
        };
        match &result {
            Some(Ok(_)) => {}
            Some(Err(failure)) => span.failed_with(failure),
            None => span.failed("the worker went before it had seen the call"),
        }
        result
    }

    /// Runs the call on one worker; nothing when the worker went before it had seen the call.
    async fn attempt(
        &self,
        lease: Lease<Arc<Worker>>,
        call: &Call,
        cx: &Context,
        span: &Span,
    ) -> Option<Result<Outcome, Failure>> {
        let worker = lease.worker().clone();
        let adapter = self.description.adapter;
        let mut running = Worker::call(lease, call, adapter, span.trace(), cx);
        loop {
            let event = tokio::select! {
                biased;
                event = running.next() => event,
                () = sleep_until(cx.deadline) => {
                    let written = running.give_up();
                    return Some(Err(answer::overdue(&self.manifest.name, written)));
                }
            };
            match event {
                Event::Line(line) => log(&worker, line, cx),
                Event::Answer(Ok(result)) => return Some(answer::returned(&result, cx)),
                Event::Answer(Err(error)) => {
                    let failure = answer::failed(&error, cx)?;
                    return Some(Err(self.settled(failure, &call.command.command)));
                }
                Event::Lost { written: false, .. } => return None,
                Event::Lost { end, .. } => {
                    return Some(Err(answer::lost("ran this call", &end)));
                }
            }
        }
    }

    /// An adapter's error says itself whether trying again is right.
    fn settled(&self, failure: Failure, command: &str) -> Failure {
        let mut commands = self.manifest.commands.iter();
        match commands.find(|known| known.name == command) {
            Some(known) if self.description.adapter => adapter::settled(failure, known.safety),
            _ => failure,
        }
    }
}

impl Connector for PythonConnector {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(&'a self, call: Call, cx: &'a Context) -> BoxFuture<'a, Result<Outcome, Failure>> {
        Box::pin(async move { self.run(&call, cx).await })
    }

    fn check<'a>(&'a self, cx: &'a Context) -> Option<BoxFuture<'a, Result<(), Failure>>> {
        let checks = self.description.check;
        checks.then(|| -> BoxFuture<'a, _> { Box::pin(adapter::check(&self.pool, cx)) })
    }

    fn check_every(&self) -> Option<Duration> {
        match &self.pool.source().at {
            At::Adapter(adapter) if self.description.check => adapter.check_every,
            _ => None,
        }
    }

    fn renew(&self) {
        self.pool.renew();
    }

    fn describe_auth<'a>(
        &'a self,
        auth: &'a str,
        arguments: Json,
        cx: &'a Context,
    ) -> Option<BoxFuture<'a, Result<Json, Failure>>> {
        Some(Box::pin(auth::describe(&self.pool, auth, arguments, cx)))
    }
}

/// Writes a line without the secrets of its call. The span around tells the call.
pub(super) fn log(worker: &Worker, line: Line, cx: &Context) {
    let text = cx.masked(line.message);
    worker.origin.write(line.level, &line.source, None, &text);
}
