//! `/api/v1/secrets`: secrets are written and removed. No value ever comes out.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use crosspoint_broker::cabinet::{Drawer, Expected};
use crosspoint_broker::ledger::time_json;
use crosspoint_broker::profiles::is_secret_name;
use http::request::Parts;
use serde_json::{Value, json};

use super::audit::{for_all, record};
use super::call::read;
use super::profiles::cabinet;
use super::{Problem, change};
use crate::request::Seen;
use crate::router::Shared;

type Named = Result<Path<String>, PathRejection>;

/// The names of all secrets.
pub(crate) async fn secrets(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
) -> Response {
    let listed = async {
        for_all(&seen)?;
        let items = cabinet(&shared)?.list(Drawer::Secret).await?;
        let shown = items
            .iter()
            .map(|item| json!({"name": item.id, "changed": time_json(item.changed)}));
        Ok::<Value, Problem>(shown.collect())
    };
    super::shown(listed.await)
}

/// Makes or replaces a secret.
pub(crate) async fn set(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Named,
    request: Request,
) -> Response {
    let (Parts { headers, .. }, body) = request.into_parts();
    let done = async {
        let name = named(&seen, path)?;
        let body = read(&headers, body, shared.max_body).await?;
        let value = change::of_secret(body)?;
        let put = cabinet(&shared)?.put(Drawer::Secret, &name, value.into(), None, Expected::Any);
        put.await?;
        record(&shared, &seen, "secret.set", &name, None).await;
        shared.broker.refresh_connections().await?;
        Ok::<_, Problem>(())
    };
    super::done(done.await)
}

/// Removes a secret. Profiles that refer to it cannot be used from then on.
pub(crate) async fn remove(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Named,
) -> Response {
    let done = async {
        let name = named(&seen, path)?;
        if !cabinet(&shared)?.remove(Drawer::Secret, &name).await? {
            return Err(Problem::no_such(format!("there is no secret {name}")));
        }
        record(&shared, &seen, "secret.remove", &name, None).await;
        shared.broker.refresh_connections().await?;
        Ok(())
    };
    super::done(done.await)
}

fn named(seen: &Seen, path: Named) -> Result<String, Problem> {
    for_all(seen)?;
    let name = path.ok().map(|Path(name)| name);
    // It may be the secret itself, sent by mistake: it is not repeated.
    let name = name.filter(|name| is_secret_name(name));
    name.ok_or_else(|| {
        Problem::no_such("the name of a secret has 1 to 128 letters, digits, '_', '-' and '.'")
    })
}
