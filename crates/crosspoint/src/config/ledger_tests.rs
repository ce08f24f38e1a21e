//! The ledger, long calls and callbacks: what may be written, every mistake, and what wiring gets.

use super::super::durations::Delay;
use super::super::policy::{Bodies, KeySource, Policy};
use super::super::store::Durability;
use super::super::{effective, effective_json};
use super::tests::{ok, problems, warnings};
use super::*;

const CANARY: &str = "canary-51d0e7";

const FULL: &str = r#"
data_dir = "state"

[store]
url = "postgres://crosspoint:canary-51d0e7@db.example/ledger"
durability = "full"
lease = "10s"
master_key = "/run/secrets/master.key"
retention = { age = "30d", size = "500MiB" }

[spiff]
engine_url = "https://spiff.example/"
callback_token = "env:TOKEN"
long_deadline = "2h"
callback_retry = "12h"

[connectors.http.policy]
async_after = "30s"
key = "task"
bodies = "none"

[connectors.crm]
python = "connector-crm"
policy = { async_after = "0s", bodies = "full" }
"#;

fn url_of(loaded: &Loaded) -> Option<&str> {
    match &loaded.store {
        StoreTarget::At(url) => Some(url.expose()),
        StoreTarget::None => None,
    }
}

#[test]
fn nothing_at_all_is_a_file_in_the_data_folder() {
    let loaded = ok("data_dir = \"state\"", &[]);
    assert_eq!(url_of(&loaded), Some("sqlite:state/crosspoint.db"));
    assert_eq!(loaded.master_key, Path::new("state/master.key"));
    assert_eq!(loaded.callback_token, None);
    let store = &loaded.config.store;
    assert_eq!(store.durability, Durability::Process);
    assert_eq!(store.lease.to_string(), "30s");
    assert_eq!(store.retention.age.to_string(), "90d");
    assert_eq!(store.retention.size.to_string(), "10GiB");
    let spiff = &loaded.config.spiff;
    assert_eq!(spiff.long_deadline.to_string(), "1h");
    assert_eq!(spiff.callback_retry.to_string(), "24h");
    let policy = loaded.config.connectors.common("http").1;
    assert_eq!(policy, Policy::default());
}

#[test]
fn everything_that_may_be_written_is_read() {
    let loaded = ok(FULL, &[("TOKEN", "token-of-env")]);
    let url = format!("postgres://crosspoint:{CANARY}@db.example/ledger");
    assert_eq!(url_of(&loaded), Some(&*url));
    assert_eq!(loaded.master_key, Path::new("/run/secrets/master.key"));
    let token = loaded.callback_token.as_ref().unwrap();
    assert_eq!(token.expose(), "token-of-env");
    let config = &loaded.config;
    assert_eq!(config.store.durability, Durability::Full);
    assert_eq!(config.store.lease.to_string(), "10s");
    assert_eq!(config.store.retention.age.to_string(), "30d");
    assert_eq!(config.store.retention.size.0, 500 << 20);
    let engine = config.spiff.engine_url.as_ref().unwrap();
    assert_eq!(engine.origin(), "https://spiff.example");
    let policy = config.connectors.common("http").1;
    assert_eq!(policy.async_after.unwrap().to_string(), "30s");
    assert_eq!(
        (policy.key, policy.bodies),
        (Some(KeySource::Task), Some(Bodies::None))
    );
    let policy = config.connectors.common("crm").1;
    assert_eq!(policy.async_after, Some(Delay(Default::default())));
    assert_eq!(policy.bodies, Some(Bodies::Full));
    assert!(loaded.warnings.is_empty());
    let secrets: Vec<_> = all_secrets(&loaded).collect();
    assert_eq!(secrets, ["token-of-env", CANARY]);
}

