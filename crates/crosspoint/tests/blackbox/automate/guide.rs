//! The examples of the guide, character by character.

use std::fs;

use serde_json::json;

use super::support::{adapter, block};
use crate::harness::{Proxy, Setup};
use crate::python::support::{ids, ready, serve_setup};

async fn serves_the_guide(proxy: &Proxy, name: &str) {
    let commands = [format!("{name}/execute"), format!("{name}/send_message")];
    assert_eq!(ids(proxy, &format!("{name}/")).await, commands);
    let payload = json!({"text": "Hello"});
    let answer = proxy.call(&commands[1], payload.clone()).await;
    assert_eq!(answer.success(), json!({"status": "sent"}));
    let arguments = json!({"action": "send_message", "payload": payload});
    let answer = proxy.call(&commands[0], arguments).await;
    assert_eq!(answer.success(), json!({"status": "sent"}));
}

#[tokio::test]
async fn case_01_the_guides_adapter_is_mounted_by_its_registration() {
    let file = block("adapter.py") + "\n" + &block("registration.py");
    let setup = Setup::new().file("guide.py", &file);
    let proxy = serve_setup(setup.config(&adapter("mine", "./guide.py"))).await;
    serves_the_guide(&proxy, "mine").await;
    let commands = proxy.run(&["commands", "mine"]).await.stdout;
    let inferred = commands.contains("Inferred from the source of MyServiceAdapter");
    assert!(inferred && commands.contains("version 1.0.0"), "{commands}");
}

#[tokio::test]
async fn case_02_the_guides_entry_point_mounts_it_in_both_groups() {
    for group in ["automate.connectors", "django_automate.connectors"] {
        let setup = Setup::new();
        let project = setup.path().join("project");
        fs::create_dir_all(project.join("src/my_package")).unwrap();
        let entry = block("entry_point.toml").replace("automate.connectors", group);
        let head = "[project]\nname = \"my-package\"\nversion = \"1\"\n";
        fs::write(project.join("pyproject.toml"), head.to_owned() + &entry).unwrap();
        fs::write(project.join("src/my_package/__init__.py"), "").unwrap();
        fs::write(
            project.join("src/my_package/adapters.py"),
            block("adapter.py"),
        )
        .unwrap();
        let config = "[automate]\ninstall = [\"./project\"]\n";
        let proxy = serve_setup(setup.config(config)).await;
        assert!(ready(&proxy).await.is_empty());
        serves_the_guide(&proxy, "my_service").await;
    }
}

#[tokio::test]
async fn the_behaviour_suite_judges_it_by_its_path() {
    let setup = Setup::new().file("guide.py", &block("adapter.py"));
    let ended = setup.run(&["check", "./guide.py"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("./guide.py: 2 commands"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn case_06_an_unknown_action_is_invalid_input_in_the_adapters_words_and_not_tried_again() {
    let setup = Setup::new().file("guide.py", &block("adapter.py"));
    let more = "policy = { retries = 3 }\nidempotent = true\n";
    let proxy = serve_setup(setup.config(&(adapter("mine", "./guide.py") + more))).await;
    let answer = proxy.call("mine/execute", json!({"action": "nope"})).await;
    assert_eq!(
        (answer.status, answer.code()),
        (400, "INVALID_INPUT".into())
    );
    assert_eq!(answer.message(), "Unknown action: nope");
    assert!(!answer.text.contains("Trying again"), "{}", answer.text);
    serves_the_guide(&proxy, "mine").await;
}
