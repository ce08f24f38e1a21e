//! A message broker that is short of memory: it takes no messages, and reads nothing from whoever has sent
//! one.

use serde_json::json;

use super::bundle::Task;
use super::rabbit::Rabbit;
use super::{Served, process, unique};
use crate::harness::{Gate, Reply, Setup, Upstream, until};

#[tokio::test]
async fn answers_wait_while_the_message_broker_takes_none_and_that_is_told() {
    let rabbit = Rabbit::start().await;
    let served = Served::at(&rabbit, Setup::new(), "serve = [\"http.*\"]").await;
    let gate = Gate::new();
    let own = gate.clone();
    let upstream = Upstream::start(move |_| Reply::json("{}").behind(&own)).await;
    let bundle = served.bundle_at(&rabbit).await;
    let variables = process(json!({"url": upstream.url("/")}));
    let mut executions = Vec::new();
    for _ in 0..2 {
        let task = Task::of("http.PostRequestV2");
        executions.push(bundle.begin(&task, &variables).await);
    }
    upstream.arrived(2).await;
    rabbit.alarm(true).await;
    gate.open();
    until("it is told", async || {
        let problems = served.proxy.problems().await;
        problems.contains("takes no messages") && problems.contains("answers that wait for")
    })
    .await;
    rabbit.alarm(false).await;
    for execution in &executions {
        bundle.outputs(execution).await;
    }
    until("all is well", async || {
        !served.proxy.problems().await.contains("activiti")
    })
    .await;
    assert_eq!(upstream.seen().len(), 2, "each ran once");
}

#[tokio::test]
async fn a_command_that_is_not_confirmed_may_have_been_sent() {
    let rabbit = Rabbit::start().await;
    let app = format!("app-{}", unique());
    let exchange = format!("commandConsumer_{app}");
    rabbit.make_exchange(&exchange).await;
    rabbit.bind_queue(&exchange).await;
    rabbit.alarm(true).await;
    let setup = Setup::new().env("CROSSPOINT_ACTIVITI__AMQP", rabbit.url());
    let signal = ["activiti", "send", "signal", "go", "--app", &app];
    let ended = setup.clone().run(&signal).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("may have been sent"), "{ended:?}");
    assert!(ended.stderr.contains("takes no messages"), "{ended:?}");
    let mut json = signal.to_vec();
    json.push("--json");
    let ended = setup.clone().run(&json).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stdout.contains("\"may_have_been_sent\": true"),
        "{ended:?}"
    );
    rabbit.alarm(false).await;
    let ended = setup.run(&signal).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
