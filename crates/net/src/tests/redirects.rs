use bytes::Bytes;
use crosspoint_core::{Effect, Secret};
use http::Method;

use crate::NetErrorKind::*;
use crate::Settings;
use crate::testing::{Names, Server, get, http, ok, redirect, send};

#[tokio::test]
async fn redirects_are_followed_to_the_answer() {
    let server = Server::start(|text| match text.split(' ').nth(1).unwrap() {
        "/a" => redirect(301, "/b"),
        "/b" => redirect(308, "c?x=1#part"),
        "/c?x=1" => ok("arrived"),
        path => panic!("{path} was asked for"),
    })
    .await;
    let answer = send(get(&server.url("/a"))).await.unwrap();
    assert_eq!((answer.status, &*answer.text()), (200, "arrived"));
    assert_eq!(answer.url.path(), "/c");
    let mut request = get(&server.url("/a"));
    request.follow = false;
    let answer = send(request).await.unwrap();
    assert_eq!(
        (answer.status, &answer.headers["location"]),
        (301, &"/b".parse().unwrap())
    );
}

#[tokio::test]
async fn thirty_redirects_are_followed_and_not_one_more() {
    let server = Server::start(|text| {
        let n: u32 = text.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        if n == 0 {
            ok("end")
        } else {
            redirect(302, &format!("/{}", n - 1))
        }
    })
    .await;
    assert_eq!(send(get(&server.url("/30"))).await.unwrap().text(), "end");
    let error = send(get(&server.url("/31"))).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (TooManyRedirects, Effect::Done));
}

#[tokio::test]
async fn a_post_becomes_a_get_or_stays_with_its_body() {
    let server = Server::start(|text| match text.split(' ').nth(1).unwrap() {
        "/303" => redirect(303, "/end"),
        "/307" => redirect(307, "/end"),
        _ => ok(""),
    })
    .await;
    let mut request = get("");
    request.method = Method::POST;
    request.body = Some(Bytes::from_static(b"payload"));
    for path in ["/303", "/307"] {
        request.url = server.url(path);
        send(request.clone()).await.unwrap();
    }
    let seen = server.seen();
    assert!(
        seen[1].starts_with("GET /end") && !seen[1].contains("payload"),
        "{}",
        seen[1]
    );
    assert!(
        seen[3].starts_with("POST /end") && seen[3].ends_with("payload"),
        "{}",
        seen[3]
    );
}

#[tokio::test]
async fn secrets_do_not_follow_to_another_origin() {
    let end = Server::start(|_| ok("")).await;
    let there = end.url("/");
    let start = Server::start(move |text| match text.starts_with("GET /near") {
        true => redirect(302, "/far"),
        false => redirect(302, &there),
    })
    .await;
    let mut request = get(&start.url("/near"));
    request.basic_auth = Some(("me".to_owned(), Secret::new("pw".to_owned())));
    request.set_header("X-Api-Key", "key").unwrap();
    request.set_header("X-Other", "kept").unwrap();
    send(request).await.unwrap();
    let near = start.seen().remove(1);
    assert!(near.contains("authorization: Basic bWU6cHc=\r\n"), "{near}");
    assert!(near.contains("x-api-key: key\r\n"), "{near}");
    let far = end.seen().remove(0);
    assert!(far.contains("x-other: kept"), "{far}");
    assert!(
        !far.contains("authorization") && !far.contains("x-api-key"),
        "{far}"
    );
}

#[tokio::test]
async fn a_failure_after_a_post_was_sent_may_have_had_an_effect() {
    for (location, kind) in [
        ("ftp://elsewhere/", InvalidSchema),
        ("http://h:99999/", InvalidUrl),
        ("http://nowhere.example/", Connection),
    ] {
        let server = Server::start(move |_| redirect(307, location)).await;
        let client = http(Settings {
            lookup: Names::of(&[]),
            ..Settings::default()
        });
        let mut request = get(&server.url("/"));
        let error = client.send(request.clone()).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::None));
        request.method = Method::POST;
        let error = client.send(request).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (kind, Effect::Maybe));
    }
}

#[tokio::test]
async fn headers_of_one_origin_stay_there_and_are_sent_again_on_the_way_back() {
    let own = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let back = own.clone();
    let other = Server::start(move |_| redirect(307, back.get().unwrap())).await;
    let away = other.url("/other");
    let server = Server::start(move |text| match text.split(' ').nth(1).unwrap() {
        "/start" => redirect(307, &away),
        _ => ok(""),
    })
    .await;
    own.set(server.url("/end")).unwrap();
    let mut request = get(&server.url("/start"));
    let mut headers = crate::OriginHeaders::new(&server.url("/")).unwrap();
    headers.set("x-tenant", "canary").unwrap();
    headers.set_basic_auth("user", "pass");
    assert_eq!(request.goes_to(&headers), Some(true));
    request.own = Some(headers);
    send(request).await.unwrap();
    let has_them = |text: &String| text.contains("canary") && text.contains("authorization");
    assert!(server.seen().iter().all(has_them), "{:?}", server.seen());
    assert_eq!(server.seen().len(), 2);
    let elsewhere = &other.seen()[0];
    assert!(!elsewhere.contains("canary") && !elsewhere.contains("authorization"));
}

#[tokio::test]
async fn a_request_that_stays_follows_its_own_origin_and_no_other() {
    let other = Server::start(|_| ok("elsewhere")).await;
    let away = other.url("/steal");
    let server = Server::start(move |text| match text.split(' ').nth(1).unwrap() {
        "/here" => redirect(307, "/end"),
        "/away" => redirect(307, &away),
        _ => ok("here"),
    })
    .await;
    let mut request = get(&server.url("/here"));
    request.stay = true;
    assert_eq!(send(request.clone()).await.unwrap().text(), "here");
    request.url = server.url("/away");
    let error = send(request.clone()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (RedirectRefused, Effect::None));
    request.method = Method::POST;
    let error = send(request).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (RedirectRefused, Effect::Maybe));
    assert!(!error.message.contains("steal"), "{error}");
    assert_eq!(other.seen(), [""; 0]);
}
