//! `crosspoint audit`: what administrators did.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use crosspoint_broker::access::act_json;
use crosspoint_broker::cabinet::Act;
use crosspoint_broker::ledger::time_json;
use serde_json::Value;

use crate::cli::AuditArgs;
use crate::command::kept;
use crate::show;

/// Prints the newest acts.
pub fn run(file: &Option<PathBuf>, args: AuditArgs) -> Result<ExitCode> {
    kept::look(file, async |desk| {
        let acts = desk.cabinet().acts(args.limit, None).await?;
        match args.json {
            true => println!("{:#}", acts.iter().map(act_json).collect::<Value>()),
            false => acts.iter().for_each(|act| println!("{}", line(act))),
        }
        if acts.is_empty() && !args.json {
            println!("Nothing was done yet.");
        }
        Ok(())
    })
}

fn line(act: &Act) -> String {
    let at = time_json(act.at).unwrap_or_default();
    let Act {
        actor,
        ingress,
        act: what,
        subject,
        ..
    } = act;
    let detail = act.detail.as_deref().map(|detail| format!(" ({detail})"));
    let line = format!(
        "{at}  {what}  {subject}  by {actor} ({ingress}){}",
        detail.unwrap_or_default()
    );
    show::plain(&line)
}
