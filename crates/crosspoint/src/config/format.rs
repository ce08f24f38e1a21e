//! The kinds of text that values are written in.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use crosspoint_core::shorten;
use serde::de::{Error, Visitor};

use super::auths::{ProviderUrl, PublicUrl};
use super::durations::{Age, Delay, Lease, Span};
use super::egress::EgressEntry;
use super::keys::{Expiry, ScopeText};
use super::limits::{Rate, Share};
use super::mcp::McpUrl;
use super::openapi::DocumentAt;
use super::problem::Wrong;
use super::reference::KeyText;
use super::remote::ProxyUrl;
use super::requirement::Requirement;
use super::scalars::{EngineUrl, FilePath, HostName, Listen, LogFilter, WebOrigin};
use super::secret_text::SecretText;
use super::sizes::{Memory, Size, Volume};
use super::store_url::StoreUrl;
use super::values::Text;

/// A kind of text that the schema names by its `format`.
pub struct Format {
    /// As the schema has it. None is a format that JSON Schema defines, such as `duration`, for
    /// which editors would check other rules.
    pub name: &'static str,
    /// What it is, with an example.
    pub kind: &'static str,
    /// Whether a text is one.
    pub check: fn(&str) -> Result<(), Wrong>,
}

/// All of them.
pub static FORMATS: [Format; 33] = [
    Format {
        name: "listen",
        kind: "an address such as `127.0.0.1:7004`",
        check: parses::<Listen>,
    },
    Format {
        name: "time-span",
        kind: "a duration such as `40s`, `1m 30s` or `PT40S`",
        check: parses::<Span>,
    },
    Format {
        name: "delay",
        kind: "a duration such as `30s`, or `0s`",
        check: parses::<Delay>,
    },
    Format {
        name: "age",
        kind: "a duration such as `90d` or `720h`",
        check: parses::<Age>,
    },
    Format {
        name: "lease",
        kind: "a duration such as `30s`",
        check: parses::<Lease>,
    },
    Format {
        name: "size",
        kind: "a size such as `10MiB`, `512 KiB` or a number of bytes",
        check: parses::<Size>,
    },
    Format {
        name: "log-filter",
        kind: "a log filter such as `info` or `warn,crosspoint=debug`",
        check: parses::<LogFilter>,
    },
    Format {
        name: "host",
        kind: "a host such as `proxy.example`",
        check: parses::<HostName>,
    },
    Format {
        name: "web-origin",
        kind: "an origin such as `https://console.example`",
        check: parses::<WebOrigin>,
    },
    Format {
        name: "engine-url",
        kind: "an origin such as `http://localhost:8000`",
        check: parses::<EngineUrl>,
    },
    Format {
        name: "store-url",
        kind: "`sqlite:<file>`, `postgres://…`, `none`, or a reference such as `env:NAME`",
        check: parses::<StoreUrl>,
    },
    Format {
        name: "egress-entry",
        kind: "an egress entry such as `10.0.0.0/8`, `*.example.com` or `api.example.com:443`",
        check: parses::<EgressEntry>,
    },
    Format {
        name: "key",
        kind: "a key, or a reference such as `env:NAME`",
        check: parses::<KeyText>,
    },
    Format {
        name: "path",
        kind: "a path",
        check: parses::<FilePath>,
    },
    Format {
        name: "memory",
        kind: "a size such as `512MiB`, `2 GiB` or a number of bytes",
        check: parses::<Memory>,
    },
    Format {
        name: "volume",
        kind: "a size such as `10GiB`, `500 MiB` or a number of bytes",
        check: parses::<Volume>,
    },
    Format {
        name: "mcp-url",
        kind: "an address such as `https://mcp.example/mcp`",
        check: parses::<McpUrl>,
    },
    Format {
        name: "proxy-url",
        kind: "an address such as `http://proxy.example:7004`",
        check: parses::<ProxyUrl>,
    },
    Format {
        name: "document",
        kind: "the path or the address of an OpenAPI document",
        check: parses::<DocumentAt>,
    },
    Format {
        name: "requirement",
        kind: "a requirement such as `connector-crm==1.4`, a path, or a git URL",
        check: parses::<Requirement>,
    },
    Format {
        name: "value",
        kind: "a text, or a reference such as `env:NAME`",
        check: parses::<Text>,
    },
    Format {
        name: "connector-name",
        kind: "the name of a connector: letters, digits, `_` and `-`",
        check: connector_name,
    },
    Format {
        name: "command-name",
        kind: "the name of a command: letters, digits, `_` and `-`",
        check: command_name,
    },
    Format {
        name: "profile-name",
        kind: "the name of a profile: letters, digits, `_` and `-`",
        check: profile_name,
    },
    Format {
        name: "auth-name",
        kind: "the name of an auth: letters, digits, `_` and `-`",
        check: auth_name,
    },
    Format {
        name: "provider-url",
        kind: "an address such as `https://login.example/token`",
        check: parses::<ProviderUrl>,
    },
    Format {
        name: "public-url",
        kind: "an address such as `https://proxy.example`",
        check: parses::<PublicUrl>,
    },
    Format {
        name: "secret",
        kind: "a secret, or a reference such as `secret:NAME` or `env:NAME`",
        check: parses::<SecretText>,
    },
    Format {
        name: "rate",
        kind: "a rate such as `10/s`, `100/m` or `1000/h`",
        check: parses::<Rate>,
    },
    Format {
        name: "share",
        kind: "a share such as `20%`",
        check: parses::<Share>,
    },
    Format {
        name: "variable-name",
        kind: "the name of an environment variable",
        check: variable_name,
    },
    Format {
        name: "scope",
        kind: "a scope such as `call`, `ingress:spiff` or `connector:crm`",
        check: parses::<ScopeText>,
    },
    Format {
        name: "expiry",
        kind: "a day such as `2027-03-01`, or a time such as `2027-03-01T08:00:00Z`",
        check: parses::<Expiry>,
    },
];

