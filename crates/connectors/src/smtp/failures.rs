//! What went wrong, under the names that Python gives it, since processes catch those.
//!
//! Everything here happens before the server has taken the message, so that nothing was changed;
//! the exception is a connection that ends while its last answer is due ([`late`], [`broken`]).

use std::io;

use crosspoint_core::{Effect, Failure};

use super::stream::NotSecured;
use super::wire::Reply;

/// There is no secure connection.
pub(super) fn unsecured(error: NotSecured, server: &str) -> Failure {
    let (code, reason) = match error {
        NotSecured::Certificate(reason) => ("SSLCertVerificationError", reason),
        NotSecured::Handshake(reason) => ("SSLError", reason),
    };
    let message = format!("{server} has no secure connection to offer: {reason}");
    Failure::transport(code, message).with_effect(Effect::None)
}

/// The server hung up, or the connection broke.
pub(super) fn broken(error: &io::Error, server: &str, effect: Effect) -> Failure {
    let message = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("{server} hung up"),
        _ => format!("the connection to {server} broke: {error}"),
    };
    Failure::transport("SMTPServerDisconnected", message).with_effect(effect)
}

/// The server said nothing before the deadline.
pub(super) fn late(server: &str, effect: Effect) -> Failure {
    let message = format!("{server} did not answer in time");
    Failure::transport("TimeoutError", message).with_effect(effect)
}

/// Nobody waits for the answer any more.
pub(super) fn abandoned() -> Failure {
    let message = "the caller went away before the message was sent";
    Failure::transport("CancelledError", message).with_effect(Effect::None)
}

/// The server, by what it said or offers, does not take the message.
pub(super) fn denied(code: &'static str, message: String) -> Failure {
    Failure::reported(code, message).with_effect(Effect::None)
}

/// The server said no to something.
pub(super) fn refused(code: &'static str, server: &str, what: &str, reply: &Reply) -> Failure {
    denied(code, format!("{server} refused {what}: {reply}"))
}
