//! What the variables mean, and what is said of those that mean nothing.

use super::*;

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

fn with(variables: &[(&str, &str)]) -> Read {
    read(&variables.iter().copied().collect())
}

/// The same beside an endpoint.
fn beside(name: &str, value: &str) -> Read {
    with(&[ENDPOINT, (name, value)])
}

fn wrong(name: &str, value: &str) -> Option<Variables> {
    let read = beside(name, value);
    let [warning] = &read.warnings[..] else {
        panic!("{name}={value}: {:?}", read.warnings);
    };
    assert!(warning.starts_with(name), "{warning}");
    read.variables
}

#[test]
fn nothing_is_exported_unless_there_is_an_endpoint_and_nothing_against_it() {
    for variables in [
        &[][..],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")],
        &[("OTEL_SERVICE_NAME", "x"), ("OTEL_TRACES_EXPORTER", "otlp")],
        &[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")],
        &[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")],
        &[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m"),
            ("OTEL_SDK_DISABLED", "true"),
        ],
    ] {
        let read = with(variables);
        assert!(read.variables.is_none(), "{variables:?}");
        assert_eq!(read.warnings, [""; 0], "{variables:?}");
    }
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "1"),
        ("OTEL_TRACES_EXPORTER", "console, otlp"),
    ] {
        assert!(beside(name, value).variables.is_some(), "{name}");
    }
}

#[test]
fn the_endpoint_of_traces_is_called_as_it_is_and_the_other_below() {
    let url = |variables: &[(&str, &str)]| with(variables).variables.unwrap().endpoint;
    let traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    assert_eq!(url(&[ENDPOINT]).as_str(), "http://collector:4318/v1/traces");
    let below = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/tenant/");
    assert_eq!(url(&[below]).as_str(), "https://c/tenant/v1/traces");
    let both = [ENDPOINT, (traces, "http://other/x")];
    assert_eq!(url(&both).as_str(), "http://other/x");
    for odd in [
        "collector:4318",
        "unix:/x",
        "grpc://c",
        "nonsense",
        "http://",
    ] {
        assert!(wrong("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", odd).is_none());
    }
}

#[test]
fn a_protocol_that_is_not_spoken_is_refused_and_said() {
    for name in [
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    ] {
        assert!(wrong(name, "grpc").is_none());
        let json = beside(name, "http/json").variables.unwrap();
        assert_eq!(json.protocol, Protocol::HttpJson);
    }
    assert!(wrong("OTEL_TRACES_EXPORTER", "zipkin").is_none());
}

#[test]
fn what_cannot_be_used_is_said_and_passed_over() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd"),
        ("OTEL_TRACES_SAMPLER", "xray"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
    ] {
        let variables = wrong(name, value).unwrap();
        assert_eq!((variables.timeout, variables.queue), (TIMEOUT, QUEUE));
        assert!(variables.compression.is_none());
    }
    for ratio in ["2", "-1", "nan", "half"] {
        let sampler = ("OTEL_TRACES_SAMPLER", "traceidratio");
        let read = with(&[ENDPOINT, sampler, ("OTEL_TRACES_SAMPLER_ARG", ratio)]);
        assert_eq!(read.warnings.len(), 1, "{ratio}");
    }
}

#[test]
fn a_service_is_called_crosspoint_unless_it_has_a_name() {
    let service = |name, value| beside(name, value).variables.unwrap().service;
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(service("OTEL_SERVICE_NAME", ""), name("crosspoint"));
    assert_eq!(service("OTEL_SERVICE_NAME", "mine"), name("mine"));
    let attributes = "OTEL_RESOURCE_ATTRIBUTES";
    assert_eq!(service(attributes, "a=b, service.name=theirs"), None);
    assert_eq!(service(attributes, "a=b"), name("crosspoint"));
}

#[test]
fn credentials_of_the_collector_are_secrets() {
    let env = [
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20t0k%2Fen, x-tenant=blue",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:pass%3Aword@c"),
    ];
    let secrets = secrets(&env.into_iter().collect());
    for secret in [
        "Bearer t0k/en",
        "t0k/en",
        "Bearer%20t0k%2Fen",
        "blue",
        "pass:word",
    ] {
        assert!(secrets.iter().any(|s| s == secret), "{secret} {secrets:?}");
    }
}
