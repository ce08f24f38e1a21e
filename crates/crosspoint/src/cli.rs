//! The command line's grammar and its help.

mod activiti;
mod activiti_send;
mod auth;
mod key;
mod ledger;
mod mcp;
mod new_openapi;
mod profile;
mod secret;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use activiti::{ActivitiCommand, ExportArgs, ImportArgs, ValidateArgs};
pub use activiti_send::{SendArgs, SendCommand, SendOptions};
pub use auth::{AuthCommand, ForgetArgs, LoginArgs};
pub use key::{AuditArgs, CreateArgs, KeyCommand, RotateArgs};
pub use ledger::{LedgerCommand, ListArgs, ReplayArgs, SettleArgs, ShowArgs};
pub use mcp::McpArgs;
pub use new_openapi::NewOpenApiArgs;
pub use profile::{NamedProfileArgs, ProfileCommand, SetProfileArgs};
pub use secret::SecretCommand;

/// Exit code: a command that was called has failed.
pub const FAILED: u8 = 1;

/// Exit code: the command line or the configuration is wrong.
pub const USAGE: u8 = 2;

/// Exit code: nobody knows whether it was done.
pub const IN_DOUBT: u8 = 3;

/// A connector proxy for workflow engines: one process, every engine can call every connector.
#[derive(Debug, Parser)]
#[command(name = "crosspoint", version, after_help = EXAMPLES, propagate_version = true)]
pub struct Cli {
    /// The configuration file [default: crosspoint.toml, if there is one here]
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        env = "CROSSPOINT_CONFIG"
    )]
    pub config: Option<PathBuf>,

    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  crosspoint serve                              serve on 127.0.0.1:7004, no file needed
  crosspoint commands                           what can be called
  crosspoint call http/GetRequestV2 url=http://127.0.0.1:7004/liveness
  crosspoint check http                         does it behave?
  crosspoint ledger list                        what was called, and what became of it
  crosspoint new python crm                     begin a connector in Python
  crosspoint new mcp crm --lang typescript      begin one as an MCP server
  crosspoint config check                       the configuration as it counts

Exit codes: 0 done, 1 the called command failed, 2 the command line or configuration is wrong.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the proxy
    Serve(ServeArgs),
    /// List the commands that can be called
    Commands(CommandsArgs),
    /// Call a command once, in this process or in a server
    Call(CallArgs),
    /// See whether a connector, or a whole proxy, behaves as engines need it
    Check(CheckArgs),
    /// Begin a connector of your own
    #[command(subcommand)]
    New(NewCommand),
    /// Look after the environments of Python connectors
    #[command(subcommand)]
    Env(EnvCommand),
    /// Let the running server read its configuration and connectors again
    Reload(ReloadArgs),
    /// Look at the calls that were recorded, and settle or repeat them
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Keep accounts at the systems behind connectors
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Make and rotate access keys that the store keeps
    #[command(subcommand)]
    Key(KeyCommand),
    /// See what administrators did
    Audit(AuditArgs),
    /// Keep secrets for connectors and the configuration
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Authorise profiles at providers of OAuth
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Serve the commands as tools of the Model Context Protocol, over standard input and output
    Mcp(McpArgs),
    /// Connector definitions of Activiti, and commands to its runtime bundles
    #[command(subcommand)]
    Activiti(ActivitiCommand),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint serve
  crosspoint serve --listen 127.0.0.1:0         any free port; it is printed
  CONNECTOR_PROXY_API_KEY=… crosspoint serve --listen 0.0.0.0:7004
  crosspoint serve --python-env /srv/proxy/.venv
                                                every connector_* package of that environment

SIGHUP and `crosspoint reload` read the configuration and the connectors again, without dropping a
call. SIGTERM or Ctrl-C ends it: calls in flight are answered first (setting drain), a second one ends
it at once.")]
pub struct ServeArgs {
    /// The address to listen on, instead of the configured one
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,

    /// Serve every connector_* package of this virtual environment (setting python.venv)
    #[arg(long, value_name = "DIR")]
    pub python_env: Option<String>,

    /// Reload by itself when the configuration or the source of a connector changes
    #[arg(long)]
    pub watch: bool,
}

