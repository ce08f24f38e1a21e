//! `crosspoint env`: environments that are built, kept and removed.

use std::fs;

use serde_json::json;

use super::support::{bare, connector, kill, serve_setup, wheel, zoo};
use crate::harness::{Ended, Setup, json as read};

/// A proxy whose only connector needs the library `shelf`, and the folder where versions of that
/// are found.
struct Shelf {
    proxy: crate::harness::Proxy,
}

// === impl Shelf ===

impl Shelf {
    async fn start() -> Shelf {
        let setup = Setup::new().env("PIP_NO_INDEX", "1");
        let links = setup.path().to_owned();
        let setup = setup.env("PIP_FIND_LINKS", links.display().to_string());
        publish(&links, "1.0").await;
        let table =
            connector("shelf", zoo("connector-shelf")) + "extra_requirements = [\"shelf\"]\n";
        Shelf {
            proxy: serve_setup(setup.config(&table)).await,
        }
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        let ended = self.proxy.run(&[&["env"], arguments].concat()).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended
    }

    async fn version(&self) -> String {
        bare(&self.proxy, "shelf/Version", json!({})).await
    }
}

async fn publish(links: &std::path::Path, version: &str) {
    let module = links.join("shelf.py");
    fs::write(&module, format!("VERSION = '{version}'\n")).unwrap();
    wheel(links, "shelf", version, module.to_str().unwrap(), &[]).await;
    fs::remove_file(module).unwrap();
}

#[tokio::test]
async fn what_is_there_is_not_built_again_unless_that_is_asked_for() {
    let shelf = Shelf::start().await;
    publish(shelf.proxy.path(), "2.0").await;
    let ended = shelf.run(&["sync"]).await;
    assert!(ended.stdout.contains("up to date"), "{}", ended.stdout);
    assert_eq!(shelf.version().await, "1.0");

    let ended = shelf.run(&["sync", "--upgrade", "--json"]).await;
    let synced = read(&ended.stdout);
    assert_eq!(synced[0]["from"], "[connectors.shelf]");
    assert_eq!(
        (&synced[0]["built"], &synced[0]["connectors"]),
        (&json!(true), &json!(["shelf"]))
    );
    assert_eq!(
        synced[0]["changes"],
        json!([{"name": "shelf", "from": "1.0", "to": "2.0"}])
    );
    // The running worker keeps the libraries that it began with until a reload.
    assert_eq!(shelf.version().await, "1.0");
    assert_eq!(shelf.proxy.run(&["reload"]).await.code, Some(0));
    assert_eq!(shelf.version().await, "2.0");
}

#[tokio::test]
async fn sync_builds_before_the_start_so_that_the_start_needs_no_index() {
    let setup = Setup::new().env("PIP_NO_INDEX", "1");
    let links = setup.path().to_owned();
    publish(&links, "1.0").await;
    let data = tempfile::tempdir().unwrap();
    let data_dir = data.path().display().to_string();
    let table = connector("shelf", zoo("connector-shelf")) + "extra_requirements = [\"shelf\"]\n";
    let built = setup
        .config(&table)
        .env("CROSSPOINT_DATA_DIR", &data_dir)
        .env("PIP_FIND_LINKS", links.display().to_string())
        .run(&["env", "sync"])
        .await;
    assert_eq!(built.code, Some(0), "{built:?}");
    assert!(built.stdout.contains("built"), "{}", built.stdout);
    // The wheel went with the folder of the first setup.
    let setup = Setup::new().config(&table).env("PIP_NO_INDEX", "1");
    let proxy = serve_setup(setup.env("CROSSPOINT_DATA_DIR", &data_dir)).await;
    assert_eq!(bare(&proxy, "shelf/Version", json!({})).await, "1.0");
}

#[tokio::test]
async fn environments_are_listed_for_people_and_for_programs() {
    let shelf = Shelf::start().await;
    let ended = shelf.run(&["list"]).await;
    for part in ["shelf", "Python 3", "in use"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let list = read(&shelf.run(&["list", "--json"]).await.stdout);
    let [kept] = &list.as_array().unwrap()[..] else {
        panic!("{list}");
    };
    assert_eq!(
        (&kept["asked"], &kept["in_use"]),
        (&json!(["shelf"]), &json!(true))
    );
    assert!(kept["bytes"].as_u64().unwrap() > 0);
    let folder = kept["directory"].as_str().unwrap();
    assert!(
        fs::metadata(shelf.proxy.path().join(folder))
            .unwrap()
            .is_dir()
    );
}

#[tokio::test]
async fn only_what_nobody_needs_or_uses_is_removed() {
    let shelf = Shelf::start().await;
    let pruned = shelf.run(&["prune"]).await;
    assert!(pruned.stdout.starts_with("Removed 0 "), "{}", pruned.stdout);
    fs::write(shelf.proxy.path().join("crosspoint.toml"), "").unwrap();
    let pruned = read(&shelf.run(&["prune", "--json"]).await.stdout);
    assert_eq!(pruned["removed"], json!([]));
    assert_eq!(pruned["in_use"][0]["asked"], json!(["shelf"]));
    assert_eq!(shelf.version().await, "1.0");

    assert_eq!(shelf.proxy.run(&["reload"]).await.code, Some(0));
    let pruned = read(&shelf.run(&["prune", "--json"]).await.stdout);
    assert_eq!(pruned["removed"][0]["asked"], json!(["shelf"]), "{pruned}");
    let list = read(&shelf.run(&["list", "--json"]).await.stdout);
    assert_eq!(list, json!([]));
}

#[tokio::test]
async fn what_cannot_be_built_is_exit_code_1_and_the_others_are() {
    let config = "[connectors.crm]\npython = \"connector-of-nobody\"\n".to_owned()
        + &connector("post", zoo("post.py"));
    let setup = Setup::new().config(&config).env("PIP_NO_INDEX", "1");
    let ended = setup.run(&["env", "sync"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("connectors.post"), "{}", ended.stdout);
    for part in ["connectors.crm", "No matching distribution"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    let setup = Setup::new().config(&config).env("PIP_NO_INDEX", "1");
    let ended = setup.run(&["env", "sync", "--json"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let list = read(&ended.stdout);
    assert!(
        list[0]["error"]
            .as_str()
            .unwrap()
            .contains("connectors.crm"),
        "{list}"
    );
    assert_eq!(list[1]["connectors"], json!(["post"]));
}

#[tokio::test]
async fn an_environment_that_is_used_as_it_is_is_not_ours_to_list() {
    let setup = Setup::new();
    super::support::venv("python3", &setup.path().join(".venv")).await;
    let setup = setup.config("[python]\nvenv = \".venv\"\n");
    let ended = setup.run(&["env", "list", "--json"]).await;
    assert_eq!((ended.code, read(&ended.stdout)), (Some(0), json!([])));
}

#[tokio::test]
async fn without_python_connectors_there_is_nothing_to_build() {
    let ended = Setup::new().run(&["env", "sync"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("crosspoint new python"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn a_server_that_was_killed_leaves_no_environment_in_use() {
    let shelf = Shelf::start().await;
    kill(shelf.proxy.id().into());
    super::support::until("nothing uses it", async || {
        let list = read(&shelf.run(&["list", "--json"]).await.stdout);
        list[0]["in_use"] == false
    })
    .await;
}
