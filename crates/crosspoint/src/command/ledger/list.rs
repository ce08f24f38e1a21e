//! `crosspoint ledger list`.

use std::process::ExitCode;

use anyhow::Result;
use crosspoint_broker::ledger::{Filter, Row};

use super::table::Table;
use super::{Desk, rows};
use crate::cli::ListArgs;

/// How many calls are read at once.
const STEP: u32 = 500;

/// Prints the calls, the newest first.
pub async fn run(desk: &Desk, args: ListArgs) -> Result<ExitCode> {
    let filter = filter(&args);
    let mut out = Out::new(args.json);
    let (mut left, mut before) = (args.limit, None);
    let mut more = false;
    loop {
        // One more than is shown tells whether there are more.
        let wanted = left.saturating_add(1).min(STEP);
        let page = desk.store().list(&filter, wanted, before.as_deref());
        let mut page = page.await?;
        let last = page.len() < wanted as usize;
        if page.len() > left as usize {
            page.truncate(left as usize);
            more = true;
        }
        left -= page.len() as u32;
        before = page.last().map(|row| row.id.clone());
        page.iter().for_each(|row| out.print(row, &page));
        if last || more {
            break;
        }
    }
    out.end();
    if !args.json {
        hint(&args, &filter, args.limit - left, more);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the table does not say.
fn hint(args: &ListArgs, filter: &Filter, shown: u32, more: bool) {
    if more {
        eprintln!(
            "There are more; these are the newest {}: --limit",
            args.limit
        );
    } else if shown == 0 && *filter == Filter::default() {
        eprintln!("No calls have been recorded yet.");
    } else if shown == 0 {
        eprintln!("No call is like this. The newest ones of all: crosspoint ledger list");
    }
}

/// What the options ask for.
pub fn filter(args: &ListArgs) -> Filter {
    // `http/GetRequestV2` as well as `GetRequestV2`.
    let whole = args.command.as_deref().and_then(|id| id.split_once('/'));
    let (connector, command) = match whole {
        Some((connector, command)) => (Some(connector.to_owned()), Some(command.to_owned())),
        None => (None, args.command.clone()),
    };
    Filter {
        connector: args.connector.clone().or(connector),
        command,
        state: args.state,
        task: args.task.clone(),
        instance: args.instance.clone(),
        request_id: args.request.clone(),
        since: args.since.map(|moment| moment.0),
        until: args.until.map(|moment| moment.0),
    }
}

/// Standard output, as it fills.
struct Out {
    json: bool,
    table: Option<Table>,
    count: usize,
}

// === impl Out ===

impl Out {
    fn new(json: bool) -> Out {
        Out {
            json,
            table: None,
            count: 0,
        }
    }

    fn print(&mut self, row: &Row, page: &[Row]) {
        self.count += 1;
        if self.json {
            let before = if self.count == 1 { "[\n" } else { ",\n" };
            print!("{before}{}", rows::json(row));
            return;
        }
        let table = self.table.get_or_insert_with(|| {
            let table = Table::of(page);
            println!("{}", table.head());
            table
        });
        println!("{}", table.row(row));
    }

    fn end(&self) {
        match (self.json, self.count) {
            (true, 0) => println!("[]"),
            (true, _) => println!("\n]"),
            (false, _) => {}
        }
    }
}
