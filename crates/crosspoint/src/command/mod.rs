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

use std::future::Future;

use anyhow::{Context, Result};

/// Waits for what a command does, in this thread.
fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.context("starting the runtime")?.block_on(work)
}
