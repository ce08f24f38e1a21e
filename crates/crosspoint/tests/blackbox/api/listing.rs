//! What can be called, and the document that says how.

use serde_json::{Value, json};

use crate::harness::{Setup, until};
use crate::python::support::{connector, zoo};

fn names(list: &Value, member: &str) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one[member].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn every_command_is_listed_with_the_schema_of_its_arguments() {
    let proxy = Setup::new().serve().await;
    let list = proxy.get("/api/v1/commands").await.json();
    let engines = proxy.get("/v1/commands").await.json();
    assert_eq!(names(&list, "id"), names(&engines, "id"));
    let get = list.as_array().unwrap().iter();
    let get = get
        .clone()
        .find(|one| one["id"] == "http/GetRequestV2")
        .unwrap();
    assert_eq!(
        (&get["connector"], &get["command"]),
        (&json!("http"), &json!("GetRequestV2"))
    );
    assert_eq!(
        (&get["safety"], &get["open"]),
        (&json!("read-only"), &json!(false))
    );
    assert_eq!(get["parameters"]["required"], json!(["url"]));
    for one in list.as_array().unwrap() {
        assert!(jsonschema::meta::is_valid(&one["parameters"]), "{one}");
    }
}

#[tokio::test]
async fn connectors_say_where_they_come_from_and_what_is_missing() {
    let config = connector("gallery", zoo("connector-gallery"))
        + "[connectors.nothing]\npython = \"./no-such-folder\"\n";
    let proxy = Setup::new().config(&config).serve().await;
    until("everything has been tried", async || {
        proxy.get("/readyz").await.status == 200
    })
    .await;
    let list = proxy.get("/api/v1/connectors").await.json();
    let all = list.as_array().unwrap();
    let of = |name: &str| all.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(
        (&of("http")["state"], &of("http")["from"]),
        (&json!("ready"), &json!("a built-in connector"))
    );
    assert!(
        names(&json!([of("gallery")]), "from")[0].contains("gallery"),
        "{list}"
    );
    assert!(!of("gallery")["commands"].as_array().unwrap().is_empty());
    let broken: Vec<_> = all.iter().filter(|one| one["state"] == "broken").collect();
    let [broken] = broken[..] else {
        panic!("{list}");
    };
    assert!(
        broken["problems"][0]
            .as_str()
            .unwrap()
            .contains("no-such-folder"),
        "{list}"
    );
    assert_eq!(broken["commands"], json!([]));
}

#[tokio::test]
async fn the_document_describes_all_of_it_and_the_page_links_to_it() {
    let proxy = Setup::new().serve().await;
    let document = proxy.get("/openapi.json").await.json();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    let own: Vec<_> = paths
        .into_iter()
        .filter(|path| path.starts_with("/api/"))
        .collect();
    let wanted = [
        "/api/v1/commands",
        "/api/v1/connectors",
        "/api/v1/calls",
        "/api/v1/calls/events",
        "/api/v1/calls/{id}",
        "/api/v1/calls/{id}/settle",
        "/api/v1/calls/{id}/replay",
        "/api/v1/profiles",
        "/api/v1/profiles/{connector}/{name}",
        "/api/v1/profiles/{connector}/{name}/check",
        "/api/v1/secrets",
        "/api/v1/secrets/{name}",
        "/api/v1/audit",
    ];
    assert_eq!(own, wanted);
    let page = proxy.get("/docs").await;
    assert!(
        page.text.contains("href=\"/api/v1/commands\""),
        "{}",
        page.text
    );
}
