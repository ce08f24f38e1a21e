//! Commands beside a server, in its folder, with a key of it in the variable that clients take theirs from.

use crate::harness::{Reply, Setup, Upstream};

const CONFIG: &str = "[access]\napi_keys = [{ name = \"shop\", key = \"canary-shop-key\" }]\n";

const VARIABLE: &str = "CONNECTOR_PROXY_API_KEY";

#[tokio::test]
async fn a_client_sends_a_key_that_the_file_of_its_folder_has() {
    let upstream = Upstream::start(|_| Reply::json("{\"n\": 1}")).await;
    let proxy = Setup::new().config(CONFIG).serve().await;
    let client = proxy.setup().env(VARIABLE, "canary-shop-key");
    let (server, url) = (proxy.url(""), format!("url={}", upstream.url("/")));
    let call = ["call", "--server", &server, "http/GetRequestV2", &url];
    let called = client.clone().run(&call).await;
    assert_eq!(called.text(0), "{\"n\": 1}\n");
    // It is the key that let it in.
    let other = proxy.setup().env(VARIABLE, "some-other-key");
    assert_ne!(other.run(&call).await.code, Some(0));
    let tools = client.start(&["mcp", "--server", &server]).hang_up().await;
    assert_eq!(tools.code, Some(0), "{tools:?}");
    for command in [
        &["call", "http/GetRequestV2", &url][..],
        &["commands"],
        &["ledger", "list"],
        &["reload"],
        &["secret", "list"],
        &["profile", "list"],
        &["key", "list"],
        &["auth", "list"],
        &["audit"],
    ] {
        let ended = client.clone().run(command).await;
        ended.text(0);
        let said = ended.stdout + &ended.stderr;
        assert!(!said.contains("canary"), "{command:?}: {said}");
    }
}

#[tokio::test]
async fn a_server_takes_no_key_twice() {
    let setup = Setup::new().config(CONFIG).env(VARIABLE, "canary-shop-key");
    for command in [&["serve"][..], &["config", "check"]] {
        let ended = setup.clone().run(command).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let told = "the API keys `shop` and `key-2` are the same";
        assert!(ended.stderr.contains(told), "{ended:?}");
        assert!(!ended.stderr.contains("canary"), "{ended:?}");
    }
}
