//! Other settings, while requests flow: what has begun is answered, nothing is lost, and nothing runs
//! twice.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::bundle::{Bundle, Task};
use super::{Served, process, rabbit, serve, unique};
use crate::harness::{Gate, Reply, Setup, Upstream, closed_port, until};

const POST: &str = "http.PostRequestV2";
const GET: &str = "http.GetRequestV2";

/// How often each number has arrived.
fn arrived(upstream: &Upstream) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for seen in upstream.seen() {
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        *counts.entry(body["n"].as_u64().unwrap()).or_default() += 1;
    }
    counts
}

async fn consumers(served: &Served, implementation: &str) -> Option<u32> {
    let queue = served.queue(implementation);
    let found = rabbit::shared().await.queue(&queue).await;
    found.map(|(_, consumers)| consumers)
}

#[tokio::test]
async fn other_settings_count_while_requests_flow_and_each_runs_once() {
    let rabbit = rabbit::shared().await;
    let (clear, secure) = (rabbit.url(), rabbit.tls_url("localhost"));
    let setup = Setup::new().file("ours.pem", &rabbit::authority().pem());
    let lines = format!(
        "serve = [\"{POST}\"]\nprefetch = 2\nconcurrency = 4\n\
         [egress]\nca_files = [\"ours.pem\"]"
    );
    let served = Served::start(setup, &lines).await;
    let gate = Gate::new();
    let held = Upstream::start({
        let gate = gate.clone();
        move |_| Reply::json("{\"held\": true}").behind(&gate)
    })
    .await;
    let upstream = Upstream::start(|_| Reply::json("{\"ok\": true}")).await;
    let bundle = served.bundle().await;
    // This one is under way through all of it.
    let variables = process(json!({"url": held.url("/"), "data": {"n": 0}}));
    let longest = bundle.begin(&Task::of(POST), &variables).await;
    held.arrived(1).await;

    let flow = async {
        let mut executions = Vec::new();
        for n in 0..150 {
            let variables = process(json!({"url": upstream.url("/"), "data": {"n": n}}));
            executions.push(bundle.begin(&Task::of(POST), &variables).await);
            // Some come before each change, and some after it.
            sleep(Duration::from_millis(15)).await;
        }
        executions
    };
    let changes = async {
        upstream.arrived(10).await;
        let both = format!("serve = [\"{POST}\", \"{GET}\"]");
        served.edit(&[(&format!("serve = [\"{POST}\"]"), &both)]);
        let ended = served.reload().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stdout.contains("next start"), "{ended:?}");
        assert_eq!(consumers(&served, GET).await, Some(1));
        upstream.arrived(40).await;
        served.edit(&[("prefetch = 2", "prefetch = 20")]);
        served.proxy.signal("HUP");
        served.proxy.log_line(&["Reloaded", "SIGHUP"]).await;
        upstream.arrived(80).await;
        served.edit(&[(&clear, &secure)]);
        let ended = served.reload().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        served.proxy.log_line(&["Connected", "amqps://"]).await;
    };
    let (executions, ()) = tokio::join!(flow, changes);
    for execution in &executions {
        bundle.outputs(execution).await;
    }
    let counts = arrived(&upstream);
    assert_eq!(counts.len(), 150);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    gate.open();
    assert!(bundle.outputs(&longest).await.contains_key("held"));
    assert_eq!(held.seen().len(), 1);
    assert_eq!((bundle.answers().len(), bundle.ignored()), (151, 0));
    assert_eq!(consumers(&served, POST).await, Some(1));
    let variables = process(json!({"url": upstream.url("/get"), "n": 1}));
    let execution = bundle.begin(&Task::of(GET), &variables).await;
    bundle.outputs(&execution).await;
}

/// Sends one request, and waits for its end.
async fn works(bundle: &Bundle, upstream: &Upstream) {
    let variables = process(json!({"url": upstream.url("/"), "data": {"n": 1}}));
    let execution = bundle.begin(&Task::of(POST), &variables).await;
    bundle.outputs(&execution).await;
}

