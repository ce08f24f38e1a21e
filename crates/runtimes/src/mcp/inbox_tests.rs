//! What becomes of messages.

use std::sync::Arc;

use crosspoint_core::Mask;

use super::super::waiting::Waiting;
use super::*;

fn inbox() -> Inbox {
    let origin = Origin {
        connector: "probe".into(),
        worker: 1,
        mask: Mask::default(),
    };
    Inbox::new(origin, Allowance::new(Instant::now()))
}

fn take(inbox: &Inbox, text: &str) -> Result<Taken, String> {
    inbox.take(&Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn a_result_that_somebody_waits_for_is_taken_as_it_is_and_once() {
    let inbox = inbox();
    let waiting = Arc::new(Waiting::default());
    inbox.requests.sending(4, None, &waiting);
    let text = r#"{"jsonrpc":"2.0","id":"4","result":{"structuredContent":{"x":1.50}}}"#;
    assert_eq!(take(&inbox, text), Ok(Taken::Seen(4)));
    let kept = Answer::Result(Bytes::from_static(br#"{"structuredContent":{"x":1.50}}"#));
    assert_eq!(waiting.answer(), Some(kept.clone()));
    // The second one is nobody's; the library knows no such request and drops it.
    take(&inbox, &text.replace("1.50", "2")).unwrap();
    assert_eq!(waiting.answer(), Some(kept));
}

#[test]
fn an_error_without_an_id_is_that_of_the_only_request() {
    let inbox = inbox();
    let (first, second) = (Arc::new(Waiting::default()), Arc::new(Waiting::default()));
    let text = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}"#;
    inbox.requests.sending(1, None, &first);
    inbox.requests.sending(2, None, &second);
    assert_eq!(take(&inbox, text), Ok(Taken::Nothing));
    drop(second);
    assert_eq!(take(&inbox, text), Ok(Taken::Seen(1)));
    assert!(matches!(first.answer(), Some(Answer::Error(error)) if error.code.0 == -32700));
}

#[test]
fn an_answer_that_is_none_ends_the_wait_for_it() {
    let answer = |rest: &str| {
        let inbox = inbox();
        let waiting = Arc::new(Waiting::default());
        inbox.requests.sending(1, None, &waiting);
        let taken = take(&inbox, &format!(r#"{{"jsonrpc":"2.0","id":1,{rest}}}"#));
        (taken, waiting.answer())
    };
    let null = Some(Answer::Result(Bytes::from_static(b"null")));
    for rest in [r#""result":null"#, r#""result":null,"error":null"#] {
        assert_eq!(answer(rest), (Ok(Taken::Seen(1)), null.clone()), "{rest}");
    }
    for error in [r#""boom""#, r#"{"code":"x","message":5}"#, "[]"] {
        for rest in [
            format!(r#""error":{error}"#),
            format!(r#""result":null,"error":{error}"#),
        ] {
            let (taken, answer) = answer(&rest);
            assert_eq!(taken, Ok(Taken::Seen(1)), "{rest}");
            let Some(Answer::Error(told)) = answer else {
                panic!("{rest}");
            };
            assert!(told.message.contains(error), "{}", told.message);
        }
    }
    // One that is one is the library's, and a result beside an empty error is a result.
    let error = r#""result":null,"error":{"code":-32000,"message":"no"}"#;
    assert_eq!(answer(error), (Ok(Taken::Whole), None));
    assert_eq!(answer(r#""result":{},"error":null"#).0, Ok(Taken::Seen(1)));
}

#[test]
fn what_is_no_message_is_told() {
    for text in ["", "hello", "[]", "{}", r#"{"jsonrpc":"2.0","id":1}"#, "42"] {
        assert!(take(&inbox(), text).is_err(), "{text}");
    }
}

#[test]
fn progress_goes_to_its_call_and_notifications_without_a_use_go_nowhere() {
    let inbox = inbox();
    let waiting = Arc::new(Waiting::default());
    inbox.requests.sending(1, Some(9), &waiting);
    for (token, message) in [("9", "\"half\""), ("\"9\"", "\"all\""), ("8", "\"other\"")] {
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":
            {{"progressToken":{token},"progress":1.5,"total":3,"message":{message}}}}}"#
        );
        assert_eq!(take(&inbox, &text), Ok(Taken::Nothing));
    }
    let text = r#"{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}"#;
    assert_eq!(take(&inbox, text), Ok(Taken::Nothing));
    assert_eq!(
        waiting.progress(),
        ["progress 1.5 of 3: half", "progress 1.5 of 3: all"]
    );
}

#[test]
fn a_server_that_asks_without_end_is_heard_only_so_far() {
    let inbox = inbox();
    let ask = |id| {
        take(
            &inbox,
            &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#),
        )
    };
    let seen = (0..1000).filter(|id| ask(*id) == Ok(Taken::Whole));
    assert_eq!(seen.count(), MOST_ASKED);
    inbox.has_answered();
    assert_eq!(ask(1000), Ok(Taken::Whole));
    assert_eq!(ask(1001), Ok(Taken::Nothing));
}
