//! What goes into the sealed parts of a row: a whole call, and the whole result of one.
//!
//! Both are a JSON head that says what follows, and then the bytes themselves, as they are:
//! arguments and bodies are not re-spelled, and may be of any kind. The head begins with the number
//! of its bytes (four, big-endian).

use std::borrow::Cow;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use crosspoint_core::{
    Arguments, Body, Call, Completion, Effect, Failure, Ingress, Invalid, Json, Kind, Origin,
    Outcome, Refusal, Trace, Verbatim,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Sealed bytes that this program cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what was kept of the call cannot be read ({0}): a newer program may have written it")]
pub struct Unreadable(&'static str);

#[derive(Serialize, Deserialize)]
struct CallHead<'a> {
    command: Cow<'a, str>,
    ingress: Cow<'a, str>,
    caller: Option<Cow<'a, str>>,
    instance: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    task: Option<Cow<'a, str>>,
    request_id: Cow<'a, str>,
    key: Option<Cow<'a, str>>,
    callback: Option<Cow<'a, str>>,
    #[serde(default)]
    polled: bool,
    profile: Option<Cow<'a, str>>,
    #[serde(default)]
    given_profile: Option<Cow<'a, str>>,
    #[serde(default)]
    variant: Option<Cow<'a, str>>,
    /// `traceparent`, `tracestate`.
    trace: Option<(String, Option<String>)>,
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Each with the number of its bytes.
    arguments: Vec<(Cow<'a, str>, usize)>,
    task_data: Option<usize>,
    #[serde(default)]
    context: Option<usize>,
}

#[derive(Serialize, Deserialize)]
struct ResultHead<'a> {
    failure: Option<FailureHead<'a>>,
    outcome: Option<OutcomeHead<'a>>,
}

#[derive(Serialize, Deserialize)]
struct FailureHead<'a> {
    kind: Cow<'a, str>,
    code: Cow<'a, str>,
    message: Cow<'a, str>,
    effect: Cow<'a, str>,
    retry_after_ms: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct OutcomeHead<'a> {
    /// Json, text or bytes.
    form: Cow<'a, str>,
    size: usize,
    mimetype: Cow<'a, str>,
    status: u16,
    headers: Cow<'a, [(String, String)]>,
    logs: Cow<'a, [String]>,
    handed_over: bool,
    /// Status, media type, number of bytes.
    verbatim: Option<(u16, Cow<'a, str>, usize)>,
}

/// What is needed to run a call again.
pub fn seal_call(call: &Call) -> Bytes {
    let text = |text: &'_ Option<String>| text.clone().map(Cow::Owned);
    let trace = call.trace.as_ref();
    let headers = call.headers.iter();
    let head = CallHead {
        command: call.command.to_string().into(),
        ingress: call.origin.ingress.name().into(),
        caller: call.origin.caller.as_deref().map(Cow::Borrowed),
        instance: text(&call.origin.instance),
        model: text(&call.origin.model),
        task: text(&call.origin.task),
        request_id: (&*call.request_id).into(),
        key: text(&call.key),
        callback: text(&call.callback),
        polled: call.polled,
        profile: text(&call.profile),
        given_profile: text(&call.given_profile),
        variant: call.variant.as_deref().map(Cow::Borrowed),
        trace: trace.map(|trace| (trace.header(), trace.state.clone())),
        headers: headers
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().into(), value)
            })
            .collect(),
        arguments: call
            .arguments
            .iter()
            .map(|(name, json)| (name.into(), json.as_bytes().len()))
            .collect(),
        task_data: call.task_data.as_ref().map(|data| data.as_bytes().len()),
        context: call
            .context
            .as_ref()
            .map(|context| context.as_bytes().len()),
    };
    let values = call.arguments.iter().map(|(_, json)| json);
    let parts = values
        .chain(&call.task_data)
        .chain(&call.context)
        .map(Json::as_bytes);
    write(&head, parts)
}

