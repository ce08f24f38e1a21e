//! Failures, by the names and with the meaning that they have here.

use std::error::Error as _;

use crosspoint_core::{Effect, Failure, Invalid, Kind};
use crosspoint_net::DialError;
use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use super::dsn::DsnError;
use super::sqlstate;

/// What Python's library raises whenever there is no connection, or no longer.
const NO_CONNECTION: &str = "OperationalError";

/// The connection string is of no use.
pub(super) fn dsn(error: DsnError) -> Failure {
    Failure::new(Kind::Invalid(Invalid::Input), error.code, error.message)
}

/// An argument does not have the form it needs.
pub(super) fn argument(code: &'static str, message: impl Into<String>) -> Failure {
    Failure::new(Kind::Invalid(Invalid::Input), code, message)
}

/// There is no connection, so that nothing has happened.
pub(super) fn connecting(message: impl Into<String>, detail: Option<String>) -> Failure {
    let failure = Failure::transport(NO_CONNECTION, message).with_effect(Effect::None);
    Failure { detail, ..failure }
}

/// The server was not reached.
pub(super) fn unreached(error: DialError) -> Failure {
    let mut failure = Failure::from(error);
    if failure.kind == Kind::Transport {
        failure.code = NO_CONNECTION.into();
    }
    failure
}

/// The server was reached, but would not let us in.
pub(super) fn greeting(error: &Error) -> Failure {
    let Some(refusal) = error.as_db_error() else {
        return connecting(
            format!("connecting to the database: {}", causes(error)),
            None,
        );
    };
    let message = format!("the database refused the connection: {}", refusal.message());
    let state = refusal.code().code();
    // Too many connections, or a server that is starting or stopping: worth another try.
    match state.starts_with("53") || state.starts_with("57") {
        true => connecting(message, Some(about(refusal))),
        false => Failure::reported(NO_CONNECTION, message)
            .with_effect(Effect::None)
            .with_detail(about(refusal)),
    }
}

/// A statement failed before its transaction was committed, so that nothing has changed. `place`
/// tells where its value number n, counted from 1, came from.
pub(super) fn statement(error: &Error, place: impl Fn(usize) -> Option<String>) -> Failure {
    match error.as_db_error() {
        Some(refusal) => refused(refusal, place),
        None if error.is_closed() || error.source().is_some_and(|e| e.is::<std::io::Error>()) => {
            connecting(format!("the database broke off: {}", causes(error)), None)
        }
        None => undone("InternalError", causes(error)),
    }
}

/// As [`statement`], for one that has no values.
pub(super) fn plain(error: &Error) -> Failure {
    statement(error, |_| None)
}

/// We ended the transaction ourselves, so that nothing has changed.
pub(super) fn undone(code: &'static str, message: impl Into<String>) -> Failure {
    Failure::reported(code, message).with_effect(Effect::None)
}

/// Committing failed. Only what the server says itself is certain.
pub(super) fn committing(error: &Error) -> Failure {
    match error.as_db_error() {
        Some(refusal) if !refusal.code().code().starts_with("57P") => refused(refusal, |_| None),
        _ => {
            let why = causes(error);
            let message = format!("the database broke off while the changes were saved: {why}");
            Failure::transport(NO_CONNECTION, message).with_effect(Effect::Maybe)
        }
    }
}

fn refused(refusal: &DbError, place: impl Fn(usize) -> Option<String>) -> Failure {
    let mut message = refusal.message().to_owned();
    if let Some(place) = refusal.where_().and_then(number).and_then(place) {
        message = format!("{place}: {message}");
    }
    for more in [refusal.detail(), refusal.hint()].into_iter().flatten() {
        message = format!("{message}; {more}");
    }
    let state = refusal.code().code();
    let code = sqlstate::name(state);
    // The connection was ended from the other side.
    let failure = match state.starts_with("57P") || state.starts_with("08") {
        true => Failure::transport(code, message),
        false => Failure::reported(code, message),
    };
    failure
        .with_effect(Effect::None)
        .with_detail(about(refusal))
}

/// The number of the parameter that a text of the server names: `$2`.
pub(super) fn number(text: &str) -> Option<usize> {
    let after = text.split('$').nth(1)?;
    let digits = after
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(after.len());
    after[..digits].parse().ok()
}

/// For the log: names of things, never values.
fn about(refusal: &DbError) -> String {
    let mut about = format!("SQLSTATE {}", refusal.code().code());
    for (what, name) in [
        ("table", refusal.table()),
        ("column", refusal.column()),
        ("constraint", refusal.constraint()),
        ("routine", refusal.routine()),
    ] {
        if let Some(name) = name {
            about = format!("{about}, {what} {name}");
        }
    }
    about
}

fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
