//! What adapters of all forms may be like.

use serde_json::{Value, json};

use super::support::{adapter, seen, serve_odd};
use crate::harness::Setup;
use crate::python::support::{ids, ready, serve, serve_setup, zoo};

#[tokio::test]
async fn case_04_a_constructor_need_not_call_that_of_the_base_class() {
    let proxy = serve_odd("").await;
    assert_eq!(seen(&proxy, None).await["number"], 1);
}

#[tokio::test]
async fn case_05_a_version_is_reported_if_there_is_one_and_the_registered_name_goes_before() {
    let file = "from automate_connectors.adapters.base import ConnectorAdapter\n\
                from automate_connectors.registry import connector_registry\n\
                class A(ConnectorAdapter):\n    name = \"own\"\n    \
                def execute(self, action, payload):\n        return 1\n\
                connector_registry.register(\"given\", A)\n";
    let config = "[automate]\ninstall = [\"./one.py\"]\n";
    let proxy = serve_setup(Setup::new().file("one.py", file).config(config)).await;
    assert_eq!(ids(&proxy, "given/").await, ["given/execute"]);
    assert!(ids(&proxy, "own/").await.is_empty());
    let commands = proxy.run(&["commands", "given"]).await.stdout;
    assert!(commands.contains("(version unknown)"), "{commands}");
}

#[tokio::test]
async fn case_07_adapters_like_the_source_and_the_how_to_pages_declare_their_commands() {
    let config = adapter("billing", zoo("adapters/source.py"))
        + &adapter("tickets", zoo("adapters/how_to.py"));
    let proxy = serve(&config).await;
    assert_eq!(
        ids(&proxy, "billing/").await,
        ["billing/charge", "billing/look"]
    );
    assert_eq!(ids(&proxy, "tickets/").await, ["tickets/open"]);
    let commands = proxy.get("/v1/commands").await.json();
    let charge = commands.as_array().unwrap().iter();
    let charge = charge
        .clone()
        .find(|c| c["id"] == "billing/charge")
        .unwrap();
    let amount = &charge["parameters"][0];
    assert_eq!(
        (&amount["id"], &amount["type"]),
        (&json!("amount"), &json!("int"))
    );
    let wrong = proxy.call("billing/charge", json!({"amont": 5})).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.message().contains("amount") && wrong.message().contains("amont"));

    let answer = proxy.call("billing/charge", json!({"amount": 5})).await;
    let body = answer.success();
    assert_eq!(
        (&body["action"], &body["input"]),
        (&json!("charge"), &json!({"amount": 5}))
    );
    let answer = proxy.call("tickets/open", json!({"title": "help"})).await;
    assert_eq!(answer.success()["title"], "help");
    let failed = proxy.call("tickets/open", json!({"title": "fail"})).await;
    assert_eq!(failed.code(), "INTERNAL_ERROR");
    assert_eq!(failed.message(), "the desk is closed");
}

#[tokio::test]
async fn case_08_parameters_are_passed_by_their_place_whatever_they_are_called() {
    let file = "class A:\n    name = \"a\"\n    \
                def execute(self, was, womit, wobei=None):\n        return [was, womit, sorted(wobei)]\n\
                class B:\n    name = \"b\"\n    \
                @staticmethod\n    def execute(x, y):\n        return [x, y]\n\
                class C:\n    name = \"c\"\n    \
                def execute(self, *everything):\n        return len(everything)\n\
                class D:\n    name = \"d\"\n    \
                def execute(self, only):\n        return only\n\
                from automate_connectors.registry import register\n\
                for one in (A, B, C, D):\n    register(one)\n";
    let config = "[automate]\ninstall = [\"./forms.py\"]\n";
    let proxy = serve_setup(Setup::new().file("forms.py", file).config(config)).await;
    let call = async |name: &str| -> Value {
        let arguments = json!({"action": "go", "payload": {"n": 1}});
        let answer = proxy.call(&format!("{name}/execute"), arguments).await;
        answer.success()
    };
    let a = call("a").await;
    assert_eq!(
        (&a[0], &a[1], &a[2][1]),
        (&json!("go"), &json!({"n": 1}), &json!("execution_id"))
    );
    assert_eq!(call("b").await, json!(["go", {"n": 1}]));
    assert_eq!(call("c").await, 3);
    let problems = ready(&proxy).await.join("\n");
    assert!(problems.contains("d (adapter"), "{problems}");
    assert!(
        problems.contains("takes neither (action, payload)"),
        "{problems}"
    );
}
