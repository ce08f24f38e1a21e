//! `POST /api/v1/calls/{id}/settle` and `…/replay`: what people decide about a call.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crosspoint_broker::ledger::{
    self, NoReplay, NotRun, Replay, Row, State as At, settled_failure,
};
use crosspoint_core::{Arguments, Failure, Json, Outcome};
use http::request::Parts;

use super::Problem;
use super::audit::record;
use super::call::read;
use super::invocation::unreadable;
use super::ledger::{again, find, store};
use super::problem::Mistake;
use crate::request::Seen;
use crate::router::Shared;

/// What somebody says of a call that nobody knows of.
#[derive(Debug)]
enum Verdict {
    Ended(Result<Outcome, Failure>),
    RunAgain,
}

// === impl Verdict ===

impl Verdict {
    fn name(&self) -> &'static str {
        match self {
            Verdict::Ended(Ok(_)) => "succeeded",
            Verdict::Ended(Err(_)) => "failed",
            Verdict::RunAgain => "run again",
        }
    }
}

/// Says how a call ended that is unknown, or runs it again; answers with the call as it is then.
pub(crate) async fn settle(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (Parts { headers, .. }, body) = request.into_parts();
    let settled = async {
        let body = read(&headers, body, shared.max_body).await?;
        let verdict = verdict(body)?;
        let row = find(&shared, &seen, path).await?;
        let said = verdict.name();
        decide(&shared, &row, verdict).await?;
        record(&shared, &seen, "ledger.settle", &row.id, Some(said)).await;
        Ok::<_, Problem>(row.id)
    };
    match settled.await {
        Ok(id) => again(&shared, &id).await,
        Err(problem) => problem.into_response(),
    }
}

async fn decide(shared: &Shared, row: &Row, verdict: Verdict) -> Result<(), Problem> {
    if row.state != At::Unknown {
        return Err(not_unknown(row));
    }
    match verdict {
        Verdict::RunAgain => run_again(shared, row).await,
        Verdict::Ended(result) => match ledger::settle(store(shared)?, row, &result).await? {
            true => Ok(()),
            false => Err(changed(row)),
        },
    }
}

/// Delivers the result of a call again, or runs a failed call again and waits for its end; answers
/// with the call as it is then.
pub(crate) async fn replay(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let replayed = async {
        let row = find(&shared, &seen, path).await?;
        match ledger::replay(&row) {
            Ok(Replay::Runs) => run_again(&shared, &row).await?,
            Ok(Replay::Delivers) => {
                if !store(&shared)?.redeliver(&row.id).await? {
                    return Err(changed(&row));
                }
            }
            Err(why) => return Err(not_replayed(&row, why)),
        }
        record(&shared, &seen, "ledger.replay", &row.id, None).await;
        Ok::<_, Problem>(row.id)
    };
    match replayed.await {
        Ok(id) => again(&shared, &id).await,
        Err(problem) => problem.into_response(),
    }
}

/// The failure of the call is in its row.
async fn run_again(shared: &Shared, row: &Row) -> Result<(), Problem> {
    match shared.broker.run_again(&row.id).await {
        Ok(_) => Ok(()),
        Err(NotRun::Store(error)) => Err(error.into()),
        Err(error) => Err(not_possible(row, error.to_string())),
    }
}

