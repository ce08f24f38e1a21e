//! `crosspoint new openapi`, and `crosspoint check` of what documents describe.

use serde_json::json;

use crate::harness::{Reply, Setup, Upstream};

const COINGECKO: &str = include_str!("../../../../../examples/openapi/coingecko.yaml");

#[tokio::test]
async fn a_document_is_mounted_shown_and_tried() {
    let upstream = Upstream::start(|_| Reply::json(r#"{"bitcoin":{"usd":1.5}}"#)).await;
    let document = COINGECKO.replace("https://api.coingecko.com", &upstream.url(""));
    let setup = Setup::new()
        .file("coins.yaml", &document)
        .config("builtin = [\"http\"]");
    let begun = setup
        .clone()
        .run(&[
            "new",
            "openapi",
            "coins",
            "coins.yaml",
            "--try",
            "SimplePrice",
            "ids=[\"bitcoin\"]",
            "vs_currencies=[\"usd\"]",
        ])
        .await;
    assert_eq!(begun.code, Some(0), "{}{}", begun.stdout, begun.stderr);
    for text in [
        "Prices of coins at CoinGecko. (1 commands)",
        "coins/SimplePrice (read-only)  What coins cost now.",
        "api_key (secret)",
        "[connectors.coins]\nopenapi = \"coins.yaml\"",
        "{\"bitcoin\":{\"usd\":1.5}}",
    ] {
        assert!(
            begun.stdout.contains(text),
            "{text} is not in\n{}",
            begun.stdout
        );
    }
    let written = std::fs::read_to_string(setup.path().join("crosspoint.toml")).unwrap();
    assert_eq!(
        written,
        "builtin = [\"http\"]\n\n[connectors.coins]\nopenapi = \"coins.yaml\"\n"
    );
    let again = setup
        .clone()
        .run(&["new", "openapi", "coins", "coins.yaml"])
        .await;
    assert!(
        again.stderr.contains("[connectors.coins] is there already"),
        "{}",
        again.stderr
    );
    let called = setup
        .run(&[
            "call",
            "coins/SimplePrice",
            "ids=[\"bitcoin\"]",
            "vs_currencies=[\"usd\"]",
        ])
        .await;
    assert_eq!(
        (called.code, called.stdout.trim()),
        (Some(0), "{\"bitcoin\":{\"usd\":1.5}}")
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_written() {
    let document = "openapi: 3.1.0\npaths: {/x: {post: {operationId: act, responses: {}}}}\n";
    let setup = Setup::new()
        .file("relative.yaml", document)
        .file("page.yaml", "<html>");
    for (arguments, text) in [
        (vec!["a b", "relative.yaml"], "cannot name a connector"),
        (vec!["api", "none.yaml"], "No such file"),
        (vec!["api", "page.yaml"], "is a web page"),
        (
            vec!["api", "relative.yaml"],
            "say where the system is by `server`",
        ),
        (
            vec![
                "api",
                "relative.yaml",
                "--server",
                "http://h",
                "--try",
                "act",
            ],
            "act is effectful",
        ),
        (
            vec![
                "api",
                "relative.yaml",
                "--server",
                "http://h",
                "--try",
                "actt",
            ],
            "did you mean act?",
        ),
    ] {
        let arguments: Vec<&str> = ["new", "openapi"].into_iter().chain(arguments).collect();
        let begun = setup.clone().run(&arguments).await;
        assert_ne!(begun.code, Some(0), "{arguments:?}");
        assert!(
            begun.stderr.contains(text),
            "{arguments:?}: {}",
            begun.stderr
        );
    }
    assert!(!setup.path().join("crosspoint.toml").exists());
}

#[tokio::test]
async fn check_judges_what_a_document_describes_and_what_another_proxy_has() {
    let upstream = Upstream::start(|seen| match seen.target.contains("ids=none") {
        true => Reply::status(404)
            .header("content-type", "application/json")
            .body("{}"),
        false => Reply::json(r#"{"bitcoin":{"usd":1.5}}"#),
    })
    .await;
    let document = COINGECKO.replace("https://api.coingecko.com", &upstream.url(""));
    let samples = |connector: &str| {
        let sample = |ids: &str| json!({"ids": [ids], "vs_currencies": ["usd"]});
        json!({format!("{connector}/SimplePrice"): [
            {"arguments": sample("bitcoin"), "result_schema": {"type": "object", "required": ["bitcoin"]}},
            {"arguments": sample("none"), "expect": {"error_code": "HttpError404"}},
        ]})
        .to_string()
    };
    let setup = Setup::new()
        .file("coins.yaml", &document)
        .file("coins.json", &samples("coins"))
        .file("branch.json", &samples("branch_coins"));
    let checked = setup
        .clone()
        .run(&["check", "./coins.yaml", "--samples", "coins.json"])
        .await;
    assert_eq!(
        checked.code,
        Some(0),
        "{}{}",
        checked.stdout,
        checked.stderr
    );
    let other = setup
        .clone()
        .config("builtin = []\n[connectors.coins]\nopenapi = \"coins.yaml\"")
        .serve()
        .await;
    let config = format!("[connectors.branch]\nremote = \"{}\"", other.url(""));
    let here = Setup::new()
        .config(&config)
        .file("branch.json", &samples("branch_coins"));
    let checked = here
        .run(&["check", "branch_coins", "--samples", "branch.json"])
        .await;
    assert_eq!(
        checked.code,
        Some(0),
        "{}{}",
        checked.stdout,
        checked.stderr
    );
}