#[tokio::test]
async fn settings_that_cannot_be_served_leave_the_old_ones_at_work() {
    let rabbit = rabbit::shared().await;
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let (_socket, closed) = closed_port();
    let good = format!("amqp = \"{}\"", rabbit.url());
    for (bad, part) in [
        (
            format!("amqp = \"amqp://guest:guest@{closed}\""),
            "is it running",
        ),
        (
            good.replace("guest:guest", "guest:w0rng-p4ss"),
            "does not accept the user",
        ),
        (good.replace("amqp://", "amqps://"), "without TLS"),
        (format!("{good}\nprefetch = 0"), "`activiti.prefetch`"),
        (format!("{good}\ngroup = \"\""), "`activiti.group`"),
    ] {
        served.edit(&[(&good, &bad)]);
        let ended = served.reload().await;
        assert_ne!(ended.code, Some(0), "{bad}: {ended:?}");
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert!(told.contains(part), "{part} is not in {told}");
        assert!(!told.contains("w0rng-p4ss"), "{told}");
        works(&bundle, &upstream).await;
        assert!(!served.proxy.problems().await.contains("activiti"));
        served.edit(&[(&bad, &good)]);
    }
    assert!(
        !served
            .proxy
            .log()
            .contains("connection to the message broker was lost")
    );
}

#[tokio::test]
async fn the_service_begins_and_ends_with_a_reload() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    works(&bundle, &upstream).await;
    served.edit(&[("amqp = ", "#amqp = ")]);
    assert_eq!(served.reload().await.code, Some(0));
    until("nobody consumes", async || {
        consumers(&served, POST).await == Some(0)
    })
    .await;
    assert_eq!(served.proxy.get("/readyz").await.status, 200);
    // What comes meanwhile waits.
    let variables = process(json!({"url": upstream.url("/"), "data": {"n": 2}}));
    let execution = bundle.begin(&Task::of(POST), &variables).await;
    served.edit(&[("#amqp = ", "amqp = ")]);
    assert_eq!(served.reload().await.code, Some(0));
    bundle.outputs(&execution).await;
    assert_eq!(upstream.seen().len(), 2);

    // The same for a process that began without.
    let config = std::fs::read_to_string(served.proxy.path().join("crosspoint.toml")).unwrap();
    served.proxy.stop().await;
    let proxy = Setup::new().config("[connectors.http]\n").serve().await;
    std::fs::write(proxy.path().join("crosspoint.toml"), &config).unwrap();
    assert_eq!(proxy.run(&["reload"]).await.code, Some(0));
    works(&bundle, &upstream).await;
}

#[tokio::test]
async fn settings_may_change_while_the_message_broker_is_away() {
    let rabbit = rabbit::shared().await;
    let (_socket, closed) = closed_port();
    let (prefix, away) = (
        format!("a{}", unique()),
        format!("amqp://guest:guest@{closed}"),
    );
    let config = format!(
        "[activiti]\namqp = \"{away}\"\ndestination_prefix = \"{prefix}\"\nserve = [\"{GET}\"]\n"
    );
    let proxy = Setup::new().config(&config).serve().await;
    let served = Served { proxy, prefix };
    served.proxy.log_line(&["ERROR", "is it running"]).await;
    served.edit(&[(&format!("serve = [\"{GET}\"]"), "serve = [\"http.*\"]")]);
    let ended = served.reload().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // What does not work is told, and is no reason to keep the old settings.
    assert!(ended.stdout.contains("is it running"), "{ended:?}");
    assert!(served.proxy.problems().await.contains("is it running"));
    served.edit(&[(&away, &rabbit.url())]);
    let ended = served.reload().await;
    assert_eq!(
        (ended.code, ended.stdout.contains("is it running")),
        (Some(0), false),
        "{ended:?}"
    );
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    works(&served.bundle().await, &upstream).await;
    assert!(!served.proxy.problems().await.contains("activiti"));
}