#[derive(Debug, Subcommand)]
pub enum NewCommand {
    /// Write a Python connector that runs and has a passing test
    Python(NewPythonArgs),
    /// Mount what an OpenAPI document describes, and show what that is
    #[command(name = "openapi")]
    OpenApi(NewOpenApiArgs),
    /// Write an MCP server that runs, in the language of your choice
    Mcp(NewMcpArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint new mcp weather --lang typescript  writes ./weather
  crosspoint new mcp weather --lang rust --path tools/weather")]
pub struct NewMcpArgs {
    /// What the connector is called: letters, digits, '_' and '-'
    #[arg(value_name = "NAME")]
    pub name: String,

    /// What it is written in
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Language,

    /// Where to write it [default: NAME]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
}

/// What an MCP server is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// With the official SDK, for Node.js
    Typescript,
    /// With the official SDK
    Python,
    /// With the official SDK
    Rust,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint new python crm                     writes ./connector-crm
  crosspoint new python crm --path tools/crm")]
pub struct NewPythonArgs {
    /// What the connector is called: letters, digits, '_' and '-'
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Where to write it [default: connector-NAME]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum EnvCommand {
    /// Build what is missing, so that the next start is quick
    #[command(after_help = "\
Examples:
  crosspoint env sync                           build what the configuration needs
  crosspoint env sync --upgrade                 build anew, with the newest versions allowed")]
    Sync(EnvSyncArgs),
    /// List the environments with their size and what they are for
    List(JsonArgs),
    /// Remove the environments that the configuration does not need
    Prune(JsonArgs),
}

#[derive(Debug, Args)]
pub struct EnvSyncArgs {
    /// Build anew, with the newest versions that the requirements allow
    #[arg(long)]
    pub upgrade: bool,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The server answers what it did. With a mistake in the configuration, or a connector that does not
load, everything stays as it was and the exit code is 1.")]
pub struct ReloadArgs {
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint commands
  crosspoint commands http/Get                  only those whose id holds this text
  crosspoint commands --json                    as GET /v1/commands answers it")]
pub struct CommandsArgs {
    /// Only commands whose id holds this text
    #[arg(value_name = "TEXT")]
    pub filter: Option<String>,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Arguments are parameters of the command: name=text, or name:=JSON for anything that is not text.
Text is read as the type that the parameter needs, so headers='{\"a\": \"b\"}' works too.

Examples:
  crosspoint call http/GetRequestV2 url=https://example.com/
  crosspoint call http/GetRequestV2 url=https://example.com/ headers='{\"accept\": \"text/html\"}'
  crosspoint call http/PostRequestV2 url=https://example.com/ data:='{\"n\": 1}' --json
  crosspoint call slack/PostMessage channel='#ops' message=done --profile prod
  echo '{\"url\": \"https://example.com/\"}' | crosspoint call http/GetRequestV2 --input -
  crosspoint call --server http://127.0.0.1:7004 http/GetRequestV2 url=https://example.com/
  crosspoint call --server http://127.0.0.1:7004 --key order-7 --no-wait http/PostRequestV2 \
      url=https://shop.example/orders

The result's body goes to standard output, everything else to standard error.")]
pub struct CallArgs {
    /// What to call: connector/Command
    #[arg(value_name = "CONNECTOR/COMMAND")]
    pub command: String,

    /// Parameters: name=text or name:=JSON
    #[arg(value_name = "NAME=VALUE")]
    pub arguments: Vec<String>,

    /// The profile to use, instead of the connector's default one
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,

    /// Read parameters from a JSON file first ('-': standard input); keeps secrets off the
    /// command line
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,

    /// Call it in the server at this address instead, through its API
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,

    /// Of a server: the environment variable with its API key
    /// [default: CONNECTOR_PROXY_API_KEY, if it is set]
    #[arg(long, value_name = "NAME", requires = "server")]
    pub api_key_env: Option<String>,

    /// Of a server: the idempotency key, under which the call has one effect however often it is sent
    #[arg(long, value_name = "KEY", requires = "server")]
    pub key: Option<String>,

    /// Of a server: print the id of the call and do not wait for its end
    #[arg(long, requires = "server")]
    pub no_wait: bool,

    /// Write the whole outcome as JSON
    #[arg(long)]
    pub json: bool,

    /// Show the call's log lines too
    #[arg(long, short)]
    pub verbose: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Without samples the suite judges what needs no knowledge of the outside, and calls read-only
commands with made-up arguments. A sample is a call that works: see docs/check.md for the file.

Examples:
  crosspoint check http
  crosspoint check http/GetRequestV2 url=https://example.com/
  crosspoint check smtp --samples smtp.json --effects
  crosspoint check ./connector-crm              a Python connector, by its folder or .py file
  crosspoint check -- node server.js            an MCP server, by its command line
  crosspoint check https://mcp.example/mcp      the same by its address
  crosspoint check http://127.0.0.1:7004 --api-key-env PROXY_KEY --json

Exit codes: 0 all well, 1 a test failed, 2 the command line or configuration is wrong.")]
pub struct CheckArgs {
    /// What to judge: a connector, connector/Command, the path of a Python connector or of a
    /// program that is an MCP server, or the address of a connector proxy or of an MCP server
    #[arg(
        value_name = "CONNECTOR|COMMAND|PATH|URL",
        required_unless_present = "command_line"
    )]
    pub what: Option<String>,

    /// A sample of the one command that is judged: name=text or name:=JSON
    #[arg(value_name = "NAME=VALUE")]
    pub arguments: Vec<String>,

    /// Read samples from a JSON file
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,

    /// Run samples of commands that are not read-only, too, many times each
    #[arg(long)]
    pub effects: bool,

    /// The command line of an MCP server, after `--`
    #[arg(last = true, value_name = "COMMAND LINE", conflicts_with = "what")]
    pub command_line: Vec<String>,

    /// What an address is, where that shall not be found out
    #[arg(long = "as", value_name = "KIND")]
    pub kind: Option<KindOfAddress>,

    /// Of a proxy: only this connector or connector/Command. Of an MCP server: only this command
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,

    /// Of a proxy: the environment variable with its API key; of an MCP server: with its token
    /// [default: CONNECTOR_PROXY_API_KEY, if it is set]
    #[arg(long, value_name = "NAME")]
    pub api_key_env: Option<String>,

    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// What answers at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KindOfAddress {
    /// A connector proxy of SpiffArena's protocol
    Proxy,
    /// An MCP server
    Mcp,
}

// === impl CheckArgs ===

impl CheckArgs {
    /// What is judged, as it was named.
    pub fn name(&self) -> String {
        match &self.what {
            Some(what) => what.clone(),
            None => self.command_line.join(" "),
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration and print it as it counts, secrets masked
    #[command(after_help = "\
Examples:
  crosspoint config check
  crosspoint --config /etc/crosspoint.toml config check
  crosspoint config check --json                for programs; mistakes too")]
    Check(JsonArgs),
    /// Print every setting with its meaning, default and environment variable
    #[command(after_help = "\
Examples:
  crosspoint config reference                   Markdown
  crosspoint config reference --json            a JSON Schema, for editors")]
    Reference(JsonArgs),
}

#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_grammar_holds_together() {
        super::Cli::command().debug_assert();
    }
}
