//! The commands of the command line, a file each.

pub mod activiti;
pub mod audit;
pub mod auth;
pub mod call;
pub mod check;
pub mod commands;
pub mod config;
pub mod env;
pub mod input;
pub mod kept;
pub mod key;
pub mod ledger;
pub mod new;
pub mod profile;
pub mod reload;
pub mod secret;
pub mod serve;
