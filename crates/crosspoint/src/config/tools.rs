//! Commands as tools of the Model Context Protocol: `[mcp]`. The comments here are the configuration
//! reference that users read.

use crosspoint_ingress::mcp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::durations::Span;

/// Commands as tools of the Model Context Protocol, at `/mcp` and by `crosspoint mcp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mcp {
    /// Whether commands are served as tools at all. Whoever may call them elsewhere may here, with the
    /// same keys.
    pub enabled: bool,

    /// The commands that are tools: `connector.Command`, with `*` for any characters, such as
    /// `http.Get*`.
    pub serve: Vec<String>,

    /// The total time that a call may take, all attempts together. A `deadline` in the policy of the
    /// connector goes before it.
    pub deadline: Span,

    /// How many sessions there may be at once, at `/mcp`. A client that finds none left is served
    /// without: it cannot cancel a call, and is not told when the tools change. With 0 there are none,
    /// so that any replica answers any request.
    #[schemars(range(min = 0, max = 100_000))]
    pub sessions: u32,

    /// After what time without a request a session is given up.
    pub session_idle: Span,

    /// How many clients may listen for changes of the tools at once, at `/mcp`.
    #[schemars(range(min = 0, max = 100_000))]
    pub streams: u32,
}

// === impl Mcp ===

impl Default for Mcp {
    fn default() -> Mcp {
        let mcp::Settings {
            serve,
            deadline,
            sessions,
            session_idle,
            streams,
        } = mcp::Settings::default();
        Mcp {
            enabled: true,
            serve,
            deadline: Span(deadline),
            sessions: sessions as u32,
            session_idle: Span(session_idle),
            streams: streams as u32,
        }
    }
}
