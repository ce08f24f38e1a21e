//! Auths that only the code of a connector knows.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crosspoint_core::{CallId, Connector, Context, Failure, Json, Kind, Profile};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::grants::Describe;
use super::settings::AuthId;
use crate::inner::Inner;
use crate::profiles::{ProfileId, Wanted};

/// How long a connector may take to describe an auth, its start included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the connectors of a broker.
pub(crate) struct Described(pub(crate) Weak<Inner>);

impl Describe for Described {
    fn describe<'a>(
        &'a self,
        id: &'a AuthId,
        profile: Option<&'a ProfileId>,
    ) -> BoxFuture<'a, Result<Option<Json>, Failure>> {
        Box::pin(async move {
            let Some(inner) = self.0.upgrade() else {
                return Ok(None);
            };
            let catalogue = inner.catalogue();
            let Some(connector) = catalogue.connector(&id.connector) else {
                return Ok(None);
            };
            let auths = &connector.manifest().auths;
            if !auths.iter().any(|auth| *auth.name == *id.auth) {
                return Ok(None);
            }
            let deadline = Instant::now() + PATIENCE;
            let cx = Context::new(CallId::generate(), deadline, inner.mask());
            let values = values(&inner, connector, id, profile).await?;
            let cx = cx.with_profile(values);
            // Those of its parameters that the profile has; SpiffArena's auths take none.
            let known = auths.iter().filter(|auth| *auth.name == *id.auth);
            let known = known
                .flat_map(|auth| &auth.parameters)
                .filter_map(|parameter| {
                    let value = cx.profile.get(&parameter.name)?;
                    Some((parameter.name.clone(), value.clone()))
                });
            let arguments = Value::Object(known.collect());
            let arguments = Json::of(&arguments).unwrap_or_else(|_| Json::empty_object());
            let Some(describing) = connector.describe_auth(&id.auth, arguments, &cx) else {
                return Ok(None);
            };
            match timeout_at(deadline, describing).await {
                Ok(described) => described.map(Some).map_err(|failure| Failure {
                    message: cx.masked(failure.message),
                    ..failure
                }),
                Err(_) => {
                    let message = format!("describing the auth {id} took too long");
                    Err(Failure::new(Kind::Raised, "auth_not_described", message))
                }
            }
        })
    }
}

/// The values of the profile that is to be authorised, else of the connector's default one. What a call
/// would need beside is not asked for.
async fn values(
    inner: &Inner,
    connector: &Arc<dyn Connector>,
    id: &AuthId,
    profile: Option<&ProfileId>,
) -> Result<Arc<Profile>, Failure> {
    let held = inner
        .connections()
        .known(&id.connector, &connector.manifest().fields);
    let named = profile.map(|profile| &*profile.name);
    let choice = held.choose(Wanted::named(named), &|_| true)?;
    choice.without_token().await
}
