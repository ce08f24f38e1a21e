//! An MCP server as the broker sees it.

use std::sync::Arc;

use crosspoint_core::{
    Call, Connector, Context, Effect, Failure, Kind, Manifest, Outcome, SpanKind,
};
use futures_util::future::BoxFuture;
use rmcp::service::ServiceError;

use super::answer;
use super::connection::Ended;
use super::link::Link;
use super::sessions::not_sent;
use super::tools::Commands;
use crate::process::Level;

/// How many connections a call is offered to when they go before they have begun it.
const OFFERS: usize = 5;

/// A connector whose commands are the tools of a server.
pub(super) struct McpConnector {
    commands: Commands,
    link: Arc<Link>,
}

// === impl McpConnector ===

impl McpConnector {
    pub(super) fn new(commands: Commands, link: Arc<Link>) -> McpConnector {
        McpConnector { commands, link }
    }

    async fn run(&self, call: &Call, cx: &Context) -> Result<Outcome, Failure> {
        let name = &self.commands.manifest.name;
        let command = &*call.command.command;
        let Some(tool) = self.commands.tool(command) else {
            return Err(Failure::unknown_command(format!(
                "{name} has no '{command}'"
            )));
        };
        let mut span = cx.span(format_args!("server {name}"), SpanKind::Internal);
        for _ in 0..OFFERS {
            if let Some(result) = self.hop(tool, call, cx).await {
                if let Err(failure) = &result {
                    span.failed_with(failure);
                }
                return result;
            }
        }
        let message = format!("each server of {name} went before it could begin this call");
        let failure = Failure::new(Kind::Crashed, "worker_unavailable", message);
        let failure = failure.with_effect(Effect::None);
        span.failed_with(&failure);
        Err(failure)
    }

    /// Runs the tool on the connection that there is; nothing when that went before the server had
    /// seen the call.
    async fn hop(&self, tool: &str, call: &Call, cx: &Context) -> Option<Result<Outcome, Failure>> {
        let connection = match self.link.connection(cx).await {
            Ok(connection) => connection,
            Err(failure) => return Some(Err(failure)),
        };
        // The span around tells the call.
        let tell = |line: String| {
            let text = cx.masked(line.clone());
            let origin = &connection.inbox.origin;
            origin.write(Level::Info, "progress", None, &text);
            cx.log(line);
        };
        let ended = connection.run(tool, &call.arguments, cx, &tell).await;
        Some(match ended {
            Ended::Answered(result) => {
                connection.has_answered();
                answer::returned(&result, cx)
            }
            Ended::TooLarge => Err(answer::too_large(self.link.server().settings.max_answer)),
            Ended::Error(error) => {
                connection.has_answered();
                Err(answer::refused(&error))
            }
            Ended::Overdue { sent } => Err(answer::overdue(&self.commands.manifest.name, sent)),
            Ended::Lost { sent: false, .. } => return None,
            Ended::Lost {
                why: Some(ServiceError::TransportSend(error)),
                ..
            } if self.link.is_remote() => Err(not_sent(&error)),
            Ended::Lost { .. } if self.link.is_remote() => Err(answer::broke_off()),
            Ended::Lost { .. } => Err(answer::lost(&connection.end().await)),
        })
    }
}

impl Connector for McpConnector {
    fn manifest(&self) -> &Manifest {
        &self.commands.manifest
    }

    /// Sessions were opened with the old values.
    fn renew(&self) {
        self.link.renew();
    }

    fn call<'a>(&'a self, call: Call, cx: &'a Context) -> BoxFuture<'a, Result<Outcome, Failure>> {
        Box::pin(async move { self.run(&call, cx).await })
    }
}
