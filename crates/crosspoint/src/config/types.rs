//! What may be configured. The comments here are the configuration reference that users read.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::activiti::Activiti;
use super::auths::PublicUrl;
use super::automate::Automate;
use super::connectors::Connectors;
use super::durations::Span;
use super::egress::{EgressEntry, Preset};
use super::keys::{Expiry, ScopeText};
use super::python::Python;
use super::reference::KeyText;
use super::scalars::{EngineUrl, FilePath, HostName, Listen, LogFilter, WebOrigin};
use super::sizes::Size;
use super::store::Store;
use super::tools::Mcp;
use super::vault::Vault;

/// The configuration of Crosspoint. Everything has a default: no file at all is a working proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address to listen on: an IP address or `localhost`, and a port. With port 0 the system
    /// chooses a free one, which is printed. Anything but a loopback address needs an API key, or
    /// `access.anonymous = true`.
    pub listen: Listen,

    /// Where browsers reach Crosspoint, such as `https://proxy.example`. Providers of OAuth send them
    /// back there: the address to register with a provider is
    /// `<public_url>/v1/auth/<connector>/<auth>/callback`. When there is no such setting, it is made
    /// of the address that is listened on.
    pub public_url: Option<PublicUrl>,

    /// What to log: a level (`error`, `warn`, `info`, `debug`, `trace`, `off`), or a list of
    /// `module=level`, such as `warn,crosspoint=debug`.
    pub log: LogFilter,

    /// How the log is written.
    pub log_format: LogFormat,

    /// The folder for what Crosspoint keeps, such as the ledger of calls and the environments that
    /// it builds for Python connectors. It is made when it is first needed. A relative path starts
    /// at the working directory.
    pub data_dir: FilePath,

    /// The built-in connectors that are there. What is not named here cannot be called.
    pub builtin: Vec<String>,

    /// The largest body of a request, from `1KiB` to `1GiB`. A larger one is answered with 413.
    pub max_body: Size,

    /// How long a shutdown waits for calls in flight before it gives them up.
    pub drain: Span,

    /// Who may call.
    pub access: Access,

    /// Where outgoing requests may go. A target is judged by the address really connected to,
    /// again on each redirect.
    pub egress: Egress,

    /// The ledger: a durable record of every call, by which a repeated request has one effect and
    /// a long call survives a restart. `crosspoint ledger` shows it.
    pub store: Store,

    /// HashiCorp Vault, where references such as `vault:apps/crm#token` lead: its key-value engine,
    /// version 2.
    pub vault: Vault,

    /// Calls from SpiffArena.
    pub spiff: Spiff,

    /// Calls from any other program, through `/api/v1`.
    pub api: Api,

    /// Service tasks of Activiti Cloud, over RabbitMQ.
    pub activiti: Activiti,

    /// Commands as tools of the Model Context Protocol, at `/mcp` and by `crosspoint mcp`.
    pub mcp: Mcp,

    /// Calls from the command line: `crosspoint call`.
    pub cli: Cli,

    /// Python connectors: a whole environment of them, and how their workers run. With neither
    /// `venv` nor `install`, the environment that the variable `VIRTUAL_ENV` names is mounted, if
    /// it is set.
    pub python: Python,
    /// Adapters of Django Automate.
    pub automate: Automate,

    /// One table for each connector.
    pub connectors: Connectors,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A line for programs: a JSON object with `time`, `level`, `message` and the fields.
    Json,
}

