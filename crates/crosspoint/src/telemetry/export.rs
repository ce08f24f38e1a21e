//! What becomes of spans that cannot be exported: they are counted, and that is said now and then.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};
use tokio::time::Instant;

use super::variables::Variables;

/// The time between two lines of the log about the same trouble.
const PAUSE: Duration = Duration::from_secs(60);

/// Counts what is lost. Shared by all that lose something.
#[derive(Debug)]
pub struct Losses {
    endpoint: String,
    /// How many spans may wait.
    room: usize,
    waiting: AtomicUsize,
    lost: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Why the last batch failed.
    reason: Option<String>,
    /// When that was said last.
    said: Option<Instant>,
}

/// An exporter that says when it does not work.
#[derive(Debug)]
pub struct Told<E> {
    inner: E,
    losses: Arc<Losses>,
}

/// Counts what waits for the exporter, so that it is known what finds no room.
#[derive(Debug)]
pub struct Waiting {
    inner: BatchSpanProcessor,
    losses: Arc<Losses>,
}

// === impl Losses ===

impl Losses {
    pub fn new(variables: &Variables) -> Losses {
        Losses {
            endpoint: variables.endpoint.origin().ascii_serialization(),
            room: variables.queue,
            waiting: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// Says why the batch that is under way fails, if it does.
    pub fn because(&self, reason: &str) {
        self.state().reason = Some(reason.to_owned());
    }

    fn lose(&self, spans: u64) {
        self.lost.fetch_add(spans, Ordering::Relaxed);
    }

    /// Takes a place for a span, if there is one.
    fn enter(&self) -> bool {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        if before < self.room {
            return true;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.lose(1);
        false
    }

    fn leave(&self, spans: usize) {
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
    }

    /// Says what is to be said after a batch.
    fn tell(&self, exported: bool) {
        let mut state = self.state();
        let recent = state.said.is_some_and(|said| said.elapsed() < PAUSE);
        let endpoint = &self.endpoint;
        let lost = self.lost.load(Ordering::Relaxed);
        if lost == 0 {
            if exported && state.said.is_some() && !recent {
                state.said = None;
                tracing::info!(endpoint, "Spans are exported again.");
            }
            return;
        }
        if recent {
            return;
        }
        state.said = Some(Instant::now());
        let reason = match state.reason.take() {
            Some(reason) if !exported => reason,
            _ => "more are made than are taken (OTEL_BSP_MAX_QUEUE_SIZE)".to_owned(),
        };
        drop(state);
        let lost = self.lost.swap(0, Ordering::Relaxed);
        tracing::warn!(
            endpoint,
            lost,
            reason,
            "Spans were not exported and are lost."
        );
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Told ===

impl<E> Told<E> {
    pub fn new(inner: E, losses: Arc<Losses>) -> Told<E> {
        Told { inner, losses }
    }
}

impl<E: SpanExporter> SpanExporter for Told<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.losses.leave(spans);
        let result = self.inner.export(batch).await;
        if result.is_err() {
            self.losses.lose(spans as u64);
        }
        self.losses.tell(result.is_ok());
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

// === impl Waiting ===

impl Waiting {
    pub fn new(inner: BatchSpanProcessor, losses: Arc<Losses>) -> Waiting {
        Waiting { inner, losses }
    }
}

impl SpanProcessor for Waiting {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.losses.enter() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
