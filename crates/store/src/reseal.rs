//! Seals everything with the current key, a little at a time.

use crate::cabinet::part;
use crate::engine::{Engine, Fault};
use crate::ledger::{CALL, RESULT};
use crate::open::{CHECK, read_check};
use crate::rotate::{Progress, RotateError, run};
use crate::sealer::{NotSealedHere, Sealer};
use crate::value::{Columns, Rows, Statement};

/// How many values are looked at in one transaction, and about how many bytes of them.
const STEP: usize = 200;
const BYTES: i64 = 4 << 20;

const SET_META: &str = "UPDATE crosspoint_meta SET value = $2 WHERE name = $1 AND value = $3";

const COUNT: &str = "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM crosspoint_items) \
     + (SELECT CAST(COUNT(*) AS BIGINT) FROM crosspoint_calls \
        WHERE sealed_call IS NOT NULL OR sealed_result IS NOT NULL)";

/// $1, $2: the drawer and the id behind which to go on.
const ITEMS: &str = "SELECT drawer, id, sealed FROM crosspoint_items \
     WHERE (drawer, id) > ($1, $2) ORDER BY drawer, id LIMIT 200";
const SET_ITEM: &str =
    "UPDATE crosspoint_items SET sealed = $3 WHERE drawer = $1 AND id = $2 AND sealed = $4";

/// $1: the id behind which to go on. What is sealed may be large, so that its size is asked first.
const SIZES: &str = "SELECT id, CAST(COALESCE(LENGTH(sealed_call), 0) \
     + COALESCE(LENGTH(sealed_result), 0) AS BIGINT) FROM crosspoint_calls WHERE id > $1 \
     AND (sealed_call IS NOT NULL OR sealed_result IS NOT NULL) ORDER BY id LIMIT 200";
/// $1, $2: from which id to which.
const CALLS: &str = "SELECT id, sealed_call, sealed_result FROM crosspoint_calls \
     WHERE id >= $1 AND id <= $2 AND (sealed_call IS NOT NULL OR sealed_result IS NOT NULL)";
const SET_CALL: &str =
    "UPDATE crosspoint_calls SET sealed_call = $2 WHERE id = $1 AND sealed_call = $3";
const SET_RESULT: &str =
    "UPDATE crosspoint_calls SET sealed_result = $2 WHERE id = $1 AND sealed_result = $3";

/// The work, and what has come of it so far.
pub(crate) struct Resealing<'r> {
    engine: &'r dyn Engine,
    sealer: Sealer,
    progress: Progress<'r>,
    pub(crate) resealed: u64,
    pub(crate) damaged: Vec<String>,
}

// === impl Resealing ===

