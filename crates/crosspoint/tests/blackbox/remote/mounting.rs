//! What is mounted, under which names, and how it is treated.

use serde_json::json;

use super::{envelope, fake, ids, problems, serve, settled};
use crate::harness::{Setup, Upstream, until};

#[tokio::test]
async fn connectors_of_another_crosspoint_are_called_here_and_run_there() {
    let upstream = Upstream::echo().await;
    let other = Setup::new()
        .config("access.api_keys = [\"env:KEY\"]")
        .env("KEY", "branch-key-1234567")
        .serve()
        .await;
    let config = format!(
        "[connectors.branch]\nremote = \"{}\"\napi_key = \"env:BRANCH\"",
        other.url("")
    );
    let setup = Setup::new().config(&config);
    let proxy = setup.env("BRANCH", "branch-key-1234567").serve().await;
    settled(&proxy).await;
    assert_eq!(problems(&proxy).await, "[]");
    let ids = ids(&proxy, "branch_").await;
    for id in ["branch_http/GetRequestV2", "branch_smtp/SendEmail"] {
        assert!(ids.contains(&id.to_owned()), "{ids:?}");
    }
    let arguments = json!({"url": upstream.url("/items?x=1"), "headers": {"x-a": "b"}});
    let answer = proxy.call("branch_http/GetRequestV2", arguments).await;
    assert_eq!(answer.success()["target"], "/items?x=1");
    // Read-only there, so read-only here.
    let list = proxy.get("/v1/commands").await.json();
    let get = list.as_array().unwrap().iter();
    let get = get.clone().find(|c| c["id"] == "branch_http/GetRequestV2");
    let get = get.unwrap();
    assert_eq!(
        (&get["safety"], &get["open"]),
        (&json!("read-only"), &json!(true))
    );
    assert!(!proxy.log().contains("branch-key"), "{}", proxy.log());
}

#[tokio::test]
async fn one_connector_takes_the_name_of_its_table_and_several_a_prefix() {
    let other = Setup::new().serve().await;
    let url = other.url("");
    for (keys, name) in [
        ("connectors = [\"smtp\"]", "branch/SendEmail"),
        (
            "connectors = [\"smtp\", \"slack\"]",
            "branch_smtp/SendEmail",
        ),
        (
            "connectors = [\"smtp\"]\nprefix = \"b\"",
            "b_smtp/SendEmail",
        ),
    ] {
        let config = format!("[connectors.branch]\nremote = \"{url}\"\n{keys}");
        let proxy = serve(&config).await;
        let ids = ids(&proxy, "b").await;
        assert!(ids.contains(&name.to_owned()), "{keys}: {ids:?}");
        assert!(!ids.iter().any(|id| id.contains("http")), "{ids:?}");
    }
    // Its own names, in place of the built-in connectors of those names.
    let config =
        format!("builtin = [\"http\"]\n[connectors.branch]\nremote = \"{url}\"\nprefix = \"\"");
    let proxy = serve(&config).await;
    assert!(!ids(&proxy, "smtp/").await.is_empty());
    let commands = proxy.run(&["commands"]).await;
    assert_eq!(commands.code, Some(0), "{}", commands.stderr);
}

#[tokio::test]
async fn what_the_table_says_of_calls_holds_for_all_its_connectors() {
    let slow = fake(|_| crate::harness::Reply::silence()).await;
    let config = format!(
        "[connectors.branch]\nremote = \"{}\"\nidempotent = [\"crm/Find\"]\n\
         policy.timeout = \"1s\"\n[connectors.branch.profiles.main]\n\
         secrets = {{ token = \"canary-1234\" }}",
        slow.url("")
    );
    let proxy = serve(&config).await;
    let answer = proxy.call("branch_crm/Find", json!({"name": "Ada"})).await;
    assert_eq!(answer.code(), "ReadTimeout", "{}", answer.text);
    let sent = slow.last();
    assert_eq!(sent.json()["token"], "canary-1234");
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
    let list = proxy.get("/v1/commands").await.json();
    let find = list
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["id"] == "branch_crm/Find");
    assert_eq!(find.unwrap()["safety"], "idempotent");
}