#[test]
fn all_of_it_can_be_set_by_variables() {
    let loaded = ok(
        "[connectors.crm]\npython = \"connector-crm\"",
        &[
            ("CROSSPOINT_STORE__URL", "env:DATABASE"),
            ("CROSSPOINT_STORE__DURABILITY", "full"),
            ("CROSSPOINT_STORE__LEASE", "5s"),
            ("CROSSPOINT_STORE__MASTER_KEY", "master.key"),
            ("CROSSPOINT_STORE__RETENTION__AGE", "720h"),
            ("CROSSPOINT_STORE__RETENTION__SIZE", "1048576"),
            ("CROSSPOINT_SPIFF__ENGINE_URL", "http://localhost:8000"),
            ("CROSSPOINT_SPIFF__CALLBACK_TOKEN", "env:TOKEN"),
            ("CROSSPOINT_SPIFF__LONG_DEADLINE", "2h"),
            ("CROSSPOINT_SPIFF__CALLBACK_RETRY", "3h"),
            ("CROSSPOINT_CONNECTORS__CRM__POLICY__ASYNC_AFTER", "5s"),
            ("CROSSPOINT_CONNECTORS__HTTP__POLICY__KEY", "task"),
            ("CROSSPOINT_CONNECTORS__HTTP__POLICY__BODIES", "full"),
            ("DATABASE", "postgresql://db.example/ledger"),
            ("TOKEN", "token-of-env"),
        ],
    );
    assert_eq!(url_of(&loaded), Some("postgresql://db.example/ledger"));
    assert_eq!(loaded.master_key, Path::new("master.key"));
    assert_eq!(loaded.config.store.lease.to_string(), "5s");
    assert_eq!(loaded.config.store.retention.age.to_string(), "30d");
    assert_eq!(loaded.config.store.retention.size.to_string(), "1MiB");
    let policy = loaded.config.connectors.common("crm").1;
    assert_eq!(policy.async_after.unwrap().to_string(), "5s");
    assert_eq!(all_secrets(&loaded).collect::<Vec<_>>(), ["token-of-env"]);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = r#"[store]
url = "mysql://u:canary-51d0e7@h/d"
durability = "fsync"
master_kye = "a"
master_key = ""
retention = { age = "5y", size = "1KiB" }
lease = "1s"

[spiff]
engine_url = "http://localhost:8000/api"
callback_token = "env:NONE"
long_deadline = "25h"
callback_retry = "0s"

[connectors.http.policy]
async_after = "soon"
key = "header "
bodies = "all"
"#;
    let expected = "\
crosspoint.toml:2:7: `store.url`: it is not the URL of a store
  help: expected `sqlite:<file>`, `postgres://…`, `none`, or a reference such as `env:NAME`
crosspoint.toml:3:14: `store.durability`: `fsync` is not one of the choices
  help: expected `process` or `full`
crosspoint.toml:4:1: unknown key `store.master_kye`
  help: did you mean `master_key`?
crosspoint.toml:5:14: `store.master_key`: it is empty
  help: write a path, or take it out
crosspoint.toml:6:21: `store.retention.age`: `5y` is not a duration
  help: expected a duration such as `90d` or `720h`
crosspoint.toml:6:34: `store.retention.size`: `1KiB` is less than `1MiB`
  help: expected a size such as `10GiB`, `500 MiB` or a number of bytes
crosspoint.toml:7:9: `store.lease`: `1s` is shorter than `3s`
  help: expected a duration such as `30s`
crosspoint.toml:10:14: `spiff.engine_url`: a path does not belong there
  help: write only the origin: `http://localhost:8000`
crosspoint.toml:11:18: `spiff.callback_token`: `env:NONE` is not set
crosspoint.toml:12:17: `spiff.long_deadline`: `25h` is longer than `24h`
  help: expected a duration such as `40s`, `1m 30s` or `PT40S`
crosspoint.toml:13:18: `spiff.callback_retry`: `0s` is shorter than `1ms`
  help: expected a duration such as `40s`, `1m 30s` or `PT40S`
crosspoint.toml:16:15: `connectors.http.policy.async_after`: `soon` is not a duration
  help: expected a duration such as `30s`, or `0s`
crosspoint.toml:17:7: `connectors.http.policy.key`: `header ` is not one of the choices
  help: expected `header` or `task`
crosspoint.toml:18:10: `connectors.http.policy.bodies`: `all` is not one of the choices
  help: expected `none`, `summary` or `full`

14 mistakes in the configuration";
    assert_eq!(problems(text, &[]), expected);
}

