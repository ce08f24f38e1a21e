//! The row of each administrative act.

use serde_json::{Value, json};

use super::get;
use crate::harness::{Setup, until};

#[tokio::test]
async fn each_act_has_a_row_with_who_did_it() {
    let config = "[access]\napi_keys = [{ name = \"boss\", key = \"key-of-boss\" }]\n";
    let setup = Setup::new().config(config).env("USER", "alice");
    let proxy = setup.serve().await;
    for arguments in [
        &["key", "create", "engine", "--scope", "call"][..],
        &["key", "rotate", "engine"],
        &["key", "remove", "engine"],
    ] {
        let ended = proxy.run(arguments).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let mut acts = Value::Null;
    until("three acts", async || {
        acts = get(&proxy, "key-of-boss", "/api/v1/audit").await.json();
        acts["acts"].as_array().is_some_and(|acts| acts.len() == 3)
    })
    .await;
    let told: Vec<_> = acts["acts"].as_array().unwrap().iter().collect();
    let names: Vec<_> = told
        .iter()
        .map(|act| act["act"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["key.remove", "key.rotate", "key.create"]);
    assert!(
        told.iter()
            .all(|act| act["actor"] == "alice" && act["ingress"] == "cli")
    );
    assert!(told.iter().all(|act| act["subject"] == "engine"));

    let page = get(&proxy, "key-of-boss", "/api/v1/audit?limit=2")
        .await
        .json();
    let next = page["next"].as_str().unwrap();
    let rest = get(
        &proxy,
        "key-of-boss",
        &format!("/api/v1/audit?cursor={next}"),
    )
    .await;
    assert_eq!(rest.json()["acts"], json!([told[2]]));
    let odd = get(
        &proxy,
        "key-of-boss",
        "/api/v1/audit?limit=0&cursor=x&odd=1",
    )
    .await;
    assert_eq!(odd.problem(), (400, "invalid_request".to_owned()));

    let printed = proxy.run(&["audit"]).await;
    assert_eq!(printed.stdout.lines().count(), 3, "{}", printed.stdout);
    assert!(
        printed
            .stdout
            .contains("key.create  engine  by alice (cli)"),
        "{}",
        printed.stdout
    );
}
