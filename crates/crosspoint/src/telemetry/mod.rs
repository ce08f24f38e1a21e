//! Spans on their way to a collector, by OTLP over HTTP (decision 0009).

mod client;
mod export;
mod tracer;
mod variables;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use crosspoint_core::{CallId, Tracing};
use crosspoint_net::{Authorities, Http, Proxies, Rules};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};

pub use variables::secrets;

use self::client::Client;
use self::export::{Losses, Told, Waiting};
use self::tracer::Exported;
use self::variables::{Read, Variables};
use crate::config::{Environment, Loaded};
use crate::logging::LogMask;

/// How long the end of the process waits for spans that are not exported yet.
const PATIENCE: Duration = Duration::from_secs(3);

/// The export of spans, while the process lives.
pub struct Telemetry(SdkTracerProvider);

/// Begins to export spans when the environment says where to. What is wrong with that is said, and
/// nothing else depends on it. Must be called within the runtime. `listener` is our own address,
/// `mask` hides in spans what it hides in the log.
pub fn start(
    loaded: &Loaded,
    listener: Option<SocketAddr>,
    mask: &LogMask,
) -> (Option<Telemetry>, Tracing) {
    let Read {
        variables,
        warnings,
    } = variables::read(&Environment::of_process());
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let Some(variables) = variables else {
        return (None, Tracing::default());
    };
    let endpoint = variables.endpoint.origin().ascii_serialization();
    match provider(variables, loaded, listener) {
        Ok(provider) => {
            tracing::info!(endpoint, "Exporting spans.");
            let scope = InstrumentationScope::builder("crosspoint")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build();
            let tracer = Exported::new(provider.tracer_with_scope(scope), mask.clone());
            let tracing = Tracing::to(Arc::new(tracer));
            (Some(Telemetry(provider)), tracing)
        }
        Err(error) => {
            tracing::warn!(endpoint, "No spans are exported: {error:#}");
            (None, Tracing::default())
        }
    }
}

fn provider(
    variables: Variables,
    loaded: &Loaded,
    listener: Option<SocketAddr>,
) -> Result<SdkTracerProvider> {
    let losses = Arc::new(Losses::new(&variables));
    let http = http(&variables, loaded, listener)?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new(http, variables.timeout, losses.clone()))
        .with_protocol(variables.protocol)
        .with_endpoint(variables.endpoint.as_str())
        .with_timeout(variables.timeout);
    let exporter = match variables.compression {
        Some(compression) => exporter.with_compression(compression),
        None => exporter,
    };
    let exporter = Told::new(exporter.build()?, losses.clone());
    // Those of the others that are variables are read by the SDK.
    let batches = BatchConfigBuilder::default().with_max_queue_size(variables.queue);
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build());
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Waiting::new(processor.build(), losses))
        .with_sampler(variables.sampler.clone())
        .with_resource(resource(&variables));
    Ok(provider.build())
}

/// The collector is named by whoever runs this process, so that the rules for connectors do not
/// count; it is reached as everything else is.
fn http(variables: &Variables, loaded: &Loaded, listener: Option<SocketAddr>) -> Result<Http> {
    let authorities = match &variables.ca_file {
        Some(file) => {
            let mut files = loaded.config.egress.ca_files.clone();
            files.push(file.clone());
            Authorities::of(files)
        }
        None => loaded.authorities.clone(),
    };
    Http::new(crosspoint_net::Settings {
        egress: Rules::default(),
        authorities,
        proxies: Proxies::from_env()?,
        listener,
        ..crosspoint_net::Settings::default()
    })
    .context("setting up the client")
}

/// What the spans say of this process, beside `OTEL_RESOURCE_ATTRIBUTES`.
fn resource(variables: &Variables) -> Resource {
    let mut resource = Resource::builder();
    if let Some(service) = &variables.service {
        resource = resource.with_service_name(service.clone());
    }
    if !variables.has_version {
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        resource = resource.with_attribute(version);
    }
    if !variables.has_instance {
        let instance = CallId::generate().to_string();
        resource = resource.with_attribute(KeyValue::new("service.instance.id", instance));
    }
    resource.build()
}

// === impl Telemetry ===

impl Telemetry {
    /// Exports what is left, for as long as that may take. No spans follow.
    pub async fn end(self) {
        let provider = self.0.clone();
        let end = move || provider.shutdown_with_timeout(PATIENCE);
        if let Ok(Err(_)) = tokio::task::spawn_blocking(end).await {
            tracing::warn!("Stopped before all spans were exported.");
        }
    }
}

/// Of a process that ends at once: without this the last reference would wait for the exporter.
impl Drop for Telemetry {
    fn drop(&mut self) {
        let _ = self.0.shutdown_with_timeout(Duration::ZERO);
    }
}
