//! `crosspoint serve --watch`: a document that changes is taken up by itself.

use serde_json::{Value, json};

use super::{problems, server, serving};
use crate::harness::{Proxy, Setup, Upstream, until};

/// A document with these operations, each at a path of its own name.
fn document(operations: &[&str]) -> String {
    let path = |name: &&str| {
        let operation = json!({"operationId": name, "responses": {}});
        (format!("/{name}"), json!({"get": operation}))
    };
    let paths: serde_json::Map<String, Value> = operations.iter().map(path).collect();
    json!({"openapi": "3.1.0", "paths": paths}).to_string()
}

async fn watching(document: &str, upstream: &Upstream) -> Proxy {
    let config = format!(
        "[connectors.api]\nopenapi = \"api.yaml\"\n{}\n",
        server(upstream)
    );
    let setup = Setup::new().file("api.yaml", document).config(&config);
    serving(setup, &["--watch"]).await
}

fn write(proxy: &Proxy, document: &str) {
    proxy.setup().file("api.yaml", document);
}

/// The commands of the document that are listed.
async fn commands(proxy: &Proxy) -> Vec<String> {
    let list = proxy.get("/v1/commands").await.json();
    let ids = list.as_array().unwrap().iter();
    let ids = ids.map(|command| command["id"].as_str().unwrap().to_owned());
    ids.filter(|id| id.starts_with("api/")).collect()
}

/// Where a call has led.
async fn asked(proxy: &Proxy, command: &str) -> Value {
    proxy.call(command, json!({})).await.success()["target"].clone()
}

#[tokio::test]
async fn a_command_more_and_one_less_are_taken_up_by_themselves() {
    let upstream = Upstream::echo().await;
    let proxy = watching(&document(&["stays", "goes"]), &upstream).await;
    assert_eq!(commands(&proxy).await, ["api/goes", "api/stays"]);
    write(&proxy, &document(&["stays", "comes"]));
    until("the new command is there", async || {
        commands(&proxy).await == ["api/comes", "api/stays"]
    })
    .await;
    assert_eq!(asked(&proxy, "api/comes").await, "/comes");
    assert_eq!(asked(&proxy, "api/stays").await, "/stays");
    let gone = proxy.call("api/goes", json!({})).await;
    assert_eq!((gone.status, &*gone.code()), (404, "command_not_found"));
    assert_eq!(problems(&proxy).await, "[]");
}

#[tokio::test]
async fn a_broken_document_leaves_the_connector_as_it_was_until_it_is_mended() {
    let upstream = Upstream::echo().await;
    let proxy = watching(&document(&["one"]), &upstream).await;
    for (broken, why) in [("<html>", "is a web page"), ("openapi: [", "is no YAML")] {
        write(&proxy, broken);
        let told = "until that is mended, it goes on as it was before";
        proxy.log_line(&["ERROR", "api.yaml", why, told]).await;
        until("it is told", async || problems(&proxy).await.contains(why)).await;
        let problems = proxy.get("/readyz").await.json();
        assert_eq!(problems["ready"], true);
        let [problem] = &problems["problems"].as_array().unwrap()[..] else {
            panic!("{problems}");
        };
        let problem = problem.as_str().unwrap();
        assert!(
            problem.starts_with("api (") && problem.ends_with(told),
            "{problem}"
        );
        assert_eq!(asked(&proxy, "api/one").await, "/one");
        assert_eq!(commands(&proxy).await, ["api/one"]);
    }
    write(&proxy, &document(&["one", "two"]));
    until("it is mended", async || problems(&proxy).await == "[]").await;
    assert_eq!(commands(&proxy).await, ["api/one", "api/two"]);
}

#[tokio::test]
async fn a_document_that_never_worked_is_told_as_it_is_now() {
    let upstream = Upstream::echo().await;
    let proxy = watching("<html>", &upstream).await;
    assert!(problems(&proxy).await.contains("is a web page"));
    write(&proxy, "swagger: '2.0'");
    until("the other mistake is told", async || {
        problems(&proxy).await.contains("is of Swagger 2.0")
    })
    .await;
    let told = problems(&proxy).await;
    assert!(
        !told.contains("web page") && !told.contains("as it was"),
        "{told}"
    );
    write(&proxy, &document(&["one"]));
    until("it is mended", async || problems(&proxy).await == "[]").await;
    assert_eq!(asked(&proxy, "api/one").await, "/one");
}

#[tokio::test]
async fn a_document_that_goes_away_and_comes_back_drops_nothing() {
    let upstream = Upstream::echo().await;
    let proxy = watching(&document(&["one"]), &upstream).await;
    let (file, aside) = (proxy.path().join("api.yaml"), proxy.path().join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    until("it is missed", async || {
        problems(&proxy).await.contains("No such file")
    })
    .await;
    assert_eq!(asked(&proxy, "api/one").await, "/one");
    std::fs::rename(&aside, &file).unwrap();
    until("it is found", async || problems(&proxy).await == "[]").await;
    assert_eq!(asked(&proxy, "api/one").await, "/one");
}