#[test]
fn what_needs_the_ledger_is_refused_without_one() {
    let text = "[store]\nurl = \"none\"\n[connectors.http.policy]\nasync_after = \"30s\"\n\
                [connectors.crm]\npython = \"connector-crm\"\npolicy = { key = \"task\" }\n";
    let variables = [("CROSSPOINT_CONNECTORS__SMTP__POLICY__KEY", "task")];
    let expected = "\
crosspoint.toml:4:15: `connectors.http.policy.async_after` needs the ledger, which `store.url = \"none\"` switches off
  help: take one of the two out
crosspoint.toml:7:18: `connectors.crm.policy.key = \"task\"` needs the ledger, which `store.url = \"none\"` switches off
  help: take one of the two out
environment CROSSPOINT_CONNECTORS__SMTP__POLICY__KEY: `connectors.smtp.policy.key = \"task\"` needs the ledger, which `store.url = \"none\"` switches off
  help: take one of the two out

3 mistakes in the configuration";
    assert_eq!(problems(text, &variables), expected);
    let by_reference = text.replace("\"none\"", "\"env:STORE\"");
    let found = problems(&by_reference, &[("STORE", "none")]);
    assert!(
        found.ends_with("2 mistakes in the configuration"),
        "{found}"
    );
    // Whatever a reference that leads nowhere was meant to say, that is the mistake.
    let found = problems(&by_reference, &[]);
    assert!(
        found.ends_with("\n\n1 mistake in the configuration"),
        "{found}"
    );
    let off = "[store]\nurl = \"none\"\n[connectors.http.policy]\nkey = \"header\"";
    assert_eq!(url_of(&ok(off, &[])), None);
}

#[test]
fn a_reference_to_something_else_than_a_store_is_a_mistake_that_does_not_quote_it() {
    let variables = [("STORE", "mysql://u:canary-51d0e7@h/d")];
    let found = problems("[store]\nurl = \"env:STORE\"", &variables);
    assert_eq!(
        found,
        "crosspoint.toml:2:7: `store.url`: `env:STORE` is not the URL of a store\n  help: expected \
         `sqlite:<file>`, `postgres://…`, `none`, or a reference such as `env:NAME`\n\
         \n1 mistake in the configuration"
    );
}

#[test]
fn a_call_becomes_long_before_its_deadline() {
    let found = |lines: &str| {
        let text = format!("{lines}\n[connectors.http.policy]\nasync_after = \"40s\"");
        problems(&text, &[])
    };
    assert_eq!(
        found(""),
        "crosspoint.toml:3:15: `connectors.http.policy.async_after` is `40s`, but `spiff.deadline` \
         ends the call at `40s`\n  help: write less than `40s`\n\
         \n1 mistake in the configuration"
    );
    let own = "[spiff]\ndeadline = \"1m\"\n[connectors.crm]\npython = \"connector-crm\"\n\
               policy = { deadline = \"20s\", async_after = \"20s\" }";
    assert_eq!(
        problems(own, &[]),
        "crosspoint.toml:5:44: `connectors.crm.policy.async_after` is `20s`, but \
         `connectors.crm.policy.deadline` ends the call at `20s`\n  help: write less than `20s`\n\
         \n1 mistake in the configuration"
    );
    let long = found("[spiff]\ndeadline = \"1m\"\nlong_deadline = \"30s\"");
    assert!(
        long.contains("`spiff.long_deadline` ends the call at `30s`"),
        "{long}"
    );
    ok(
        "[connectors.http.policy]\nasync_after = \"39s\"\ndeadline = \"1h\"",
        &[],
    );
}

#[test]
fn a_token_that_others_can_read_or_that_is_a_misspelled_reference_is_a_warning() {
    let text = "[spiff]\nengine_url = \"http://spiff.example:8000\"\n";
    assert!(warnings(text, &[]).is_empty());
    assert_eq!(
        warnings(&format!("{text}callback_token = \"vault:a/b\""), &[]),
        [
            "crosspoint.toml:2:14: `spiff.callback_token` goes to `http://spiff.example:8000` in \
             clear: anyone on the way can read it\n  help: use `https`, if the engine has it",
            "crosspoint.toml:3:18: `spiff.callback_token` looks like a reference\n  help: it is \
             taken as the token itself; references begin with `env:`, `file:` or `exec:`",
        ]
    );
    for engine in ["https://spiff.example", "http://localhost:8000"] {
        let text = format!("[spiff]\nengine_url = \"{engine}\"\ncallback_token = \"{CANARY}\"");
        assert!(warnings(&text, &[]).is_empty(), "{engine}");
    }
    let odd = problems("[spiff]\ncallback_token = \"canary-ä\"", &[]);
    assert!(
        odd.contains("`spiff.callback_token` holds a character that is not ASCII"),
        "{odd}"
    );
    assert!(!odd.contains("canary"), "{odd}");
}

