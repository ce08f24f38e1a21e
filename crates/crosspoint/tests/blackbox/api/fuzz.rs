//! Requests that a machine makes up from `/openapi.json` (schemathesis).

use std::process::Command;

use crate::harness::{Setup, output};
use crate::python::support::test_python;

/// What every answer is asked. Which statuses and shapes there are is described for the API alone.
const ANYWHERE: &str = "not_a_server_error";
const IN_THE_API: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                          response_headers_conformance,response_schema_conformance,\
                          negative_data_rejection,unsupported_method";

/// A run over the paths that fit, bounded and always the same; what it printed.
async fn run(proxy: &crate::harness::Proxy, paths: &str, checks: &str) -> (bool, String) {
    let mut command = Command::new(test_python());
    command
        .args(["-m", "schemathesis.cli", "--no-color", "run"])
        .arg(proxy.url("/openapi.json"))
        .args(["--include-path-regex", paths, "--checks", checks])
        // It goes on for ever; its own tests read it.
        .args(["--exclude-path", "/api/v1/calls/events"])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", "10", "--seed", "4711"])
        .args([
            "--workers",
            "1",
            "--request-timeout",
            "30",
            "--warnings",
            "off",
        ])
        .args(["--generation-database", "none"])
        .current_dir(proxy.path())
        .env_remove("http_proxy");
    let output = output(command).await;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.success(), text)
}

#[tokio::test]
async fn made_up_requests_find_no_fault() {
    // Nothing leaves this machine, nor goes anywhere on it.
    let config = "[egress]\ndeny = [\"*\"]\n[api]\ncallback_origins = [\"http://127.0.0.1:9\"]\n";
    for (paths, checks) in [("^/api/", IN_THE_API), ("^/(api|v1)/", ANYWHERE)] {
        let proxy = Setup::new().config(config).serve().await;
        let (well, text) = run(&proxy, paths, checks).await;
        assert!(well, "{paths}:\n{text}\n{}", proxy.log());
    }
}
