//! Commands to a runtime bundle.

use futures_util::StreamExt;
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use serde_json::{Value, json};

use super::{rabbit, unique};
use crate::harness::{Setup, soon};

#[tokio::test]
async fn a_command_reaches_the_runtime_bundle_of_the_application() {
    let rabbit = rabbit::shared().await;
    let (app, url) = (format!("app-{}", unique()), rabbit.url());
    let setup = Setup::new().env("CROSSPOINT_ACTIVITI__AMQP", url.as_str());
    let arguments = [
        "activiti",
        "send",
        "start-process",
        "Process_1",
        "sender=a@b.c",
        "n:=5",
        "--business-key",
        "14240",
        "--app",
        &app,
    ];
    // Nobody is there yet, and that is said; nothing is made.
    let exchange = format!("commandConsumer_{app}");
    let ended = setup.clone().run(&arguments).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in [
        "not sent",
        &exchange,
        "the name of the application",
        "amqp://127",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert!(!rabbit.has_exchange(&exchange).await);

    rabbit.make_exchange(&exchange).await;
    let ended = setup.clone().run(&arguments).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let told = &ended.stderr;
    assert!(told.contains("no queue is bound"), "{told}");
    rabbit.bind_queue(&exchange).await;
    let ended = setup.clone().run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(&exchange), "{}", ended.stdout);
    let signal = ["activiti", "send", "signal", "go", "--app", &app, "--json"];
    let sent = setup.clone().run(&signal).await.json();

    let consume = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    let (_connection, channel) = rabbit.channel().await;
    let mut consumer = channel
        .basic_consume(
            exchange.as_str().into(),
            "".into(),
            consume,
            FieldTable::default(),
        )
        .await
        .unwrap();
    let first = soon("a message", consumer.next()).await.unwrap().unwrap();
    let mut body: Value = serde_json::from_slice(&first.data).unwrap();
    assert!(body["id"].is_string(), "{body}");
    body.as_object_mut().unwrap().remove("id");
    assert_eq!(
        body,
        json!({"payloadType": "StartProcessPayload", "processDefinitionKey": "Process_1",
               "businessKey": "14240", "variables": {"sender": "a@b.c", "n": 5}})
    );
    let second = soon("a message", consumer.next()).await.unwrap().unwrap();
    let body: Value = serde_json::from_slice(&second.data).unwrap();
    assert_eq!(
        body,
        json!({"payloadType": "SignalPayload", "id": sent["id"], "name": "go", "variables": {}})
    );
}

#[tokio::test]
async fn without_an_application_or_a_broker_it_says_what_to_set() {
    let ended = Setup::new()
        .run(&["activiti", "send", "signal", "go", "--app", "a"])
        .await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("activiti.amqp"), "{}", ended.stderr);
    let setup = Setup::new().env("CROSSPOINT_ACTIVITI__AMQP", "amqp://127.0.0.1:1");
    let ended = setup
        .clone()
        .run(&["activiti", "send", "signal", "go"])
        .await;
    assert!(ended.stderr.contains("--app"), "{}", ended.stderr);
    let ended = setup
        .run(&["activiti", "send", "signal", "go", "--app", "a"])
        .await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("127.0.0.1:1"), "{}", ended.stderr);
    assert!(ended.stderr.contains("activiti.amqp"), "{}", ended.stderr);
}

#[tokio::test]
async fn an_application_without_a_name_and_a_wrong_password_are_said() {
    let url = rabbit::shared().await.url();
    let setup = |url: &str| Setup::new().env("CROSSPOINT_ACTIVITI__AMQP", url);
    let empty = ["activiti", "send", "signal", "go", "--app", ""];
    let ended = setup(&url).run(&empty).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--app"), "{}", ended.stderr);
    let wrong = url.replace("guest:guest", "guest:w0rng-p4ss");
    let named = ["activiti", "send", "signal", "go", "--app", "a"];
    let ended = setup(&wrong).run(&named).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let (_, place) = url.split_once('@').unwrap();
    for part in ["does not accept the user", place, "activiti.amqp"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("w0rng-p4ss"), "{}", ended.stderr);
}
