//! `/api/v1/profiles`: the accounts at the systems behind the connectors. No secret is shown.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use crosspoint_broker::cabinet::Cabinet;
use crosspoint_broker::ledger::time_json;
use crosspoint_broker::oauth::Grants;
use crosspoint_broker::profiles::{
    self, About, CheckResult, Connections, Listed, NotChanged, ProfileId,
};
use crosspoint_core::Connector;
use futures_util::future::join_all;
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::audit::record;
use super::call::read;
use super::{Problem, change};
use crate::request::Seen;
use crate::router::Shared;

type Named = Result<Path<(String, String)>, PathRejection>;

/// All profiles.
pub(crate) async fn profiles(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
) -> Response {
    let connections = shared.broker.connections();
    let mut visible = connections.list();
    visible.retain(|one| seen.sees(&one.definition.id.connector));
    let shown = visible.iter().map(|one| shown(&connections, one));
    crate::answer::json(StatusCode::OK, &join_all(shown).await.into())
}

/// One profile.
pub(crate) async fn profile(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Named,
) -> Response {
    let done = async {
        let id = named(&seen, path)?;
        find(&shared, &id).await
    };
    super::shown(done.await)
}

/// Tries whether the system can be reached and takes a profile, and says how that went.
pub(crate) async fn check(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Named,
) -> Response {
    let done = async {
        let id = named(&seen, path)?;
        find(&shared, &id).await?;
        let checked = shared.broker.check_profile(&id, shared.api_deadline).await;
        // That nothing could be tried is no result.
        checked
            .map(|result| result_of(&result))
            .map_err(|failure| Problem::new(StatusCode::BAD_REQUEST, failure.code, failure.message))
    };
    super::shown(done.await)
}

/// Makes or replaces a profile (PUT), or changes it (PATCH); answers with it as it is then.
pub(crate) async fn set(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Named,
    request: Request,
) -> Response {
    let (
        Parts {
            headers, method, ..
        },
        body,
    ) = request.into_parts();
    let done = async {
        let id = named(&seen, path)?;
        let body = read(&headers, body, shared.max_body).await?;
        let change = change::of_profile(body, method == Method::PUT)?;
        let (connections, cabinet) = (shared.broker.connections(), cabinet(&shared)?);
        let catalogue = shared.broker.catalogue();
        let connector = catalogue.connector(&id.connector);
        if connector.is_none() && shared.broker.health().ready {
            return Err(Problem::no_such(format!(
                "there is no connector {}",
                id.connector
            )));
        }
        let file = connections.in_file();
        // What is kept would not count.
        if file.iter().any(|definition| definition.id == id) {
            return Err(NotChanged::InFile(id).into());
        }
        let about = About {
            fields: connector.map(|connector| &connector.manifest().fields),
            auths: connector.map(|connector| auths(&shared, &id, connector)),
            file: &file,
        };
        let kept = profiles::keep(cabinet, &about, &id, change).await?;
        let what = if kept.is_new { "new" } else { "changed" };
        record(&shared, &seen, "profile.set", &id.to_string(), Some(what)).await;
        shared.broker.refresh_connections().await?;
        find(&shared, &id).await
    };
    super::shown(done.await)
}

/// The names of the auths of a connector: its own, and those that are configured for it.
fn auths(shared: &Shared, id: &ProfileId, connector: &Arc<dyn Connector>) -> Vec<String> {
    let own = connector.manifest().auths.iter();
    let configured = shared.broker.grants().map(Grants::configured);
    let configured = configured.unwrap_or_default();
    let configured = configured
        .iter()
        .filter(|auth| auth.id.connector == id.connector);
    let names = configured.map(|auth| auth.id.auth.to_string());
    own.map(|auth| auth.name.clone()).chain(names).collect()
}

/// Removes a profile.
pub(crate) async fn remove(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Named,
) -> Response {
    let done = async {
        let id = named(&seen, path)?;
        let file = shared.broker.connections().in_file();
        profiles::remove(cabinet(&shared)?, &file, &id).await?;
        record(&shared, &seen, "profile.remove", &id.to_string(), None).await;
        shared.broker.refresh_connections().await?;
        Ok::<_, Problem>(())
    };
    super::done(done.await)
}

/// The profile that a path names, if the caller may do with its connector what is asked.
fn named(seen: &Seen, path: Named) -> Result<ProfileId, Problem> {
    let Ok(Path((connector, name))) = path else {
        return Err(Problem::no_such("the path is not UTF-8 text"));
    };
    if let Some(refusal) = seen.refusal_of(&connector) {
        return Err(Problem::forbidden(refusal));
    }
    let id = format!("{connector}/{name}").parse::<ProfileId>();
    id.map_err(|error| Problem::no_such(error.to_string()))
}

async fn find(shared: &Shared, id: &ProfileId) -> Result<Value, Problem> {
    let connections = shared.broker.connections();
    let all = connections.list();
    match all.iter().find(|one| one.definition.id == *id) {
        Some(found) => Ok(shown(&connections, found).await),
        None => Err(Problem::no_such(format!("there is no profile {id}"))),
    }
}

async fn shown(connections: &Connections, profile: &Listed) -> Value {
    let last = connections.last_check(&profile.definition.id).await;
    let mut shown = profile.definition.shown();
    shown.insert("last_check".into(), last.as_ref().map(result_of).into());
    shown.insert("used_by_default".into(), profile.is_used.into());
    shown.insert("problem".into(), profile.problem.clone().into());
    Value::Object(shown)
}

fn result_of(result: &CheckResult) -> Value {
    let error = result.error.as_ref();
    json!({
        "at": time_json(result.at),
        "milliseconds": result.milliseconds,
        "error": error.map(|error| json!({"code": error.code, "message": error.message})),
    })
}

/// Where profiles and secrets are kept.
pub(super) fn cabinet(shared: &Shared) -> Result<&dyn Cabinet, Problem> {
    let cabinet = &*shared.cabinet;
    // What is lost with the process is not taken.
    match cabinet.is_durable() {
        true => Ok(cabinet),
        false => Err(Problem::no_ledger()),
    }
}

impl From<NotChanged> for Problem {
    fn from(error: NotChanged) -> Problem {
        match error {
            NotChanged::Mistakes(..) => Problem::new(
                StatusCode::BAD_REQUEST,
                "profile_invalid",
                error.to_string(),
            ),
            NotChanged::Missing(_) => Problem::no_such(error.to_string()),
            NotChanged::InFile(_) | NotChanged::Changed(_) | NotChanged::Unreadable(_) => {
                Problem::not_possible(None, error.to_string())
            }
            NotChanged::Store(error) => error.into(),
        }
    }
}
