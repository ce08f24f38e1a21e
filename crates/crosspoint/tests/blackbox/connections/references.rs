//! `secret:NAME` in the configuration file: followed where it stands, shown as it is.

use reqwest::Method;
use serde_json::json;

use super::secrets::{list, opened, set};
use crate::harness::{Canaries, Setup};
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
