//! `crosspoint commands`, and help.

use crate::harness::{Setup, json, shared};

#[tokio::test]
async fn the_commands_are_listed_with_their_parameters() {
    let ended = Setup::new().run(&["commands"]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    for part in [
        "http/GetRequestV2",
        "read-only",
        "url:str",
        "[headers:any]",
        "crosspoint call",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part} is not in:\n{}",
            ended.stdout
        );
    }
    assert!(
        ended.stdout.lines().all(|line| line.chars().count() <= 100),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn a_text_chooses_among_them() {
    let ended = Setup::new().run(&["commands", "headrequest"]).await;
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stdout.contains("http/HeadRequestV2"),
        "{}",
        ended.stdout
    );
    assert!(
        !ended.stdout.contains("http/GetRequest"),
        "{}",
        ended.stdout
    );
    let ended = Setup::new().run(&["commands", "nothing-like-that"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert!(
        ended.stderr.contains("nothing-like-that"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn for_programs_the_list_is_that_of_the_server() {
    let ended = Setup::new().run(&["commands", "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        json(&ended.stdout),
        shared().await.get("/v1/commands").await.json()
    );
    let ended = Setup::new()
        .run(&["commands", "--json", "PutRequestV2"])
        .await;
    assert_eq!(json(&ended.stdout).as_array().unwrap().len(), 1);
    let ended = Setup::new()
        .run(&["commands", "--json", "nothing-like-that"])
        .await;
    assert_eq!(json(&ended.stdout), serde_json::json!([]));
}

#[tokio::test]
async fn the_list_follows_the_configuration() {
    let ended = Setup::new()
        .config("builtin = []\n")
        .run(&["commands", "--json"])
        .await;
    assert_eq!(json(&ended.stdout), serde_json::json!([]));
    let ended = Setup::new()
        .config("builtin = [\"htpp\"]\n")
        .run(&["commands"])
        .await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("http"), "{}", ended.stderr);
}

#[tokio::test]
async fn help_has_examples_and_mistakes_are_exit_code_2() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["commands", "--help"],
        &["call", "--help"],
        &["config", "check", "--help"],
    ] {
        let ended = Setup::new().run(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}");
        assert!(
            ended.stdout.contains("Examples:"),
            "{arguments:?}: {}",
            ended.stdout
        );
    }
    for arguments in [
        &[][..],
        &["serv"],
        &["call"],
        &["serve", "--lisen", "x"],
        &["config"],
    ] {
        let ended = Setup::new().run(arguments).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(
            ended.stderr.contains("Usage"),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    let ended = Setup::new().run(&["--version"]).await;
    assert_eq!(
        (ended.code, ended.stdout.starts_with("crosspoint ")),
        (Some(0), true)
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_mistake() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_crosspoint"))
        .args(["commands", "--json"])
        .env_clear()
        .stdout(writer)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((ended.status.code(), said.as_ref()), (Some(0), ""));
}
