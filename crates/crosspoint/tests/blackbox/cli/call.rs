//! `crosspoint call`: one command in one process.

use serde_json::json;

use crate::harness::{self, Ended, Reply, Setup, Upstream, closed_port};

async fn call(arguments: &[&str]) -> Ended {
    Setup::new().run(&[&["call"], arguments].concat()).await
}

#[tokio::test]
async fn the_result_goes_to_standard_output_alone() {
    let upstream = Upstream::start(|_| Reply::json(r#"{"n": 1.50}"#)).await;
    let url = format!("url={}", upstream.url("/"));
    let ended = call(&["http/GetRequestV2", &url]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "{\"n\": 1.50}\n"),
        "{ended:?}"
    );
    assert_eq!(ended.stderr, "");
}

#[tokio::test]
async fn arguments_are_text_or_json() {
    let upstream = Upstream::echo().await;
    let url = format!("url={}", upstream.url("/?a=b"));
    let arguments = [
        "http/PostRequestV2",
        &url,
        r#"headers={"x-one": "1"}"#,
        r#"data:={"n": 1.50}"#,
    ];
    assert_eq!(call(&arguments).await.code, Some(0));
    let seen = upstream.last();
    assert_eq!(
        (seen.header("x-one"), seen.text().as_str()),
        ("1", r#"{"n": 1.50}"#)
    );
    assert_eq!(seen.target, "/?a=b");
}

#[tokio::test]
async fn arguments_come_from_a_file_or_standard_input_too() {
    let upstream = Upstream::echo().await;
    let input = json!({"url": upstream.url("/"), "data": {"from": "input"}}).to_string();
    let setup = Setup::new().file("input.json", &input);
    let ended = setup
        .run(&["call", "http/PostRequestV2", "--input", "input.json"])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(upstream.last().json(), json!({"from": "input"}));
    let arguments = [
        "call",
        "http/PostRequestV2",
        "--input",
        "-",
        r#"data:={"from": "line"}"#,
    ];
    let ended = Setup::new().run_with(&arguments, &input).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(upstream.last().json(), json!({"from": "line"}));
}

#[tokio::test]
async fn for_programs_the_whole_outcome_is_json() {
    let upstream = Upstream::start(|_| Reply::json(r#"{"n": 1}"#)).await;
    let url = format!("url={}", upstream.url("/"));
    let ended = call(&["http/GetRequestV2", &url, "--json"]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    let whole = harness::json(&ended.stdout);
    assert_eq!(
        (&whole["succeeded"], &whole["status"]),
        (&json!(true), &json!(200))
    );
    assert_eq!(
        (&whole["body"], &whole["mimetype"]),
        (&json!({"n": 1}), &json!("application/json"))
    );
    assert!(
        whole["milliseconds"].is_u64() && whole["logs"].is_array() && whole["headers"].is_object()
    );
    assert!(whole.get("error").is_none());
}

#[tokio::test]
async fn a_command_that_fails_is_exit_code_1() {
    let upstream = Upstream::start(|_| Reply::status(404).body("not here")).await;
    let url = format!("url={}", upstream.url("/"));
    let ended = call(&["http/GetRequestV2", &url]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("HttpError404"), "{}", ended.stderr);
    assert!(ended.stdout.contains("not here"), "{}", ended.stdout);

    let ended = call(&["http/GetRequestV2", &url, "--json"]).await;
    assert_eq!(ended.code, Some(1));
    let whole = harness::json(&ended.stdout);
    assert_eq!(
        (&whole["succeeded"], &whole["status"]),
        (&json!(false), &json!(404))
    );
    assert_eq!(whole["error"]["error_code"], "HttpError404");
    assert_eq!(whole["error"]["kind"], "reported");

    let (_kept, address) = closed_port();
    let url = format!("url=http://{address}/");
    let ended = call(&["http/GetRequestV2", &url]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("ConnectionError"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_call_that_is_wrong_is_exit_code_2_and_says_why() {
    for (arguments, part) in [
        (&["http/GetRequestV2"][..], "missing parameter 'url'"),
        (&["http/GetRequestV2", "uri=x"], "did you mean 'url'"),
        (&["http/GetRequestV9", "url=x"], "http/GetRequestV2"),
        (&["nothing/At_all"], "http"),
        (&["no-slash"], "no-slash"),
        (&["http/GetRequestV2", "url"], "name=value"),
        (&["http/GetRequestV2", "headers:={oops"], "headers"),
        (
            &["http/GetRequestV2", "--input", "no-such-file.json"],
            "no-such-file.json",
        ),
    ] {
        let ended = call(arguments).await;
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
    let ended = Setup::new()
        .run_with(&["call", "http/GetRequestV2", "--input", "-"], "[1]")
        .await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[tokio::test]
async fn a_value_that_is_not_json_is_not_quoted() {
    let ended = call(&["http/GetRequestV2", "url=x", "headers:=hunter2"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("headers") && !ended.stderr.contains("hunter2"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_version_1_result_is_printed_as_it_is() {
    let upstream = Upstream::start(|_| Reply::ok("text/plain", "just text")).await;
    let ended = call(&["http/GetRequest", &format!("url={}", upstream.url("/"))]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "just text\n"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn the_log_shows_when_asked_for() {
    let upstream = Upstream::echo().await;
    let url = format!("url={}", upstream.url("/path"));
    let ended = call(&["http/GetRequestV2", &url, "--verbose"]).await;
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stderr.contains("GET") && ended.stderr.contains("/path"),
        "{}",
        ended.stderr
    );
    assert!(harness::json(&ended.stdout).is_object());
}

#[tokio::test]
async fn a_call_that_takes_its_time_says_so() {
    let upstream = Upstream::start(|_| Reply::silence()).await;
    let setup = Setup::new().config("[cli]\ndeadline = \"2500ms\"\n");
    let url = format!("url={}", upstream.url("/"));
    let ended = setup.run(&["call", "http/GetRequestV2", &url]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("calling http/GetRequestV2"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("ReadTimeout"), "{}", ended.stderr);
}

#[tokio::test]
async fn egress_rules_hold_here_too() {
    let ended = call(&["http/GetRequestV2", "url=http://169.254.169.254/"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("EgressRefused"), "{}", ended.stderr);
}
