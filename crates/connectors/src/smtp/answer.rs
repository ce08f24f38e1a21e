//! What the command answers, in each generation's way.

use std::borrow::Cow;

use crosspoint_core::{Context, Failure, Json, Outcome, Verbatim};
use serde_json::{Map, Value, json};

use super::Answers;
use super::send::Refused;

/// What it means that the message was sent, or not.
pub(super) fn of(
    sent: Result<Refused, Failure>,
    answers: Answers,
    cx: &Context,
) -> Result<Outcome, Failure> {
    let body = sent.map(|refused| body(&refused));
    match answers {
        Answers::V2 => body.map(Outcome::json),
        Answers::V1 => Ok(first_version(body, cx)),
    }
}

/// Empty, unless some of the recipients were refused.
fn body(refused: &Refused) -> Json {
    let one = |(to, reply): &(String, super::wire::Reply)| {
        let said = json!({"code": reply.code, "message": reply.lines.join(" ")});
        (to.clone(), said)
    };
    let list: Map<String, Value> = refused.iter().map(one).collect();
    match list.is_empty() {
        true => Json::empty_object(),
        false => object(json!({"refused": list})),
    }
}

/// Success in every case. The text of a failure becomes a body, which nobody masks later.
fn first_version(body: Result<Json, Failure>, cx: &Context) -> Outcome {
    let (body, logs) = match body {
        Ok(body) => (body, Vec::new()),
        Err(failure) => match cx.finish(Err(failure)) {
            Ok(outcome) => return outcome,
            Err(failure) => {
                let error = object(json!({"error": failure.to_string()}));
                (error, failure.outcome.map(|o| o.logs).unwrap_or_default())
            }
        },
    };
    let verbatim = Verbatim {
        status: 200,
        mimetype: Cow::Borrowed("application/json"),
        body: body.bytes(),
    };
    let mut outcome = Outcome::json(body);
    outcome.verbatim = Some(verbatim);
    outcome.logs = logs;
    outcome
}

fn object(value: Value) -> Json {
    // A map with text for keys can always be written.
    Json::of(&value).unwrap_or_else(|_| Json::empty_object())
}
