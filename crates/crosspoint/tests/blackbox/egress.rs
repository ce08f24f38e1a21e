//! Where requests may not go.

use serde_json::json;

use crate::harness::{Answer, Proxy, Reply, Setup, Upstream, closed_port, shared};

async fn get(proxy: &Proxy, url: impl Into<String>) -> Answer {
    proxy
        .call("http/GetRequestV2", json!({"url": url.into()}))
        .await
}

fn refused(answer: &Answer) {
    assert_eq!(
        answer.failure(),
        (200, 403, "EgressRefused".to_owned()),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn the_metadata_service_is_refused_in_every_spelling_and_the_proxy_goes_on() {
    let upstream = Upstream::echo().await;
    for host in [
        "169.254.169.254",
        "2852039166",
        "0251.0376.0251.0376",
        "0xa9fea9fe",
        "0xa9.0xfe.43518",
        "169.254.169.254.",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[fd00:ec2::254]",
        "user:pass@169.254.169.254",
        "169。254。169。254",
    ] {
        refused(&get(shared().await, format!("http://{host}/latest/meta-data/")).await);
    }
    get(shared().await, upstream.url("/")).await.success();
}

#[tokio::test]
async fn addresses_that_nobody_means_are_refused() {
    for host in [
        "0.0.0.0",
        "[::]",
        "169.254.1.1",
        "[fe80::1]",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
    ] {
        refused(&get(shared().await, format!("http://{host}/")).await);
    }
}

#[tokio::test]
async fn every_command_is_judged() {
    let commands = shared().await.get("/v1/commands").await.json();
    for command in commands.as_array().unwrap() {
        let id = command["id"].as_str().unwrap();
        if !id.starts_with("http/") {
            continue;
        }
        let answer = shared()
            .await
            .call(id, json!({"url": "http://169.254.169.254/"}))
            .await;
        refused(&answer);
    }
}

#[tokio::test]
async fn a_redirect_there_is_refused() {
    for location in [
        "http://169.254.169.254/",
        "http://2852039166/",
        "http://[::ffff:a9fe:a9fe]/",
    ] {
        let upstream = Upstream::start(move |_| Reply::redirect(302, location)).await;
        refused(&get(shared().await, upstream.url("/")).await);
        assert_eq!(upstream.seen().len(), 1);
    }
}

#[tokio::test]
async fn the_proxy_does_not_call_itself() {
    let proxy = Setup::new()
        .config("[egress]\nallow = [\"*\", \"127.0.0.0/8\"]\n")
        .serve()
        .await;
    let port = proxy.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0.0.0.0",
    ] {
        refused(&get(&proxy, format!("http://{host}:{port}/v1/commands")).await);
    }
    let itself = proxy.url("/");
    let upstream = Upstream::start(move |_| Reply::redirect(302, &itself)).await;
    refused(&get(&proxy, upstream.url("/")).await);
}

#[tokio::test]
async fn a_refusal_says_which_rule_and_what_to_do() {
    let message = get(shared().await, "http://169.254.169.254/")
        .await
        .message();
    for part in ["169.254.169.254", "internal", "allow", "[egress]"] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

#[tokio::test]
async fn the_preset_public_refuses_the_network_at_home() {
    let upstream = Upstream::echo().await;
    let proxy = Setup::new()
        .config("[egress]\npreset = \"public\"\n")
        .serve()
        .await;
    refused(&get(&proxy, upstream.url("/")).await);
    refused(
        &get(
            &proxy,
            format!("http://localhost:{}/", upstream.address.port()),
        )
        .await,
    );
    for host in [
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "[::1]",
        "[fd00::1]",
    ] {
        refused(&get(&proxy, format!("http://{host}/")).await);
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn allow_lets_through_and_deny_refuses() {
    let (open, shut) = (Upstream::echo().await, Upstream::echo().await);
    let config = format!(
        "[egress]\npreset = \"public\"\nallow = [\"{}\"]\n",
        open.address
    );
    let proxy = Setup::new().config(&config).serve().await;
    get(&proxy, open.url("/")).await.success();
    refused(&get(&proxy, shut.url("/")).await);

    let config = format!("[egress]\ndeny = [\"{}\"]\n", shut.address);
    let proxy = Setup::new().config(&config).serve().await;
    get(&proxy, open.url("/")).await.success();
    refused(&get(&proxy, shut.url("/")).await);
}

#[tokio::test]
async fn a_name_is_judged_by_the_address_it_leads_to() {
    let upstream = Upstream::echo().await;
    let url = format!("http://localhost:{}/", upstream.address.port());
    let config = "[egress]\ndeny = [\"127.0.0.0/8\", \"::1\"]\n";
    let proxy = Setup::new().config(config).serve().await;
    refused(&get(&proxy, url.as_str()).await);
    get(shared().await, url).await.success();
}

#[tokio::test]
async fn a_list_of_what_is_allowed_refuses_the_rest() {
    let (open, shut) = (Upstream::echo().await, Upstream::echo().await);
    let config = format!("[egress]\ndeny = [\"*\"]\nallow = [\"{}\"]\n", open.address);
    let proxy = Setup::new().config(&config).serve().await;
    get(&proxy, open.url("/")).await.success();
    refused(&get(&proxy, shut.url("/")).await);
}

#[tokio::test]
async fn rules_of_the_connector_replace_the_common_ones() {
    let upstream = Upstream::echo().await;
    let config = "[egress]\ndeny = [\"*\"]\n\n[connectors.http.egress]\npreset = \"internal\"\n";
    let proxy = Setup::new().config(config).serve().await;
    get(&proxy, upstream.url("/")).await.success();
    refused(&get(&proxy, "http://169.254.169.254/").await);
}

#[tokio::test]
async fn what_is_only_not_there_is_not_refused() {
    let (_kept, address) = closed_port();
    assert_eq!(
        get(shared().await, format!("http://{address}/"))
            .await
            .code(),
        "ConnectionError"
    );
}
