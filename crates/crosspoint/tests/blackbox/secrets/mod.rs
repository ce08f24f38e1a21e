//! Secrets never show: canaries are hidden wherever a secret may be, and looked for wherever
//! somebody may read.
//!
//! Bodies of results are never altered, so what an upstream sends back stands there.

mod accounts;
mod arguments;
mod command_line;
mod configuration;
mod short;

use crate::harness::{Answer, Canaries};

/// Looks in what an engine writes to its log or shows to people: code, message, log lines,
/// headers.
fn look_in_answer(canaries: &Canaries, what: &str, answer: &Answer) {
    let json = answer.json();
    canaries.look_in(&format!("the error of {what}"), &json["error"].to_string());
    canaries.look_in(
        &format!("spiff__logs of {what}"),
        &json["spiff__logs"].to_string(),
    );
    canaries.look_in(
        &format!("the headers of {what}"),
        &format!("{:?}", answer.headers),
    );
}
