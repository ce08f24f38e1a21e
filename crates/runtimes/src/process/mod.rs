//! What runtimes that run processes have in common: starting them in groups of their own, what they
//! write as lines of the log, and how long to wait before one is started again.

mod backoff;
mod group;
mod lines;
mod origin;
mod output;

pub(crate) use backoff::Backoff;
pub(crate) use group::{Group, Launch, Problem, Started, describe, start};
pub(crate) use lines::{Allowance, Lines, Piece};
pub(crate) use origin::{Level, Origin, one_line};
pub(crate) use output::{Tail, follow};