/// The call that was sealed, under the id of its row.
pub fn open_call(id: &str, sealed: &Bytes) -> Result<Call, Unreadable> {
    let (head, mut rest) = read::<CallHead<'static>>(sealed)?;
    let id = id.parse().map_err(|_| Unreadable("its id"))?;
    let command = head.command.parse();
    let mut arguments = Arguments::default();
    for (name, size) in head.arguments {
        arguments.insert(name, json(rest.part(size)?)?);
    }
    let ingress = Ingress::named(&head.ingress).ok_or(Unreadable("its way in"))?;
    let mut origin = Origin::of(ingress);
    origin.caller = head.caller.map(|caller| (&*caller).into());
    origin.instance = head.instance.map(Cow::into_owned);
    origin.model = head.model.map(Cow::into_owned);
    origin.task = head.task.map(Cow::into_owned);
    let command = command.map_err(|_| Unreadable("its command"))?;
    let mut call = Call::new(command, arguments, origin);
    call.id = id;
    call.request_id = (&*head.request_id).into();
    call.task_data = head
        .task_data
        .map(|size| json(rest.part(size)?))
        .transpose()?;
    call.context = head
        .context
        .map(|size| json(rest.part(size)?))
        .transpose()?;
    call.key = head.key.map(Cow::into_owned);
    call.callback = head.callback.map(Cow::into_owned);
    call.polled = head.polled;
    call.profile = head.profile.map(Cow::into_owned);
    call.given_profile = head.given_profile.map(Cow::into_owned);
    call.variant = head.variant.map(|variant| (&*variant).into());
    let trace = head.trace.as_ref();
    call.trace = trace.and_then(|(parent, state)| Trace::parse(parent, state.as_deref()));
    call.headers = headers(&head.headers);
    Ok(call)
}

/// The whole of a result.
pub fn seal_result(result: &Result<Outcome, Failure>) -> Bytes {
    let (failure, outcome) = match result {
        Ok(outcome) => (None, Some(outcome)),
        Err(failure) => (Some(failure), failure.outcome.as_deref()),
    };
    let verbatim = outcome.and_then(|outcome| outcome.verbatim.as_ref());
    let head = ResultHead {
        failure: failure.map(|failure| FailureHead {
            kind: failure.kind.name().into(),
            code: (&*failure.code).into(),
            message: (&*failure.message).into(),
            effect: failure.effect.name().into(),
            retry_after_ms: failure.retry_after.map(|wait| wait.as_millis() as u64),
        }),
        outcome: outcome.map(|outcome| OutcomeHead {
            form: form(&outcome.body).into(),
            size: outcome.body.as_bytes().len(),
            mimetype: (&*outcome.mimetype).into(),
            status: outcome.status,
            headers: (&*outcome.headers).into(),
            logs: (&*outcome.logs).into(),
            handed_over: outcome.completion == Completion::HandedOver,
            verbatim: verbatim.map(|v| (v.status, (&*v.mimetype).into(), v.body.len())),
        }),
    };
    let body = outcome.map(|outcome| outcome.body.as_bytes());
    let parts = body
        .into_iter()
        .chain(verbatim.map(|verbatim| &*verbatim.body));
    write(&head, parts)
}

/// The result that was sealed.
pub fn open_result(sealed: &Bytes) -> Result<Result<Outcome, Failure>, Unreadable> {
    let (head, mut rest) = read::<ResultHead<'static>>(sealed)?;
    let outcome = head
        .outcome
        .map(|head| outcome(head, &mut rest))
        .transpose()?;
    let Some(head) = head.failure else {
        return Ok(Ok(outcome.ok_or(Unreadable("it has no result"))?));
    };
    let kind = kind(&head).ok_or(Unreadable("the kind of its failure"))?;
    let effect = Effect::named(&head.effect).ok_or(Unreadable("the effect of its failure"))?;
    let code = head.code.into_owned();
    let mut failure = Failure::new(kind, code, head.message).with_effect(effect);
    failure.retry_after = head.retry_after_ms.map(Duration::from_millis);
    failure.outcome = outcome.map(Box::new);
    Ok(Err(failure))
}