/// Who may call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// The keys that callers may use, in the header `Spiff-Connector-Proxy-Api-Key` or as
    /// `Authorization: Bearer`. Each is a text, or a table `{ name = "…", key = "…" }` with the
    /// name that logs show; a key without a name is `key-1`, `key-2` and so on, by its position.
    /// The text is the key itself (better 8 characters or more) or a reference to it: `env:NAME`,
    /// `file:PATH` or `exec:COMMAND ARGUMENTS`. A table may also have `scopes`, a list of
    /// what the key is good for (`read`, `call`, `administer`, `ingress:spiff`, `ingress:api`,
    /// `ingress:mcp`, `connector:NAME` with `*` for any characters; `docs/access.md`), and `expires`, a day such as
    /// `2027-03-01` or a time as in RFC 3339. `crosspoint key` makes keys that are kept in the store.
    pub api_keys: Vec<ApiKey>,

    /// Whether a key is needed even while there is none in this file: those in the store count.
    /// Allows an address that is not loopback.
    pub require_key: bool,

    /// Whether anyone may call when there are no keys: allows an address that is not loopback, and
    /// any `Host`. Has no effect when there are keys.
    pub anonymous: bool,

    /// Further values of the `Host` header that are accepted when there are no keys, such as
    /// `proxy.example`; a port does not count. Loopback names and addresses always are; any other
    /// is answered with 403, which keeps web pages from reaching the proxy by a name of their own.
    pub hosts: Vec<HostName>,

    /// The web pages that may call from a browser, as origins such as `https://console.example`,
    /// or `*` for all.
    pub cors_origins: Vec<WebOrigin>,
}

/// An API key, with a name or without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ApiKey {
    /// The key alone.
    Text(KeyText),
    /// The key and the name that logs show.
    Named(NamedKey),
}

/// An API key and the name that logs show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedKey {
    /// What logs show instead of the key.
    pub name: String,
    /// The key, or a reference to it.
    pub key: KeyText,
    /// What it is good for: `read`, `call`, `administer`, `ingress:spiff`, `ingress:api`,
    /// `ingress:mcp`, and `connector:NAME` with `*` for any characters. Of a kind that is absent everything counts; with
    /// none at all the key is good for everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ScopeText>,
    /// From when on it is not taken any more: a day, which begins in UTC, or a time as in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Expiry>,
}

/// Where outgoing requests may go.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Egress {
    /// What is refused when no entry says anything.
    pub preset: Preset,

    /// What is let through although the preset or `deny` refuses it: `*`, a host name,
    /// `*.suffix`, an IP address or a network such as `10.0.0.0/8`, each with `:port` when it
    /// means one port only. What the preset `internal` refuses is only let through by address.
    pub allow: Vec<EgressEntry>,

    /// What is refused, written as in `allow`. `deny = ["*"]` with some `allow` is an allow-list.
    pub deny: Vec<EgressEntry>,

    /// PEM files with the certificates of private authorities to trust, besides those that the
    /// system trusts. Relative paths start at the working directory.
    pub ca_files: Vec<PathBuf>,
}

/// Calls from SpiffArena.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spiff {
    /// The total time that a call may take, all attempts together, while SpiffArena waits for the
    /// answer.
    pub deadline: Span,

    /// Where the backend of SpiffArena is, as an origin: a scheme, a host and a port. The result of
    /// a long call goes to the `spiff__callback_url` of the call only if that is of this origin.
    /// When there is no such setting, any loopback address is fine. A call with another callback
    /// URL is answered while SpiffArena waits.
    pub engine_url: Option<EngineUrl>,

    /// The hosts that a browser may be sent to with the tokens of an authorisation, with a port or
    /// for any port. When there are none, it is the host of `engine_url`, and without that any
    /// loopback address.
    pub redirect_hosts: Vec<HostName>,

    /// The token that goes with each callback as `Authorization: Bearer`: the backend wants one,
    /// since callbacks are calls of its own API. The token itself, or a reference to it:
    /// `env:NAME`, `file:PATH` or `exec:COMMAND ARGUMENTS`.
    pub callback_token: Option<KeyText>,

    /// The total time that a long call may take, all attempts together: one that was answered with
    /// 202, so that its task waits in SpiffArena (see `connectors.<name>.policy.async_after`). A
    /// `deadline` in the policy of the connector goes before it.
    pub long_deadline: Span,

    /// For how long the callback with the result of a long call is tried again when SpiffArena
    /// cannot be reached or does not take it. After that the call is `undeliverable`, and
    /// `crosspoint ledger replay` delivers its result.
    pub callback_retry: Span,
}