#[test]
fn references_into_the_store_that_lead_nowhere_are_told_all_at_once_with_their_places() {
    let text = "[access]\napi_keys = [\"secret:a\", { name = \"b\", key = \"secret:b\" }]\n\
                [spiff]\ncallback_token = \"secret:d\"\n\
                [python]\nenv = { A = \"secret:e\" }\n\
                [connectors.crm]\npython = \"connector-crm\"\nconfig = { A = \"secret:f\" }\n";
    let found = problems(text, &[]);
    for place in [
        "2:13: `access.api_keys`: `secret:a`",
        "2:25: `access.api_keys`: `secret:b`",
        "4:18: `spiff.callback_token`: `secret:d`",
        "6:13: `python.env.A`: `secret:e`",
        "9:16: `connectors.crm.config.A`: `secret:f`",
    ] {
        let line = format!("crosspoint.toml:{place} cannot be followed here");
        assert!(found.contains(&line), "{line}\n{found}");
    }
    assert!(
        found.ends_with("\n\n5 mistakes in the configuration"),
        "{found}"
    );
}

#[test]
fn what_is_secret_never_shows_in_what_fails() {
    for text in [
        "[store]\nurl = \"postgres://u:CANARY@h:port/d\"",
        "[store]\nurl = \"postgres://u:1/CANARY@h\"",
        "[store]\nurl = \"mysql://u:CANARY@h/d\"",
        "[store]\nurl = \"CANARY\"",
        "[store]\nurl = [\"postgres://u:CANARY@h/d\"]",
        "[store]\nurl = postgres://u:CANARY@h/d",
        "[store]\nurl = \"CANARY",
        "[store]\nurll = \"postgres://u:CANARY@h/d\"",
        "store = \"postgres://u:CANARY@h/d\"",
        "lisen = 1\n[store]\nurl = \"postgres://u:CANARY@h/d\"",
        "[spiff]\ncallback_token = \"CANARY",
        "[spiff]\ncallback_token = CANARY",
        "[spiff]\ncallback_token = [\"CANARY\"]",
        "[spiff]\ncallback_token = \"CANARY\\n\"",
        "[spiff]\nengine_url = \"http://u:CANARY@h\"",
        "[spiff]\nengine_url = \"u:CANARY@h\"",
        // The policy of a connector has a key of the same name, which is no secret.
        "[[access.api_keys]]\nname = \"a\"\nkey = \"CANARY",
    ] {
        let shown = problems(&text.replace("CANARY", CANARY), &[]);
        assert!(!shown.contains(CANARY), "{text}\n{shown}");
    }
}

#[test]
fn what_is_secret_never_shows_in_what_succeeds() {
    let token = [("TOKEN", "canary-51d0e7-token")];
    for text in [FULL.to_owned(), FULL.replace("env:TOKEN", CANARY)] {
        let loaded = ok(&text, &token);
        let json = effective_json(&loaded).to_string();
        for shown in [effective(&loaded), json, format!("{loaded:?}")] {
            assert!(!shown.contains(CANARY), "{shown}");
            assert!(
                shown.contains("postgres://crosspoint:***@db.example/ledger"),
                "{shown}"
            );
        }
    }
}

#[test]
fn a_masked_password_is_not_taken_for_a_password() {
    let shown = effective(&ok(FULL, &[("TOKEN", "token-of-env")]));
    let found = problems(&shown, &[("TOKEN", "token-of-env")]);
    assert!(
        found.contains("`store.url`: it has `***` for a password that is not shown"),
        "{found}"
    );
}