fn outcome(head: OutcomeHead<'_>, rest: &mut Rest) -> Result<Outcome, Unreadable> {
    let body = rest.part(head.size)?;
    let body = match &*head.form {
        "json" => Body::Json(json(body)?),
        "text" => Body::Text(String::from_utf8_lossy(&body).into_owned()),
        "bytes" => Body::Bytes(body),
        _ => return Err(Unreadable("the kind of its body")),
    };
    let mut outcome = Outcome::new(body, head.mimetype.into_owned()).with_status(head.status);
    outcome.headers = head.headers.into_owned();
    outcome.logs = head.logs.into_owned();
    if head.handed_over {
        outcome.completion = Completion::HandedOver;
    }
    if let Some((status, mimetype, size)) = head.verbatim {
        outcome.verbatim = Some(Verbatim {
            status,
            mimetype: mimetype.into_owned().into(),
            body: rest.part(size)?,
        });
    }
    Ok(outcome)
}

/// The kinds by their names. Which refusal it is follows from the code, and so does what was invalid:
/// a call that was recorded was one of a known command and conflicted with none.
fn kind(head: &FailureHead<'_>) -> Option<Kind> {
    let invalid = match &*head.code {
        code if code.starts_with("profile_") => Invalid::Profile,
        code if code == Failure::ARGUMENTS => Invalid::Arguments,
        _ => Invalid::Input,
    };
    let refusal = Refusal::ALL.into_iter().find(|r| r.code() == head.code);
    let kinds = [
        Kind::Invalid(invalid),
        Kind::Refused(refusal.unwrap_or(Refusal::Overloaded)),
        Kind::Reported,
        Kind::Transport,
        Kind::Raised,
        Kind::Crashed,
        Kind::Unknown,
    ];
    kinds.into_iter().find(|kind| kind.name() == head.kind)
}

fn form(body: &Body) -> &'static str {
    match body {
        Body::Json(_) => "json",
        Body::Text(_) => "text",
        Body::Bytes(_) => "bytes",
    }
}

fn headers(pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> HeaderMap {
    let header = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().filter_map(header) {
        headers.append(name, value);
    }
    headers
}

fn json(bytes: Bytes) -> Result<Json, Unreadable> {
    Json::parse(bytes).map_err(|_| Unreadable("JSON in it"))
}

fn write<'p>(head: &impl Serialize, parts: impl Iterator<Item = &'p [u8]>) -> Bytes {
    // Texts, numbers and lists of them: writing them cannot fail.
    let head = serde_json::to_vec(head).unwrap_or_default();
    let mut whole = BytesMut::with_capacity(4 + head.len() + 256);
    whole.put_u32(u32::try_from(head.len()).unwrap_or(u32::MAX));
    whole.put_slice(&head);
    parts.for_each(|part| whole.put_slice(part));
    whole.freeze()
}

fn read<T: DeserializeOwned>(sealed: &Bytes) -> Result<(T, Rest), Unreadable> {
    let mut rest = Rest(sealed.clone());
    let size = rest.part(4)?;
    let size = u32::from_be_bytes([size[0], size[1], size[2], size[3]]);
    let head = rest.part(size as usize)?;
    let head = serde_json::from_slice(&head).map_err(|_| Unreadable("its head"))?;
    Ok((head, rest))
}

/// What has not been read yet.
struct Rest(Bytes);

// === impl Rest ===

