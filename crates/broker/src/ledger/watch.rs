//! Notices what comes into the ledger and what changes there.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Filter, Row, State, Store, StoreError, Version};

/// How many calls are read at once.
const STEP: u32 = 200;

/// How many calls that are not among the newest are looked at each time, because they may change.
const OPEN: usize = 100;

/// How many calls are remembered. Changes of older ones are not seen.
const REMEMBERED: usize = 10_000;

/// How many calls there were before that are remembered, so that their changes are seen.
const BEFORE: u32 = 1000;

/// What was seen, by id and thereby by age.
pub struct Watch {
    filter: Filter,
    seen: BTreeMap<String, (Version, bool)>,
    /// This call and those before it are not looked at.
    floor: Option<String>,
}

// === impl Watch ===

impl Watch {
    /// Has seen nothing yet. Of the filter, `until` should be absent.
    pub fn new(filter: Filter) -> Watch {
        Watch {
            filter,
            seen: BTreeMap::new(),
            floor: None,
        }
    }

    /// Remembers what there is, and gives the newest of it, oldest first.
    pub async fn begin(&mut self, store: &dyn Store, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut newest = 0;
        self.remember(store, BEFORE.max(limit), None, |_| {
            newest += 1;
            newest <= limit
        })
        .await
    }

    /// Remembers what there is, and gives what may have come in or changed since the call `last` was
    /// the newest news, oldest first. A call may be among it that has not changed.
    pub async fn resume(&mut self, store: &dyn Store, last: &str) -> Result<Vec<Row>, StoreError> {
        let since = time_of(last);
        self.remember(store, BEFORE, Some(last), |row| {
            let ended = row.ending.as_ref().map_or(i64::MAX, |ending| ending.ended);
            // When a result was delivered is not known.
            row.id.as_str() >= last || ended >= since || row.about.callback.is_some()
        })
        .await
    }

    /// Remembers at least so many calls, and all after `last`, and gives those that are wanted.
    async fn remember(
        &mut self,
        store: &dyn Store,
        count: u32,
        last: Option<&str>,
        mut wanted: impl FnMut(&Row) -> bool,
    ) -> Result<Vec<Row>, StoreError> {
        let mut found = Vec::new();
        let (mut left, mut before) = (count, None::<String>);
        loop {
            let page = store.list(&self.filter, STEP, before.as_deref()).await?;
            left = left.saturating_sub(page.len() as u32);
            let end = page.len() < STEP as usize;
            before = page.last().map(|row| row.id.clone());
            for row in page {
                self.note(&row);
                if wanted(&row) {
                    found.push(row);
                }
            }
            let more = self.seen.len() < REMEMBERED && before.as_deref() > last && last.is_some();
            if end || (left == 0 && !more) {
                self.floor = before.filter(|_| !end);
                found.reverse();
                return Ok(found);
            }
        }
    }

    /// What is new or has changed, oldest first.
    pub async fn look(&mut self, store: &dyn Store) -> Result<Vec<Row>, StoreError> {
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

/// When a call came in, by its id: the first 48 bits of a UUID of version 7 are milliseconds since
/// 1970. Those of anything else are as good as any.
fn time_of(id: &str) -> i64 {
    let digits: String = id.chars().filter(|c| *c != '-').take(12).collect();
    i64::from_str_radix(&digits, 16).unwrap_or(0)
}
