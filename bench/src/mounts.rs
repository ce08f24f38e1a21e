//! What a hop through another proxy costs, and what a large OpenAPI document does.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::connection::{Connection, Target};
use crate::measure::{interleaved, without_upstream};
use crate::process::Server;
use crate::programs::Programs;
use crate::python::{Python, echo, standin};
use crate::rows::{Row, Target as Goal};
use crate::run::Pace;

/// How many operations the document has.
const OPERATIONS: usize = 500;

/// How long Crosspoint may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// Calls through a proxy that mounts another, beside the same calls of that one: of the kind that is
/// mounted in the field, and of the fastest there is.
pub(crate) async fn remote(
    programs: &Programs,
    pace: &Pace,
    python: &Python<'_>,
) -> Result<Vec<Row>> {
    Ok(vec![
        of_flask(programs, pace, python).await?,
        of_crosspoint(programs, pace).await?,
    ])
}

async fn of_flask(programs: &Programs, pace: &Pace, python: &Python<'_>) -> Result<Row> {
    let other = standin(python).await?;
    let what = "trivial Python command of a mounted Flask proxy, p50";
    let row = hop(programs, pace, &other, "bench/Echo", echo(&other)?, what).await?;
    Ok(row.how("one caller; the proxy is the stand-in for SpiffArena's"))
}

async fn of_crosspoint(programs: &Programs, pace: &Pace) -> Result<Row> {
    let other = programs.crosspoint().await?;
    let direct = without_upstream(&other)?;
    let what = "logging/Write of a mounted proxy, p50";
    let row = hop(programs, pace, &other, "logging/Write", direct, what).await?;
    Ok(row.how(
        "one connection; both are Crosspoint, with the ledger on, so that each has the same work",
    ))
}

/// A command of another proxy, through one that mounts it and directly.
async fn hop(
    programs: &Programs,
    pace: &Pace,
    other: &Server,
    command: &str,
    direct: Target,
    what: &str,
) -> Result<Row> {
    let config = format!("[connectors.branch]\nremote = \"{}\"\n", other.url);
    let crosspoint = programs.crosspoint_with(&config).await?;
    let mounted = format!("branch_{command}");
    ready(&crosspoint, &mounted).await?;
    let through = Target {
        url: format!("{}/v1/do/{mounted}", crosspoint.url).parse()?,
        ..direct.clone()
    };
    let seen = interleaved(programs, pace, 1, &[through, direct], "another proxy").await?;
    let pairs: Vec<_> = seen.iter().map(|s| (s[0].p50_us, s[1].p50_us)).collect();
    let row = Row::new(what, "µs", "that proxy asked directly, p50", &pairs);
    Ok(row.target(Goal::RatioAtMost(2.0)))
}

/// How much longer the start takes with a large document, and how much more memory it needs.
pub(crate) async fn document(programs: &Programs, pace: &Pace) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir().context("making a folder for the document")?;
    let path = folder.path().join("large.json");
    fs::write(&path, large().to_string()).context("writing the document")?;
    let config = format!(
        "[connectors.large]\nopenapi = {:?}\nserver = \"http://127.0.0.1:9\"\n",
        path.display().to_string()
    );
    let (mut took, mut needed) = (Vec::new(), Vec::new());
    for round in 0..pace.rounds {
        eprintln!("  a large document: round {} of {}", round + 1, pace.rounds);
        let (with, with_memory) = started(programs, &config, "large/operation499").await?;
        let (without, without_memory) = started(programs, "", "logging/Write").await?;
        took.push(((with - without) * 1000.0, without * 1000.0));
        needed.push((with_memory - without_memory, without_memory));
    }
    let what = |what: &str| format!("{what} of a document of {OPERATIONS} operations");
    Ok(vec![
        Row::new(what("mounting"), "ms", "start without it", &took)
            .how("how much later GET /v1/commands lists the last of them")
            .target(Goal::ValueAtMost(300.0)),
        Row::new(what("memory"), "MiB", "idle without it", &needed)
            .how("how much more is resident three seconds after that, probed twice a second")
            .target(Goal::ValueAtMost(20.0)),
    ])
}

/// Seconds from the start until the command is listed, and the memory in MiB when that has settled.
async fn started(programs: &Programs, config: &str, command: &str) -> Result<(f64, f64)> {
    let begun = Instant::now();
    let crosspoint = programs.crosspoint_with(config).await?;
    ready(&crosspoint, command).await?;
    let took = begun.elapsed().as_secs_f64();
    settled(&crosspoint).await?;
    Ok((took, crosspoint.resident()?))
}

/// Waits a little, and probes meanwhile as an orchestrator does: an allocator gives back what was freed a
/// second ago, and only when it is asked for something.
async fn settled(crosspoint: &Server) -> Result<()> {
    let probe = Target::get(&format!("{}/healthz", crosspoint.url))?;
    for _ in 0..6 {
        sleep(Duration::from_millis(500)).await;
        Connection::open(&probe).await?.call().await?;
    }
    Ok(())
}

/// Waits until the command is listed.
async fn ready(crosspoint: &Server, command: &str) -> Result<()> {
    let target = Target::get(&format!("{}/v1/commands", crosspoint.url))?;
    let target = target.expecting(command);
    let begun = Instant::now();
    loop {
        if Connection::open(&target).await?.call().await.is_ok() {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "{command} is never listed");
        sleep(Duration::from_millis(2)).await;
    }
}

/// A document like those of large systems: shared schemas that refer to each other, several parameters for
/// each operation, bodies of a few properties.
fn large() -> Value {
    let mut paths = Map::new();
    for n in 0..OPERATIONS {
        let schema = format!("#/components/schemas/Thing{}", n % 50);
        let operation = json!({
            "operationId": format!("operation{n}"),
            "summary": "Changes a thing.",
            "description": "It is changed as the body says, and told to everybody who follows it. ".repeat(4),
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"$ref": "#/components/parameters/page"},
                {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
            ],
            "requestBody": {"content": {"application/json": {"schema": {"$ref": schema}}}},
            "responses": {"200": {"description": "It is done.",
                "content": {"application/json": {"schema": {"$ref": schema}}}}},
        });
        paths.insert(format!("/things{n}/{{id}}"), json!({"post": operation}));
    }
    let mut schemas = Map::new();
    for n in 0..50 {
        let mut properties = Map::new();
        for p in 0..8 {
            let text = "What it is, in a sentence or two.";
            properties.insert(
                format!("field{p}"),
                json!({"type": "string", "description": text}),
            );
        }
        let next = format!("#/components/schemas/Thing{}", (n + 1) % 50);
        properties.insert("next".to_owned(), json!({"$ref": next}));
        schemas.insert(
            format!("Thing{n}"),
            json!({"type": "object", "properties": properties}),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Things.", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": {"page": {"name": "page", "in": "query", "schema": {"type": "integer"}}},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_as_many_operations_as_it_says() {
        let document = large();
        assert_eq!(document["paths"].as_object().unwrap().len(), OPERATIONS);
        assert!(document.to_string().contains("operation499"));
    }
}