fn verdict(body: Bytes) -> Result<Verdict, Problem> {
    let mut members = Arguments::parse(body).map_err(|error| unreadable(&error))?;
    // Also the result of a call that succeeded may be null.
    members.retain(|name, value| name == "body" || value.first() != b'n');
    let mistakes = |name: &str, detail: &str| Problem::mistakes(vec![Mistake::at(&[name], detail)]);
    let ends: Vec<_> = ["succeeded", "failed", "run_again"]
        .into_iter()
        .filter(|name| members.get(name).is_some())
        .collect();
    let [end] = ends[..] else {
        let detail = "exactly one of 'succeeded', 'failed' and 'run_again' must be there";
        return Err(Problem::mistakes(vec![Mistake::at(&[], detail)]));
    };
    let more = match end {
        "succeeded" => Some("body"),
        "failed" => Some("message"),
        _ => None,
    };
    let odd: Vec<_> = members
        .iter()
        .filter(|(name, _)| *name != end && Some(*name) != more)
        .map(|(name, _)| {
            let name = crosspoint_core::shorten(name);
            Mistake::at(
                &[&name],
                format!("'{name}' does not go together with '{end}'"),
            )
        })
        .collect();
    if !odd.is_empty() {
        return Err(Problem::mistakes(odd));
    }
    let text = |name: &str| members.get(name).map(|json| json.as_text());
    match (end, members.get(end).map(Json::as_bytes)) {
        ("failed", _) => {
            let code = text("failed").flatten();
            let message = text("message").unwrap_or(Some(String::new()));
            let (Some(code), Some(message)) = (code, message) else {
                return Err(mistakes("failed", "'failed' and 'message' must be text"));
            };
            let message = Some(&*message).filter(|message| !message.is_empty());
            let failure = settled_failure(&code, message)
                .map_err(|error| mistakes("failed", &error.to_string()))?;
            Ok(Verdict::Ended(Err(failure)))
        }
        ("succeeded", Some(b"true")) => {
            let body = members.remove("body");
            Ok(Verdict::Ended(Ok(outcome(body))))
        }
        (_, Some(b"true")) => Ok(Verdict::RunAgain),
        _ => Err(mistakes(end, &format!("'{end}' must be true"))),
    }
}

fn outcome(body: Option<Json>) -> Outcome {
    Outcome::json(body.unwrap_or_else(Json::empty_object))
}

fn changed(row: &Row) -> Problem {
    let detail = format!(
        "call {} has just been changed by somebody else: look at it again",
        row.id
    );
    not_possible(row, detail)
}

fn not_unknown(row: &Row) -> Problem {
    let detail = format!(
        "call {} is {}: only calls that are unknown are settled",
        row.id, row.state
    );
    not_possible(row, detail)
}

fn not_replayed(row: &Row, why: NoReplay) -> Problem {
    let id = &row.id;
    let detail = match why {
        NoReplay::UnderWay => format!("call {id} is under way"),
        NoReplay::BeingDelivered => {
            format!("call {id} has its result, which is being delivered")
        }
        NoReplay::Unknown => {
            format!("nobody knows whether call {id} has happened: find out, and settle it")
        }
        NoReplay::NotKept => format!(
            "call {id} cannot run again: its arguments were not kept; send the request again instead"
        ),
        NoReplay::Done => format!(
            "call {id} is {} and is not repeated: send the request again, with another key if it \
             has one",
            row.state
        ),
    };
    not_possible(row, detail)
}

fn not_possible(row: &Row, detail: String) -> Problem {
    Problem::not_possible(row.id.parse().ok(), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Result<Verdict, Problem> {
        verdict(Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn what_was_said_is_the_result() {
        for (body, wanted) in [
            (r#"{"succeeded": true}"#, "{}"),
            (
                r#"{"succeeded": true, "body": {"n": 1.50}}"#,
                r#"{"n": 1.50}"#,
            ),
            (
                r#"{"succeeded": true, "body": null, "failed": null}"#,
                "null",
            ),
        ] {
            let Verdict::Ended(Ok(outcome)) = read(body).unwrap() else {
                panic!("{body}");
            };
            assert_eq!(outcome.body.as_bytes(), wanted.as_bytes());
        }
        let failed = read(r#"{"failed": "NotPaid", "message": "no money"}"#).unwrap();
        let Verdict::Ended(Err(failure)) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(failure.to_string(), "NotPaid: no money");
        assert!(matches!(
            read(r#"{"run_again": true}"#),
            Ok(Verdict::RunAgain)
        ));
    }

    #[test]
    fn exactly_one_end_is_said_and_nothing_else() {
        for body in [
            "{}",
            "[]",
            r#"{"succeeded": false}"#,
            r#"{"succeeded": true, "run_again": true}"#,
            r#"{"failed": "E", "body": 1}"#,
            r#"{"failed": ""}"#,
            r#"{"failed": 5}"#,
            r#"{"failed": "E", "message": 5}"#,
            r#"{"run_again": 1}"#,
            r#"{"run_again": true, "odd": 1}"#,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
