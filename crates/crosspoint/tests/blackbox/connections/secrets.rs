//! `crosspoint secret`: what is kept, listed and removed, and that no value ever shows.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crosspoint_broker::cabinet::{Cabinet, Drawer, Expected};
use crosspoint_broker::ledger::Store;
use crosspoint_broker::profiles::{Definition, ProfileId, Source, Written};
use crosspoint_store::{Ledger, Options, open};
use serde_json::json;

use crate::harness::{Canaries, Ended, Setup, json as read};
use crate::ledger::place::Place;

pub async fn set(setup: &Setup, name: &str, value: &str) -> Ended {
    setup
        .clone()
        .run_with(&["secret", "set", name], value)
        .await
}

pub async fn list(setup: &Setup) -> serde_json::Value {
    let ended = setup.clone().run(&["secret", "list", "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    read(&ended.stdout)
}

/// The store as the program has it.
pub async fn opened(setup: &Setup) -> Arc<Ledger> {
    let folder = setup.path().join(".crosspoint");
    let url = format!("sqlite:{}", folder.join("crosspoint.db").display());
    open(&url, &Options::new(folder.join("master.key")))
        .await
        .unwrap()
}

/// Whether any file of a directory holds a text.
fn holds(directory: &Path, text: &str) -> bool {
    let grep = Command::new("grep")
        .args(["-r", "-a", "-q", "-F", "-e", text])
        .arg(directory)
        .status();
    grep.unwrap().success()
}

#[tokio::test]
async fn secrets_are_kept_listed_and_removed_before_the_first_serve() {
    let mut canaries = Canaries::default();
    let value = canaries.plant("the secret");
    let setup = Setup::new();
    assert_eq!(list(&setup).await, json!([]));
    assert!(!setup.path().join(".crosspoint").exists());
    let first = set(&setup, "CRM_TOKEN", &format!("{value}\n")).await;
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stdout.contains("secret:CRM_TOKEN"), "{first:?}");
    let second = set(&setup, "CRM_TOKEN", &value).await;
    assert!(second.stdout.contains("is changed"), "{second:?}");
    let listed = list(&setup).await;
    assert_eq!(listed[0]["name"], "CRM_TOKEN");
    assert_eq!(listed[0]["used_by"], json!([]));
    let table = setup.clone().run(&["secret", "list"]).await;
    assert!(table.stdout.contains("CRM_TOKEN  2"), "{table:?}");
    for ended in [first, second, table] {
        canaries.look_in("the command line", &(ended.stdout + &ended.stderr));
    }
    for file in ["crosspoint.db", "master.key"] {
        let file = setup.path().join(".crosspoint").join(file);
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(
        holds(setup.path(), "CRM_TOKEN"),
        "the right place is looked at"
    );
    assert!(!holds(setup.path(), &value));

    // A server has it, too, and both can write.
    let proxy = setup.clone().serve().await;
    let store = opened(&setup).await;
    let item = store
        .get(Drawer::Secret, "CRM_TOKEN")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(item.body, value.as_bytes());
    let removed = setup.clone().run(&["secret", "remove", "CRM_TOKEN"]).await;
    assert_eq!(removed.code, Some(0), "{removed:?}");
    let again = setup.clone().run(&["secret", "remove", "CRM_TOKEN"]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert_eq!(list(&setup).await, json!([]));
    canaries.look_in("the log", &proxy.stop().await.stderr);

    // Who did it.
    let acts = store.acts(9, None).await.unwrap();
    let done: Vec<_> = acts.iter().map(|act| (&*act.act, &*act.subject)).collect();
    let (set, remove) = ("secret.set", "secret.remove");
    assert_eq!(done, [remove, set, set].map(|act| (act, "CRM_TOKEN")));
    let id = Command::new("id").arg("-un").output().unwrap();
    assert_eq!(acts[0].actor, String::from_utf8(id.stdout).unwrap().trim());
}

#[tokio::test]
async fn on_postgresql_secrets_are_kept_as_well() {
    let place = Place::postgres("").await;
    assert_eq!(
        set(&place.setup, "a.b-c", "multi\nline\n").await.code,
        Some(0)
    );
    assert_eq!(list(&place.setup).await[0]["name"], "a.b-c");
    // Another replica sees it.
    assert_eq!(list(&place.replica()).await[0]["name"], "a.b-c");
    let removed = place.replica().run(&["secret", "remove", "a.b-c"]).await;
    assert_eq!(removed.code, Some(0), "{removed:?}");
}

#[tokio::test]
async fn a_secret_that_a_profile_names_is_removed_by_force_only() {
    let setup = Setup::new();
    set(&setup, "CRM", "x").await;
    let store = opened(&setup).await;
    let id: ProfileId = "crm/prod".parse().unwrap();
    let mut definition = Definition::new(id, Written::Store);
    let source = Source::of_reference("secret:CRM").unwrap();
    definition.secrets.insert("token".to_owned(), source);
    let body = definition.to_kept().to_string().into();
    let put = store.put(Drawer::Profile, "crm/prod", body, None, Expected::Any);
    put.await.unwrap();
    store.close().await;
    assert_eq!(
        list(&setup).await[0]["used_by"],
        json!(["profile crm/prod"])
    );
    let refused = setup.clone().run(&["secret", "remove", "CRM"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("profile crm/prod"), "{refused:?}");
    assert_eq!(list(&setup).await.as_array().unwrap().len(), 1);
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    let removed = setup
        .clone()
        .run(&["secret", "remove", "CRM", "--force"])
        .await;
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert!(
        removed.stdout.contains("still named by profile crm/prod"),
        "{removed:?}"
    );
}

#[tokio::test]
async fn what_is_no_name_and_no_value_is_refused_and_not_repeated() {
    let setup = Setup::new();
    for (name, value, part) in [
        ("hunter2 hunter2", "x", "not the name of a secret"),
        ("a/hunter2", "x", "not the name of a secret"),
        ("empty", "", "empty"),
        ("empty", "\n", "empty"),
        ("long", &"hunter2".repeat(10_000), "longer than 64 KiB"),
    ] {
        let ended = set(&setup, name, value).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(part), "{ended:?}");
        assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
    }
    assert_eq!(list(&setup).await, json!([]));
}

#[tokio::test]
async fn without_a_store_there_is_nowhere_to_keep_a_secret() {
    let setup = Setup::new().config("[store]\nurl = \"none\"\n");
    for command in [&["set", "x"][..], &["list"], &["remove", "x"]] {
        let ended = setup.clone().run(&[&["secret"], command].concat()).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("store.url is \"none\""), "{ended:?}");
    }
}
