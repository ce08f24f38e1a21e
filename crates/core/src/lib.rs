//! The vocabulary of Crosspoint, and the SDK for connectors written in Rust. No I/O happens here.
//!
//! A [`Connector`] describes itself by a [`Manifest`] of [`Command`]s and answers a [`Call`] with
//! an [`Outcome`] or a [`Failure`]. A [`Mount`] tells which connectors a configuration entry
//! yields. Most connectors are a [`Native`] value whose commands implement [`Execute`].

mod arguments;
mod call;
mod check;
mod connector;
mod decode;
mod failure;
mod host;
mod json;
mod manifest;
mod mask;
mod native;
mod outcome;
mod parameter;
mod profile;
mod secret;
mod span;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use arguments::Arguments;
pub use call::{Call, CallId, CommandId, Ingress, NotACallId, NotACommand, Origin, Trace, VIA};
pub use check::{Mistake, alike, nearest, shorten};
pub use connector::{Connector, Context, Mount, Mounted, inner_status};
pub use failure::{Effect, Failure, Invalid, Kind, Refusal};
pub use host::is_loopback_host;
pub use json::{Json, JsonError, MAX_DEPTH};
pub use manifest::{Auth, Command, Manifest, Safety, is_connector_name};
pub use mask::{CallMask, MASKED, Mask, WITHHELD};
pub use native::{Execute, Native};
pub use outcome::{Body, Completion, Outcome, Verbatim};
pub use parameter::{Parameter, Type};
pub use profile::{Fields, Profile};
pub use secret::{Secret, is_sensitive_name};
pub use span::{OpenSpan, Parent, Span, SpanKind, Tracer, Tracing};
