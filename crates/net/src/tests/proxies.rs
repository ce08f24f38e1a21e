use crosspoint_core::Effect;
use tokio::net::TcpListener;

use super::secure::{Authority, server_config};
use crate::NetErrorKind::*;
use crate::testing::{Names, Server, close, get, http, ok, redirect, rules};
use crate::{Authorities, Preset, Proxies, Settings};

fn through(proxy: &Server, no: &str) -> Settings {
    let url = format!("http://user:p%40ss@{}", proxy.address);
    Settings {
        proxies: Proxies::new(Some(&url), Some(&url), no).unwrap(),
        lookup: Names::of(&[
            ("public.example", &[&["93.184.216.34"]]),
            ("local.example", &[&["127.0.0.1"]]),
            ("partly.example", &[&["93.184.216.34", "169.254.169.254"]]),
        ]),
        ..Settings::default()
    }
}

#[tokio::test]
async fn plain_requests_are_handed_to_the_proxy_whole() {
    let proxy = Server::start(|_| ok("from the proxy")).await;
    let client = http(through(&proxy, ""));
    let answer = client
        .send(get("http://public.example/path?x=1"))
        .await
        .unwrap();
    assert_eq!(answer.text(), "from the proxy");
    let seen = proxy.seen().remove(0);
    assert!(
        seen.starts_with("GET http://public.example/path?x=1 HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("proxy-authorization: Basic dXNlcjpwQHNz\r\n"),
        "{seen}"
    );
}

#[tokio::test]
async fn no_proxy_is_honoured() {
    let proxy = Server::start(|_| ok("from the proxy")).await;
    let target = Server::start(|_| ok("from the target")).await;
    let client = http(through(&proxy, "local.example"));
    assert_eq!(
        client
            .send(get(&target.at("local.example")))
            .await
            .unwrap()
            .text(),
        "from the target"
    );
    let seen = target.seen().remove(0);
    assert!(!seen.contains("proxy-authorization"), "{seen}");
    assert!(proxy.seen().is_empty());
}

#[tokio::test]
async fn targets_are_judged_before_the_proxy_is_asked() {
    let proxy = Server::start(|_| ok("")).await;
    let client = http(through(&proxy, ""));
    for url in [
        "http://169.254.169.254/",
        "https://partly.example/",
        "http://[::ffff:a9fe:a9fe]/",
    ] {
        let error = client.send(get(url)).await.unwrap_err();
        assert_eq!(
            (error.kind, error.effect),
            (EgressRefused, Effect::None),
            "{url}"
        );
    }
    // The proxy itself is on loopback, which this preset refuses to targets only.
    let egress = rules(Preset::Public, &[], &[]);
    let client = http(Settings {
        egress,
        ..through(&proxy, "")
    });
    let error = client.send(get("http://local.example/")).await.unwrap_err();
    assert_eq!(error.kind, EgressRefused);
    assert!(proxy.seen().is_empty());
    client.send(get("http://public.example/")).await.unwrap();
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test]
async fn names_that_only_the_proxy_knows_need_a_rule_that_knows_them() {
    let proxy = Server::start(|_| ok("")).await;
    http(through(&proxy, ""))
        .send(get("http://unknown.example/"))
        .await
        .unwrap();
    for (allow, passes) in [("unknown.example", true), ("other.example", false)] {
        let egress = rules(Preset::Internal, &[allow], &["*"]);
        let client = http(Settings {
            egress,
            ..through(&proxy, "")
        });
        let result = client.send(get("http://unknown.example/")).await;
        assert_eq!(result.is_ok(), passes, "{allow}");
        assert!(result.err().is_none_or(|error| error.kind == EgressRefused));
    }
}

#[tokio::test]
async fn redirects_choose_their_way_anew() {
    let target = Server::start(|_| ok("from the target")).await;
    let location = target.at("local.example");
    let proxy = Server::start(move |_| redirect(302, &location)).await;
    let client = http(through(&proxy, "local.example"));
    let answer = client.send(get("http://public.example/")).await.unwrap();
    assert_eq!(answer.text(), "from the target");
    assert_eq!((proxy.seen().len(), target.seen().len()), (1, 1));
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_named_as_the_cause() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{gone}");
    let proxies = Proxies::new(Some(&url), Some(&url), "").unwrap();
    let client = http(Settings {
        proxies,
        ..Settings::default()
    });
    for url in ["http://93.184.216.34/", "https://93.184.216.34/"] {
        let error = client.send(get(url)).await.unwrap_err();
        assert_eq!(
            (error.kind, error.effect),
            (Proxy, Effect::None),
            "{error:?}"
        );
        assert_eq!(error.kind.code(), "ProxyError");
    }
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_is_named_as_the_cause() {
    let denied = "HTTP/1.1 403 no\r\ncontent-length: 0\r\n\r\n";
    let proxy = Server::start(move |_| close(denied)).await;
    let error = http(through(&proxy, ""))
        .send(get("https://public.example/"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (Proxy, Effect::None),
        "{error:?}"
    );
}

#[tokio::test]
async fn https_goes_through_a_tunnel_to_the_certificate_of_the_target() {
    let authority = Authority::new();
    let config = server_config(&authority, "public.example");
    let target = Server::start_tls(config, |_| ok("through the tunnel")).await;
    let proxy = Server::tunnel(target.address).await;
    let settings = Settings {
        authorities: Authorities::of(vec![authority.file()]),
        ..through(&proxy, "")
    };
    let client = http(settings);
    let answer = client
        .send(get("https://public.example/secret"))
        .await
        .unwrap();
    assert_eq!(answer.text(), "through the tunnel");
    let seen = proxy.seen().remove(0);
    assert!(
        seen.starts_with("CONNECT public.example:443 HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(
        seen.to_lowercase()
            .contains("proxy-authorization: basic dxnlcjpwqhnz"),
        "{seen}"
    );
    assert!(!target.seen()[0].contains("proxy-authorization"));

    let error = http(through(&proxy, ""))
        .send(get("https://public.example/"))
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.effect), (Tls, Effect::None), "{error:?}");
}
