//! The command line, as people and scripts use it.

mod call;
mod commands;
mod config;
mod ledger;
mod serve;
