//! Retention: removes what is older or more than is kept, a little at a time.

use crosspoint_broker::ledger::{Pruned, Retention, StoreError};

use crate::ledger::Ledger;
use crate::sql::{OPEN, WATCHED, first_id};
use crate::value::{Columns, Statement};

/// How many rows are removed in one transaction.
const STEP: i64 = 500;

const SIZE: &str = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM crosspoint_calls";

fn oldest() -> String {
    format!("SELECT size FROM crosspoint_calls WHERE state NOT IN {WATCHED} ORDER BY id LIMIT $1")
}

/// The one number of a row.
fn read(row: &dyn Columns) -> Result<u64, StoreError> {
    let number = row.int(0);
    let number = number.map_err(|error| StoreError::Refused(error.to_string()))?;
    Ok(number.unwrap_or(0).max(0) as u64)
}

/// Sorts behind every id.
const LAST: &str = "~";

// === impl Ledger ===

impl Ledger {
    pub(crate) async fn remove_old(&self, retention: Retention) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        self.remove_expired().await?;
        if let Some(age) = retention.age {
            let now = self.database_now().await?;
            let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
            let before = first_id(now.saturating_sub(age));
            while self.remove(OPEN, &before, STEP, &mut pruned).await? == STEP as usize {}
        }
        if let Some(limit) = retention.bytes {
            let rows = self.read(Statement::new(SIZE, [])).await?;
            let mut left = rows.first().map_or(Ok(0), |row| read(&**row))?;
            while left > limit {
                let step = self.too_many(left - limit).await?;
                let before = pruned.bytes;
                if self.remove(WATCHED, LAST, step, &mut pruned).await? == 0 {
                    break;
                }
                left = left.saturating_sub(pruned.bytes - before);
            }
        }
        Ok(pruned)
    }

    /// How many of the oldest rows have so many bytes; at most [`STEP`].
    async fn too_many(&self, bytes: u64) -> Result<i64, StoreError> {
        let rows = self.read(Statement::new(oldest(), [STEP.into()])).await?;
        let (mut sum, mut count) = (0, 0);
        for row in &rows {
            if sum >= bytes {
                break;
            }
            sum += read(&**row)?;
            count += 1;
        }
        Ok(count)
    }

    /// Removes the oldest rows before an id that are in none of the kept states.
    async fn remove(
        &self,
        kept: &str,
        before: &str,
        step: i64,
        pruned: &mut Pruned,
    ) -> Result<usize, StoreError> {
        let sql = self.dialect().remove(kept);
        let removed = self
            .ask(Statement::new(sql, [before.into(), step.into()]))
            .await?;
        for row in &removed {
            pruned.rows += 1;
            pruned.bytes += read(&**row)?;
        }
        Ok(removed.len())
    }
}
