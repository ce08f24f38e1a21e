//! Routes for those who operate the process.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::HeaderValue;
use serde_json::json;

use crate::answer;
use crate::router::Shared;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The content type of OpenMetrics, which Prometheus asks for first.
const METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// A line that says what this is.
pub(crate) async fn root() -> Response {
    let line = concat!(
        "This is Crosspoint ",
        env!("CARGO_PKG_VERSION"),
        ", a connector proxy. Its commands: /docs to read, /v1/commands for engines.\n"
    );
    answer::bytes(StatusCode::OK, TEXT, line)
}

/// The process answers.
pub(crate) async fn alive() -> Response {
    answer::json(StatusCode::OK, &json!({"ok": true}))
}

/// Every mount and the connection to Activiti's message broker have finished their first attempt;
/// what failed is in the detail.
pub(crate) async fn ready(State(shared): State<Shared>) -> Response {
    let mut health = shared.broker.health();
    health.problems.append(&mut health.misplaced);
    health.problems.append(&mut health.profiles);
    if let Some(activiti) = &shared.activiti {
        health.ready &= activiti.is_ready();
        health.problems.extend(activiti.problems());
    }
    let status = if health.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    answer::json(
        status,
        &json!({"ready": health.ready, "problems": health.problems}),
    )
}

/// For Prometheus.
pub(crate) async fn metrics(State(shared): State<Shared>) -> Response {
    answer::bytes(StatusCode::OK, METRICS, shared.broker.metrics())
}