#[tokio::test]
async fn what_a_call_says_beside_its_arguments_goes_along() {
    let other = fake(|_| envelope(&json!([1.50]))).await;
    let proxy = serve(&format!(
        "[connectors.branch]\nremote = \"{}\"",
        other.url("")
    ))
    .await;
    let body = r#"{"name": "Ada", "more": {"n": 1.50}, "spiff__process_instance_id": 7,
        "spiff__process_model_identifier": "a/b", "spiff__task_id": "t-1",
        "spiff__task_data": {"x": 2.0}, "spiff__callback_url": "http://127.0.0.1:8000/cb"}"#;
    let call = proxy.do_("branch_crm/Find");
    let call = call.header("content-type", "application/json").body(body);
    let answer = call.header("x-request-id", "mine-1").send().await;
    assert_eq!(answer.success(), json!([1.5]));
    assert_eq!(answer.logs(), r#"["found"]"#);
    let sent = other.last();
    assert_eq!(sent.target, "/v1/do/crm/Find");
    assert_eq!(sent.header("x-request-id"), "mine-1");
    assert!(
        sent.text().contains(r#""more":{"n": 1.50}"#),
        "{}",
        sent.text()
    );
    let sent = sent.json();
    assert_eq!(sent["spiff__process_instance_id"], 7);
    assert_eq!(sent["spiff__task_data"], json!({"x": 2.0}));
    assert_eq!(sent["spiff__callback_url"], "http://127.0.0.1:8000/cb");
    let missing = proxy.call("branch_crm/Find", json!({})).await;
    assert_eq!((missing.status, &*missing.code()), (400, "TypeError"));
}

#[tokio::test]
async fn what_a_proxy_has_is_asked_for_again_and_a_reload_changes_what_is_mounted() {
    let other = Setup::new().config("builtin = [\"http\"]").serve().await;
    let config = format!(
        "[connectors.branch]\nremote = \"{}\"\nrefresh = \"1s\"",
        other.url("")
    );
    let proxy = serve(&config).await;
    assert!(ids(&proxy, "branch_slack").await.is_empty());
    other.setup().config("builtin = [\"http\", \"slack\"]");
    assert_eq!(other.run(&["reload"]).await.code, Some(0));
    until("slack is there", async || {
        !ids(&proxy, "branch_slack").await.is_empty()
    })
    .await;
    proxy.setup().config(&config.replace("branch", "renamed"));
    let reload = proxy.run(&["reload"]).await;
    assert_eq!(reload.code, Some(0), "{}", reload.stderr);
    assert!(ids(&proxy, "branch_").await.is_empty());
    assert!(!ids(&proxy, "renamed_slack").await.is_empty());
}

#[tokio::test]
async fn mistakes_of_a_table_are_told_before_anything_is_asked() {
    let setup = Setup::new().config(
        "[connectors.a]\nremote = \"h:7004\"\n[connectors.b]\nremote = \"http://u:canary@h\"\n\
         [connectors.c]\nremote = \"http://h\"\napi_key = \"env:NONE\"\n\
         connectors = [\"a b\", \"x\", \"x\"]\nprefix = \"p/\"\nworkers = 3\n",
    );
    let checked = setup.run(&["config", "check"]).await;
    assert_eq!(checked.code, Some(2));
    for text in [
        "`h:7004` is not the address of a proxy",
        "it holds a user or a password",
        "`connectors.c.api_key`: `env:NONE` is not set",
        "`connectors.c.connectors[0]`: `a b` cannot name a connector",
        "`connectors.c.connectors` names `x` twice",
        "`connectors.c.prefix`: `p/` cannot begin the name of a connector",
        "unknown key `connectors.c.workers`",
    ] {
        assert!(
            checked.stderr.contains(text),
            "{text} is not in\n{}",
            checked.stderr
        );
    }
    assert!(!checked.stderr.contains("canary"));
}
