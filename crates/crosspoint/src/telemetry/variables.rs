//! The standard variables that say whether and where spans are exported.
//!
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/> and
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>. The SDK reads some of them by
//! itself, and is silent about what it cannot use; here that is said.

use std::path::PathBuf;
use std::time::Duration;

use crosspoint_core::shorten;
use opentelemetry_otlp::{Compression, Protocol};
use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::Environment;

/// How long one batch may take, with everything that is tried again.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many spans wait to be exported.
const QUEUE: usize = 2048;

/// How spans are exported.
#[derive(Debug)]
pub struct Variables {
    /// Where to, as it is called.
    pub endpoint: Url,
    /// In which spelling.
    pub protocol: Protocol,
    /// How requests are compressed.
    pub compression: Option<Compression>,
    /// How long one batch may take.
    pub timeout: Duration,
    /// Which traces are exported.
    pub sampler: Sampler,
    /// How many spans may wait.
    pub queue: usize,
    /// The name of the service, where it is not in the resource's attributes.
    pub service: Option<String>,
    /// Whether a name or a version of the service is in the resource's attributes.
    pub has_version: bool,
    /// The same for what tells one replica from another.
    pub has_instance: bool,
    /// A file of authorities that are trusted besides the others.
    pub ca_file: Option<PathBuf>,
}

/// What the variables say, and what is wrong with them: one sentence each.
#[derive(Debug)]
pub struct Read {
    /// None: nothing is exported.
    pub variables: Option<Variables>,
    /// What is passed over.
    pub warnings: Vec<String>,
}

/// Reads variables: an empty one is like none.
struct Reader<'e> {
    env: &'e Environment,
    warnings: Vec<String>,
}

/// What the variables say. Off unless there is an endpoint.
pub fn read(env: &Environment) -> Read {
    let mut reader = Reader {
        env,
        warnings: Vec::new(),
    };
    let variables = reader.variables();
    Read {
        variables,
        warnings: reader.warnings,
    }
}

/// What in the variables must not be shown: values of headers, and a password in the endpoint.
pub fn secrets(env: &Environment) -> Vec<String> {
    let reader = Reader {
        env,
        warnings: Vec::new(),
    };
    let mut secrets = Vec::new();
    for name in ["TRACES_HEADERS", "HEADERS"] {
        let headers = reader.get(&format!("OTEL_EXPORTER_OTLP_{name}"));
        for header in headers.unwrap_or_default().split(',') {
            let (_, value) = header.split_once('=').unwrap_or_default();
            let decoded = percent_decode_str(value.trim()).decode_utf8_lossy();
            secrets.push(value.trim().to_owned());
            // `Bearer TOKEN`: the token alone is as secret.
            secrets.extend(decoded.split_whitespace().last().map(str::to_owned));
            secrets.push(decoded.into_owned());
        }
    }
    for name in ["TRACES_ENDPOINT", "ENDPOINT"] {
        let endpoint = reader.get(&format!("OTEL_EXPORTER_OTLP_{name}"));
        let url = endpoint.and_then(|endpoint| Url::parse(endpoint).ok());
        if let Some(password) = url.as_ref().and_then(Url::password) {
            secrets.push(percent_decode_str(password).decode_utf8_lossy().into());
        }
    }
    // What is only a word is none of anybody's secrets, and would withhold every text.
    secrets.retain(|secret| secret.chars().count() >= 4);
    secrets
}

// === impl Reader ===

