//! Built-in connectors in the place of those of Activiti Enterprise.

use serde_json::json;

use super::bundle::Task;
use super::mapping::opened;
use super::{Served, process, rabbit, unique};
use crate::harness::{Reply, Setup, Upstream, closed_port, until};
use crate::python::mail::Mail;

#[tokio::test]
async fn the_rest_connector_always_succeeds_and_tells_what_went_wrong() {
    let upstream = Upstream::start(|seen| match seen.target.as_str() {
        "/gone" => Reply::status(404)
            .header("content-type", "application/json")
            .body("{\"why\": 1}"),
        _ => Reply::json("{\"ok\": true}"),
    })
    .await;
    let setup = Setup::new()
        .env("REST_HOST", "127.0.0.1")
        .env("REST_HTTP_PORT", upstream.address.port().to_string());
    let served = Served::start(setup, "stand_in_for = [\"restConnector\"]").await;
    // Nobody can listen where there was no exchange.
    let told = served.proxy.log();
    assert!(!told.contains("this stand-in"), "{told}");
    let bundle = served.bundle().await;
    for verb in [
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE",
    ] {
        let variables = process(json!({
            "restUrl": "http://${host}:${rest-http-port}/fine", "restUrlParams": {"q": "x y"},
            "requestPayload": {"n": 1}}));
        let execution = bundle
            .begin(&Task::of(&format!("restConnector.{verb}")), &variables)
            .await;
        let outputs = bundle.outputs(&execution).await;
        assert_eq!(
            opened(&outputs["restStatus"]),
            json!(200),
            "{verb}: {outputs:?}"
        );
        assert!(!outputs.contains_key("restError"), "{verb}: {outputs:?}");
        let last = upstream.last();
        assert_eq!(
            (last.method.as_str(), last.target.as_str()),
            (verb, "/fine?q=x+y")
        );
        if verb == "POST" {
            assert_eq!(last.json(), json!({"n": 1}));
            assert_eq!(opened(&outputs["restResult"]), json!({"ok": true}));
        }
    }
    let variables = process(json!({"restUrl": upstream.url("/gone")}));
    let execution = bundle
        .begin(&Task::of("restConnector.GET"), &variables)
        .await;
    let outputs = bundle.outputs(&execution).await;
    assert_eq!(opened(&outputs["restStatus"]), json!(404));
    assert!(outputs.contains_key("restError"), "{outputs:?}");
    let (_socket, closed) = closed_port();
    for variables in [json!({"restUrl": format!("http://{closed}/")}), json!({})] {
        let execution = bundle
            .begin(&Task::of("restConnector.GET"), &process(variables))
            .await;
        let outputs = bundle.outputs(&execution).await;
        assert_eq!(outputs.keys().collect::<Vec<_>>(), ["restError"]);
    }
}

#[tokio::test]
async fn mail_and_slack_tell_which_parameter_is_missing() {
    let served = Served::start(
        Setup::new(),
        "stand_in_for = [\"emailConnector\", \"slackConnector\"]",
    )
    .await;
    let bundle = served.bundle().await;
    for (implementation, variables, output, part) in [
        (
            "emailConnector.SEND",
            json!({"to": "a@x", "from": "b@x"}),
            "email.error",
            "EMAIL_HOST",
        ),
        (
            "slackConnector.SEND_MESSAGE",
            json!({"text": "hi", "channelId": "C1"}),
            "slackError",
            "SLACK_XOXB",
        ),
    ] {
        let execution = bundle
            .begin(&Task::of(implementation), &process(variables))
            .await;
        let outputs = bundle.outputs(&execution).await;
        let told = opened(&outputs[output]);
        assert!(told.as_str().unwrap().contains(part), "{told}");
    }
}

#[tokio::test]
async fn the_email_connector_sends_by_the_profile_or_by_its_variables() {
    let mut mail = Mail::start().await;
    let by_profile = format!(
        "stand_in_for = [\"emailConnector\"]\n[connectors.smtp.profiles.post]\n\
         settings = {{ smtp_host = \"127.0.0.1\", smtp_port = {} }}\n",
        mail.port
    );
    let by_variables = Setup::new()
        .env("EMAIL_HOST", "127.0.0.1")
        .env("EMAIL_PORT", mail.port.to_string())
        .env("EMAIL_USERNAME", "nobody")
        .env("EMAIL_SMTP_AUTH", "false");
    for (setup, lines) in [
        (Setup::new().env("EMAIL_PORT", "1"), &*by_profile),
        (by_variables, "stand_in_for = [\"emailConnector\"]"),
    ] {
        let served = Served::start(setup, lines).await;
        let bundle = served.bundle().await;
        let variables = process(json!({"to": "a@x.example", "from": "b@x.example",
                                       "subject": "S", "text": "T"}));
        let execution = bundle
            .begin(&Task::of("emailConnector.SEND"), &variables)
            .await;
        let outputs = bundle.outputs(&execution).await;
        assert!(outputs.is_empty(), "{outputs:?}");
        assert_eq!(mail.event().await["subject"], json!("S"));
    }
}

#[tokio::test]
async fn an_exchange_that_was_there_before_a_stand_in_is_said() {
    let (rabbit, prefix) = (rabbit::shared().await, format!("p{}", unique()));
    let exchange = format!("{prefix}_slackConnector.SEND_MESSAGE");
    rabbit.make_exchange(&exchange).await;
    let config = format!(
        "[activiti]\namqp = \"{}\"\ndestination_prefix = \"{prefix}\"\n\
         stand_in_for = [\"slackConnector\"]",
        rabbit.url()
    );
    let proxy = Setup::new().config(&config).serve().await;
    proxy
        .log_line(&["WARN", &exchange, "was there before it", "Stop it first"])
        .await;
    until("its queue is there", async || {
        let queue = format!("{exchange}.crosspoint");
        rabbit.queue(&queue).await == Some((0, 1))
    })
    .await;
    // From now on both are there, and nobody can tell whose the exchange is.
    let proxy = proxy.kill().await.serve().await;
    proxy
        .log_line(&["INFO", &exchange, "from an earlier start"])
        .await;
    assert!(!proxy.log().contains("Stop it first"), "{}", proxy.log());
}
