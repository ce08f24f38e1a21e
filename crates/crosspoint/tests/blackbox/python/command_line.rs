//! `crosspoint commands`, `call` and `new` with Python connectors.

use serde_json::json;

use super::support::{connector, run, zoo};
use crate::harness::{Ended, Setup, json as read};

fn gallery() -> Setup {
    Setup::new().config(&connector("gallery", zoo("connector-gallery")))
}

async fn call(arguments: &[&str]) -> Ended {
    gallery().run(&[&["call"], arguments].concat()).await
}

#[tokio::test]
async fn commands_of_python_are_listed_as_others_are() {
    let ended = gallery().run(&["commands", "gallery/"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in [
        "gallery  What a command can look like.",
        "gallery/Simple  (effectful)",
        "name:str count:int [loud:bool] [note:str]",
        "first:str …",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let lines = || ended.stdout.lines();
    assert!(lines().all(|line| line.chars().count() <= 100 && line == line.trim_end()));
}

#[tokio::test]
async fn what_is_idempotent_is_what_the_configuration_says() {
    let config = connector("gallery", zoo("connector-gallery")) + "idempotent = [\"Echo\"]\n";
    let ended = Setup::new()
        .config(&config)
        .run(&["commands", "gallery/"])
        .await;
    assert!(
        ended.stdout.contains("gallery/Echo  (idempotent)"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("gallery/Simple  (effectful)"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn a_built_in_that_is_replaced_is_marked() {
    let setup = Setup::new().config(&connector("http", zoo("post.py")));
    let ended = setup.run(&["commands"]).await;
    let mark = |name: &str| {
        let mut lines = ended.stdout.lines();
        let line = lines.find(|line| line.starts_with(&format!("{name}  ")));
        line.unwrap_or_else(|| panic!("{}", ended.stdout))
            .contains("replaces")
    };
    assert!(mark("http") && !mark("slack"), "{}", ended.stdout);
}

#[tokio::test]
async fn what_did_not_load_is_named_and_the_list_is_there() {
    let config = connector("broken", zoo("connector-broken"))
        + &connector("bare", zoo("connector-bare"))
        + &connector("lost", "./no-such-place");
    for arguments in [&["commands"][..], &["commands", "--json"]] {
        let ended = Setup::new().config(&config).run(arguments).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains("broken/Works"), "{}", ended.stdout);
        for part in ["a_library_that_is_nowhere", "__init__.py", "no-such-place"] {
            let mut lines = ended.stderr.lines();
            let told = lines.any(|line| line.starts_with("not loaded: ") && line.contains(part));
            assert!(told, "{part}: {}", ended.stderr);
        }
    }
}

#[tokio::test]
async fn a_call_prints_what_came_back() {
    let ended = call(&["gallery/Simple", "name=Zoë", "count:=5"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(read(&ended.stdout), json!(["Zoë", 5, false, null]));
    // Text is not read as the type that the signature says: the connector gets what was given.
    let ended = call(&["gallery/Simple", "name=x", "count=5"]).await;
    assert_eq!(read(&ended.stdout), json!(["x", "5", false, null]));
}

#[tokio::test]
async fn a_call_that_fails_is_exit_code_1_and_a_wrong_one_2() {
    let ended = call(&["gallery/Raise", "text=no paper"]).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.contains("OutOfPaper") && ended.stderr.contains("no paper"));
    let ended = call(&["gallery/Simple", "nmae=x"]).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(2), ""), "{ended:?}");
    for name in ["'name'", "'count'", "'nmae'"] {
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
    }
    let setup = Setup::new().config(&connector("wild", zoo("connector-wild")));
    let ended = setup.run(&["call", "wild/Segfault"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("worker_crashed"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_call_shows_what_the_connector_prints_when_that_is_asked_for() {
    let quiet = call(&["gallery/Say", "text=h3llo"]).await;
    assert_eq!(quiet.code, Some(0), "{quiet:?}");
    assert!(!quiet.stderr.contains("h3llo"), "{}", quiet.stderr);
    assert_eq!(quiet.stdout, "null\n");
    let verbose = call(&["gallery/Say", "text=h3llo", "--verbose"]).await;
    assert!(
        verbose.stderr.contains("h3llo by print"),
        "{}",
        verbose.stderr
    );
}

#[tokio::test]
async fn a_call_of_one_connector_starts_no_other() {
    let config =
        connector("gallery", zoo("connector-gallery")) + &connector("lost", "./no-such-place");
    let setup = Setup::new().config(&config);
    let ended = setup.run(&["call", "gallery/Echo", "value=x"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("lost"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_new_connector_passes_its_own_test_and_is_called() {
    let setup = Setup::new();
    let folder = setup.path().to_owned();
    let proxy = setup.serve().await;
    let made = proxy.run(&["new", "python", "my-crm"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    // As it is printed, for a person to paste.
    let shell = |line: &&str| line.trim().starts_with('(');
    let test = made.stdout.lines().find(shell).unwrap().trim();
    run(
        "sh",
        &["-c", &format!("cd '{}' && {test}", folder.display())],
    )
    .await;
    let toml = made.stdout.lines().map(str::trim);
    let toml: Vec<_> = toml
        .skip_while(|line| !line.starts_with('['))
        .take(2)
        .collect();
    std::fs::write(folder.join("crosspoint.toml"), toml.join("\n")).unwrap();
    let config = folder.join("crosspoint.toml").display().to_string();
    let arguments = ["--config", &config, "call", "my-crm/Greet", "name=Ada"];
    let called = proxy.run(&arguments).await;
    assert_eq!(
        read(&called.stdout),
        json!({"greeting": "Hello, Ada!"}),
        "{called:?}"
    );
    let judged = proxy
        .run(&["--config", &config, "check", "my-crm", "--json"])
        .await;
    let report = read(&judged.stdout);
    assert_eq!(
        (&report["failed"], &report["warnings"]),
        (&json!(0), &json!(0)),
        "{report:#}"
    );
}

#[tokio::test]
async fn a_new_connector_needs_a_name_and_a_place_that_is_free() {
    for name in ["", "7up", "a/b", "a b", "../x"] {
        let ended = Setup::new().run(&["new", "python", name]).await;
        assert_eq!(ended.code, Some(2), "{name}: {ended:?}");
    }
    let setup = Setup::new().file("connector-crm", "here already");
    let ended = setup.run(&["new", "python", "crm"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--path"), "{}", ended.stderr);
    let ended = Setup::new()
        .run(&["new", "python", "crm", "--path", "tools/mine"])
        .await;
    assert!(ended.stdout.contains("./tools/mine"), "{}", ended.stdout);
}
