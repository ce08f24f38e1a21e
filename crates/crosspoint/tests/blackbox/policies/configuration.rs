//! Policies that cannot be meant.

use crate::harness::Setup;
use crate::python::support::{bare, connector, ready, zoo};

#[tokio::test]
async fn every_mistake_is_told_at_once_and_nothing_starts() {
    let config = "[connectors.http.policy]\n\
                  timeout = \"20s\"\n\
                  deadline = \"10s\"\n\
                  queue = 5\n\
                  retry_pause = \"1s\"\n\
                  rate = \"10 per second\"\n\
                  retires = 2\n\
                  breaker = { failures = -1, pause = \"10m\" }\n\
                  [connectors.smtp.commands.SendMail.policy]\n\
                  retries = 99\n";
    for command in [&["config", "check"][..], &["serve"]] {
        let ended = Setup::new().config(config).run(command).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        for part in [
            "crosspoint.toml:2:11: `connectors.http.policy.timeout` is `20s`, but",
            "crosspoint.toml:4:9: `connectors.http.policy.queue` has no effect without `concurrency`",
            "crosspoint.toml:5:15: `connectors.http.policy.retry_pause` has no effect without `retries`",
            "crosspoint.toml:6:8: `connectors.http.policy.rate`: `10 per second` is not a rate",
            "crosspoint.toml:7:1: unknown key `connectors.http.policy.retires`\n  help: did you mean `retries`",
            "crosspoint.toml:8:24: `connectors.http.policy.breaker.failures`: `-1` is out of bounds",
            "crosspoint.toml:8:36: `connectors.http.policy.breaker.pause`: `10m` is longer than `5m`",
            "crosspoint.toml:9:27: `connectors.smtp.commands.SendMail`: `smtp` has no such command\n  \
             help: did you mean `SendEmail`?",
            "crosspoint.toml:10:11: `connectors.smtp.commands.SendMail.policy.retries`: `99` is out of bounds",
            "9 mistakes",
        ] {
            assert!(
                ended.stderr.contains(part),
                "{part} is not in:\n{}",
                ended.stderr
            );
        }
    }
}

#[tokio::test]
async fn what_is_in_effect_is_shown() {
    let config = "[connectors.http.policy]\nconcurrency = 8\n\
                  [connectors.http.commands.GetRequestV2.policy]\nrate = \"10/s\"\n";
    let ended = Setup::new().config(config).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in [
        "concurrency = 8  # from crosspoint.toml:2\n",
        "[connectors.http.commands.GetRequestV2.policy]\n",
        "rate = \"10/s\"  # from crosspoint.toml:4\n",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part} is not in:\n{}",
            ended.stdout
        );
    }
}

#[tokio::test]
async fn a_command_that_a_python_connector_does_not_have_is_told_when_it_has_loaded() {
    let config = connector("post", zoo("post.py"))
        + "[connectors.post.commands.Sned.policy]\ntimeout = \"5s\"\n\
           [connectors.post.commands.Send.policy]\ntimeout = \"5s\"\n";
    let proxy = Setup::new().config(&config).serve().await;
    let told = "[connectors.post.commands.Sned] has no effect, since post has no such command; \
                did you mean Send?";
    assert_eq!(ready(&proxy).await, [told]);
    proxy.log_line(&["WARN", told]).await;
    let sent = bare(&proxy, "post/Send", serde_json::json!({"to": "x"}));
    assert_eq!(sent.await, "sent to x");
    // A reload tells it once more, to whoever asked for it.
    let ended = proxy.run(&["reload"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}
