//! What others wrote to judge servers: the official conformance suite, and the inspector's command line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::harness::{Proxy, Setup, output};
use crate::python::support::{connector, serve, zoo};

/// Scenarios whose every check has to pass, by the revision that they are run with.
const JUDGED: [(&str, &[&str]); 3] = [
    ("2025-06-18", HANDSHAKE),
    ("2025-11-25", HANDSHAKE),
    (
        "2026-07-28",
        &[
            "caching",
            "dns-rebinding-protection",
            "http-header-validation",
            "input-required-result-ignore-extra-params",
            "input-required-result-missing-input-response",
            "input-required-result-unsupported-methods",
            "sep-2164-resource-not-found",
            "server-sse-multiple-streams",
            "server-stateless",
            "tools-call-error",
            "tools-call-simple-text",
            "tools-call-with-progress",
            "tools-list",
        ],
    ),
];

const HANDSHAKE: &[&str] = &[
    "dns-rebinding-protection",
    "ping",
    "server-initialize",
    "server-session-lifecycle",
    "server-sse-multiple-streams",
    "server-sse-polling",
    "tools-call-error",
    "tools-call-simple-text",
    "tools-call-with-progress",
    "tools-list",
];

/// Checks that cannot pass, and why. One that passes all the same is told, so that the list shrinks.
const NOT_HERE: [(&str, &str); 5] = [
    (
        "sep-2549-prompts-list-caching-hints",
        "there are no prompts",
    ),
    (
        "sep-2549-resources-list-caching-hints",
        "there are no resources",
    ),
    (
        "sep-2549-resources-templates-list-caching-hints",
        "there are no resources",
    ),
    (
        "sep-2575-server-rejects-undeclared-capability",
        "no tool asks the client for something",
    ),
    (
        "sep-2575-missing-capability-http-400",
        "no tool asks the client for something",
    ),
];

/// Scenarios that do not apply, and why. Each of the suite is here or above.
const NOT_JUDGED: [(&str, &str); 12] = [
    ("completion-", "arguments are not completed"),
    ("elicitation-", "nobody is asked for input"),
    (
        "http-custom-header-",
        "no parameter is repeated in a header (x-mcp-header)",
    ),
    ("input-required-result-", "nobody is asked for input"),
    (
        "json-schema-2020-12",
        "schemas are made of parameters: it wants one tool with a schema of its own",
    ),
    (
        "logging-",
        "log lines are in the result, not in notifications",
    ),
    ("prompts-", "there are no prompts"),
    ("resources-", "there are no resources"),
    ("sep-2640-", "an extension that is not implemented"),
    ("tasks-", "an extension that is not implemented"),
    (
        "tools-call-",
        "tools of the suite that give pictures, sounds and resources at will, write log \
         notifications, or ask the client",
    ),
    ("server-sse-polling", "streams are not resumed"),
];

/// Where what is needed from npm is.
fn packages() -> PathBuf {
    let variable = "CROSSPOINT_TEST_NODE";
    let folder = std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run the tests by `cargo xtask test`, which sets it")
    });
    Path::new(&folder).join("judges/node_modules")
}

/// Runs a program of a package with the Node that it needs.
async fn node(script: &str, arguments: Vec<String>, folder: PathBuf) -> Output {
    let packages = packages();
    let mut command = Command::new(packages.join("node/bin/node"));
    command.arg(packages.join(script)).args(arguments);
    // It starts further ones of itself.
    let path = std::env::var("PATH").unwrap_or_default();
    let first = packages.join("node/bin").display().to_string();
    command
        .env("PATH", format!("{first}:{path}"))
        .current_dir(folder);
    output(command).await
}

