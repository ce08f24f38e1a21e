//! `crosspoint serve`: how it starts, and why it does not.

use http::Method;
use tokio::net::TcpListener;

use crate::harness::Setup;

#[tokio::test]
async fn it_says_where_it_listens_and_what_it_has_read() {
    let proxy = Setup::new().serve().await;
    assert!(
        proxy.stdout().contains(&proxy.url("")),
        "{}",
        proxy.stdout()
    );
    let ended = proxy.stop().await;
    assert!(
        ended.stdout.contains("no configuration file"),
        "{}",
        ended.stdout
    );
    let proxy = Setup::new().config("drain = \"1s\"\n").serve().await;
    let ended = proxy.stop().await;
    assert!(
        ended.stdout.contains("configured by crosspoint.toml"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn the_option_wins_over_everything() {
    // The variable asks for what could not even be listened on without a key.
    let setup = Setup::new()
        .env("CROSSPOINT_LISTEN", "192.0.2.1:1")
        .config("drain = \"nonsense\"\n");
    let ended = setup.run(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("1 mistake") && ended.stderr.contains("nonsense"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn beyond_loopback_it_wants_a_key_or_to_be_told_that_none_is_meant() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7004"] {
        let ended = Setup::new()
            .env("CROSSPOINT_LISTEN", address)
            .run(&["serve"])
            .await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{ended:?}"
        );
        for part in [
            "access.api_keys",
            "CONNECTOR_PROXY_API_KEY",
            "access.anonymous = true",
        ] {
            assert!(
                ended.stderr.contains(part),
                "{part} is not in:\n{}",
                ended.stderr
            );
        }
    }
    let setup = Setup::new().env("CROSSPOINT_LISTEN", "0.0.0.0:0");
    let proxy = setup
        .env("CONNECTOR_PROXY_API_KEY", "key-4711-key")
        .serve()
        .await;
    assert_eq!(proxy.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Setup::new()
        .env("CROSSPOINT_LISTEN", &address)
        .run(&["serve"])
        .await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(2), ""),
        "{ended:?}"
    );
    for part in [&address, "--listen", "in use"] {
        assert!(
            ended.stderr.contains(part),
            "{part} is not in:\n{}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn the_port_of_the_replaced_proxy_counts_unless_there_is_a_whole_address() {
    let setup = || {
        Setup::new()
            .without("CROSSPOINT_LISTEN")
            .env("CONNECTOR_PROXY_PORT", "0")
    };
    let proxy = setup().serve().await;
    assert!(proxy.address.ip().is_loopback() && proxy.address.port() != 0);
    let ended = setup()
        .env("CONNECTOR_PROXY_PORT", "70000")
        .run(&["serve"])
        .await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("CONNECTOR_PROXY_PORT"),
        "{}",
        ended.stderr
    );
    let both = setup()
        .env("CONNECTOR_PROXY_PORT", "1")
        .env("CROSSPOINT_LISTEN", "127.0.0.1:0");
    let proxy = both.serve().await;
    assert_ne!(proxy.address.port(), 1);
}

#[tokio::test]
async fn an_empty_key_of_the_replaced_proxy_is_an_error() {
    let ended = Setup::new()
        .env("CONNECTOR_PROXY_API_KEY", "")
        .run(&["serve"])
        .await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(2), ""),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("CONNECTOR_PROXY_API_KEY"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn an_unknown_variable_of_ours_is_an_error_that_names_the_nearest() {
    let ended = Setup::new()
        .env("CROSSPOINT_LISTENN", "127.0.0.1:1")
        .run(&["serve"])
        .await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("CROSSPOINT_LISTENN"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("`CROSSPOINT_LISTEN`"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn what_is_odd_but_works_is_a_warning() {
    let proxy = Setup::new()
        .env("CONNECTOR_PROXY_API_KEY", "short")
        .serve()
        .await;
    let line = proxy.log_line(&["WARN", "fewer than 8 characters"]).await;
    assert!(!line.contains("short,"), "{line}");
}

#[tokio::test]
async fn a_key_is_read_from_a_file_or_a_program() {
    for reference in ["file:key.txt", "exec:cat key.txt"] {
        let config = format!("[access]\napi_keys = [\"{reference}\"]\n");
        let setup = Setup::new()
            .file("key.txt", "key-in-a-file\n")
            .config(&config);
        let proxy = setup.serve().await;
        let ask = proxy.ask(Method::GET, "/v1/commands");
        let ask = ask.header("authorization", "Bearer key-in-a-file");
        assert_eq!(ask.send().await.status, 200, "{reference}");
    }
}