impl<'r> Resealing<'r> {
    pub(crate) fn new(
        engine: &'r dyn Engine,
        sealer: Sealer,
        progress: Progress<'r>,
    ) -> Resealing<'r> {
        Resealing {
            engine,
            sealer,
            progress,
            resealed: 0,
            damaged: Vec::new(),
        }
    }

    /// The value that tells the right key from others.
    pub(crate) async fn check(&mut self) -> Result<(), RotateError> {
        let Some(old) = read_check(self.engine).await? else {
            return Ok(());
        };
        let values = |new: &[u8]| [CHECK.into(), new.into(), old.as_slice().into()];
        if let Ok(Some(new)) = self.sealer.reseal("meta", CHECK, &old) {
            run(self.engine, Statement::new(SET_META, values(&new))).await?;
        }
        Ok(())
    }

    /// All items and all calls.
    pub(crate) async fn everything(&mut self) -> Result<(), RotateError> {
        let rows = self.read(Statement::new(COUNT, [])).await?;
        let total = rows.first().map(|row| row.int(0)).transpose();
        let total = total.map_err(Fault::from)?.flatten().unwrap_or(0).max(0) as u64;
        let mut done = 0;
        let mut behind = (String::new(), String::new());
        loop {
            let values = [behind.0.as_str().into(), behind.1.as_str().into()];
            let rows = self.read(Statement::new(ITEMS, values)).await?;
            let Some(last) = rows.last() else { break };
            behind = (text(&**last, 0)?, text(&**last, 1)?);
            let changes = self.items(&rows)?;
            self.write(changes).await?;
            done += rows.len() as u64;
            (self.progress)(done, total);
        }
        let mut behind = String::new();
        loop {
            let sizes = Statement::new(SIZES, [behind.as_str().into()]);
            let sizes = self.read(sizes).await?;
            let Some((first, last, count)) = step(&sizes)? else {
                return Ok(());
            };
            let values = [first.as_str().into(), last.as_str().into()];
            let rows = self.read(Statement::new(CALLS, values)).await?;
            let changes = self.calls(&rows)?;
            self.write(changes).await?;
            behind = last;
            done += count;
            (self.progress)(done, total);
        }
    }

    async fn read(&self, statement: Statement) -> Result<Rows, Fault> {
        self.engine.read(statement).await
    }

    fn items(&mut self, rows: &Rows) -> Result<Vec<Statement>, Fault> {
        let mut changes = Vec::new();
        for row in rows {
            let (drawer, id) = (text(&**row, 0)?, text(&**row, 1)?);
            let old = row.blob(2)?.unwrap_or_default();
            let place = (id.as_str(), part(&drawer));
            let name = format!("{drawer} {id}");
            if let Some(new) = self.resealed(place.0, &place.1, &old, name) {
                let (new, old) = (new.as_slice().into(), old.as_slice().into());
                let values = [drawer.as_str().into(), id.as_str().into(), new, old];
                changes.push(Statement::new(SET_ITEM, values));
            }
        }
        Ok(changes)
    }

    fn calls(&mut self, rows: &Rows) -> Result<Vec<Statement>, Fault> {
        let mut changes = Vec::new();
        for row in rows {
            let id = text(&**row, 0)?;
            for (at, column, set) in [(1, CALL, SET_CALL), (2, RESULT, SET_RESULT)] {
                let Some(old) = row.blob(at)? else { continue };
                let name = format!("{column} of call {id}");
                if let Some(new) = self.resealed(&id, column, &old, name) {
                    let (new, old) = (new.as_slice().into(), old.as_slice().into());
                    changes.push(Statement::new(set, [id.as_str().into(), new, old]));
                }
            }
        }
        Ok(changes)
    }

    /// What to write in the place of a value, if anything.
    fn resealed(&mut self, id: &str, column: &str, old: &[u8], name: String) -> Option<Vec<u8>> {
        match self.sealer.reseal(id, column, old) {
            Ok(new) => new,
            Err(NotSealedHere) => {
                self.damaged.push(name);
                None
            }
        }
    }

    /// Where somebody has changed a value meanwhile, theirs is newer, and sealed with the new key.
    async fn write(&mut self, changes: Vec<Statement>) -> Result<(), Fault> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut transaction = self.engine.begin().await?;
        let mut changed = 0;
        for change in &changes {
            changed += transaction.execute(change).await?;
        }
        transaction.commit().await?;
        self.resealed += changed;
        Ok(())
    }
}

/// The first and the last id of as many calls as are read at once, and how many that are.
fn step(sizes: &Rows) -> Result<Option<(String, String, u64)>, Fault> {
    let Some(first) = sizes.first() else {
        return Ok(None);
    };
    let (mut bytes, mut count) = (0, 0);
    for row in sizes.iter().take(STEP) {
        bytes += row.int(1)?.unwrap_or(0);
        if count > 0 && bytes > BYTES {
            break;
        }
        count += 1;
    }
    let last = text(&*sizes[count - 1], 0)?;
    Ok(Some((text(&**first, 0)?, last, count as u64)))
}

fn text(columns: &dyn Columns, column: usize) -> Result<String, Fault> {
    Ok(columns.text(column)?.unwrap_or_default())
}