/// Everything that the suite says of a server, by revision and scenario.
async fn verdicts(proxy: &Proxy, revision: &str) -> BTreeMap<String, Vec<Value>> {
    let folder = proxy.path().join(format!("verdicts-{revision}"));
    let arguments = [
        "server",
        "--url",
        &proxy.url("/mcp"),
        "--suite",
        "all",
        "--spec-version",
        revision,
        "--output-dir",
        &folder.display().to_string(),
    ];
    let script = "@modelcontextprotocol/conformance/dist/index.js";
    let arguments = arguments.map(str::to_owned).to_vec();
    let output = node(script, arguments, proxy.path().to_owned()).await;
    let found = fs::read_dir(&folder).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let mut verdicts = BTreeMap::new();
    for entry in found.map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        // `server-<scenario>-<time>`
        let name = name.strip_prefix("server-").unwrap();
        let end = name.rfind("-2").and_then(|_| time_of(name)).unwrap();
        let checks = fs::read_to_string(entry.path().join("checks.json")).unwrap();
        let checks: Vec<Value> = serde_json::from_str(&checks).unwrap();
        verdicts.insert(name[..end].to_owned(), checks);
    }
    verdicts
}

/// Where the time begins that a name ends with: `-2026-11-30T12-00-00-000Z`.
fn time_of(name: &str) -> Option<usize> {
    name.len().checked_sub("-2026-11-30T12-00-00-000Z".len())
}

async fn judged() -> &'static Proxy {
    static SHARED: OnceCell<(Proxy, std::process::Child)> = OnceCell::const_new();
    let start = || async {
        let proxy = serve(&connector("test", zoo("conformance.py"))).await;
        let watch = crate::harness::outlive_nobody(&proxy);
        (proxy, watch)
    };
    &SHARED.get_or_init(start).await.0
}

#[tokio::test]
async fn the_official_conformance_suite_finds_nothing_wrong_with_what_there_is() {
    let proxy = judged().await;
    let (mut wrong, mut excused) = (Vec::new(), BTreeSet::new());
    for (revision, scenarios) in JUDGED {
        let verdicts = verdicts(proxy, revision).await;
        for scenario in scenarios {
            let introduced_later = revision == "2025-06-18" && !verdicts.contains_key(*scenario);
            let Some(checks) = verdicts.get(*scenario) else {
                assert!(
                    introduced_later,
                    "{revision} has no {scenario}: {:?}",
                    verdicts.keys()
                );
                continue;
            };
            for check in checks.iter().filter(|check| check["status"] == "FAILURE") {
                let id = check["id"].as_str().unwrap();
                match NOT_HERE.iter().find(|(excused, _)| *excused == id) {
                    Some((id, _)) => drop(excused.insert(*id)),
                    None => wrong.push(format!(
                        "{revision} {scenario} {id}: {}",
                        check["errorMessage"]
                    )),
                }
            }
        }
        for scenario in verdicts.keys().filter(|s| !scenarios.contains(&s.as_str())) {
            let known = NOT_JUDGED
                .iter()
                .any(|(begin, _)| scenario.starts_with(begin));
            assert!(
                known,
                "{revision} {scenario} is neither judged nor left out"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed: BTreeSet<_> = NOT_HERE.iter().map(|(id, _)| *id).collect();
    assert_eq!(excused, listed, "what passes is no excuse");
}

/// What the inspector's command line prints as JSON.
async fn inspect(proxy: &Proxy, arguments: &[&str]) -> Value {
    let script = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
    let mut all = vec!["--cli".to_owned()];
    all.extend(arguments.iter().map(ToString::to_string));
    let output = node(script, all, proxy.path().to_owned()).await;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{arguments:?}: {stdout}\n{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error} in {stdout}\n{stderr}"))
}

#[tokio::test]
async fn the_inspector_lists_and_calls_tools_by_address_and_by_command() {
    let proxy = Setup::new().serve().await;
    let url = proxy.url("/mcp");
    let program = env!("CARGO_BIN_EXE_crosspoint");
    for target in [vec![&*url, "--transport", "http"], vec![program, "mcp"]] {
        let list = [&target[..], &["--method", "tools/list"]].concat();
        let list = inspect(&proxy, &list).await;
        assert!(super::names(&list).contains(&"http_GetRequestV2".to_owned()));
        let call = [
            "--method",
            "tools/call",
            "--tool-name",
            "logging_Write",
            "--tool-arg",
            "message=from the inspector",
        ];
        let called = inspect(&proxy, &[&target[..], &call].concat()).await;
        let body = &called["structuredContent"]["body"];
        assert_eq!(body["message"], "from the inspector", "{called}");
    }
}
