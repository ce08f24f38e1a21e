//! The parts of the bench. Each interleaves its subjects, so that a busy moment of the machine
//! hits the value and its yardstick alike, and turns the order around in every other round.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::time::sleep;

use crate::connection::Target;
use crate::process::Server;
use crate::programs::Programs;
use crate::rows::{Row, Target as Goal};
use crate::run::Pace;
use crate::servers::MARK;
use crate::{flood, load};

/// Connections that keep both cores of a small machine busy, and no queue longer than that.
pub(crate) const CONNECTIONS: usize = 64;

/// What is given to commands that ask nobody, and must be in their answers.
pub(crate) const LINE: &str = "a line of the bench";

/// How long the slow upstream takes, in milliseconds.
const SLOW: u64 = 1000;

/// Calls per second: of `http/GetRequestV2` beside the bare forwarder, and of `logging/Write`, which
/// asks nobody, beside the bare echo.
pub(crate) async fn calls(programs: &Programs, pace: &Pace) -> Result<Vec<Row>> {
    let upstream = programs.server("upstream").await?;
    let forwarder = programs.server("forwarder").await?;
    let echo = programs.server("echo").await?;
    let crosspoint = programs.crosspoint().await?;
    let url = format!("{}/", upstream.url);
    let subjects = [
        through_crosspoint(&crosspoint, &url)?,
        through_forwarder(&forwarder, &url)?,
        without_upstream(&crosspoint)?,
        Target::post(&echo.url, message())?,
    ];
    let seen = interleaved(programs, pace, CONNECTIONS, &subjects, "calls per second").await?;
    let pairs = |value: usize, yardstick: usize| -> Vec<(f64, f64)> {
        let pair = |s: &Vec<load::Seen>| (s[value].per_second, s[yardstick].per_second);
        seen.iter().map(pair).collect()
    };
    let what = |command| format!("{command}, {CONNECTIONS} connections");
    let how = "keep-alive connections, each calling as soon as it is answered";
    let forwarder = "bare axum + reqwest forwarder";
    Ok(vec![
        Row::new(
            what("http/GetRequestV2"),
            "calls/s",
            forwarder,
            &pairs(0, 1),
        )
        .how(format!("{how}; small JSON upstream"))
        .target(Goal::RatioAtLeast(0.6)),
        Row::new(
            what("logging/Write"),
            "calls/s",
            "bare axum echo",
            &pairs(2, 3),
        )
        .how(format!(
            "{how}; no upstream: what a call costs by itself, with its log lines"
        )),
    ])
}

/// What one call costs when nothing else is going on.
pub(crate) async fn latency(programs: &Programs, pace: &Pace) -> Result<Vec<Row>> {
    let upstream = programs.server("upstream").await?;
    let forwarder = programs.server("forwarder").await?;
    let echo = programs.server("echo").await?;
    let crosspoint = programs.crosspoint().await?;
    let url = format!("{}/", upstream.url);
    let subjects = [
        through_crosspoint(&crosspoint, &url)?,
        Target::get(&url)?.expecting(MARK),
        Target::post(&echo.url, arguments(&url))?,
        through_forwarder(&forwarder, &url)?,
        Target::get(&format!("{}/v1/commands", crosspoint.url))?.expecting("http/GetRequestV2"),
        without_upstream(&crosspoint)?,
    ];
    let seen = interleaved(programs, pace, 1, &subjects, "latency").await?;
    let pairs = |pair: fn(&[load::Seen]) -> (f64, f64)| -> Vec<(f64, f64)> {
        seen.iter().map(|round| pair(round)).collect()
    };
    let p50 = pairs(|s| (s[0].p50_us - s[1].p50_us, s[2].p50_us));
    let p99 = pairs(|s| (s[0].p99_us - s[1].p99_us, s[2].p99_us));
    let bare = pairs(|s| (s[3].p50_us - s[1].p50_us, s[2].p50_us));
    let discovery = pairs(|s| (s[4].p50_us, s[2].p50_us));
    let alone = pairs(|s| (s[5].p50_us, s[2].p50_us));
    Ok(vec![
        Row::new(
            "added by Crosspoint to one call, p50",
            "µs",
            "bare axum echo, p50",
            &p50,
        )
        .how("p50 of http/GetRequestV2 less p50 of the upstream asked directly; 1 connection")
        .target(Goal::RatioAtMost(3.0)),
        Row::new(
            "added by Crosspoint to one call, p99",
            "µs",
            "bare axum echo, p99",
            &p99,
        )
        .how("p99 of http/GetRequestV2 less p99 of the upstream asked directly; 1 connection"),
        Row::new(
            "added by the bare forwarder, p50",
            "µs",
            "bare axum echo, p50",
            &bare,
        )
        .how("the same difference for the forwarder: what the second hop costs by itself"),
        Row::new("logging/Write, p50", "µs", "bare axum echo, p50", &alone)
            .how("a call that asks nobody; 1 connection"),
        Row::new("discovery, p50", "µs", "bare axum echo, p50", &discovery)
            .how("GET /v1/commands with the built-in connectors; 1 connection")
            .target(Goal::ValueAtMost(5000.0)),
    ])
}