impl Rest {
    fn part(&mut self, size: usize) -> Result<Bytes, Unreadable> {
        match size <= self.0.len() {
            true => Ok(self.0.split_to(size)),
            false => Err(Unreadable("it breaks off")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        let arguments =
            r#"{"url": "http://h/", "data": {"n": 1.0, "t": "\ud800 \u0000"}, "x": ""}"#;
        let arguments = Arguments::parse(arguments.into()).unwrap();
        let mut origin = Origin::of(Ingress::Spiff);
        origin.caller = Some("key-1".into());
        origin.task = Some("t-1".to_owned());
        let mut call = Call::new("http/PostRequestV2".parse().unwrap(), arguments, origin);
        call.task_data = Some(Json::parse(r#"{"a": [1, 2.50]}"#).unwrap());
        call.key = Some("k".to_owned());
        call.callback = Some("http://engine/cb".to_owned());
        call.polled = true;
        call.given_profile = Some("prod".to_owned());
        call.variant = Some("eu".into());
        call.trace = Trace::parse(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            Some("a=b"),
        );
        call.headers
            .append("x-tenant", HeaderValue::from_static("one"));
        call.headers
            .append("x-tenant", HeaderValue::from_static("two"));
        call
    }

    #[test]
    fn a_call_is_read_back_as_it_was_spelled() {
        let call = call();
        let read = open_call(&call.id.to_string(), &seal_call(&call)).unwrap();
        assert_eq!(format!("{read:?}"), format!("{call:?}"));
        assert_eq!(read.arguments, call.arguments);
    }

    #[test]
    fn every_form_of_a_result_is_read_back() {
        let mut verbatim = Outcome::new(Body::Bytes(Bytes::from_static(b"\0\xff")), "image/png");
        verbatim.verbatim = Some(Verbatim {
            status: 203,
            mimetype: "text/plain".into(),
            body: Bytes::from_static(b"as it is"),
        });
        let mut handed_over = Outcome::json(Json::empty_object());
        handed_over.completion = Completion::HandedOver;
        handed_over.logs = vec!["a line".to_owned()];
        handed_over.headers = vec![("etag".to_owned(), "1".to_owned())];
        let failure = Failure::reported("HttpError404", "gone")
            .with_effect(Effect::None)
            .with_retry_after(Duration::from_millis(1500))
            .with_outcome(Outcome::text("page").with_status(404));
        let bare = Failure::refused(Refusal::CircuitOpen, "later");
        for result in [Ok(verbatim), Ok(handed_over), Err(failure), Err(bare)] {
            let read = open_result(&seal_result(&result)).unwrap();
            match (&read, &result) {
                (Ok(read), Ok(outcome)) => assert!(read == outcome, "{read:?}"),
                (Err(read), Err(failure)) => {
                    assert_eq!(format!("{read:?}"), format!("{failure:?}"));
                    assert_eq!(read.retry_after, failure.retry_after);
                    assert!(read.outcome == failure.outcome, "{:?}", read.outcome);
                }
                _ => panic!("{read:?}"),
            }
        }
    }

    #[test]
    fn all_kinds_of_failures_keep_their_kind() {
        let mut kinds: Vec<Kind> = Refusal::ALL.map(Kind::Refused).into();
        kinds.extend([
            Kind::Invalid(Invalid::Arguments),
            Kind::Invalid(Invalid::Input),
            Kind::Invalid(Invalid::Profile),
            Kind::Reported,
            Kind::Transport,
            Kind::Raised,
            Kind::Crashed,
            Kind::Unknown,
        ]);
        for kind in kinds {
            let code = match kind {
                Kind::Refused(refusal) => refusal.code(),
                Kind::Invalid(Invalid::Profile) => "profile_not_found",
                Kind::Invalid(Invalid::Arguments) => Failure::ARGUMENTS,
                _ => "Some",
            };
            let sealed = seal_result(&Err(Failure::new(kind, code, "")));
            assert_eq!(open_result(&sealed).unwrap().unwrap_err().kind, kind);
        }
    }

    #[test]
    fn what_breaks_off_or_is_foreign_is_an_error_and_no_panic() {
        let call = call();
        let sealed = seal_call(&call);
        for end in 0..sealed.len() {
            assert!(open_call(&call.id.to_string(), &sealed.slice(..end)).is_err());
        }
        for foreign in [&b"\0\0\0\x02[]"[..], b"\xff\xff\xff\xff{}", b"\0\0\0\x02{}"] {
            assert!(open_result(&Bytes::from_static(foreign)).is_err());
        }
    }
}
