//! The row about tools of the Model Context Protocol: how long a long list takes.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::json;

use crate::connection::Target;
use crate::measure::interleaved;
use crate::programs::Programs;
use crate::python::{Python, served_with};
use crate::rows::{Row, Target as Goal};
use crate::run::Pace;

/// How many commands there are beside the built-in ones.
const COMMANDS: usize = 1000;

/// Lists all tools, beside the list of all commands that engines read.
pub(crate) async fn rows(
    programs: &Programs,
    pace: &Pace,
    python: &Python<'_>,
) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir().context("making a folder")?;
    let file = folder.path().join("many.py");
    std::fs::write(&file, many()).context("writing a connector with many commands")?;
    let config = format!(
        "builtin = []\n[python]\ninterpreter = {}\n[connectors.many]\npython = {}\n",
        json!(python.interpreter),
        json!(file)
    );
    let server = served_with(programs, &config).await?;
    let last = format!("many_Command{}", COMMANDS - 1);
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let subjects = [
        Target::post(&format!("{}/mcp", server.url), list.to_string())?.expecting(&last),
        Target::get(&format!("{}/v1/commands", server.url))?.expecting(&last.replace('_', "/")),
    ];
    let seen = interleaved(programs, pace, 1, &subjects, "list of tools").await?;
    let pairs: Vec<_> = seen.iter().map(|s| (s[0].p50_us, s[1].p50_us)).collect();
    let what = format!("{COMMANDS} tools listed at /mcp, p50");
    let yardstick = "GET /v1/commands of the same, p50";
    let row = Row::new(what, "µs", yardstick, &pairs);
    Ok(vec![
        row.how("tools/list; commands of a Python connector, four parameters each; 1 connection")
            .target(Goal::ValueAtMost(20_000.0)),
    ])
}

/// A connector with many commands.
fn many() -> String {
    let mut source = String::new();
    for command in 0..COMMANDS {
        // A text takes all that is written into it.
        let _ = write!(
            source,
            "class Command{command}:\n    \"\"\"Does the thing number {command} of many.\"\"\"\n\n    \
             def __init__(self, name: str, count: int, urgent: bool = False, note: str = \"\"):\n        \
             self.name = name\n\n    \
             def execute(self, config, task_data):\n        \
             return {{\"response\": self.name, \"status\": 200, \"mimetype\": \"text/plain\"}}\n\n\n"
        );
    }
    source
}
