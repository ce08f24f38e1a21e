//! `examples/cluster`: what can be said of it without a container engine. Its files are held against
//! their schemas by `cargo xtask test`.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::{Effects, Reply, Setup, Upstream};
use crate::ledger::place::Place;

/// Where the secrets are in the containers.
const SECRETS: &str = "/run/secrets/";

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cluster");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The configuration in the ConfigMap, which is the last of its keys.
fn config_map() -> String {
    let map = example("kubernetes/configmap.yaml");
    let (_, block) = map.split_once("  crosspoint.toml: |\n").unwrap();
    let lines = block.lines().map(|line| match line {
        "" => "",
        line => line.strip_prefix("    ").unwrap(),
    });
    lines.map(|line| line.to_owned() + "\n").collect()
}

/// The example on a machine where the secrets are elsewhere.
async fn setup(config: &str) -> (Setup, Place) {
    let place = Place::postgres("").await;
    let setup = Setup::new();
    let folder = format!("{}/", setup.path().display());
    let key = fs::read_to_string(place.setup.path().join("master.key")).unwrap();
    let setup = setup
        .config(&config.replace(SECRETS, &folder))
        .file("api_key", "a-key-of-the-example\n")
        .file("database_url", &format!("{}\n", place.database.url()))
        .file("master_key", &key)
        .env("CROSSPOINT_DATA_DIR", folder + "data");
    (setup, place)
}

#[tokio::test]
async fn both_configurations_are_one_and_are_accepted() {
    let config = example("crosspoint.toml");
    assert_eq!(config_map(), config);
    let (setup, _place) = setup(&config).await;
    let ended = setup.clone().run(&["config", "check"]).await;
    let printed = ended.text(0);
    assert!(printed.contains("lease = \"30s\""), "{printed}");
    let replica = setup.serve().await;
    let effects = Effects::start().await;
    let ask = replica.do_("http/PostRequestV2");
    let ask = ask.header("authorization", "Bearer a-key-of-the-example");
    let answer = ask.json(&effects.arguments("pay")).send().await;
    assert_eq!(answer.success(), json!({"id": "pay", "effect": 1}));
    assert_eq!(replica.problems().await, "[]");
    assert_eq!(replica.rows(&[]).await.len(), 1);
}

#[tokio::test]
async fn the_health_check_of_the_compose_file_tells_a_replica_that_is_ready() {
    let (check, url) = ("http/GetRequestV2", "url=http://127.0.0.1:7004/readyz");
    let whole = format!("\"crosspoint\", \"call\", \"{check}\", \"{url}\"");
    assert!(example("compose.yml").contains(&whole), "{whole}");
    for (status, code) in [(200, 0), (503, 1)] {
        let replica = Upstream::start(move |_| Reply::status(status).body("{}")).await;
        let url = format!("url={}", replica.url("/readyz"));
        let asks = Setup::new();
        let ended = asks.clone().run(&["call", check, &url]).await;
        assert_eq!(ended.code, Some(code), "{status}: {ended:?}");
        // It works in a directory that cannot be written.
        assert_eq!(fs::read_dir(asks.path()).unwrap().count(), 0);
    }
}
