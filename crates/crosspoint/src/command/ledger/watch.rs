//! Notices what comes into the ledger and what changes there.

use std::collections::BTreeMap;
use std::ops::Bound;

use crosspoint_broker::ledger::{Filter, Row, State, Store, StoreError, Version};

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
    pub fn new(filter: Filter) -> Watch {
        Watch {
            filter,
            seen: BTreeMap::new(),
            floor: None,
        }
    }

    /// Remembers what there is, and gives the newest of it, oldest first.
    pub async fn begin(&mut self, store: &dyn Store, limit: u32) -> Result<Vec<Row>, StoreError> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crosspoint_broker::ledger::{About, End, Ending, NewRow, Wait};
    use crosspoint_core::CallId;
    use crosspoint_store::{Ledger, Options};

    struct Book(
        Arc<Ledger>,
        #[expect(dead_code, reason = "kept while it is used")] tempfile::TempDir,
    );

    impl Book {
        async fn new() -> Book {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}", folder.path().join("a.db").display());
            let options = Options::new(folder.path().join("key"));
            let ledger = crosspoint_store::open(&url, &options).await.unwrap();
            Book(ledger, folder)
        }

        async fn begin(&self) -> String {
            let row = NewRow {
                id: CallId::generate().to_string(),
                key: None,
                about: About::default(),
                state: State::Running,
                replay: None,
            };
            let id = row.id.clone();
            self.0.begin(row, Wait::No).await.unwrap();
            id
        }

        async fn end(&self, id: &str, state: State) {
            let end = End {
                id: id.to_owned(),
                state,
                ending: Ending::default(),
                result: None,
            };
            self.0.end(end, Wait::Committed).await.unwrap();
        }
    }

    fn ids(rows: Vec<Row>) -> Vec<String> {
        rows.into_iter().map(|row| row.id).collect()
    }

    #[tokio::test]
    async fn a_change_is_seen_however_many_calls_came_after() {
        let book = Book::new().await;
        let mut known = Vec::new();
        for _ in 0..3 * STEP {
            known.push(book.begin().await);
        }
        book.0.flush().await.unwrap();
        let mut watch = Watch::new(Filter::default());
        let first = watch.begin(&*book.0, 2).await.unwrap();
        assert_eq!(ids(first), known[known.len() - 2..]);
        assert_eq!(ids(watch.look(&*book.0).await.unwrap()), [""; 0]);

        // The last that are looked at one by one, since they may change.
        let oldest = &known[known.len() - STEP as usize - OPEN];
        book.end(oldest, State::Succeeded).await;
        assert_eq!(
            ids(watch.look(&*book.0).await.unwrap()),
            *std::slice::from_ref(oldest)
        );

        let mut new = Vec::new();
        for _ in 0..3 * STEP {
            new.push(book.begin().await);
        }
        book.0.flush().await.unwrap();
        assert_eq!(ids(watch.look(&*book.0).await.unwrap()), new);
        assert_eq!(ids(watch.look(&*book.0).await.unwrap()), [""; 0]);
    }

    #[tokio::test]
    async fn of_one_state_only_what_gets_into_it_is_seen() {
        let book = Book::new().await;
        let (one, two) = (book.begin().await, book.begin().await);
        book.0.flush().await.unwrap();
        let state = Some(State::Failed);
        let mut watch = Watch::new(Filter {
            state,
            ..Filter::default()
        });
        assert_eq!(ids(watch.begin(&*book.0, 50).await.unwrap()), [""; 0]);
        book.end(&two, State::Failed).await;
        assert_eq!(
            ids(watch.look(&*book.0).await.unwrap()),
            *std::slice::from_ref(&two)
        );
        let failed = Version {
            state: State::Failed,
            attempts: 1,
        };
        assert!(book.0.again(&two, failed, 0).await.unwrap());
        book.end(&one, State::Failed).await;
        assert_eq!(ids(watch.look(&*book.0).await.unwrap()), [one]);
        book.end(&two, State::Failed).await;
        assert_eq!(ids(watch.look(&*book.0).await.unwrap()), [two]);
    }
}
