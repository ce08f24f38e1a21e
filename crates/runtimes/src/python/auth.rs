//! Asking a connector's code how to authorise by one of its auths.

use std::sync::Arc;

use crosspoint_core::{Context, Failure, Json, Kind};

use super::ask::ask;
use super::pool::Pool;
use super::wire::{DescribeAuth, Described};

/// What the class says, with the values of the profile of `cx` in its `config`.
pub(super) async fn describe(
    pool: &Arc<Pool>,
    auth: &str,
    arguments: Json,
    cx: &Context,
) -> Result<Json, Failure> {
    let asked = DescribeAuth {
        call: &cx.call_id.to_string(),
        connector: &pool.source().name,
        auth,
        arguments: &arguments,
        config: cx.profile.values(),
    };
    let what = format!("describe {auth}");
    let result = ask(pool, "describe_auth", &asked, &what, cx).await?;
    let described = serde_json::from_slice::<Described>(&result);
    described.map(|d| d.description).map_err(|error| {
        let message = format!("what {auth} says of itself cannot be used: {error}");
        Failure::new(Kind::Crashed, "worker_failed", message)
    })
}
