//! What servers have, and how it becomes commands.

use crosspoint_core::{Mount, Safety};
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn tools_are_commands_with_what_is_known_of_them() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let manifest = connector.manifest();
    assert_eq!(manifest.description, "The MCP server probe 1.2. For tests.");
    let command = |name: &str| {
        let mut commands = manifest.commands.iter();
        commands.find(|command| command.name == name).unwrap()
    };
    let echo = command("echo");
    assert_eq!(echo.description, "Gives its arguments back.");
    assert_eq!(
        (echo.safety, echo.open, echo.coerce),
        (Safety::ReadOnly, false, false)
    );
    assert_eq!(command("pid").safety, Safety::Idempotent);
    assert_eq!(command("grow").safety, Safety::Effectful);
    let result = command("raw").result.as_ref().unwrap();
    assert_eq!(result.read::<Value>().unwrap()["type"], "object");
    let mapped = command("fail_with");
    assert!(
        mapped.description.contains("'fail.with'"),
        "{}",
        mapped.description
    );
    assert!(mounted(&mount).problems.is_empty());
    mount.close().await;
}

#[tokio::test]
async fn a_list_in_pages_is_read_to_its_end() {
    let whole = Probe::new("good").mount().await;
    let paged = Probe::new("Paged").mount().await;
    assert_eq!(commands(&paged), commands(&whole));
    whole.close().await;
    paged.close().await;
}

#[tokio::test]
async fn a_tool_that_comes_later_is_called_without_a_restart() {
    let probe = Probe::new("good");
    let mount = probe.mount().await;
    let before = connector(&mount);
    let process = pid(&before).await;
    call(&before, "grow", json!({})).await.unwrap();
    until("it is there", || {
        commands(&mount)
            .iter()
            .any(|name| name.starts_with("grown"))
    })
    .await;
    assert_eq!(pid(&connector(&mount)).await, process);
    assert_eq!(
        pid(&before).await,
        process,
        "the old list is called as before"
    );
    mount.close().await;
}

#[tokio::test]
async fn of_ten_thousand_tools_the_first_thousand_are_there_and_that_is_told() {
    let probe = Probe::new("Many");
    let mount = probe.mount().await;
    let mounted = mounted(&mount);
    assert_eq!(connector(&mount).manifest().commands.len(), 1000);
    assert_eq!(mounted.problems.len(), 1, "{mounted:?}");
    assert!(
        mounted.problems[0].contains("more than 1000 tools"),
        "{mounted:?}"
    );
    pid(&connector(&mount)).await;
    mount.close().await;
}

#[tokio::test]
async fn schemas_that_are_cyclic_huge_or_wrong_cost_their_own_tool_at_most() {
    let probe = Probe::new("Schemas");
    let mount = probe.mount().await;
    let mounted = mounted(&mount);
    let connector = connector(&mount);
    let command = |name: &str| {
        let mut commands = connector.manifest().commands.iter();
        commands.find(|command| command.name == name).cloned()
    };
    let cyclic = command("cyclic").unwrap();
    let seen: Vec<_> = cyclic
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.spiff_type(), p.required))
        .collect();
    assert_eq!(seen, [("n", "int", true), ("tree", "any", false)]);
    assert_eq!(command("deep").unwrap().parameters.len(), 1);
    assert!(command("bare").unwrap().parameters.is_empty());
    assert!(command("odd").unwrap().parameters.is_empty());
    assert!(command("union").unwrap().open);
    for name in ["huge", "list", "text", "42"] {
        assert!(command(name).is_none(), "{name}");
    }
    let problems = mounted.problems.join("\n");
    for part in [
        "larger than 262144 bytes",
        "'list' has an inputSchema that is no JSON object",
        "'text' has an inputSchema that is no JSON object",
        "missing field `name`",
        "invalid type: integer `42`",
        "invalid type: string \"no object\"",
    ] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    pid(&connector).await;
    mount.close().await;
}

#[tokio::test]
async fn a_list_without_an_end_is_a_problem_of_its_server() {
    for (mode, part) in [
        ("Circular", "in pages that lead to themselves"),
        ("Endless", "in more than 1000 pages"),
        ("NoList", "in a way that is not understood"),
        (
            "NoTools",
            "does not list its tools: Method not found (error -32601)",
        ),
    ] {
        let problem = Probe::new(mode).problem().await;
        assert!(problem.contains(part), "{problem}");
    }
}