/// Thousands of calls in flight to an upstream that takes a second.
pub(crate) async fn burst(programs: &Programs, pace: &Pace) -> Result<Vec<Row>> {
    let upstream = programs.server("upstream").await?;
    let url = format!("{}/slow?ms={SLOW}", upstream.url);
    let (mut answered, mut spread, mut peak) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..pace.rounds {
        eprintln!("  calls in flight: round {} of {}", round + 1, pace.rounds);
        // New processes each time: the peak must be this burst's.
        let crosspoint = programs.crosspoint().await?;
        let ours = flooded(programs, pace, through_crosspoint(&crosspoint, &url)?).await?;
        let forwarder = programs.server("forwarder").await?;
        let theirs = flooded(programs, pace, through_forwarder(&forwarder, &url)?).await?;
        ensure!(
            theirs.answered > 0,
            "the forwarder answered nothing: {:?}",
            theirs.failure
        );
        if let Some(failure) = &ours.failure {
            eprintln!(
                "  {} of {} answered: {failure}",
                ours.answered, pace.in_flight
            );
        }
        answered.push((ours.answered as f64, theirs.answered as f64));
        spread.push((ours.spread(), theirs.spread()));
        peak.push((crosspoint.peak()?, forwarder.peak()?));
    }
    let title = |what: &str| format!("{} calls in flight: {what}", pace.in_flight);
    Ok(vec![
        Row::new(title("answered"), "calls", "bare forwarder", &answered)
            .how(format!(
                "sent at once, each on its own connection; upstream takes {SLOW} ms"
            ))
            .target(Goal::ValueAtLeast(pace.in_flight as f64)),
        Row::new(
            title("first to last answer"),
            "s",
            "bare forwarder",
            &spread,
        )
        .how("from the first answer of the burst to the last")
        .target(Goal::ValueAtMost(3.0)),
        Row::new(title("peak memory"), "MiB", "bare forwarder", &peak)
            .how("VmHWM of a process started for this burst")
            .target(Goal::ValueAtMost(200.0)),
    ])
}

/// How soon the first answer comes, and what an idle process occupies.
pub(crate) async fn start(programs: &Programs, pace: &Pace) -> Result<Vec<Row>> {
    let (mut first, mut idle) = (Vec::new(), Vec::new());
    for round in 0..pace.rounds {
        eprintln!("  start: round {} of {}", round + 1, pace.rounds);
        let crosspoint = programs.crosspoint().await?;
        let ours = crosspoint.first_answer("/liveness").await?;
        let forwarder = programs.server("forwarder").await?;
        let theirs = forwarder.first_answer("/").await?;
        first.push((ours.as_secs_f64() * 1000.0, theirs.as_secs_f64() * 1000.0));
        sleep(Duration::from_secs(1)).await;
        idle.push((crosspoint.resident()?, forwarder.resident()?));
    }
    Ok(vec![
        Row::new("start to first answer", "ms", "bare forwarder", &first)
            .how("from spawning the process to a whole answer of GET /liveness")
            .target(Goal::ValueAtMost(100.0)),
        Row::new("idle memory", "MiB", "bare forwarder", &idle)
            .how("VmRSS one second after the first answer, built-in connectors only")
            .target(Goal::ValueAtMost(30.0)),
    ])
}

/// What each subject saw, a list for each round.
pub(crate) async fn interleaved(
    programs: &Programs,
    pace: &Pace,
    connections: usize,
    subjects: &[Target],
    name: &str,
) -> Result<Vec<Vec<load::Seen>>> {
    let mut rounds = Vec::new();
    for round in 0..pace.rounds {
        eprintln!("  {name}: round {} of {}", round + 1, pace.rounds);
        let mut seen = Vec::new();
        for turn in order(subjects.len(), round) {
            let target = subjects[turn].clone();
            let Pace {
                warm_up, duration, ..
            } = *pace;
            let plan = load::Plan {
                target,
                connections,
                warm_up,
                duration,
            };
            seen.push((turn, programs.load(&plan).await?));
        }
        seen.sort_by_key(|(turn, _)| *turn);
        rounds.push(seen.into_iter().map(|(_, seen)| seen).collect());
    }
    Ok(rounds)
}

/// Forwards in even rounds, backwards in odd ones: whoever came last is first next time.
fn order(subjects: usize, round: usize) -> Vec<usize> {
    if round.is_multiple_of(2) {
        (0..subjects).collect()
    } else {
        (0..subjects).rev().collect()
    }
}

async fn flooded(programs: &Programs, pace: &Pace, target: Target) -> Result<flood::Seen> {
    programs
        .flood(&flood::Plan {
            target,
            calls: pace.in_flight,
        })
        .await
}

fn through_crosspoint(crosspoint: &Server, url: &str) -> Result<Target> {
    let command = format!("{}/v1/do/http/GetRequestV2", crosspoint.url);
    Ok(Target::post(&command, arguments(url))?.expecting(MARK))
}

/// `logging/Write`.
pub(crate) fn without_upstream(crosspoint: &Server) -> Result<Target> {
    let command = format!("{}/v1/do/logging/Write", crosspoint.url);
    Ok(Target::post(&command, message())?.expecting(LINE))
}

fn message() -> String {
    json!({ "message": LINE }).to_string()
}

fn through_forwarder(forwarder: &Server, url: &str) -> Result<Target> {
    Ok(Target::post(&forwarder.url, arguments(url))?.expecting(MARK))
}

pub(crate) fn arguments(url: &str) -> String {
    json!({ "url": url }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_turns_around_in_every_other_round() {
        assert_eq!(order(3, 0), [0, 1, 2]);
        assert_eq!(order(3, 1), [2, 1, 0]);
    }
}
