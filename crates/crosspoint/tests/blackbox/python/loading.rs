//! Connectors that do not load: the start says which and why, and the others serve.

use std::fs;

use serde_json::json;

use super::support::{bare, connector, gallery, ids, ready, serve, serve_setup, zoo};
use crate::harness::{Proxy, Setup};

/// A proxy with this configuration and a connector that is well, and the one problem it has.
async fn problem(setup: Setup, config: &str) -> (Proxy, String) {
    let well = connector("well", zoo("post.py"));
    let setup = setup.config(&format!("{config}\n{well}"));
    let proxy = serve_setup(setup.env("PIP_NO_INDEX", "1")).await;
    let problems = ready(&proxy).await;
    let [problem] = &problems[..] else {
        panic!("{problems:?}");
    };
    let problem = problem.clone();
    let sent = bare(&proxy, "well/Send", json!({"to": "x"})).await;
    assert_eq!(sent, "sent to x");
    // The log has its first line; there may be more of them.
    proxy.log_line(&[problem.lines().next().unwrap()]).await;
    (proxy, problem)
}

fn says(problem: &str, parts: &[&str]) {
    for part in parts {
        assert!(problem.contains(part), "{part}: {problem}");
    }
}

#[tokio::test]
async fn a_path_where_nothing_is() {
    let (proxy, problem) = problem(Setup::new(), &connector("lost", "./no-such-place")).await;
    says(
        &problem,
        &["connectors.lost", "no-such-place", "there is no"],
    );
    assert!(ids(&proxy, "lost").await.is_empty());
    let answer = proxy.call("lost/Send", json!({})).await;
    assert_eq!(
        (answer.status, answer.code()),
        (404, "command_not_found".to_owned())
    );
}

#[tokio::test]
async fn a_requirement_that_nobody_has() {
    let config = "[connectors.crm]\npython = \"connector-of-nobody==1.4\"\n";
    let (_, problem) = problem(Setup::new(), config).await;
    // The tool's own words tell the most.
    says(
        &problem,
        &[
            "connectors.crm",
            "connector-of-nobody==1.4",
            "No matching distribution",
        ],
    );
}

#[tokio::test]
async fn a_package_that_is_no_connector() {
    let setup = Setup::new();
    let project = setup.path().join("thing");
    fs::create_dir_all(project.join("src/thing")).unwrap();
    fs::write(project.join("src/thing/__init__.py"), "").unwrap();
    let (_, problem) = problem(setup, &connector("thing", "./thing")).await;
    says(&problem, &["connectors.thing", "connector_"]);
}

#[tokio::test]
async fn an_interpreter_that_is_broken_or_missing() {
    let config = connector("old", zoo("post.py")) + "interpreter = \"./python-that-lies\"\n";
    let setup = Setup::new().file("python-that-lies", "#!/bin/sh\necho no python at all\n");
    let program = setup.path().join("python-that-lies");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&program, mode).unwrap();
    let (_, broken) = problem(setup, &config).await;
    says(
        &broken,
        &["connectors.old", "python-that-lies", "no python at all"],
    );

    let config = connector("old", zoo("post.py")) + "interpreter = \"python9.99\"\n";
    let (_, missing) = problem(Setup::new(), &config).await;
    says(&missing, &["connectors.old", "python9.99"]);
}

#[tokio::test]
async fn an_environment_that_is_not_there() {
    let config = "[python]\nvenv = \"./no-such-venv\"\n";
    let (_, problem) = problem(Setup::new(), config).await;
    says(&problem, &["python.venv", "no-such-venv"]);
}

#[tokio::test]
async fn one_module_that_cannot_be_imported_does_not_take_the_others_down() {
    let (proxy, problem) =
        problem(Setup::new(), &connector("broken", zoo("connector-broken"))).await;
    says(
        &problem,
        &[
            "broken",
            "connector_broken.commands.absent",
            "a_library_that_is_nowhere",
        ],
    );
    assert_eq!(ids(&proxy, "broken/").await, ["broken/Works"]);
    assert_eq!(bare(&proxy, "broken/Works", json!({})).await, "works");
    let ended = proxy.run(&["commands", "broken"]).await;
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains("broken/Works"), "{}", ended.stdout);
    says(&ended.stderr, &["not loaded", "a_library_that_is_nowhere"]);
}

#[tokio::test]
async fn a_missing_init_is_named_as_the_reason() {
    let (proxy, problem) = problem(Setup::new(), &connector("bare", zoo("connector-bare"))).await;
    says(&problem, &["bare", "commands", "__init__.py"]);
    assert!(ids(&proxy, "bare").await.is_empty());
}

#[tokio::test]
async fn a_module_that_ends_the_process_or_never_ends() {
    for (text, more, words) in [
        ("import os\nos._exit(7)\n", "", "exit status: 7"),
        ("import sys\nsys.exit('not today')\n", "", "not today"),
        ("class Broken\n", "", "SyntaxError"),
        ("while True: pass\n", "start_timeout = \"1s\"\n", "1 s"),
    ] {
        let setup = Setup::new().file("bad.py", text);
        let (_, problem) = problem(setup, &(connector("bad", "./bad.py") + more)).await;
        says(&problem, &["bad"]);
        let alike = |text: &str| text.replace("status: ", "status ");
        assert!(
            alike(&problem).contains(&alike(words)),
            "{words}: {problem}"
        );
    }
}

#[tokio::test]
async fn two_connectors_of_one_name_are_named_and_what_was_there_goes_on() {
    let config = format!(
        "[python]\ninstall = [{:?}]\n[connectors.cat]\npython = {:?}\n",
        zoo("farm"),
        zoo("post.py")
    );
    let proxy = serve(&config).await;
    let problems = ready(&proxy).await.join("\n");
    says(&problems, &["cat"]);
    assert!(!ids(&proxy, "smtp/").await.is_empty());
}

#[tokio::test]
async fn while_connectors_load_the_others_serve_and_readyz_waits() {
    let setup = Setup::new();
    let go_on = setup.path().join("go-on");
    let slow = format!(
        "import os, time\nwhile not os.path.exists({go_on:?}): time.sleep(0.01)\n\
         class Slow:\n    def execute(self, config, task_data):\n        return {{'response': 'at last'}}\n"
    );
    let setup = setup
        .file("slow.py", &slow)
        .config(&connector("slow", "./slow.py"));
    let proxy = setup.serve().await;
    let early = proxy.get("/readyz").await;
    assert_eq!((early.status, &early.json()["ready"]), (503, &json!(false)));
    assert!(!ids(&proxy, "smtp/").await.is_empty());
    assert_eq!(proxy.get("/liveness").await.status, 200);
    fs::write(go_on, "").unwrap();
    assert!(ready(&proxy).await.is_empty());
    assert_eq!(bare(&proxy, "slow/Slow", json!({})).await, "at last");
    // One that was there from the start needs no such wait.
    assert!(ready(gallery().await).await.is_empty());
}
