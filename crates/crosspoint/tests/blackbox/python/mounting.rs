//! Where connectors come from, one table each.

use std::fs;

use serde_json::json;

use super::support::{bare, connector, ids, pid, ready, serve, serve_setup, wheel, zoo};
use crate::harness::{Setup, json as read};

#[tokio::test]
async fn one_project_runs_twice_under_different_names_with_different_settings() {
    let project = zoo("connector-gallery");
    let first = connector("first", &project) + "config = { COLOUR = \"red\" }\n";
    let second = connector("second-one", &project) + "config = { COLOUR = \"blue\", n = 5 }\n";
    let proxy = serve(&(first + &second)).await;
    assert_eq!(
        ids(&proxy, "first/").await.len(),
        ids(&proxy, "second-one/").await.len()
    );
    let colour = async |name: &str| {
        let command = format!("{name}/Config");
        let answer = proxy.call(&command, json!({"name": "COLOUR"})).await;
        answer.success()["value"].clone()
    };
    assert_eq!(colour("first").await, "red");
    assert_eq!(colour("second-one").await, "blue");
    assert_ne!(pid(&proxy, "first").await, pid(&proxy, "second-one").await);
    let missing = proxy.call("first/Config", json!({"name": "n"})).await;
    assert_eq!((missing.status, missing.code()), (500, "KeyError".into()));
}

#[tokio::test]
async fn several_packages_of_one_table_have_its_name_in_front() {
    let proxy = serve(&connector("farm", zoo("farm"))).await;
    assert_eq!(
        ids(&proxy, "farm").await,
        ["farm_cat/Meow", "farm_dog/Bark", "farm_http/GetRequest"]
    );
    assert_eq!(bare(&proxy, "farm_dog/Bark", json!({})).await, "dog");
    assert!(!ids(&proxy, "http/").await.is_empty());
}

#[tokio::test]
async fn a_single_file_is_a_connector() {
    let proxy = serve(&connector("mail", zoo("post.py"))).await;
    assert_eq!(ids(&proxy, "mail/").await, ["mail/Send", "mail/Where"]);
    let sent = bare(&proxy, "mail/Send", json!({"to": "Zoë"})).await;
    assert_eq!(sent, "sent to Zoë");
}

#[tokio::test]
async fn a_relative_path_starts_at_the_working_directory() {
    let post = fs::read_to_string(zoo("post.py")).unwrap();
    let setup = Setup::new().config(&connector("mail", "./mine.py"));
    let proxy = serve_setup(setup.file("mine.py", &post)).await;
    assert_eq!(ids(&proxy, "mail/").await, ["mail/Send", "mail/Where"]);
}

#[tokio::test]
async fn a_project_finds_the_files_that_lie_in_it() {
    let proxy = serve(&connector("gallery", zoo("connector-gallery"))).await;
    let text = proxy.call("gallery/Beside", json!({})).await.success();
    assert_eq!(text, "what lies beside\n");
}

#[tokio::test]
async fn a_connector_takes_the_place_of_a_built_in_as_a_whole() {
    let proxy = serve(&connector("http", zoo("post.py"))).await;
    assert_eq!(ids(&proxy, "http/").await, ["http/Send", "http/Where"]);
    assert!(!ids(&proxy, "smtp/").await.is_empty());
    let gone = proxy.call("http/GetRequestV2", json!({"url": "x"})).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn a_wheel_is_installed_and_served() {
    let setup = Setup::new().env("PIP_NO_INDEX", "1");
    let cat = zoo("farm/src/connector_cat");
    wheel(setup.path(), "connector-cat", "1.0", &cat, &[]).await;
    let table = connector("kitten", "./connector_cat-1.0-py3-none-any.whl");
    let proxy = serve_setup(setup.config(&table)).await;
    assert_eq!(ids(&proxy, "kitten").await, ["kitten/Meow"]);
    assert_eq!(bare(&proxy, "kitten/Meow", json!({})).await, "cat");
}

#[tokio::test]
async fn what_a_requirement_depends_on_is_installed_and_not_mounted() {
    let setup = Setup::new().env("PIP_NO_INDEX", "1");
    let links = setup.path().to_owned();
    let needs = ["connector-dog>=2"];
    let cat = zoo("farm/src/connector_cat");
    wheel(&links, "connector-cat", "1.4", &cat, &needs).await;
    let dog = zoo("farm/src/connector_dog");
    wheel(&links, "connector-dog", "2.1", &dog, &[]).await;
    let setup = setup.env("PIP_FIND_LINKS", links.display().to_string());
    let table = "[connectors.crm]\npython = \"connector-cat>=1,<2\"\n";
    let proxy = serve_setup(setup.config(table)).await;
    assert_eq!(ids(&proxy, "crm").await, ["crm/Meow"]);
    assert!(ids(&proxy, "dog").await.is_empty());
}

#[tokio::test]
async fn two_connectors_have_different_versions_of_one_library() {
    let setup = Setup::new().env("PIP_NO_INDEX", "1");
    let links = setup.path().to_owned();
    for version in ["1.0", "2.0"] {
        let module = links.join("shelf.py");
        fs::write(&module, format!("VERSION = '{version}'\n")).unwrap();
        wheel(&links, "shelf", version, module.to_str().unwrap(), &[]).await;
        fs::remove_file(module).unwrap();
    }
    let setup = setup.env("PIP_FIND_LINKS", links.display().to_string());
    let project = zoo("connector-shelf");
    let old = connector("old", &project) + "extra_requirements = [\"shelf<2\"]\n";
    let new = connector("new", &project) + "extra_requirements = [\"shelf\"]\n";
    let proxy = serve_setup(setup.config(&(old + &new))).await;
    assert_eq!(bare(&proxy, "old/Version", json!({})).await, "1.0");
    assert_eq!(bare(&proxy, "new/Version", json!({})).await, "2.0");

    let listed = proxy.run(&["env", "list", "--json"]).await;
    assert_eq!(read(&listed.stdout).as_array().unwrap().len(), 2);
    assert!(ready(&proxy).await.is_empty());
}

#[tokio::test]
async fn several_connectors_share_the_environment_that_install_describes() {
    let setup = Setup::new().env("PIP_NO_INDEX", "1");
    let config = format!(
        "[python]\ninstall = [{:?}, {:?}]\nenv = {{ SHARED = \"yes\" }}\n",
        zoo("connector-gallery"),
        zoo("farm")
    );
    let proxy = serve_setup(setup.config(&config)).await;
    assert_eq!(ids(&proxy, "cat/").await, ["cat/Meow"]);
    assert_eq!(ids(&proxy, "http/").await, ["http/GetRequest"]);
    let shared = proxy
        .call("gallery/Config", json!({"name": "SHARED"}))
        .await;
    assert_eq!(shared.success()["value"], "yes");
}