/// Reads a text, or a number as if it were one.
pub struct AsText<T>(PhantomData<T>);

/// Reads and writes a type as text by its `FromStr` and `Display`, and gives it a schema, to which
/// more may be added: `"writeOnly": true` for a secret.
macro_rules! as_text {
    ($type:ident, $format:literal, $types:tt $(, $more:literal: $value:tt)*) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                deserializer.deserialize_any($crate::config::format::AsText::default())
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": $types, "format": $format $(, $more: $value)*
                })
            }
        }
    };
}
pub(super) use as_text;

// === impl AsText ===

impl<T> Default for AsText<T> {
    fn default() -> AsText<T> {
        AsText(PhantomData)
    }
}

impl<T: FromStr<Err = Wrong>> Visitor<'_> for AsText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

fn parses<T: FromStr<Err = Wrong>>(text: &str) -> Result<(), Wrong> {
    text.parse::<T>().map(drop)
}

fn connector_name(text: &str) -> Result<(), Wrong> {
    match is_name(text) {
        true => Ok(()),
        false => Err(wrong(
            text,
            "is not the name of a connector",
            "connector-name",
        )),
    }
}

fn command_name(text: &str) -> Result<(), Wrong> {
    match is_name(text) {
        true => Ok(()),
        false => Err(wrong(text, "is not the name of a command", "command-name")),
    }
}

fn profile_name(text: &str) -> Result<(), Wrong> {
    match is_name(text) {
        true => Ok(()),
        false => Err(wrong(text, "is not the name of a profile", "profile-name")),
    }
}

fn auth_name(text: &str) -> Result<(), Wrong> {
    match is_name(text) {
        true => Ok(()),
        false => Err(wrong(text, "is not the name of an auth", "auth-name")),
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    !text.is_empty() && text.bytes().all(allowed)
}

fn variable_name(text: &str) -> Result<(), Wrong> {
    match !text.is_empty() && !text.contains(['=', '\0']) {
        true => Ok(()),
        false => Err(wrong(
            text,
            "is not the name of a variable",
            "variable-name",
        )),
    }
}

/// The format of a name, if it is one of ours.
pub fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Says what a text is not, and what its format expects.
pub fn wrong(text: &str, fault: &str, format: &str) -> Wrong {
    let expected = format_named(format).map_or("", |format| format.kind);
    Wrong {
        why: format!("`{}` {fault}", shorten(text)),
        help: format!("expected {expected}"),
    }
}
