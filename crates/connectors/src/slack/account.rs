//! The account of a profile, and whether Slack takes it.

use crosspoint_core::{Context, Failure, Secret};
use crosspoint_net::Request;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use super::commands::abandoned;
use super::{Connector, answer};

/// What a profile may hold.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Account {
    /// The token to use; bots' begin with `xoxb-`.
    token: Option<Secret<String>>,
}

/// Asks Slack whose token it is.
pub(super) async fn check(slack: &Connector, cx: &Context) -> Result<(), Failure> {
    let account: Account = cx.profile.read()?;
    let token = account.token.ok_or_else(|| {
        let name = cx.profile.name.as_deref().unwrap_or("of the environment");
        let message = format!("profile {name}: field 'token' has no value");
        Failure::profile("profile_incomplete", message)
    })?;
    let mut request = Request::new(Method::POST, slack.auth_test.clone(), cx.deadline);
    request.set_header("authorization", &format!("Bearer {}", token.expose()))?;
    request.follow = false;
    request.trace = cx.trace.clone();
    let response = tokio::select! {
        sent = slack.client.send(request) => sent?,
        () = cx.cancelled.cancelled() => return Err(abandoned()),
    };
    answer::of(&response, "the token").map(drop)
}
