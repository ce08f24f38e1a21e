//! `_meta`: what a request carries beside its parameters.

use crosspoint_core::{Arguments, Json, Trace};

use super::fault::Fault;
use super::message::Asked;
use super::revision::Revision;
use crate::request::is_key;

/// The revision that a request speaks, from 2026-07-28 on.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// What the client can do, which every request has to say from 2026-07-28 on.
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Under which key the call has one effect, as the header `Idempotency-Key` says elsewhere.
const KEY: &str = "crosspoint/idempotencyKey";

/// With which profile the call runs, where it is not the default one.
const PROFILE: &str = "crosspoint/profile";

/// The parameters of a request, and what it carries beside them.
#[derive(Debug)]
pub(crate) struct Params {
    /// Without `_meta`.
    pub(crate) own: Arguments,
    meta: Arguments,
}

/// What a call carries beside its arguments.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(crate) key: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) trace: Option<Trace>,
    /// A text or a number, with which progress is told.
    pub(crate) progress: Option<Json>,
}

// === impl Params ===

impl Params {
    pub(crate) fn of(asked: &Asked) -> Result<Params, Fault> {
        let object = |json: &Json, name: &str| {
            let message = || Fault::invalid_params(format!("'{name}' must be an object"));
            Arguments::parse(json.bytes()).map_err(|_| message())
        };
        let own = asked.params.as_ref().map(|params| object(params, "params"));
        let mut own = own.transpose()?.unwrap_or_default();
        let meta = own.remove("_meta").map(|meta| object(&meta, "_meta"));
        Ok(Params {
            own,
            meta: meta.transpose()?.unwrap_or_default(),
        })
    }

    /// The revision that it says it speaks.
    pub(crate) fn version(&self) -> Option<String> {
        self.meta.get(VERSION).and_then(Json::as_text)
    }

    /// What a request must carry from 2026-07-28 on.
    pub(crate) fn check_modern(&self) -> Result<Revision, Fault> {
        let mut missing = Vec::new();
        let version = self.version();
        if version.is_none() {
            missing.push(VERSION);
        }
        let capabilities = self.meta.get(CAPABILITIES).map(Json::first);
        if capabilities != Some(b'{') {
            missing.push(CAPABILITIES);
        }
        let Some(version) = version.filter(|_| missing.is_empty()) else {
            let missing = missing.join(" and ");
            return Err(Fault::incomplete(format!("_meta lacks {missing}")));
        };
        let known = Revision::named(&version).filter(|revision| revision.is_modern());
        known.ok_or_else(|| Fault::unsupported_revision(&version))
    }

    /// What a call carries beside its arguments, or all that is wrong with it.
    pub(crate) fn beside(&self) -> Result<Beside, Vec<String>> {
        let mut mistakes = Vec::new();
        let mut text = |name: &str, fits: fn(&str) -> bool, rule: &str| {
            let json = self.meta.get(name).filter(|json| json.first() != b'n')?;
            let text = json.as_text().filter(|text| fits(text));
            if text.is_none() {
                mistakes.push(format!("_meta '{name}' must be {rule}"));
            }
            text
        };
        let key = text(KEY, is_key, "text of 1 to 1000 visible ASCII characters");
        let profile = text(PROFILE, |name| !name.is_empty(), "the name of a profile");
        let progress = self.meta.get("progressToken").cloned();
        let token = |json: &Json| matches!(json.first(), b'"' | b'-' | b'0'..=b'9');
        if progress.as_ref().is_some_and(|json| !token(json)) {
            mistakes.push("_meta 'progressToken' must be text or a number".to_owned());
        }
        match mistakes.is_empty() {
            true => Ok(Beside {
                key,
                profile,
                trace: self.trace(),
                progress,
            }),
            false => Err(mistakes),
        }
    }

    /// The caller's place in a trace (2026-07-28, OpenTelemetry trace context).
    fn trace(&self) -> Option<Trace> {
        let text = |name| self.meta.get(name).and_then(Json::as_text);
        Trace::parse(&text("traceparent")?, text("tracestate").as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &'static str) -> Params {
        let params = Json::parse(text).unwrap();
        let method = String::new();
        let params = Some(params);
        Params::of(&Asked { method, params }).unwrap()
    }

    #[test]
    fn all_that_a_modern_request_lacks_is_named_at_once() {
        let fault = params("{}").check_modern().unwrap_err();
        assert!(fault.message.contains(VERSION) && fault.message.contains(CAPABILITIES));
        assert_eq!((fault.code, fault.status.as_u16()), (-32602, 400));
        let whole = params(
            r#"{"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                          "io.modelcontextprotocol/clientCapabilities": {}}}"#,
        );
        assert_eq!(whole.check_modern().unwrap(), Revision::V2026_07_28);
        let odd = params(
            r#"{"_meta": {"io.modelcontextprotocol/protocolVersion": "2025-11-25",
                          "io.modelcontextprotocol/clientCapabilities": {}}}"#,
        );
        assert_eq!(odd.check_modern().unwrap_err().code, -32022);
    }

    #[test]
    fn what_a_call_carries_is_read_or_told_wrong_all_at_once() {
        let read = params(
            r#"{"_meta": {"crosspoint/idempotencyKey": "k", "crosspoint/profile": "prod",
                "progressToken": 5, "traceparent":
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}"#,
        );
        let beside = read.beside().unwrap();
        assert_eq!(beside.key.as_deref(), Some("k"));
        assert_eq!(beside.profile.as_deref(), Some("prod"));
        assert!(beside.trace.is_some() && beside.progress.is_some());
        let wrong = params(
            r#"{"_meta": {"crosspoint/idempotencyKey": 5, "crosspoint/profile": "",
                "progressToken": {}}}"#,
        );
        assert_eq!(wrong.beside().unwrap_err().len(), 3);
    }
}
