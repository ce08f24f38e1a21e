//! One request to run a command, with where it came from.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use http::HeaderMap;
use uuid::Uuid;

use crate::{Arguments, Json};

/// The header that names the proxies which a call has come through, the nearest last, separated by
/// commas. Each is an id that a process chose when it started. Answers of `/v1/commands` have it, too:
/// with the id of the process that answers.
pub const VIA: &str = "crosspoint-via";

/// Identifies a call in the ledger, in logs and in answers. Ordered by time of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(Uuid);

/// `connector/Command`: what diagrams name (SpiffArena's operator id, Activiti's
/// `implementation`, an MCP tool).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId {
    /// The connector's name.
    pub connector: Arc<str>,
    /// The command's name.
    pub command: Arc<str>,
}

/// Where calls come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ingress {
    /// SpiffArena's connector proxy protocol.
    Spiff,
    /// `/api/v1`, for any other program.
    Api,
    /// Service tasks of Activiti Cloud, over RabbitMQ.
    Activiti,
    /// Clients of the Model Context Protocol, at `/mcp` or over standard input.
    Mcp,
    /// `crosspoint call`.
    Cli,
}

/// Who asked, and for what: recorded, logged, and used to scope keys. Nothing here changes what
/// a command does.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The way in.
    pub ingress: Ingress,
    /// The name of the access key, or the engine instance: the scope of idempotency keys.
    pub caller: Option<Arc<str>>,
    /// The engine's process instance.
    pub instance: Option<String>,
    /// The engine's process model.
    pub model: Option<String>,
    /// The engine's task.
    pub task: Option<String>,
}

/// The caller's place in a distributed trace (W3C Trace Context), taken in and passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits: the caller's span.
    pub parent_id: String,
    /// Two hexadecimal digits.
    pub flags: String,
    /// The `tracestate` header.
    pub state: Option<String>,
}

/// One request to run a command.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Call {
    /// This call.
    pub id: CallId,
    /// What the caller knows the request by (`x-request-id`); the call id unless it sent one.
    pub request_id: Arc<str>,
    /// What to run.
    pub command: CommandId,
    /// With which arguments.
    pub arguments: Arguments,
    /// Who asked.
    pub origin: Origin,
    /// The task's data, as SpiffArena sends it beside the arguments: an object, or nothing.
    pub task_data: Option<Json>,
    /// What the way in needs to answer later, where it is kept with the call. Connectors do not see
    /// it.
    pub context: Option<Json>,
    /// Under which key the effect must happen at most once, scoped to `origin.caller`.
    pub key: Option<String>,
    /// Where the engine wants a late answer.
    pub callback: Option<String>,
    /// Whether the caller goes on before the call has ended, and asks for its result by the id.
    pub polled: bool,
    /// Whether the caller keeps its request until the end of the call is recorded: then it has the
    /// result before that.
    pub kept_outside: bool,
    /// Which profile to use, when it is not the connector's default.
    pub profile: Option<String>,
    /// The profile with which a call runs that names none: the connector's default when it came in.
    /// One that runs again keeps it.
    pub given_profile: Option<String>,
    /// Which variant of the connector is called: the same connector with configuration parameters of
    /// its own. One that is not known is the connector itself.
    pub variant: Option<Arc<str>>,
    /// The caller's trace.
    pub trace: Option<Trace>,
    /// The inbound request's headers, without keys and cookies: what a Python connector may read
    /// from `flask.request`. Empty where the call did not come by HTTP.
    pub headers: HeaderMap,
}

// === impl CallId ===

impl CallId {
    /// A new id; later ones sort after earlier ones.
    pub fn generate() -> CallId {
        CallId(Uuid::now_v7())
    }

    /// When it was made, in milliseconds since 1970 by this machine's clock.
    pub fn milliseconds(self) -> i64 {
        let made = self.0.get_timestamp().map(|made| made.to_unix());
        let (seconds, nanos) = made.unwrap_or_default();
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX / 1000);
        seconds.saturating_mul(1000) + i64::from(nanos / 1_000_000)
    }
}

/// What is not the id of a call.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the id of a call: it looks like 0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77")]
pub struct NotACallId(String);

impl FromStr for CallId {
    type Err = NotACallId;

    fn from_str(text: &str) -> Result<CallId, NotACallId> {
        let id = Uuid::try_parse(text).map_err(|_| NotACallId(text.to_owned()))?;
        Ok(CallId(id))
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl CommandId ===

impl CommandId {
    /// From the two parts.
    pub fn new(connector: impl Into<Arc<str>>, command: impl Into<Arc<str>>) -> CommandId {
        CommandId {
            connector: connector.into(),
            command: command.into(),
        }
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.connector, self.command)
    }
}

/// What is not a command id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a command: write connector/Command, for example http/GetRequestV2")]
pub struct NotACommand(String);

impl FromStr for CommandId {
    type Err = NotACommand;

