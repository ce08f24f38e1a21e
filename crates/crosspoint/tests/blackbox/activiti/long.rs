//! Calls that take longer than a message should be held: the request is acknowledged once the ledger
//! has it, and the result published when it comes.

use serde_json::json;

use super::bundle::{Task, Way};
use super::mapping::opened;
use super::{Served, process, rabbit};
use crate::harness::{Gate, Reply, Setup, Upstream, until};

const POLICY: &str = "serve = [\"http.*\"]\n[connectors.http.policy]\nasync_after = \"0s\"";

fn task(implementation: &str) -> Task {
    Task {
        catches: vec!["HttpError404".to_owned()],
        ..Task::of(implementation)
    }
}

async fn behind(gate: &Gate, status: u16) -> Upstream {
    let gate = gate.clone();
    Upstream::start(move |_| {
        let reply = Reply::status(status).header("content-type", "application/json");
        reply.body("{\"late\": true}").behind(&gate)
    })
    .await
}

#[tokio::test]
async fn the_result_of_a_long_call_is_published_when_it_comes() {
    let served = Served::start(Setup::new(), POLICY).await;
    let bundle = served.bundle().await;
    for (status, way) in [(200, None), (404, Some("HttpError404"))] {
        let gate = Gate::new();
        let upstream = behind(&gate, status).await;
        let variables = process(json!({"url": upstream.url("/")}));
        let execution = bundle.begin(&task("http.PostRequestV2"), &variables).await;
        upstream.arrived(1).await;
        until("the result is promised", async || {
            let rows = served.proxy.rows(&[]).await;
            rows[0]
                .callback
                .as_deref()
                .is_some_and(|callback| callback.starts_with("activiti:"))
        })
        .await;
        assert_eq!(bundle.way(&execution), Way::Waiting);
        gate.open();
        match way {
            None => assert_eq!(
                opened(&bundle.outputs(&execution).await["late"]),
                json!(true)
            ),
            Some(code) => {
                assert_eq!(
                    bundle.goes_on(&execution).await,
                    Way::Caught(code.to_owned())
                );
            }
        }
        assert_eq!(upstream.seen().len(), 1);
    }
    until("both are delivered", async || {
        served.proxy.rows(&["--state", "delivered"]).await.len() == 2
    })
    .await;
}

#[tokio::test]
async fn a_process_that_dies_leaves_long_calls_to_the_next() {
    let served = Served::start(Setup::new(), POLICY).await;
    let bundle = served.bundle().await;
    let gate = Gate::new();
    let upstream = behind(&gate, 200).await;
    let variables = process(json!({"url": upstream.url("/")}));
    let reads = bundle.begin(&task("http.GetRequestV2"), &variables).await;
    let writes = bundle.begin(&task("http.PostRequestV2"), &variables).await;
    upstream.arrived(2).await;
    // Both requests have left the queue for good.
    let queue = served.queue("http.PostRequestV2");
    let setup = served.proxy.kill().await;
    until("nobody consumes", async || {
        let found = rabbit::shared().await.queue(&queue).await;
        found.is_some_and(|(_, consumers)| consumers == 0)
    })
    .await;
    gate.open();
    let proxy = setup.serve().await;
    assert_eq!(opened(&bundle.outputs(&reads).await["late"]), json!(true));
    // Nobody knows of the other, until somebody finds out.
    let unknown = async || proxy.rows(&["--state", "unknown"]).await;
    until("it is unknown", async || unknown().await.len() == 1).await;
    let id = unknown().await.remove(0).id;
    if bundle.way(&writes) == Way::Waiting {
        let settled = proxy.ledger(&["settle", &id, "--succeeded"]).await;
        assert_eq!(settled.code, Some(0), "{settled:?}");
        bundle.outputs(&writes).await;
    }
    assert_eq!(upstream.seen_by("POST"), 1);
}

#[tokio::test]
async fn a_result_that_comes_under_other_settings_goes_by_those() {
    let served = Served::start(Setup::new(), &format!("prefetch = 2\n{POLICY}")).await;
    let bundle = served.bundle().await;
    let gate = Gate::new();
    let upstream = behind(&gate, 200).await;
    let variables = process(json!({"url": upstream.url("/")}));
    let execution = bundle.begin(&task("http.PostRequestV2"), &variables).await;
    upstream.arrived(1).await;
    let promised = "crosspoint_activiti_requests_total{outcome=\"promised\"}";
    served.proxy.counts(promised, 1.0).await;
    served.edit(&[("prefetch = 2", "prefetch = 3")]);
    assert_eq!(served.reload().await.code, Some(0));
    gate.open();
    assert_eq!(
        opened(&bundle.outputs(&execution).await["late"]),
        json!(true)
    );
    assert_eq!((upstream.seen().len(), bundle.ignored()), (1, 0));
}
