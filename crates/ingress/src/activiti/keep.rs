//! Answers that nobody takes at the moment: they wait in the ledger, and hold no request.

use bytes::Bytes;
use crosspoint_broker::carried_to;
use crosspoint_broker::ledger::{
    About, End, Ending, NewRow, State, Store, StoreError, Wait, seal_result,
};
use crosspoint_core::{Body, CallId, Ingress, Outcome};
use serde_json::json;

use super::answer::{Answer, Verdict};
use super::served::Served;

/// The names of the headers, and what is kept beside them.
const TARGET_APP: &str = "targetAppName";
const TARGET_SERVICE: &str = "targetService";
const VERDICT: &str = "verdict";

/// Keeps an answer in a row of its own, as a result that is due: it is published from there, also by
/// the next process. Gives the row's id. `id`: what the engine knows the request by.
pub(crate) async fn keep(
    store: &dyn Store,
    served: &Served,
    id: Option<&str>,
    answer: &Answer,
) -> Result<String, StoreError> {
    let call = CallId::generate();
    let command = &served.bound.command;
    let arguments = json!({"answer": answer.verdict.name(), "to": answer.destination,
                           "queue": served.queue});
    let row = NewRow {
        id: call.to_string(),
        key: None,
        about: About {
            ingress: Ingress::Activiti.name().to_owned(),
            caller: answer.target_service.clone(),
            request_id: id.map_or_else(|| call.to_string(), str::to_owned),
            connector: command.connector.to_string(),
            command: command.command.to_string(),
            created: call.milliseconds(),
            arguments: Some(arguments.to_string()),
            callback: Some(carried_to(&answer.destination)),
            ..About::default()
        },
        // Should the process end before the row is whole: it is none that could run again.
        state: State::Accepted,
        replay: None,
    };
    // One write for both.
    store.begin(row, Wait::No).await?;
    let end = End {
        id: call.to_string(),
        state: State::Finished,
        ending: Ending {
            ended: call.milliseconds(),
            result_bytes: answer.body.len() as u64,
            ..Ending::default()
        },
        result: Some(seal_result(&Ok(message(answer)))),
    };
    store.end(end, Wait::Committed).await?;
    Ok(call.to_string())
}

fn message(answer: &Answer) -> Outcome {
    let body = Body::Bytes(Bytes::from(answer.body.clone()));
    let mut message = Outcome::new(body, "application/json");
    let texts = [
        (TARGET_APP, answer.target_app.as_deref()),
        (TARGET_SERVICE, answer.target_service.as_deref()),
        (VERDICT, Some(answer.verdict.name())),
    ];
    let texts = texts.into_iter();
    message.headers = texts
        .filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())))
        .collect();
    message
}

/// The answer that was kept.
pub(crate) fn kept(destination: &str, message: Outcome) -> Answer {
    let text = |wanted: &str| {
        let mut headers = message.headers.iter();
        let found = headers.find(|(name, _)| name == wanted);
        found.map(|(_, text)| text.clone())
    };
    let verdict = text(VERDICT);
    let known = [Verdict::Result, Verdict::BpmnError];
    let verdict = known
        .into_iter()
        .find(|v| verdict.as_deref() == Some(v.name()));
    Answer {
        destination: destination.to_owned(),
        target_app: text(TARGET_APP),
        target_service: text(TARGET_SERVICE),
        verdict: verdict.unwrap_or(Verdict::TechnicalError),
        body: message.body.as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was_kept() {
        for verdict in [Verdict::Result, Verdict::BpmnError, Verdict::TechnicalError] {
            for target in [None, Some("rb".to_owned())] {
                let answer = Answer {
                    destination: "integrationResult_rb".to_owned(),
                    body: b"{\"a\": 1}".to_vec(),
                    target_app: target.clone(),
                    target_service: target,
                    verdict,
                };
                assert_eq!(kept(&answer.destination, message(&answer)), answer);
            }
        }
    }
}
