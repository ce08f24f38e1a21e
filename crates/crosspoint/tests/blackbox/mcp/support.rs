//! What the tests of MCP servers have in common.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub use crate::python::support::{ids, kill, lives, ready, serve, serve_setup, test_python};

/// The servers in nothing but Python's standard library, which the tests of the runtime have, too.
pub fn own(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtimes/tests/mcp");
    let path = Path::new(folder).join(file).canonicalize().unwrap();
    path.display().to_string()
}

/// A table of the configuration that starts a server.
pub fn server(name: &str, command: &[impl AsRef<str>]) -> String {
    let command: Vec<_> = command.iter().map(AsRef::as_ref).collect();
    format!("[connectors.{name}]\nmcp = {}\n", json!(command))
}

/// The same for a server of our own that behaves as the mode says.
pub fn probe(name: &str, mode: &str) -> String {
    server(name, &[&python3(), "-B", "-u", &own("server.py"), mode])
}

/// The interpreter itself: what is found by its name may be a script that chooses one.
pub fn python3() -> String {
    let arguments = ["-c", "import sys; print(sys.executable, end='')"];
    let output = std::process::Command::new("python3")
        .args(arguments)
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// An example, by its file.
pub fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/mcp")
        .join(file)
}

/// A Node package that the tests need, by its file.
pub fn node(file: &str) -> String {
    let variable = "CROSSPOINT_TEST_NODE";
    let folder = std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run the tests by `cargo xtask test`, which sets it")
    });
    format!("{folder}/{file}")
}

/// The names of the tests in a report that ended so.
pub fn named(report: &Value, verdict: &str) -> Vec<String> {
    let tests = report["tests"].as_array().unwrap().iter();
    let tests = tests.filter(|test| test["verdict"] == verdict);
    tests
        .map(|test| test["name"].as_str().unwrap().to_owned())
        .collect()
}
