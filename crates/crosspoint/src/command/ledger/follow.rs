//! `crosspoint ledger list --follow`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use crosspoint_broker::ledger::{Row, Watch};

use super::list::filter;
use super::table::Table;
use super::{Desk, rows};
use crate::cli::ListArgs;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(500);

/// Prints the newest calls, and then each that comes in or changes.
pub async fn run(desk: &Desk, args: ListArgs) -> Result<ExitCode> {
    let interrupted = tokio::signal::ctrl_c();
    tokio::select! {
        done = follow(desk, &args) => done,
        interrupted = interrupted => {
            interrupted.context("listening for Ctrl-C")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn follow(desk: &Desk, args: &ListArgs) -> Result<ExitCode> {
    let mut watch = Watch::new(filter(args));
    let first = watch.begin(desk.store(), args.limit).await?;
    let table = Table::of(&first);
    if !args.json {
        println!("{}", table.head());
    }
    let print = |row: &Row| match args.json {
        true => println!("{}", rows::json(row)),
        false => println!("{}", table.row(row)),
    };
    first.iter().for_each(print);
    let mut away = false;
    loop {
        tokio::time::sleep(LOOK).await;
        match watch.look(desk.store()).await {
            Ok(rows) => {
                away = false;
                rows.iter().for_each(print);
            }
            Err(_) if away => {}
            Err(error) => {
                away = true;
                eprintln!("{error}; it is tried again until Ctrl-C");
            }
        }
    }
}