    /// Exactly one `/`, something on both sides.
    fn from_str(text: &str) -> Result<CommandId, NotACommand> {
        match text.split_once('/') {
            Some((connector, command))
                if !connector.is_empty() && !command.is_empty() && !command.contains('/') =>
            {
                Ok(CommandId::new(connector, command))
            }
            _ => Err(NotACommand(text.to_owned())),
        }
    }
}

// === impl Ingress ===

impl Ingress {
    /// The name used in configuration, metrics and the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Ingress::Spiff => "spiff",
            Ingress::Api => "api",
            Ingress::Activiti => "activiti",
            Ingress::Mcp => "mcp",
            Ingress::Cli => "cli",
        }
    }

    /// The way in of that name.
    pub fn named(name: &str) -> Option<Ingress> {
        let all = [
            Ingress::Spiff,
            Ingress::Api,
            Ingress::Activiti,
            Ingress::Mcp,
            Ingress::Cli,
        ];
        all.into_iter().find(|ingress| ingress.name() == name)
    }
}

// === impl Origin ===

impl Origin {
    /// An origin of which only the way in is known.
    pub fn of(ingress: Ingress) -> Origin {
        Origin {
            ingress,
            caller: None,
            instance: None,
            model: None,
            task: None,
        }
    }
}

// === impl Trace ===

impl Trace {
    /// Reads the two headers of W3C Trace Context, level 1. Anything malformed counts as absent,
    /// as the specification asks (section 3.2.2).
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Trace> {
        let hex = |part: &str, len: usize| {
            part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let mut parts = traceparent.trim().split('-');
        let (version, trace_id, parent_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let whole = hex(version, 2) && hex(trace_id, 32) && hex(parent_id, 16) && hex(flags, 2);
        let nothing_more = version != "00" || parts.next().is_none();
        let zero = |part: &str| part.bytes().all(|b| b == b'0');
        if !whole || !nothing_more || version == "ff" || zero(trace_id) || zero(parent_id) {
            return None;
        }
        Some(Trace {
            trace_id: trace_id.to_owned(),
            parent_id: parent_id.to_owned(),
            flags: flags.to_owned(),
            state: tracestate.map(str::to_owned),
        })
    }

    /// The trace as the next system sees it: same trace, a new span.
    pub fn child(&self) -> Trace {
        let random = Uuid::now_v7().simple().to_string();
        // The low half of a version 7 UUID is random but for two bits.
        Trace {
            parent_id: random[16..].to_owned(),
            ..self.clone()
        }
    }

    /// The `traceparent` header.
    pub fn header(&self) -> String {
        format!("00-{}-{}-{}", self.trace_id, self.parent_id, self.flags)
    }
}

// === impl Call ===

impl Call {
    /// A call with nothing but what every call has.
    pub fn new(command: CommandId, arguments: Arguments, origin: Origin) -> Call {
        let id = CallId::generate();
        Call {
            id,
            request_id: id.to_string().into(),
            command,
            arguments,
            origin,
            task_data: None,
            context: None,
            key: None,
            callback: None,
            polled: false,
            kept_outside: false,
            profile: None,
            given_profile: None,
            variant: None,
            trace: None,
            headers: HeaderMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_id_has_exactly_one_slash() {
        let id: CommandId = "http/GetRequestV2".parse().unwrap();
        assert_eq!((&*id.connector, &*id.command), ("http", "GetRequestV2"));
        for text in ["http", "/x", "x/", "a/b/c", ""] {
            assert!(text.parse::<CommandId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_sort_by_time() {
        let ids: Vec<_> = (0..100).map(|_| CallId::generate()).collect();
        assert!(ids.is_sorted());
        let id: CallId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        // The example of RFC 9562, appendix A.6.
        assert_eq!(id.milliseconds(), 1_645_557_742_000);
    }

    #[test]
    fn a_child_keeps_the_trace_and_changes_the_span() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = Trace::parse(header, Some("a=b")).unwrap();
        assert_eq!(trace.header(), header);
        let child = trace.child();
        assert_eq!(child.trace_id, trace.trace_id);
        assert_ne!(child.parent_id, trace.parent_id);
        assert_eq!(Trace::parse(&child.header(), Some("a=b")), Some(child));
    }

    #[test]
    fn a_malformed_traceparent_counts_as_absent() {
        for header in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
        ] {
            assert_eq!(Trace::parse(header, None), None, "{header}");
        }
    }
}
