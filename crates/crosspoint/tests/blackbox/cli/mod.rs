//! The command line, as people and scripts use it.

mod call;
mod commands;
mod config;
mod keys;
mod ledger;
mod serve;
