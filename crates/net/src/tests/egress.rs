use crosspoint_core::Effect;
use http::Method;
use tokio::net::TcpListener;

use crate::NetErrorKind::*;
use crate::testing::{Names, Server, get, http, ok, redirect, rules};
use crate::{Http, NetError, Preset, Settings};

/// A client for which loopback is out of bounds, whose names are `names`.
fn public(names: &[(&str, &[&[&str]])]) -> Http {
    let egress = rules(Preset::Public, &[], &[]);
    http(Settings {
        egress,
        lookup: Names::of(names),
        ..Settings::default()
    })
}

async fn refused(client: &Http, url: &str) -> NetError {
    let error = client.send(get(url)).await.expect_err(url);
    assert_eq!(
        (error.kind, error.effect),
        (EgressRefused, Effect::None),
        "{url}: {error:?}"
    );
    error
}

#[tokio::test]
async fn addresses_are_refused_in_every_spelling() {
    let server = Server::start(|_| ok("")).await;
    let client = public(&[]);
    for host in [
        "127.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f000001",
        "127.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "user@127.0.0.1",
    ] {
        let error = refused(&client, &server.at(host)).await;
        assert!(error.message.contains("the preset 'public'"), "{error}");
        assert!(error.message.contains("allow in [egress]"), "{error}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_internal_preset_refuses_the_metadata_service() {
    let client = http(Settings {
        lookup: Names::of(&[("metadata.example", &[&["169.254.169.254"]])]),
        ..Settings::default()
    });
    for url in [
        "http://169.254.169.254/latest",
        "http://metadata.example/",
        "http://2852039166/",
    ] {
        let error = refused(&client, url).await;
        assert!(error.message.contains("169.254.169.254"), "{error}");
        assert!(
            error.message.contains("a cloud metadata address"),
            "{error}"
        );
        assert!(
            error.message.contains("add \"169.254.169.254\" to allow"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_name_is_judged_by_the_addresses_it_has() {
    let server = Server::start(|_| ok("here")).await;
    let client = public(&[("inside.example", &[&["127.0.0.1"]])]);
    let error = refused(&client, &server.at("inside.example")).await;
    assert!(
        error.message.contains("inside.example (127.0.0.1)"),
        "{error}"
    );
    assert!(
        error.message.contains("add \"inside.example\" to allow"),
        "{error}"
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn of_several_addresses_only_the_allowed_ones_are_used() {
    let server = Server::start(|_| ok("here")).await;
    let client = http(Settings {
        lookup: Names::of(&[("mixed.example", &[&["169.254.169.254", "::1", "127.0.0.1"]])]),
        egress: rules(Preset::Internal, &[], &["::1"]),
        ..Settings::default()
    });
    assert_eq!(
        client
            .send(get(&server.at("mixed.example")))
            .await
            .unwrap()
            .text(),
        "here"
    );
}

#[tokio::test]
async fn a_name_that_changes_its_address_gains_nothing() {
    let inside = Server::start(|_| ok("inside")).await;
    let location = inside.at("rebind.example");
    let outside = Server::start(move |_| redirect(302, &location)).await;
    let names = [("rebind.example", &[&["127.0.0.1"][..], &["127.0.0.2"]][..])];
    // The name was harmless when it was first asked for. Another port needs a connection of its
    // own, and what that connection would be made to is what counts.
    let client = http(Settings {
        egress: rules(Preset::Internal, &[], &["127.0.0.2"]),
        lookup: Names::of(&names),
        ..Settings::default()
    });
    let error = refused(&client, &outside.at("rebind.example")).await;
    assert!(
        error.message.contains("rebind.example (127.0.0.2)"),
        "{error}"
    );
    assert_eq!((outside.seen().len(), inside.seen().len()), (1, 0));
}

#[tokio::test]
async fn every_redirect_is_judged() {
    for target in [
        "http://169.254.169.254/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://meta.example/",
    ] {
        let server = Server::start(move |_| redirect(302, target)).await;
        let names = Names::of(&[("meta.example", &[&["169.254.169.254"]])]);
        let client = http(Settings {
            lookup: names,
            ..Settings::default()
        });
        refused(&client, &server.url("/")).await;
        // What was posted before has been sent.
        let mut request = get(&server.url("/"));
        request.method = Method::POST;
        let error = client.send(request).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (EgressRefused, Effect::Maybe));
    }
}

#[tokio::test]
async fn an_allow_list_lets_through_what_it_names_at_its_port() {
    let server = Server::start(|_| ok("here")).await;
    let port = server.address.port();
    let names = [
        ("api.example", &[&["127.0.0.1"][..]][..]),
        ("other.example", &[&["127.0.0.1"]]),
    ];
    let client = |allow: &str| {
        let egress = rules(Preset::Public, &[allow], &["*"]);
        http(Settings {
            egress,
            lookup: Names::of(&names),
            ..Settings::default()
        })
    };
    for allow in [
        "api.example".to_owned(),
        format!("*.example:{port}"),
        format!("127.0.0.1:{port}"),
    ] {
        let answer = client(&allow)
            .send(get(&server.at("api.example")))
            .await
            .unwrap();
        assert_eq!(answer.text(), "here", "{allow}");
    }
    let error = refused(&client("api.example"), &server.at("other.example")).await;
    assert!(error.message.contains("the entry '*' of deny"), "{error}");
    refused(&client("api.example:1"), &server.at("api.example")).await;
    refused(&client("127.0.0.1:1"), &server.at("127.0.0.1")).await;
}

#[tokio::test]
async fn our_own_listener_is_never_called() {
    let own = Server::start(|_| ok("")).await;
    let other = Server::start(|_| ok("other")).await;
    let egress = rules(Preset::Internal, &["0.0.0.0/0", "::/0", "*"], &[]);
    let lookup = Names::of(&[("self.example", &[&["127.0.0.1"]])]);
    let listener = Some(own.address);
    let client = http(Settings {
        egress,
        lookup,
        listener,
        ..Settings::default()
    });
    for host in [
        "127.0.0.1",
        "self.example",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "0x7f.1",
        "[::]",
    ] {
        let error = refused(&client, &own.at(host)).await;
        assert!(error.message.contains("own listener"), "{error}");
        if host != "[::]" && host != "0.0.0.0" {
            let answer = client.send(get(&other.at(host))).await.unwrap();
            assert_eq!(answer.text(), "other", "{host}");
        }
    }
    assert!(own.seen().is_empty());
}

#[tokio::test]
async fn a_listener_on_every_address_is_known_by_all_of_them() {
    let listener = TcpListener::bind("0.0.0.0:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let client = http(Settings {
        listener: Some(listener),
        ..Settings::default()
    });
    for host in ["127.0.0.1", "127.9.9.9", "[::1]", "localhost"] {
        let error = refused(&client, &format!("http://{host}:{}/", listener.port())).await;
        assert!(error.message.contains("own listener"), "{error}");
    }
    // A documentation address is nobody's: it would be connected to.
    let guard = crate::guard::Guard {
        rules: crate::Rules::default(),
        listener: Some(listener),
        lookup: Names::of(&[]),
    };
    let elsewhere = format!("http://192.0.2.1:{}/", listener.port())
        .parse()
        .unwrap();
    assert_eq!(guard.judge_literal(&elsewhere), Ok(()));
}
