//! Measures a ledger: `figures <url> <master key file> [rows]`, with a new and empty place.
#![allow(clippy::print_stdout, reason = "made to print")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosspoint_broker::ledger::{
    About, End, Ending, Filter, Key, NewRow, State, Store, StoreError, Wait,
};
use crosspoint_store::{Ledger, Options, open};
use futures_util::future::try_join_all;

const COMMITS: usize = 4_000;
const TOGETHER: usize = 200;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: figures <url> <master key file> [rows]".into());
    };
    let rows: usize = arguments.next().map_or(Ok(100_000), |rows| rows.parse())?;
    let mut options = Options::new(Path::new(&key));
    options.queue = 50_000;
    options.patience = Duration::from_secs(60);
    let store = open(&url, &options).await?;

    let single = commits(&store, COMMITS / 8, 1).await?;
    let group = commits(&store, COMMITS, TOGETHER).await?;
    println!("keyed beginnings, one at a time: {single:.0}/s");
    println!(
        "keyed beginnings, {TOGETHER} at a time: {group:.0}/s, {:.1} times",
        group / single
    );

    let begun = Instant::now();
    fill(&store, rows).await?;
    let took = begun.elapsed();
    println!(
        "calls nobody waits for: {:.0}/s",
        rows as f64 / took.as_secs_f64()
    );
    listing(&store).await?;

    for _ in 0..10_000 {
        store.begin(row(None, "recovered"), Wait::No).await?;
    }
    store.close().await;
    drop(store);
    recovery(&open(&url, &options).await?).await
}

fn row(key: Option<String>, connector: &str) -> NewRow {
    NewRow {
        id: uuid::Uuid::now_v7().to_string(),
        key: key.map(|text| Key {
            scope: "caller".to_owned(),
            text,
            fingerprint: [0; 32],
        }),
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

fn end(id: String) -> End {
    End {
        id,
        state: State::Succeeded,
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

/// Commits a second, with so many callers that wait.
async fn commits(store: &Arc<Ledger>, count: usize, together: usize) -> Result<f64> {
    let begun = Instant::now();
    let callers = (0..together).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..count / together {
                let id = uuid::Uuid::now_v7().to_string();
                store.begin(row(Some(id), "keyed"), Wait::Committed).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    for caller in try_join_all(callers).await? {
        caller?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

async fn fill(store: &Arc<Ledger>, rows: usize) -> Result<()> {
    for n in 0..rows {
        let row = row(
            None,
            ["http", "smtp", "slack", "rare"][if n % 1000 == 0 { 3 } else { n % 3 }],
        );
        let id = row.id.clone();
        store.begin(row, Wait::No).await?;
        store.end(end(id), Wait::No).await?;
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

async fn listing(store: &Arc<Ledger>) -> Result<()> {
    let rare = Filter {
        connector: Some("rare".to_owned()),
        ..Filter::default()
    };
    let half = store.list(&rare, 1_000_000, None).await?;
    let until = half[half.len() / 2].id.clone();
    let common = Filter {
        connector: Some("smtp".to_owned()),
        ..Filter::default()
    };
    let failed = Filter {
        state: Some(State::Failed),
        connector: Some("http".to_owned()),
        ..Filter::default()
    };
    for (name, filter, before) in [
        ("newest of a connector", &common, None),
        ("of a connector in the middle", &common, Some(&*until)),
        ("of a rare connector", &rare, Some(&*until)),
        ("failed of a connector: none", &failed, None),
    ] {
        let begun = Instant::now();
        let rows = store.list(filter, 50, before).await?;
        println!(
            "listing, {name}: {:?} for {} rows",
            begun.elapsed(),
            rows.len()
        );
    }
    Ok(())
}

async fn recovery(store: &Arc<Ledger>) -> Result<()> {
    let begun = Instant::now();
    let mut count = 0;
    loop {
        let rows = store.recover(2_000).await?;
        if rows.is_empty() {
            break;
        }
        count += rows.len();
        let ends = rows.into_iter().map(|row| {
            let end = End {
                state: State::Unknown,
                ..end(row.id)
            };
            store.end(end, Wait::Committed)
        });
        try_join_all(ends).await?;
    }
    println!(
        "recovery of {count} rows, each ended as unknown: {:?}",
        begun.elapsed()
    );
    Ok(())
}
