//! Policies: what may be written, and every mistake.

use super::super::effective;
use super::tests::{ok, problems};

const FULL: &str = r#"
[connectors.http.policy]
timeout = "10s"
deadline = "30s"
retries = 2
retry_pause = "250ms"
retry_budget = "10%"
rate = "100/m"
concurrency = 8
queue = 64
breaker = { failures = 3, pause = "5s" }

[connectors.http.commands.GetRequestV2.policy]
retries = 0
rate = "10/s"
concurrency = 1

[connectors.crm]
python = "connector-crm"
[connectors.crm.commands.Anything.policy]
breaker = {}
"#;

#[test]
fn everything_that_may_be_written_is_read() {
    let loaded = ok(
        FULL,
        &[(
            "CROSSPOINT_CONNECTORS__HTTP__POLICY__BREAKER__FAILURES",
            "7",
        )],
    );
    let connectors = &loaded.config.connectors;
    let policy = connectors.common("http").1;
    assert_eq!(policy.retries, Some(2));
    assert_eq!(policy.retry_pause.unwrap().to_string(), "250ms");
    assert_eq!(policy.retry_budget.unwrap().to_string(), "10%");
    assert_eq!(policy.rate.unwrap().to_string(), "100/m");
    assert_eq!((policy.concurrency, policy.queue), (Some(8), Some(64)));
    let breaker = policy.breaker.clone().unwrap();
    let (within, pause) = (breaker.within.to_string(), breaker.pause.to_string());
    assert_eq!((breaker.failures, &*within, &*pause), (7, "30s", "5s"));
    let own = connectors.commands("http")["GetRequestV2"]
        .policy
        .over(&policy);
    assert_eq!((own.retries, own.timeout), (Some(0), policy.timeout));
    // The queue goes with the concurrency.
    assert_eq!((own.concurrency, own.queue), (Some(1), None));
    let crm = &connectors.commands("crm")["Anything"].policy;
    assert_eq!(crm.breaker.as_ref().unwrap().failures, 5);
}

