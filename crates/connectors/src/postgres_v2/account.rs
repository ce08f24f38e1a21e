//! The account of a profile, and whether its database lets us in.

use crosspoint_core::{Context, Failure, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::timeout_at;

use super::dsn::Dsn;
use super::{Connector, fault};

/// What a profile may hold.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Account {
    /// Where the database is: `host=… dbname=… user=… password=…` or `postgres://…`.
    database_connection_str: Option<Secret<String>>,
}

/// Connects, and asks for nothing.
pub(super) async fn check(postgres: &Connector, cx: &Context) -> Result<(), Failure> {
    let account: Account = cx.profile.read()?;
    let dsn = account.database_connection_str.ok_or_else(|| {
        let name = cx.profile.name.as_deref().unwrap_or("of the environment");
        let message = format!("profile {name}: field 'database_connection_str' has no value");
        Failure::profile("profile_incomplete", message)
    })?;
    let parsed = Dsn::parse(dsn.expose()).map_err(fault::dsn)?;
    if let Some(Ok(password)) = parsed.config.get_password().map(std::str::from_utf8) {
        cx.protect(password);
    }
    let asking = async {
        let pool = &postgres.pool;
        let mut lease = pool.lease(dsn.expose(), &parsed, cx.deadline).await?;
        let asked = lease.session().client.simple_query("SELECT 1").await;
        asked.map_err(|error| fault::plain(&error))?;
        lease.give_back();
        Ok(())
    };
    tokio::select! {
        done = timeout_at(cx.deadline, asking) => {
            let late = |_| Err(fault::connecting("the database did not answer in time", None));
            done.unwrap_or_else(late)
        }
        () = cx.cancelled.cancelled() => Err(fault::connecting("the caller went away", None)),
    }
}
