//! The command and its parameters, in the order of the original package, with ours after them.

use crosspoint_core::{Context, Effect, Execute, Failure, Json, Outcome, Safety, Secret};
use crosspoint_net::Request;
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Connector, answer};

/// Posts a message to a channel.
#[derive(Deserialize, JsonSchema)]
pub(super) struct PostMessage {
    /// The token to use; bots' begin with `xoxb-`.
    token: Secret<String>,
    /// The channel's id, or its name with `#` before it; a user's id for a direct message.
    channel: String,
    /// The text, with Slack's markup. With `blocks` it is what notifications show.
    message: String,
    /// The layout: a list of blocks, or the object that Slack's Block Kit Builder makes.
    blocks: Option<Blocks>,
    /// The `ts` of a message to answer in its thread.
    thread_ts: Option<String>,
}

/// A list, or an object with the list in it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Blocks {
    List(Vec<serde_json::Value>),
    Built { blocks: Vec<serde_json::Value> },
}

/// What Slack gets.
#[derive(Serialize)]
struct Body<'a> {
    channel: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<&'a [serde_json::Value]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<&'a str>,
}

// === impl PostMessage ===

impl Execute<Connector> for PostMessage {
    const NAME: &'static str = "PostMessage";
    const SAFETY: Safety = Safety::Effectful;

    async fn execute(self, slack: &Connector, cx: &Context) -> Result<Outcome, Failure> {
        cx.protect(self.token.expose());
        let request = self.request(slack, cx)?;
        let response = tokio::select! {
            sent = slack.client.send(request) => sent?,
            () = cx.cancelled.cancelled() => return Err(abandoned()),
        };
        cx.log(format!("chat.postMessage: answered {}", response.status));
        answer::of(&response, "the message")
    }
}

impl PostMessage {
    fn request(&self, slack: &Connector, cx: &Context) -> Result<Request, Failure> {
        let body = Body {
            channel: &self.channel,
            text: &self.message,
            blocks: self.blocks.as_ref().map(Blocks::list),
            thread_ts: self.thread_ts.as_deref(),
        };
        let body = Json::of(&body)
            .map_err(|error| Failure::arguments(format!("PostMessage: writing it: {error}")))?;
        let mut request = Request::new(Method::POST, slack.post_message.clone(), cx.deadline);
        request.set_header("authorization", &format!("Bearer {}", self.token.expose()))?;
        request.set_header("content-type", "application/json; charset=utf-8")?;
        request.body = Some(body.bytes());
        // Slack does not redirect this; whoever does must not get the message.
        request.follow = false;
        request.trace = cx.trace.clone();
        Ok(request)
    }
}

impl Blocks {
    fn list(&self) -> &[serde_json::Value] {
        match self {
            Blocks::List(list) | Blocks::Built { blocks: list } => list,
        }
    }
}

impl JsonSchema for Blocks {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Blocks".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["array", "object"]})
    }
}

/// The request may have been under way.
pub(super) fn abandoned() -> Failure {
    Failure::transport("CancelledError", "the caller went away").with_effect(Effect::Maybe)
}