impl<'e> Reader<'e> {
    fn get(&self, name: &str) -> Option<&'e str> {
        let value = self.env.valid(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// A variable of the exporter: that for traces goes before that for everything.
    fn exporter(&self, name: &str) -> Option<(String, &'e str)> {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"];
        let mut names = names.map(|prefix| format!("{prefix}{name}")).into_iter();
        names.find_map(|name| self.get(&name).map(|value| (name.clone(), value)))
    }

    fn warn(&mut self, name: &str, value: &str, help: &str) {
        let value = shorten(value);
        self.warnings.push(format!("{name} is `{value}`: {help}"));
    }

    fn variables(&mut self) -> Option<Variables> {
        let (name, text) = self.exporter("ENDPOINT")?;
        if self.is_switched_off() {
            return None;
        }
        let Some(endpoint) = endpoint(&name, text) else {
            // The value may have a password in it.
            let help = "is not a URL such as http://localhost:4318; no spans are exported";
            self.warnings.push(format!("{name} {help}"));
            return None;
        };
        let protocol = self.protocol()?;
        let attributes = self.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        let attribute = |key: &str| {
            let mut pairs = attributes
                .split(',')
                .filter_map(|pair| pair.split_once('='));
            pairs.any(|(name, value)| name.trim() == key && !value.trim().is_empty())
        };
        let named = || attribute("service.name");
        Some(Variables {
            endpoint,
            protocol,
            compression: self.compression(),
            timeout: self.milliseconds("TIMEOUT").unwrap_or(TIMEOUT),
            sampler: self.sampler(),
            queue: self.queue(),
            service: match self.get("OTEL_SERVICE_NAME") {
                Some(name) => Some(name.to_owned()),
                None => (!named()).then(|| "crosspoint".to_owned()),
            },
            has_version: attribute("service.version"),
            has_instance: attribute("service.instance.id"),
            ca_file: self.exporter("CERTIFICATE").map(|(_, path)| path.into()),
        })
    }

    fn is_switched_off(&mut self) -> bool {
        let disabled = self.get("OTEL_SDK_DISABLED").unwrap_or_default();
        if disabled.eq_ignore_ascii_case("true") {
            return true;
        }
        let name = "OTEL_TRACES_EXPORTER";
        let exporters = self.get(name).unwrap_or("otlp");
        let mut exporters = exporters.split(',').map(str::trim);
        if exporters.clone().any(|exporter| exporter == "otlp") {
            return false;
        }
        if let Some(other) = exporters.find(|exporter| *exporter != "none") {
            let help = "Crosspoint exports by `otlp` only; no spans are exported";
            self.warn(name, other, help);
        }
        true
    }

    fn protocol(&mut self) -> Option<Protocol> {
        match self.exporter("PROTOCOL") {
            None | Some((_, "http/protobuf")) => Some(Protocol::HttpBinary),
            Some((_, "http/json")) => Some(Protocol::HttpJson),
            Some((name, other)) => {
                let help = "Crosspoint exports by `http/protobuf` (to a collector usually at port \
                            4318) or `http/json` only; no spans are exported";
                self.warn(&name, other, help);
                None
            }
        }
    }

    fn compression(&mut self) -> Option<Compression> {
        match self.exporter("COMPRESSION")? {
            (_, "none") => None,
            (_, "gzip") => Some(Compression::Gzip),
            (name, other) => {
                let help = "Crosspoint knows `gzip` and `none`; requests are not compressed";
                self.warn(&name, other, help);
                None
            }
        }
    }

    fn milliseconds(&mut self, name: &str) -> Option<Duration> {
        let (name, text) = self.exporter(name)?;
        match text.parse() {
            Ok(milliseconds @ 1..=600_000) => Some(Duration::from_millis(milliseconds)),
            _ => {
                let help = "write milliseconds, from 1 to 600000; the default counts";
                self.warn(&name, text, help);
                None
            }
        }
    }

    fn queue(&mut self) -> usize {
        let name = "OTEL_BSP_MAX_QUEUE_SIZE";
        let Some(text) = self.get(name) else {
            return QUEUE;
        };
        match text.parse() {
            Ok(queue @ 1..=1_000_000) => queue,
            _ => {
                let help = "write a number from 1 to 1000000; the default, 2048, counts";
                self.warn(name, text, help);
                QUEUE
            }
        }
    }

    fn sampler(&mut self) -> Sampler {
        let name = "OTEL_TRACES_SAMPLER";
        let by_parent = |root| Sampler::ParentBased(Box::new(root));
        match self.get(name) {
            None | Some("parentbased_always_on") => by_parent(Sampler::AlwaysOn),
            Some("parentbased_always_off") => by_parent(Sampler::AlwaysOff),
            Some("parentbased_traceidratio") => by_parent(self.ratio()),
            Some("always_on") => Sampler::AlwaysOn,
            Some("always_off") => Sampler::AlwaysOff,
            Some("traceidratio") => self.ratio(),
            Some(other) => {
                let help = "Crosspoint knows always_on, always_off, traceidratio and each of them \
                            after `parentbased_`; parentbased_always_on counts";
                self.warn(name, other, help);
                by_parent(Sampler::AlwaysOn)
            }
        }
    }

    fn ratio(&mut self) -> Sampler {
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let text = self.get(name).unwrap_or("1");
        match text.parse() {
            Ok(ratio @ 0.0..=1.0) => Sampler::TraceIdRatioBased(ratio),
            _ => {
                self.warn(name, text, "write a number from 0 to 1; 1 counts");
                Sampler::TraceIdRatioBased(1.0)
            }
        }
    }
}

/// The one for traces is called as it is, below the one for everything it is `v1/traces`.
fn endpoint(name: &str, text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    if !name.contains("_TRACES_") {
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Some(url)
}

#[cfg(test)]
#[path = "variables_tests.rs"]
mod tests;
