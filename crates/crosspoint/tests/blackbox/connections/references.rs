//! `secret:NAME` in the configuration file: followed where it stands, shown as it is.

use reqwest::Method;
use serde_json::json;

use super::secrets::{list, opened, set};
use crate::harness::{Canaries, Reply, Seen, Setup, Upstream};
use crate::python::support::{connector, serve_setup};
use crosspoint_broker::cabinet::{Cabinet, Drawer, Expected};

const ECHO: &str = r#"
import hashlib, os
class Digest:
    def execute(self, config, task_data):
        token = config["TOKEN"].encode()
        return {"response": {"sha": hashlib.sha256(token).hexdigest()}, "status": 200, "mimetype": "application/json"}
"#;

/// Of `canary`.
fn sha(text: &str) -> String {
    let hash = std::process::Command::new("sh")
        .args([
            "-c",
            "printf %s \"$1\" | sha256sum | cut -d' ' -f1",
            "sh",
            text,
        ])
        .output()
        .unwrap();
    String::from_utf8(hash.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_worker_gets_what_a_reference_leads_to_and_nobody_else_sees_it() {
    let mut canaries = Canaries::default();
    let token = canaries.plant_plain("the secret CRM");
    let key = canaries.plant_plain("the secret KEY");
    let table = connector("digest", "./digest.py") + "env = { TOKEN = \"secret:CRM\" }\n";
    let access = "access.api_keys = [\"secret:KEY\"]\n";
    let setup = Setup::new()
        .file("digest.py", ECHO)
        .config(&(access.to_owned() + &table));
    // Before they are there, every command that needs them says so, and secret set does not.
    let ended = setup.clone().run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for part in [
        "crosspoint.toml:1:20: `access.api_keys`: `secret:KEY` is not there",
        "`connectors.digest.env.TOKEN`: `secret:CRM` is not there",
        "crosspoint secret set CRM",
        "2 mistakes",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert!(!setup.path().join(".crosspoint").exists());
    set(&setup, "CRM", &token).await;
    set(&setup, "KEY", &key).await;
    let users = json!(["setting connectors.digest.env.TOKEN"]);
    assert_eq!(list(&setup).await[0]["used_by"], users);
    let refused = setup.clone().run(&["secret", "remove", "KEY"]).await;
    assert!(refused.stderr.contains("access.api_keys[0]"), "{refused:?}");
    for arguments in [&["config", "check"][..], &["config", "check", "--json"]] {
        let ended = setup.clone().run(arguments).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains("secret:CRM"), "{ended:?}");
        canaries.look_in("config check", &(ended.stdout + &ended.stderr));
    }
    let proxy = serve_setup(setup.clone()).await;
    let ask = proxy.do_("digest/Digest").json(&json!({}));
    let answer = ask
        .verbatim()
        .header("authorization", &format!("Bearer {key}"));
    let answer = answer.send().await;
    assert!(answer.text.contains(&sha(&token)), "{}", answer.text);
    canaries.look_in("the log", &proxy.stop().await.stderr);
}

#[tokio::test]
async fn a_reload_follows_references_again() {
    let setup = Setup::new().config("[access]\napi_keys = [\"secret:KEY\"]\n");
    set(&setup, "KEY", "first-key-of-all").await;
    let proxy = setup.clone().serve().await;
    let status = async |key: &str| {
        let ask = proxy.ask(Method::GET, "/v1/commands");
        let ask = ask.header("authorization", &format!("Bearer {key}"));
        ask.send().await.status
    };
    assert_eq!(status("first-key-of-all").await, 200);
    set(&setup, "KEY", "second-key-of-all").await;
    let reloaded = proxy.run(&["reload"]).await;
    assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
    assert_eq!(status("first-key-of-all").await, 401);
    assert_eq!(status("second-key-of-all").await, 200);
    // What is gone leaves everything as it was.
    let store = opened(&setup).await;
    assert!(store.remove(Drawer::Secret, "KEY").await.unwrap());
    let reloaded = proxy.run(&["reload"]).await;
    assert_eq!(reloaded.code, Some(2), "{reloaded:?}");
    assert!(reloaded.stderr.contains("secret:KEY"), "{reloaded:?}");
    proxy.signal("HUP");
    proxy.log_line(&["Not reloaded", "secret:KEY"]).await;
    assert_eq!(status("second-key-of-all").await, 200);
    let put = store.put(
        Drawer::Secret,
        "KEY",
        vec![0xff].into(),
        None,
        Expected::Any,
    );
    put.await.unwrap();
    let ended = setup.run(&["config", "check"]).await;
    assert!(
        ended.stderr.contains("`secret:KEY` is not text"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_followed_says_why() {
    for (config, part) in [
        (
            "[store]\nurl = \"none\"\n[spiff]\ncallback_token = \"secret:X\"\n",
            "there is no store",
        ),
        (
            "[store]\nurl = \"secret:X\"\n",
            "where the store is must be known",
        ),
        (
            "[spiff]\ncallback_token = \"secret:a/b\"\n",
            "names no secret",
        ),
        (
            "[spiff]\ncallback_token = \"vault:a/b#\"\n",
            "vault:PATH#FIELD",
        ),
        (
            "[spiff]\ncallback_token = \"vault:a/b#c\"\n",
            "there is no [vault]",
        ),
    ] {
        let ended = Setup::new().config(config).run(&["config", "check"]).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}

/// Answers as Vault's engine does.
fn as_vault(value: String) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| match (seen.header("x-vault-token"), &*seen.target) {
        ("hvs.right", "/v1/kv/data/apps/console") => Reply::json(
            &json!({"data": {"data": {"key": value}, "metadata": {"version": 1}}}).to_string(),
        ),
        ("hvs.right", _) => Reply::status(404).body(r#"{"errors": []}"#),
        _ => Reply::status(403).body(r#"{"errors": ["permission denied"]}"#),
    }
}

#[tokio::test]
async fn references_lead_to_vault_as_well() {
    let mut canaries = Canaries::default();
    let key = canaries.plant_plain("the key in Vault");
    let vault = Upstream::start(as_vault(key.clone())).await;
    let config = format!(
        "[access]\napi_keys = [\"vault:apps/console#key\"]\n[vault]\naddress = \"{}\"\n\
         token = \"env:THE_TOKEN\"\nmount = \"kv\"\n",
        vault.url("")
    );
    let setup = Setup::new().config(&config).env("THE_TOKEN", "hvs.right");
    let proxy = setup.clone().serve().await;
    let ask = proxy.ask(Method::GET, "/v1/commands");
    let ask = ask.header("authorization", &format!("Bearer {key}"));
    assert_eq!(ask.send().await.status, 200);
    canaries.look_in("the log", &proxy.stop().await.stderr);
    let checked = setup.clone().run(&["config", "check"]).await;
    assert!(
        checked.stdout.contains("vault:apps/console#key"),
        "{checked:?}"
    );
    canaries.hide("the token", "hvs.right");
    canaries.look_in("config check", &(checked.stdout + &checked.stderr));

    let refused = setup
        .clone()
        .env("THE_TOKEN", "hvs.wrong")
        .run(&["serve"])
        .await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let line = "crosspoint.toml:2:13: `access.api_keys`: `vault:apps/console#key` cannot be read: \
                Vault refuses the token (403)";
    assert!(refused.stderr.contains(line), "{refused:?}");
    assert!(!refused.stderr.contains("hvs.wrong"), "{refused:?}");
    // The variables that Vault's own tools have work, too.
    let setup = Setup::new()
        .config("[access]\napi_keys = [\"vault:apps/none#key\"]\n[vault]\nmount = \"kv\"\n")
        .env("VAULT_ADDR", vault.url("/"))
        .env("VAULT_TOKEN", "hvs.right");
    let ended = setup.run(&["config", "check"]).await;
    assert!(ended.stderr.contains("no secret at this path"), "{ended:?}");
    let own = Setup::new().config("[vault]\ntoken = \"secret:x\"\n");
    let ended = own.run(&["config", "check"]).await;
    assert!(
        ended.stderr.contains("crosspoint.toml:2:9: `vault.token`"),
        "{ended:?}"
    );
}
