//! `amqps`: the message broker with TLS.

use serde_json::json;

use super::bundle::Task;
use super::{Served, process, rabbit, unique};
use crate::harness::{Authority, Proxy, Reply, Setup, Upstream, until};

const GET: &str = "http.GetRequestV2";

/// A proxy that trusts this authority, if any, and is to connect to this address.
async fn served_at(url: &str, authority: Option<&Authority>) -> Proxy {
    let config = format!("[activiti]\namqp = \"{url}\"\nserve = [\"{GET}\"]\n");
    let setup = Setup::new();
    let setup = match authority {
        Some(authority) => {
            let trust = "[egress]\nca_files = [\"ours.pem\"]\n";
            let setup = setup.file("ours.pem", &authority.pem());
            setup.config(&format!("{config}{trust}"))
        }
        None => setup.config(&config),
    };
    setup.serve().await
}

#[tokio::test]
async fn service_tasks_are_served_over_tls_by_an_authority_of_our_own() {
    let rabbit = rabbit::shared().await;
    let prefix = format!("tls{}", unique());
    let config = format!(
        "[activiti]\namqp = \"{}\"\ndestination_prefix = \"{prefix}\"\nserve = [\"http.*\"]\n\
         [egress]\nca_files = [\"ours.pem\"]\n",
        rabbit.tls_url("localhost")
    );
    let setup = Setup::new().file("ours.pem", &rabbit::authority().pem());
    let proxy = setup.config(&config).serve().await;
    proxy.log_line(&["Connected", "amqps://localhost"]).await;
    until("the queues are bound", async || {
        proxy.get("/readyz").await.status == 200
    })
    .await;
    let served = Served { proxy, prefix };
    let upstream = Upstream::start(|_| Reply::json("{\"secure\": true}")).await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let execution = bundle.begin(&Task::of(GET), &variables).await;
    let outputs = bundle.outputs(&execution).await;
    assert_eq!(outputs["secure"]["value"], json!("true"));
    // Commands to a runtime bundle go the same way.
    let app = unique();
    let commands = served.exchange(&format!("commandConsumer_{app}"));
    rabbit.make_exchange(&commands).await;
    rabbit.bind_queue(&commands).await;
    let signal = ["activiti", "send", "signal", "go", "--app", &app];
    let sent = served.proxy.run(&signal).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert_eq!(rabbit.queue(&commands).await, Some((1, 0)));
}

#[tokio::test]
async fn what_is_wrong_with_tls_is_said_with_what_to_do_and_everything_else_serves() {
    let rabbit = rabbit::shared().await;
    let (ours, other) = (rabbit::authority(), Authority::new());
    let clear = rabbit.url();
    for (url, authority, parts) in [
        (
            rabbit.tls_url("localhost"),
            None,
            ["authority", "egress.ca_files"],
        ),
        (
            rabbit.tls_url("localhost"),
            Some(&other),
            ["authority", "egress.ca_files"],
        ),
        (
            rabbit.tls_url("127.0.0.1"),
            Some(ours),
            ["not for 127.0.0.1", "the name"],
        ),
        (
            rabbit.tls_url("localhost").replace("amqps:", "amqp:"),
            Some(ours),
            ["TLS", "amqps://"],
        ),
        (
            clear.replace("amqp:", "amqps:"),
            Some(ours),
            ["without TLS", "amqp://"],
        ),
    ] {
        let proxy = served_at(&url, authority).await;
        let line = proxy
            .log_line(&["ERROR", "connecting to", "activiti.amqp"])
            .await;
        for part in parts {
            assert!(line.contains(part), "{url}: {part} is not in {line}");
        }
        until("it is ready", async || {
            proxy.get("/readyz").await.status == 200
        })
        .await;
        assert!(proxy.problems().await.contains(parts[1]));
        assert_eq!(proxy.get("/v1/commands").await.status, 200);
        assert_eq!(proxy.stop().await.code, Some(0));
    }
}
