//! What the ledger costs, and how quick it is with many rows.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::connection::Target;
use crate::load;
use crate::measure::{CONNECTIONS, arguments, interleaved, without_upstream};
use crate::process::Server;
use crate::programs::Programs;
use crate::rows::{Row, Target as Goal};
use crate::run::Pace;
use crate::servers::MARK;

/// What `figures` of the crate `store` prints.
#[derive(Deserialize)]
struct Figures {
    rows: usize,
    listing_ms: f64,
    bare_listing_ms: f64,
    left: usize,
    recovery_s: f64,
    bare_recovery_s: f64,
}

/// Calls a second with the ledger, beside the same program without.
pub(crate) async fn cost(programs: &Programs, pace: &Pace) -> Result<Vec<Row>> {
    let upstream = programs.server("upstream").await?;
    let url = format!("{}/", upstream.url);
    let with = programs.crosspoint().await?;
    let without = programs
        .crosspoint_with("[store]\nurl = \"none\"\n")
        .await?;
    let subjects = [
        call(&with, "http/GetRequestV2", &url)?,
        call(&without, "http/GetRequestV2", &url)?,
        without_upstream(&with)?,
        without_upstream(&without)?,
        call(&with, "http/PostRequestV2", &url)?,
        call(&without, "http/PostRequestV2", &url)?,
    ];
    let seen = interleaved(programs, pace, CONNECTIONS, &subjects, "the ledger's cost").await?;
    let row = |what: &str, on: usize, how: &str| {
        let pair = |s: &Vec<load::Seen>| (s[on].per_second, s[on + 1].per_second);
        let pairs: Vec<(f64, f64)> = seen.iter().map(pair).collect();
        let what = format!("{what} with the ledger on");
        Row::new(
            what,
            "calls/s",
            "the same with store.url = \"none\"",
            &pairs,
        )
        .how(how)
        .target(Goal::RatioAtLeast(0.7))
    };
    Ok(vec![
        row(
            "http/GetRequestV2",
            0,
            "64 connections; a read, whose row nobody waits for",
        ),
        row(
            "logging/Write",
            2,
            "64 connections; asks nobody, so that the row weighs most",
        ),
        row(
            "http/PostRequestV2",
            4,
            "64 connections; an effect, which waits for the commit of its row",
        ),
    ])
}

fn call(crosspoint: &Server, command: &str, url: &str) -> Result<Target> {
    let command = format!("{}/v1/do/{command}", crosspoint.url);
    Ok(Target::post(&command, arguments(url))?.expecting(MARK))
}

/// Listing and recovery, measured by a program of the store itself.
pub(crate) async fn figures(program: &Path, quick: bool) -> Result<Vec<Row>> {
    let rows = if quick { "100000" } else { "1000000" };
    eprintln!("  the ledger's figures: {rows} rows");
    let output = Command::new(program)
        .arg(rows)
        .output()
        .await
        .with_context(|| format!("running {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "figures gave up: {}", said.trim());
    let seen: Figures = serde_json::from_slice(&output.stdout).context("reading the figures")?;
    let listing = format!("listing calls by connector and time, {} rows", seen.rows);
    let recovery = format!("recovery of {} running calls", seen.left);
    Ok(vec![
        Row::new(
            listing,
            "ms",
            "bare indexed query of the ids",
            &[(seen.listing_ms, seen.bare_listing_ms)],
        )
        .how("the page of 50 in the middle; median of 41, on SQLite")
        .target(Goal::ValueAtMost(50.0)),
        Row::new(
            recovery,
            "s",
            "one bare UPDATE of the same rows",
            &[(seen.recovery_s, seen.bare_recovery_s)],
        )
        .how("each taken over and ended as unknown, on SQLite; once")
        .target(Goal::ValueAtMost(2.0)),
    ])
}
