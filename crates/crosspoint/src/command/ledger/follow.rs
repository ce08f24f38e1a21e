//! `crosspoint ledger list --follow`.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use crosspoint_broker::ledger::{Filter, Row, State, Store, StoreError, Version};

use super::list::filter;
use super::table::Table;
use super::{Desk, rows};
use crate::cli::ListArgs;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(500);

/// How many calls are read at once.
const STEP: u32 = 200;

/// How many calls that are not among the newest are looked at each time, because they may change.
const OPEN: usize = 100;

/// How many calls are remembered. Changes of older ones are not seen.
const REMEMBERED: usize = 10_000;

/// How many calls there were before that are remembered, so that their changes are seen.
const BEFORE: u32 = 1000;

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

/// What was seen, by id and thereby by age.
struct Watch {
    filter: Filter,
    seen: BTreeMap<String, (Version, bool)>,
    /// This call and those before it are not looked at.
    floor: Option<String>,
}

// === impl Watch ===

impl Watch {
    fn new(filter: Filter) -> Watch {
        Watch {
            filter,
            seen: BTreeMap::new(),
            floor: None,
        }
    }

    /// Remembers what there is, and gives the newest of it, oldest first.
    async fn begin(&mut self, store: &dyn Store, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut newest = Vec::new();
        let (mut left, mut before) = (BEFORE.max(limit), None);
        loop {
            let wanted = left.min(STEP);
            let page = store.list(&self.filter, wanted, before.as_deref()).await?;
            left -= page.len() as u32;
            let last = page.len() < wanted as usize;
            before = page.last().map(|row| row.id.clone());
            for row in page {
                self.note(&row);
                if newest.len() < limit as usize {
                    newest.push(row);
                }
            }
            if last || left == 0 {
                self.floor = before.filter(|_| !last);
                newest.reverse();
                return Ok(newest);
            }
        }
    }

    /// What is new or has changed, oldest first.
    async fn look(&mut self, store: &dyn Store) -> Result<Vec<Row>, StoreError> {
        let (mut found, mut before) = (Vec::new(), None::<String>);
        loop {
            let page = store.list(&self.filter, STEP, before.as_deref()).await?;
            let last = page.len() < STEP as usize;
            before = page.last().map(|row| row.id.clone());
            let news: Vec<Row> = page.into_iter().filter(|row| self.is_news(row)).collect();
            // What is written late is among the newest all the same.
            let nothing = news.is_empty();
            found.extend(news);
            if last || nothing || found.len() >= REMEMBERED {
                break;
            }
        }
        found.extend(self.changed_before(store, before.as_deref()).await?);
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.iter().for_each(|row| self.note(row));
        Ok(found)
    }

    /// Those before `before` that may change and did.
    async fn changed_before(
        &mut self,
        store: &dyn Store,
        before: Option<&str>,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(before) = before else {
            return Ok(Vec::new());
        };
        let older = (Bound::Unbounded, Bound::Excluded(before));
        let older = self.seen.range::<str, _>(older).rev();
        let open = older
            .filter(|(_, (_, open))| *open)
            .map(|(id, _)| id.clone());
        let open: Vec<String> = open.take(OPEN).collect();
        let mut changed = Vec::new();
        for id in open {
            match store.find(&id).await? {
                Some(row) if self.is_wanted(&row) => {
                    changed.extend(Some(row).filter(|row| self.is_news(row)))
                }
                // It is gone, or is none of those that are followed any more.
                _ => drop(self.seen.remove(&id)),
            }
        }
        Ok(changed)
    }

    fn is_wanted(&self, row: &Row) -> bool {
        self.filter.state.is_none_or(|state| state == row.state)
    }

    fn is_news(&self, row: &Row) -> bool {
        let below = self.floor.as_ref().is_some_and(|floor| row.id <= *floor);
        let known = self.seen.get(&row.id).map(|(version, _)| *version);
        !below && known != Some(version(row))
    }

    fn note(&mut self, row: &Row) {
        let open = row.state.is_open() || row.state == State::Finished;
        self.seen.insert(row.id.clone(), (version(row), open));
        if self.seen.len() > REMEMBERED
            && let Some((oldest, _)) = self.seen.pop_first()
        {
            self.floor = self.floor.take().max(Some(oldest));
        }
    }
}

fn version(row: &Row) -> Version {
    Version {
        state: row.state,
        attempts: row.attempts,
    }
}