#[test]
fn it_is_shown_and_can_be_loaded_again() {
    let loaded = ok(FULL, &[]);
    let shown = effective(&loaded);
    for part in [
        "rate = \"100/m\"  # from crosspoint.toml:8\n",
        "[connectors.http.policy.breaker]\nfailures = 3  # from crosspoint.toml:11\nwithin = \"30s\"\n",
        "[connectors.http.commands.GetRequestV2.policy]\n",
        "[connectors.crm.commands.Anything.policy.breaker]\n",
    ] {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
    assert_eq!(ok(&shown, &[]).config, loaded.config);
}

#[test]
fn every_value_that_makes_no_sense_is_a_mistake() {
    let text = r#"[connectors.http.policy]
retries = 11
retry_pause = "31s"
retry_budget = "200%"
rate = "0/s"
concurrency = 0
queue = -1
timeout = "-5s"
breaker = { failures = 0, within = "2h", pause = "0s", failurs = 3 }
retry = 2
[connectors.http.commands."Get Request".policy]
[connectors.http.commands.GetRequest]
polcy = { }
[connectors.http.commands.GetRequest.policy]
rate = 10
breaker = 5
"#;
    assert_eq!(
        problems(text, &[]),
        r#"crosspoint.toml:2:11: `connectors.http.policy.retries`: `11` is out of bounds
  help: expected a whole number from 0 to 10
crosspoint.toml:3:15: `connectors.http.policy.retry_pause`: `31s` is longer than `30s`
  help: expected a duration of at most `30s`
crosspoint.toml:4:16: `connectors.http.policy.retry_budget`: `200%` is not from `0%` to `100%`
  help: expected a share such as `20%`
crosspoint.toml:5:8: `connectors.http.policy.rate`: `0/s` lets no call through
  help: expected a rate such as `10/s`, `100/m` or `1000/h`
crosspoint.toml:6:15: `connectors.http.policy.concurrency`: `0` is out of bounds
  help: expected a whole number from 1 to 100000
crosspoint.toml:7:9: `connectors.http.policy.queue`: `-1` is out of bounds
  help: expected a whole number from 0 to 1000000
crosspoint.toml:8:11: `connectors.http.policy.timeout`: `-5s` is shorter than `1ms`
  help: expected a duration such as `40s`, `1m 30s` or `PT40S`
crosspoint.toml:9:24: `connectors.http.policy.breaker.failures`: `0` is out of bounds
  help: expected a whole number from 1 to 10000
crosspoint.toml:9:36: `connectors.http.policy.breaker.within`: `2h` is longer than `1h`
  help: expected a duration from `100ms` to `1h`
crosspoint.toml:9:50: `connectors.http.policy.breaker.pause`: `0s` is shorter than `1ms`
  help: expected a duration such as `40s`, `1m 30s` or `PT40S`
crosspoint.toml:9:56: unknown key `connectors.http.policy.breaker.failurs`
  help: did you mean `failures`?
crosspoint.toml:10:1: unknown key `connectors.http.policy.retry`
  help: did you mean `retry_pause`, `retry_budget` or `retries`?
crosspoint.toml:11:27: `connectors.http.commands.Get Request`: `Get Request` is not the name of a command
  help: expected the name of a command: letters, digits, `_` and `-`
crosspoint.toml:13:1: unknown key `connectors.http.commands.GetRequest.polcy`
  help: did you mean `policy`?
crosspoint.toml:15:8: `connectors.http.commands.GetRequest.policy.rate` must be text, not a number
  help: expected a rate such as `10/s`, `100/m` or `1000/h`, in quotes
crosspoint.toml:16:11: `connectors.http.commands.GetRequest.policy.breaker` must be a table, not a number
  help: write a `[table]`

16 mistakes in the configuration"#
    );
}

#[test]
fn limits_that_contradict_each_other_are_mistakes() {
    let text = r#"[connectors.http.policy]
timeout = "20s"
deadline = "10s"
queue = 5
retry_pause = "2s"
[connectors.smtp.policy]
retry_budget = "5%"
deadline = "30s"
[connectors.smtp.commands.SendEmail.policy]
timeout = "40s"
async_after = "35s"
queue = 1
retry_pause = "30s"
retries = 1
[connectors.slack.policy]
timeout = "20s"
retries = 1
[connectors.slack.commands.PostMessage.policy]
deadline = "5s"
retries = 0
retry_budget = "1%"
breaker = { within = "1ms", pause = "1h" }
[connectors.http.commands.GetRequst.policy]
retries = 1
"#;
    assert_eq!(
        problems(text, &[]),
        r#"crosspoint.toml:2:11: `connectors.http.policy.timeout` is `20s`, but `connectors.http.policy.deadline` ends the call at `10s`
  help: write less than `10s`
crosspoint.toml:4:9: `connectors.http.policy.queue` has no effect without `concurrency` beside it
  help: add `concurrency = …`, or take it out
crosspoint.toml:10:11: `connectors.smtp.commands.SendEmail.policy.timeout` is `40s`, but `connectors.smtp.policy.deadline` ends the call at `30s`
  help: write less than `30s`
crosspoint.toml:11:15: `connectors.smtp.commands.SendEmail.policy.async_after` is `35s`, but `connectors.smtp.policy.deadline` ends the call at `30s`
  help: write less than `30s`
crosspoint.toml:12:9: `connectors.smtp.commands.SendEmail.policy.queue` has no effect without `concurrency` beside it
  help: add `concurrency = …`, or take it out
crosspoint.toml:13:15: `connectors.smtp.commands.SendEmail.policy.retry_pause` is `30s`, but `connectors.smtp.policy.deadline` ends the call at `30s`
  help: write less than `30s`
crosspoint.toml:19:12: `connectors.slack.policy.timeout` is `20s`, but `connectors.slack.commands.PostMessage.policy.deadline` ends the call at `5s`
  help: write more than `20s`
crosspoint.toml:21:16: `connectors.slack.commands.PostMessage.policy.retry_budget` has no effect without `retries`
  help: add `retries = 1` or more, or take it out
crosspoint.toml:22:22: `connectors.slack.commands.PostMessage.policy.breaker.within`: `1ms` is shorter than `100ms`
  help: expected a duration from `100ms` to `1h`
crosspoint.toml:22:37: `connectors.slack.commands.PostMessage.policy.breaker.pause`: `1h` is longer than `5m`
  help: expected a duration of at most `5m`
crosspoint.toml:23:27: `connectors.http.commands.GetRequst`: `http` has no such command
  help: did you mean `GetRequest`, `GetRequestV2` or `PutRequestV2`?

11 mistakes in the configuration"#
    );
}
