//! What an engine's answer to a delivered result means (SpiffArena's `spiff.md`, "Long-running").

use crosspoint_core::Effect;
use crosspoint_net::{NetError, Response};

use crate::ledger::{Delivery, MAY_HAVE_ARRIVED};

/// What is known of an attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The engine has the result.
    Delivered,
    /// It may take it another time.
    Later(String),
    /// Nobody could ask it: it may take it another time.
    Away(String),
    /// It never will.
    GivenUp(String),
}

/// Judges an answer. `once`: the engine takes a result once. `failed`: the result was a failure.
/// `before`: what is known of the attempts so far.
///
/// SpiffArena accepts a result once, and answers 400 to a second one and to one for a task that
/// does not wait. So a 400 is good news where an attempt before may have arrived, of which nobody
/// heard; and where the result was a failure, which the engine takes and answers with 400 all the
/// same.
pub(crate) fn judge(
    answer: &Result<Response, NetError>,
    once: bool,
    failed: bool,
    before: &Delivery,
) -> Verdict {
    let known_to = before.error.as_deref().unwrap_or_default();
    let earlier = known_to.contains(MAY_HAVE_ARRIVED);
    let (why, may_have_arrived) = match answer {
        Ok(response) => match response.status {
            200..=299 => return Verdict::Delivered,
            400 if once && (failed || earlier) => return Verdict::Delivered,
            400 if once => {
                let why = "the engine answers 400: the task is unknown there, or does not wait";
                return Verdict::GivenUp(why.to_owned());
            }
            // Another address, a credential, a busy engine: somebody may mend it.
            status @ (300..=399 | 401 | 403 | 408 | 409 | 425 | 429) => {
                (format!("the engine answers {status}"), false)
            }
            status @ 400..=499 => return Verdict::GivenUp(format!("the engine answers {status}")),
            // A process that is locked at the moment is a 500, too.
            status => (format!("the engine answers {status}"), true),
        },
        Err(error) => (error.message.clone(), error.effect != Effect::None),
    };
    Verdict::Later(match may_have_arrived || earlier {
        true => format!("{why}; {MAY_HAVE_ARRIVED}"),
        false => why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn answered(status: u16, failed: bool, error: Option<&str>) -> Verdict {
        let response = Response {
            status,
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
            url: "http://h/".parse().unwrap(),
        };
        let before = Delivery {
            error: error.map(str::to_owned),
            ..Delivery::default()
        };
        judge(&Ok(response), true, failed, &before)
    }

    #[test]
    fn statuses_are_judged_by_the_engines_rules() {
        for status in [200, 201, 204] {
            assert_eq!(answered(status, false, None), Verdict::Delivered);
        }
        for status in [302, 307, 401, 403, 408, 429, 500, 502, 503] {
            let verdict = answered(status, false, None);
            assert!(matches!(verdict, Verdict::Later(_)), "{status} {verdict:?}");
        }
        for status in [400, 404, 405, 410, 413, 422] {
            let verdict = answered(status, false, None);
            assert!(
                matches!(verdict, Verdict::GivenUp(_)),
                "{status} {verdict:?}"
            );
        }
    }

    #[test]
    fn a_400_of_any_other_program_is_what_it_says() {
        let response = Response {
            status: 400,
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
            url: "http://h/".parse().unwrap(),
        };
        let before = Delivery {
            error: Some(MAY_HAVE_ARRIVED.to_owned()),
            ..Delivery::default()
        };
        let verdict = judge(&Ok(response), false, true, &before);
        assert!(matches!(verdict, Verdict::GivenUp(_)), "{verdict:?}");
    }

    #[test]
    fn a_400_is_good_news_where_the_result_may_be_there_already() {
        assert_eq!(answered(400, true, None), Verdict::Delivered);
        let Verdict::Later(error) = answered(500, false, None) else {
            panic!("a 500 is tried again");
        };
        assert_eq!(answered(400, false, Some(&error)), Verdict::Delivered);
        // What is known stays known.
        let Verdict::Later(error) = answered(401, false, Some(&error)) else {
            panic!("a 401 is tried again");
        };
        assert_eq!(answered(400, false, Some(&error)), Verdict::Delivered);
        let Verdict::Later(error) = answered(401, false, None) else {
            panic!("a 401 is tried again");
        };
        let verdict = answered(400, false, Some(&error));
        assert!(matches!(verdict, Verdict::GivenUp(_)), "{verdict:?}");
    }
}
