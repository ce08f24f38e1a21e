//! `crosspoint check` as people and scripts use it.

use crate::harness::{Ended, Reply, Setup, Upstream, closed_port, json};
use crate::misbehaving::{Defect, start};

async fn check(arguments: &[&str]) -> Ended {
    Setup::new().run(&[&["check"], arguments].concat()).await
}

#[tokio::test]
async fn the_report_reads_line_by_line_and_ends_with_a_summary() {
    let ended = check(&["http"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert!(
        lines[0].starts_with("http: ") && lines[0].ends_with(" commands"),
        "{lines:#?}"
    );
    assert!(
        lines.contains(&"ok       discovery: no id is listed twice"),
        "{lines:#?}"
    );
    assert!(lines.last().unwrap().contains(" tests: "), "{lines:#?}");
    assert!(
        ended
            .stdout
            .contains("http/PostRequestV2: no sample, and not read-only")
    );
}

#[tokio::test]
async fn arguments_on_the_command_line_are_a_sample() {
    let upstream = Upstream::echo().await;
    let url = format!("url={}", upstream.url("/"));
    let ended = check(&["http/GetRequestV2", &url, "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(json(&ended.stdout)["commands"], 1);
    assert!(!upstream.seen().is_empty());

    let ended = check(&["http/PostRequestV2", &url, "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(upstream.seen().iter().all(|seen| seen.method == "GET"));
    let ended = check(&["http/PostRequestV2", &url, "--json", "--effects"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(upstream.seen().iter().any(|seen| seen.method == "POST"));
}

#[tokio::test]
async fn a_sample_that_does_not_hold_is_exit_code_1_and_shows_what_happened() {
    let upstream = Upstream::start(|_| Reply::status(500).body("out of order")).await;
    let url = format!("url={}", upstream.url("/"));
    let ended = check(&["http/GetRequestV2", &url]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in [
        "FAILED   answers: each sample ends as it says",
        "it should end with success, not with the failure HttpError500",
        "sent {\"url\":\"http://127.0.0.1:",
        "came back reported failure HttpError500",
        "→ See whether the connector or the sample is wrong.",
    ] {
        assert!(ended.stdout.contains(part), "{part} in {}", ended.stdout);
    }
}

#[tokio::test]
async fn a_key_is_taken_from_the_environment_and_never_shown() {
    let upstream = start(Some(Defect::ErrorAsText)).await;
    let url = upstream.url("");
    let setup = Setup::new().env("MY_KEY", "hunter2-hunter2");
    let ended = setup.run(&["check", &url, "--api-key-env", "MY_KEY"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(
        upstream.last().header("spiff-connector-proxy-api-key"),
        "hunter2-hunter2"
    );
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
    let setup = Setup::new().env("CONNECTOR_PROXY_API_KEY", "the-usual-one");
    setup.run(&["check", &url]).await;
    assert_eq!(
        upstream.last().header("spiff-connector-proxy-api-key"),
        "the-usual-one"
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_there_fails_its_first_test() {
    let (_kept, address) = closed_port();
    let ended = check(&[&format!("http://{address}")]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("FAILED   discovery: the list of commands"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn a_proxy_that_wants_a_key_says_how_to_give_it() {
    let setup = Setup::new().env("CONNECTOR_PROXY_API_KEY", "some-key-or-other");
    let proxy = setup.serve().await;
    let ended = check(&[&proxy.url("/")]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("--api-key-env"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_wrong_command_line_is_exit_code_2_and_says_why() {
    for (arguments, part) in [
        (&["htp"][..], "there is http"),
        (&["http/GetRequestV9"], "GetRequestV2"),
        (&["ftp://127.0.0.1/"], "http or https address"),
        (&["http", "url=x"], "connector/Command"),
        (&["http/GetRequestV2", "url"], "name=value"),
        (
            &["http", "--samples", "no-such-file.json"],
            "no-such-file.json",
        ),
        (&["http", "--only", "http"], "for a proxy"),
        (
            &["http://127.0.0.1:1", "--api-key-env", "NOT_SET"],
            "NOT_SET is not set",
        ),
    ] {
        let ended = check(arguments).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}: {ended:?}"
        );
        assert!(
            ended.stderr.contains(part),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn samples_that_are_wrong_are_told_with_their_place() {
    for (text, part) in [
        ("nothing", "reading samples.json"),
        (
            r#"{"http/GetRequest": [{"argument": {}}]}"#,
            "sample 1 of http/GetRequest",
        ),
        (
            r#"{"http/GetRequest": [{"arguments": {"url": "{{env:NOT_SET}}"}}]}"#,
            "NOT_SET is not set",
        ),
        (r#"{"smtp/SendEmail": [{}]}"#, "no samples of http"),
    ] {
        let setup = Setup::new().file("samples.json", text);
        let ended = setup
            .run(&["check", "http", "--samples", "samples.json"])
            .await;
        assert_eq!(ended.code, Some(2), "{text}: {ended:?}");
        assert!(ended.stderr.contains(part), "{text}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn the_page_about_it_lists_every_test() {
    let ended = check(&["http", "--json"]).await;
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/check.md");
    let page = std::fs::read_to_string(page).unwrap();
    let report = json(&ended.stdout);
    let tests = report["tests"].as_array().unwrap();
    let rows = tests.iter().map(|test| {
        let (group, name) = (
            test["group"].as_str().unwrap(),
            test["name"].as_str().unwrap(),
        );
        format!("| {group} | {name}")
    });
    let listed: Vec<_> = page.lines().filter(|line| line.starts_with("| ")).collect();
    for row in rows {
        assert!(
            listed.iter().any(|line| line.starts_with(&row)),
            "{row} is not on the page"
        );
    }
}
