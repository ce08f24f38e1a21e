//! `/api/v1/secrets`: secrets are written and removed. No value ever comes out.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use crosspoint_broker::cabinet::{Cabinet, Drawer, Expected};
use crosspoint_broker::ledger::time_json;
use crosspoint_broker::oauth::Grants;
use crosspoint_broker::profiles::{self, NotADefinition, Uses, is_secret_name};
use http::Uri;
use http::request::Parts;
use serde_json::{Value, json};

use super::audit::{for_all, record};
use super::call::read;
use super::profiles::cabinet;
use super::{Problem, change, query};
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

/// Removes a secret that nobody names, or that is to go all the same: profiles that refer to it cannot
/// be used from then on.
pub(crate) async fn remove(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Named,
    uri: Uri,
) -> Response {
    let done = async {
        let name = named(&seen, path)?;
        let force = query::force(uri.query())?;
        let cabinet = cabinet(&shared)?;
        let none = || Problem::no_such(format!("there is no secret {name}"));
        let users = users(&shared, cabinet, &name).await?.join(", ");
        if !users.is_empty() && !force {
            return Err(match cabinet.get(Drawer::Secret, &name).await {
                Ok(None) => none(),
                _ => Problem::in_use(format!(
                    "secret {name} is named by {users}; nothing was changed. Take it out there first, \
                     or remove it all the same with ?force=true"
                )),
            });
        }
        if !cabinet.remove(Drawer::Secret, &name).await? {
            return Err(none());
        }
        let detail = (!users.is_empty()).then(|| format!("still named by {users}"));
        record(&shared, &seen, "secret.remove", &name, detail.as_deref()).await;
        shared.broker.refresh_connections().await?;
        Ok(())
    };
    super::done(done.await)
}

/// Who names a secret: profiles of the store and of the file, auths, and settings.
async fn users(
    shared: &Shared,
    cabinet: &dyn Cabinet,
    secret: &str,
) -> Result<Vec<String>, Problem> {
    let (kept, unreadable) = profiles::all(cabinet).await?;
    let file = shared.broker.connections().in_file();
    let auths = shared.broker.grants().map(Grants::configured);
    let auths = auths.unwrap_or_default();
    let auths = auths.iter().map(|auth| &**auth);
    let mut users = Uses::among(kept.iter().chain(&file), auths, &shared.references).of(secret);
    // Nobody can tell what such a one names.
    let unreadable = unreadable.iter();
    users.extend(unreadable.map(|NotADefinition(id)| format!("profile {id}, as far as is known")));
    Ok(users)
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
