//! Who is there first: the runtime bundle, the connector, or neither.

use serde_json::json;

use super::bundle::{Bundle, Task, Way};
use super::{process, rabbit, serve, unique};
use crate::harness::{Reply, Setup, Upstream, until};

const POST: &str = "http.PostRequestV2";

fn post() -> Task {
    Task::of(POST)
}

#[tokio::test]
async fn a_request_that_came_before_any_connector_hangs_until_it_is_replayed() {
    let prefix = format!("f{}", unique());
    let rabbit = rabbit::shared().await;
    let name = format!("rb-{prefix}");
    let bundle = Bundle::start(rabbit, &name, &format!("{prefix}_")).await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let variables = process(json!({"url": upstream.url("/"), "data": {"n": 1}}));
    // The runtime bundle declares the exchange alone: without a queue the message is nowhere.
    let execution = bundle.begin(&post(), &variables).await;
    let config = format!(
        "[activiti]\namqp = \"{}\"\ndestination_prefix = \"{prefix}\"\nserve = [\"{POST}\"]",
        rabbit.url()
    );
    let proxy = Setup::new().config(&config).serve().await;
    until("the queue is bound", async || {
        proxy.get("/readyz").await.status == 200
    })
    .await;
    assert_eq!(bundle.way(&execution), Way::Waiting);
    bundle.replay(&execution, &variables).await;
    bundle.outputs(&execution).await;
    assert_eq!(upstream.seen().len(), 1);
    // The first context still waits, as in an engine.
    assert_eq!(bundle.rows(), 1);
}

#[tokio::test]
async fn requests_that_come_while_no_connector_runs_wait_for_the_next() {
    let served = serve(&format!("serve = [\"{POST}\"]")).await;
    let bundle = served.bundle().await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let queue = served.queue(POST);
    let setup = served.proxy.setup();
    assert_eq!(served.proxy.stop().await.code, Some(0));
    let variables = process(json!({"url": upstream.url("/"), "data": {"n": 1}}));
    let mut executions = Vec::new();
    for _ in 0..3 {
        executions.push(bundle.begin(&post(), &variables).await);
    }
    assert_eq!(rabbit::shared().await.queue(&queue).await, Some((3, 0)));
    let _proxy = setup.serve().await;
    for execution in &executions {
        bundle.outputs(execution).await;
    }
    assert_eq!((upstream.seen().len(), bundle.ignored()), (3, 0));
}

#[tokio::test]
async fn a_runtime_bundle_may_come_after_the_connector() {
    let served = serve(&format!("serve = [\"{POST}\"]")).await;
    let queue = served.queue(POST);
    assert_eq!(rabbit::shared().await.queue(&queue).await, Some((0, 1)));
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/"), "data": {"n": 1}}));
    let execution = bundle.begin(&post(), &variables).await;
    bundle.outputs(&execution).await;
}
