//! The commands of the command line, a file each.

pub mod call;
pub mod check;
pub mod commands;
pub mod config;
pub mod env;
pub mod ledger;
pub mod new;
pub mod reload;
pub mod secret;
pub mod serve;
