//! What Slack's answers mean.

use std::time::Duration;

use crosspoint_core::{Effect, Failure, Json, Outcome};
use crosspoint_net::Response;
use http::header::RETRY_AFTER;
use serde::Deserialize;

/// The code of every answer that is not a success.
const CODE: &str = "SlackMessageFailed";

/// How much of Slack's words is quoted, in characters.
const QUOTED: usize = 1000;

/// The parts of an answer that matter here.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    response_metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    messages: Vec<String>,
}

/// The whole answer when Slack took `what`, else a failure with an empty body.
pub(super) fn of(response: &Response, what: &str) -> Result<Outcome, Failure> {
    let json = Json::parse(response.body.clone());
    let answer = json
        .as_ref()
        .ok()
        .and_then(|json| json.read::<Answer>().ok());
    match (json, answer) {
        (Ok(json), Some(Answer { ok: true, .. })) if response.status < 300 => {
            Ok(Outcome::json(json).with_status(response.status.max(200)))
        }
        (_, answer) => Err(failure(response, answer.filter(|answer| !answer.ok), what)),
    }
}

fn failure(response: &Response, answer: Option<Answer>, what: &str) -> Failure {
    let effect = match &answer {
        Some(answer) if !answer.is_vague() && response.status < 500 => Effect::None,
        _ if response.status == 429 => Effect::None,
        // Nobody can tell whether the message is there.
        _ => Effect::Maybe,
    };
    let message = match (answer, response.status) {
        (Some(answer), _) => format!("Slack refused {what}: {}", answer.reason()),
        (None, 429) => "Slack takes no more messages for now".to_owned(),
        (None, status) => format!(
            "the answer, with status {status}, is not Slack's: does base_url name Slack, and does \
             nothing stand between?"
        ),
    };
    // What is no error by its status must be one by ours.
    let status = match response.status {
        status @ 300..=599 => status,
        _ => 400,
    };
    let mut failure = Failure::reported(CODE, message)
        .with_effect(effect)
        .with_outcome(Outcome::empty(status));
    if response.status == 429 {
        failure.retry_after = retry_after(response);
    }
    failure
}

/// A number of seconds.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse::<u32>().ok()?;
    Some(Duration::from_secs(seconds.into()))
}

// === impl Answer ===

impl Answer {
    /// Whether Slack itself does not say that nothing was done.
    fn is_vague(&self) -> bool {
        let error = self.error.as_deref().unwrap_or_default();
        matches!(
            error,
            "" | "fatal_error" | "internal_error" | "request_timeout" | "service_unavailable"
        )
    }

    fn reason(&self) -> String {
        let mut reason = self
            .error
            .clone()
            .unwrap_or_else(|| "no reason given".to_owned());
        let more = self
            .response_metadata
            .as_ref()
            .map(|m| m.messages.join(". "));
        if let Some(more) = more.filter(|more| !more.is_empty()) {
            reason = format!("{reason} ({more})");
        }
        if let Some((end, _)) = reason.char_indices().nth(QUOTED) {
            reason.truncate(end);
            reason.push('…');
        }
        reason
    }
}
