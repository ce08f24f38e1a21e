//! Secrets in what `crosspoint call` is told.

use serde_json::json;

use crate::harness::{Canaries, Reply, Setup, Upstream, closed_port};

#[tokio::test]
async fn secrets_of_a_call_do_not_show_beside_its_result() {
    let mut canaries = Canaries::default();
    let password = canaries.plant("basic_auth_password");
    let token = canaries.plant("the header Authorization");
    let upstream = Upstream::start(|seen| Reply::status(500).body(seen.everything())).await;
    let (_kept, closed) = closed_port();
    let headers = format!(
        "headers={}",
        json!({"Authorization": format!("Bearer {token}")})
    );
    let password = format!("basic_auth_password={password}");
    let urls = [
        upstream.url("/"),
        format!("http://{closed}/"),
        "http://127.0.0.1:99999/".to_owned(),
    ];
    for url in urls {
        let url = format!("url={url}");
        for secret in [&headers, &password] {
            let arguments = [
                "call",
                "http/GetRequestV2",
                &url,
                "basic_auth_username=someone",
                secret,
            ];
            let arguments: Vec<_> = match secret == &headers {
                true => arguments
                    .iter()
                    .filter(|a| !a.starts_with("basic"))
                    .copied()
                    .collect(),
                false => arguments.to_vec(),
            };
            for more in [&["--verbose"][..], &[]] {
                let setup = Setup::new().env("CROSSPOINT_LOG", "trace");
                let ended = setup.run(&[&arguments, more].concat()).await;
                assert_eq!(ended.code, Some(1), "{ended:?}");
                canaries.look_in(&format!("call {url} {more:?}"), &ended.stderr);
            }
        }
    }
    let seen: Vec<_> = upstream
        .seen()
        .iter()
        .map(|seen| seen.everything())
        .collect();
    canaries.all_arrived(&seen);
}

#[tokio::test]
async fn mistakes_on_the_command_line_do_not_show_values() {
    let mut canaries = Canaries::default();
    let secret = canaries.plant("a value");
    for arguments in [
        &[
            "call",
            "http/GetRequestV2",
            &format!("basic_auth_pasword={secret}"),
        ][..],
        &[
            "call",
            "http/GetRequestV2",
            "url=x",
            &format!("headers:={secret}"),
        ],
        &[
            "call",
            "http/GetRequestV2",
            "url=x",
            &format!("attempts={secret}"),
        ],
        &["call", "http/Nothing", &format!("token={secret}")],
    ] {
        let ended = Setup::new().run(arguments).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        canaries.look_in(
            &format!("{arguments:?}"),
            &format!("{}{}", ended.stdout, ended.stderr),
        );
    }
    let setup = Setup::new();
    let input = format!("{{\"basic_auth_password\": {}, oops", json!(secret));
    let ended = setup
        .run_with(&["call", "http/GetRequestV2", "--input", "-"], &input)
        .await;
    assert_eq!(ended.code, Some(2));
    canaries.look_in("--input", &ended.stderr);
}
