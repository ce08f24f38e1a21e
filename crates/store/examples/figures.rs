//! Measures a ledger on SQLite beside bare SQL on the same file, and prints the numbers as JSON for
//! the bench: `figures [rows]`, in a folder of its own that goes away in the end.
#![allow(clippy::print_stdout, reason = "made to print")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosspoint_broker::ledger::{About, End, Ending, Filter, NewRow, Row, State, Store, Wait};
use crosspoint_store::{Ledger, Options, open};
use futures_util::future::try_join_all;
use sqlx::{Connection, SqliteConnection};

/// How many rows a process leaves running.
const LEFT: usize = 10_000;

/// How often a query is asked; the median counts.
const TIMES: usize = 41;

/// How many rows a page has.
const PAGE: u32 = 50;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let rows: usize = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |n| n.parse())?;
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let store = reopen(&url, folder.path()).await?;
    fill(&store, rows).await?;
    let (listing, bare_listing) = listing(&store, &url).await?;
    for _ in 0..LEFT {
        store.begin(row("left"), Wait::No).await?;
    }
    store.flush().await?;
    // As a process ends that is killed.
    drop(store);
    let store = reopen(&url, folder.path()).await?;
    let recovery = recovery(&store).await?;
    store.close().await;
    let bare_recovery = bare_recovery(&url).await?;
    println!(
        "{{\"rows\": {rows}, \"listing_ms\": {}, \"bare_listing_ms\": {}, \"left\": {LEFT}, \
         \"recovery_s\": {}, \"bare_recovery_s\": {}}}",
        listing.as_secs_f64() * 1000.0,
        bare_listing.as_secs_f64() * 1000.0,
        recovery.as_secs_f64(),
        bare_recovery.as_secs_f64(),
    );
    Ok(())
}

async fn reopen(url: &str, folder: &Path) -> Result<Arc<Ledger>> {
    let mut options = Options::new(folder.join("master.key"));
    options.queue = 50_000;
    options.patience = Duration::from_secs(60);
    Ok(open(url, &options).await?)
}

fn row(connector: &str) -> NewRow {
    NewRow {
        id: uuid::Uuid::now_v7().to_string(),
        key: None,
        about: About {
            ingress: "spiff".to_owned(),
            request_id: "request".to_owned(),
            connector: connector.to_owned(),
            command: "PostRequestV2".to_owned(),
            task: Some(uuid::Uuid::now_v7().to_string()),
            arguments: Some(
                r#"{"url": "http://localhost/", "data": "object, 120 bytes"}"#.to_owned(),
            ),
            ..About::default()
        },
        state: State::Running,
        replay: None,
    }
}

fn end(id: String, state: State) -> End {
    End {
        id,
        state,
        ending: Ending {
            ended: 1,
            status: Some(200),
            mimetype: Some("application/json".to_owned()),
            summary: Some(r#"{"type": "object", "bytes": 512}"#.to_owned()),
            ..Ending::default()
        },
        result: None,
    }
}

async fn fill(store: &Arc<Ledger>, rows: usize) -> Result<()> {
    for n in 0..rows {
        let row = row(["http", "smtp", "slack"][n % 3]);
        let id = row.id.clone();
        store.begin(row, Wait::No).await?;
        store.end(end(id, State::Succeeded), Wait::No).await?;
        while store.health().queued > 20_000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    store.flush().await?;
    match store.health().lost {
        0 => Ok(()),
        lost => Err(format!("{lost} records were lost").into()),
    }
}

/// A page of one connector's calls before a time in the middle, by the ledger and by bare SQL.
async fn listing(store: &Arc<Ledger>, url: &str) -> Result<(Duration, Duration)> {
    let mut bare = SqliteConnection::connect(url).await?;
    let middle: String = sqlx::query_scalar(
        "SELECT id FROM crosspoint_calls WHERE id >= (SELECT id FROM crosspoint_calls \
         ORDER BY id LIMIT 1 OFFSET (SELECT COUNT(*) / 2 FROM crosspoint_calls)) ORDER BY id LIMIT 1",
    )
    .fetch_one(&mut bare)
    .await?;
    let filter = Filter {
        connector: Some("smtp".to_owned()),
        since: Some(0),
        ..Filter::default()
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let begun = Instant::now();
        let rows = store.list(&filter, PAGE, Some(&middle)).await?;
        ours.push(begun.elapsed());
        let begun = Instant::now();
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM crosspoint_calls WHERE connector = 'smtp' AND id >= '0' AND id < ? \
             ORDER BY id DESC LIMIT 50",
        )
        .bind(&middle)
        .fetch_all(&mut bare)
        .await?;
        theirs.push(begun.elapsed());
        let ours: Vec<String> = rows.into_iter().map(|Row { id, .. }| id).collect();
        if ours != ids {
            return Err("the two lists differ".into());
        }
    }
    bare.close().await?;
    Ok((median(ours), median(theirs)))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Takes over what was left running, and ends each row as unknown, as the broker does.
async fn recovery(store: &Arc<Ledger>) -> Result<Duration> {
    let begun = Instant::now();
    let mut count = 0;
    loop {
        let rows = store.recover(500).await?;
        if rows.is_empty() {
            break;
        }
        count += rows.len();
        let end = |row: Row| store.end(end(row.id, State::Unknown), Wait::Committed);
        try_join_all(rows.into_iter().map(end)).await?;
    }
    match count {
        LEFT => Ok(begun.elapsed()),
        other => Err(format!("{other} rows were recovered").into()),
    }
}

/// The same rows changed once more, in one statement.
async fn bare_recovery(url: &str) -> Result<Duration> {
    let mut bare = SqliteConnection::connect(url).await?;
    let begun = Instant::now();
    let update = "UPDATE crosspoint_calls SET owner = 'bare', state = 'failed', ended = 2 \
                  WHERE state <> 'succeeded' AND state = 'unknown'";
    let done = sqlx::raw_sql(update).execute(&mut bare).await?;
    let took = begun.elapsed();
    bare.close().await?;
    match done.rows_affected() as usize {
        LEFT => Ok(took),
        other => Err(format!("{other} rows were changed").into()),
    }
}