/// Calls from any other program, through `/api/v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// The total time that a call may take, all attempts together, while its caller waits for the
    /// answer.
    pub deadline: Span,

    /// The total time that a call may take whose caller does not wait: `wait` is false, or the result
    /// goes to a `callback_url`. A `deadline` in the policy of the connector goes before it.
    pub long_deadline: Span,

    /// Where the `callback_url` of a call may lead, as origins: a scheme, a host and a port. A call
    /// with another one is refused.
    pub callback_origins: Vec<EngineUrl>,

    /// The token that goes with each callback as `Authorization: Bearer`. The token itself, or a
    /// reference to it: `env:NAME`, `file:PATH` or `exec:COMMAND ARGUMENTS`.
    pub callback_token: Option<KeyText>,

    /// For how long a callback is tried again when its receiver cannot be reached or does not take it.
    /// After that the call is `undeliverable`, and `crosspoint ledger replay` delivers its result.
    pub callback_retry: Span,
}

/// Calls from the command line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cli {
    /// The total time that a call may take, all attempts together.
    pub deadline: Span,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: Listen(([127, 0, 0, 1], 7004).into()),
            public_url: None,
            log: LogFilter("info".to_owned()),
            log_format: LogFormat::default(),
            data_dir: FilePath(".crosspoint".into()),
            builtin: ["http", "smtp", "slack", "logging", "postgres_v2"]
                .map(str::to_owned)
                .to_vec(),
            max_body: Size::mebibytes(10),
            drain: Span::seconds(30),
            access: Access::default(),
            egress: Egress::default(),
            store: Store::default(),
            vault: Vault::default(),
            spiff: Spiff::default(),
            api: Api::default(),
            activiti: Activiti::default(),
            mcp: Mcp::default(),
            cli: Cli::default(),
            python: Python::default(),
            automate: Automate::default(),
            connectors: Connectors::default(),
        }
    }
}

// === impl ApiKey ===

impl ApiKey {
    /// The name it was given, else one made of its position in the list, counted from 1.
    pub fn name(&self, position: usize) -> String {
        match self {
            ApiKey::Text(_) => format!("key-{position}"),
            ApiKey::Named(named) => named.name.clone(),
        }
    }

    /// What it is good for.
    pub fn scopes(&self) -> &[ScopeText] {
        match self {
            ApiKey::Text(_) => &[],
            ApiKey::Named(named) => &named.scopes,
        }
    }

    /// From when on it is not taken any more, in milliseconds since 1970.
    pub fn expires(&self) -> Option<i64> {
        match self {
            ApiKey::Text(_) => None,
            ApiKey::Named(named) => named.expires.as_ref().map(|expires| expires.ms),
        }
    }

    /// The key or the reference to it.
    pub fn key(&self) -> &KeyText {
        match self {
            ApiKey::Text(key) => key,
            ApiKey::Named(named) => &named.key,
        }
    }
}

// === impl Spiff, Api, Cli ===

/// SpiffArena's backend gives up after 45 s; an answer should reach it before that.
impl Default for Spiff {
    fn default() -> Spiff {
        Spiff {
            deadline: Span::seconds(40),
            engine_url: None,
            redirect_hosts: Vec::new(),
            callback_token: None,
            long_deadline: Span::seconds(60 * 60),
            callback_retry: Span::seconds(24 * 60 * 60),
        }
    }
}

impl Default for Api {
    fn default() -> Api {
        Api {
            deadline: Span::seconds(300),
            long_deadline: Span::seconds(60 * 60),
            callback_origins: Vec::new(),
            callback_token: None,
            callback_retry: Span::seconds(24 * 60 * 60),
        }
    }
}

impl Default for Cli {
    fn default() -> Cli {
        Cli {
            deadline: Span::seconds(300),
        }
    }
}
