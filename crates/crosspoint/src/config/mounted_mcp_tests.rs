//! MCP servers: what may be written, and every mistake.

use super::super::super::mcp::{McpConnector, McpServer};
use super::*;

fn server(loaded: &Loaded, name: &str) -> McpConnector {
    match &loaded.config.connectors.mounted[name] {
        Entry::Mcp(server) => (**server).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_is_a_command_line_or_an_address() {
    let loaded = ok(
        r#"
[connectors.files]
mcp = ["npx", "-y", "@modelcontextprotocol/server-filesystem", "/srv"]
env = { TOKEN = "env:TOKEN" }
directory = "work"
idempotent = ["write_file"]
max_answer = "1MiB"
start_timeout = "5s"
unresponsive_after = "6s"
policy = { timeout = "7s" }
[connectors.wiki]
mcp = "https://mcp.example/mcp?key=canary-key"
egress = { preset = "public" }
[connectors.wiki.profiles.main]
secrets = { access_token = "canary-token", headers = '{"x-tenant": "canary-tenant"}' }
"#,
        &[("TOKEN", "canary-env")],
    );
    let files = server(&loaded, "files");
    assert!(matches!(&files.mcp, McpServer::Command(command) if command.len() == 4));
    assert_eq!(
        exposed(&loaded.mounted["files"].env),
        "TOKEN=\"canary-env\""
    );
    assert_eq!(files.start_timeout.0, Duration::from_secs(5));
    assert_eq!(
        loaded
            .config
            .connectors
            .common("files")
            .1
            .timeout
            .unwrap()
            .0,
        Duration::from_secs(7)
    );
    assert!(loaded.config.connectors.common("wiki").0.is_some());
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let shown = format!("{}{}", effective(&loaded), effective_json(&loaded));
    assert!(shown.contains("https://mcp.example/mcp?***"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn what_a_server_cannot_be_given_is_a_mistake_and_what_it_does_not_need_a_warning() {
    let text = r#"
[connectors.a]
mcp = []
[connectors.b]
mcp = ["x", 1]
workers = 2
[connectors.c]
mcp = "node server.js"
[connectors.d]
mcp = "https://h/mcp"
[connectors.d.profiles.main]
settings = { tenant = "x" }
"#;
    let expected = "\
crosspoint.toml:3:7: `connectors.a.mcp` names no program
  help: write `[\"program\", \"argument\"]`
crosspoint.toml:5:13: `connectors.b.mcp[1]` must be text, not a number
  help: put quotes around it
crosspoint.toml:6:1: unknown key `connectors.b.workers`
  help: it goes together with `python`
crosspoint.toml:8:7: `connectors.c.mcp`: `node server.js` is not the address of a server
  help: expected an address such as `https://mcp.example/mcp`; a server that is to be started is a list: `[\"program\", \"argument\"]`
crosspoint.toml:12:23: `connectors.d.profiles.main.settings.tenant` is not known; there is access_token, headers

5 mistakes in the configuration";
    assert_eq!(problems(text, &[]), expected);
    let loaded = ok(
        "[connectors.a]\nmcp = [\"x\"]\negress = { preset = \"public\" }\n\
         [connectors.b]\nmcp = \"https://h/\"\nenv = { A = \"b\" }\ndirectory = \"c\"\n",
        &[],
    );
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    let idle = [
        "`connectors.a.egress`",
        "`connectors.b.env`",
        "`connectors.b.directory`",
    ];
    assert_eq!(warnings.len(), idle.len(), "{warnings:?}");
    for (warning, key) in warnings.iter().zip(idle) {
        assert!(
            warning.contains(&format!("{key} has no effect")),
            "{warning}"
        );
    }
}
