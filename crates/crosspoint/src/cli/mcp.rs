//! `crosspoint mcp`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
A client starts this program and speaks to it: each command is a tool. Nothing but the protocol goes
to standard output; the log goes to standard error. Clients that take an address can use
http://127.0.0.1:7004/mcp of a running `crosspoint serve` instead.

Examples:
  crosspoint mcp                                what this configuration has, in this process
  crosspoint -c /etc/crosspoint.toml mcp
  crosspoint mcp --server http://127.0.0.1:7004  what that server has, by its ledger and limits

docs/mcp-server.md shows how to add it to a client.")]
pub struct McpArgs {
    /// Pass everything on to the server at this address
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,

    /// Of a server: the environment variable with its API key
    /// [default: CONNECTOR_PROXY_API_KEY, if it is set]
    #[arg(long, value_name = "NAME", requires = "server")]
    pub api_key_env: Option<String>,
}
