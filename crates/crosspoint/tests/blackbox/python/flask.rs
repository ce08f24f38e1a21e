//! The Flask application that connectors look at, where Flask is importable.

use serde_json::json;

use super::support::{copy, ready, site_packages, test_python, venv, zoo};
use crate::harness::{Proxy, Setup};

/// An environment with Flask in it, which comes from that of the tests.
async fn flasky() -> Proxy {
    let setup = Setup::new();
    let python = test_python();
    let library = site_packages(python.as_ref()).await;
    let packages = venv(&python, &setup.path().join(".venv")).await;
    std::fs::write(packages.join("tests.pth"), library.to_str().unwrap()).unwrap();
    copy(zoo("connector-flasky/src"), &packages);
    let config = "[python]\nvenv = \".venv\"\n[access]\nanonymous = true\n\
        [connectors.flasky]\nconfig = { FLASKY_GREETING = \"hello\" }\n";
    let proxy = setup.config(config).serve().await;
    assert!(ready(&proxy).await.is_empty());
    proxy
}

#[tokio::test]
async fn the_application_is_there_at_import_and_in_calls() {
    let proxy = flasky().await;
    let ask = proxy.do_("flasky/Around").json(&json!({}));
    let ask = ask.header("x-tenant", "one").header("x-tenant", "two");
    let ask = ask.header("authorization", "Bearer s3cr3t-k3y");
    let ask = ask.header("spiff-connector-proxy-api-key", "s3cr3t-k3y");
    let ask = ask.header("cookie", "session=s3cr3t-c00k13");
    let answer = ask.verbatim().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let seen = answer.json();
    assert_eq!(
        (&seen["at_import"], &seen["in_call"]),
        (&json!("hello"), &json!("hello"))
    );
    assert_eq!(
        (&seen["method"], &seen["path"]),
        (&json!("POST"), &json!("/v1/do/flasky/Around"))
    );
    assert!(
        seen["headers"]["x-tenant"]
            .as_str()
            .unwrap()
            .contains("two"),
        "{seen}"
    );
    assert!(!answer.text.contains("s3cr3t"), "{}", answer.text);
}

#[tokio::test]
async fn calls_at_once_see_their_own_request() {
    let proxy = flasky().await;
    let calls: Vec<_> = (0..20)
        .map(|n| {
            let ask = proxy.do_("flasky/Around").json(&json!({}));
            tokio::spawn(ask.header("x-number", &n.to_string()).verbatim().send())
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        let seen = call.await.unwrap().json();
        assert_eq!(seen["headers"]["x-number"], n.to_string());
    }
}
