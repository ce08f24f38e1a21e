//! Profiles: what may be written, how it is shown, and every mistake.

use std::time::Duration;

use crosspoint_broker::profiles::Source;

use super::super::effective;
use super::tests::{ok, problems, warnings};

const FULL: &str = r##"
[connectors.slack.profiles.prod]
default = true
secrets = { token = "secret:SLACK.PROD" }
check_every = "5m"

[connectors.slack.profiles.test]
enabled = false
secrets = { token = "env:TEST_TOKEN" }

[connectors.smtp.profiles.main]
settings = { smtp_host = "env:MAIL_HOST", smtp_port = 587, smtp_starttls = true }
secrets = { smtp_password = "canary-9d1f" }

[connectors.crm]
python = "connector-crm"
[connectors.crm.profiles.prod]
settings = { url = "https://crm.example", api_key = "canary-7c2e" }
secrets = { token = "vault:apps/crm#token" }
auth = "main"
"##;

const VARIABLES: [(&str, &str); 2] = [("TEST_TOKEN", "canary-31aa"), ("MAIL_HOST", "mail.example")];

#[test]
fn everything_that_may_be_written_is_read() {
    let loaded = ok(FULL, &VARIABLES);
    let of = |id: &str| {
        loaded
            .profiles
            .iter()
            .find(|p| p.id.to_string() == id)
            .unwrap()
    };
    let prod = of("slack/prod");
    assert!(prod.enabled && prod.default);
    assert_eq!(prod.check_every, Some(Duration::from_secs(300)));
    assert_eq!(prod.secrets["token"], Source::Kept("SLACK.PROD".to_owned()));
    assert!(!of("slack/test").enabled);
    let main = of("smtp/main");
    assert_eq!(main.settings["smtp_host"], "mail.example");
    assert_eq!(main.settings["smtp_port"], 587);
    let crm = of("crm/prod");
    assert_eq!(
        crm.secrets["token"].reference().unwrap(),
        "vault:apps/crm#token"
    );
    assert_eq!(crm.auth.as_deref(), Some("main"));
}

#[test]
fn secrets_are_masked_and_references_are_shown() {
    let loaded = ok(FULL, &VARIABLES);
    let shown = effective(&loaded);
    for line in [
        "token = \"secret:SLACK.PROD\"",
        "token = \"env:TEST_TOKEN\"",
        "smtp_password = \"***\"",
        "token = \"vault:apps/crm#token\"",
        "api_key = \"***\"",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let debug = format!("{:?}", loaded.config);
    assert!(
        !shown.contains("canary") && !debug.contains("canary"),
        "{shown}\n{debug}"
    );
    let masked: Vec<_> = super::all_secrets(&loaded).collect();
    for secret in ["canary-9d1f", "canary-31aa", "canary-7c2e"] {
        assert!(masked.contains(&secret), "{secret}");
    }
}

#[test]
fn all_mistakes_are_found_with_their_places_and_no_value() {
    let file = r##"
[connectors.slack.profiles.one]
default = true
settings = { token = "canary" }
[connectors.slack.profiles.two]
default = true
secrets = { tokn = "canary", token = "" }
check_every = "soon"
[connectors.smtp.profiles.main]
settings = { smtp_port = "canary", smtp_host = "", email_from = "a@b" }
secrets = { email_from = "canary", smtp_password = "env:NOT_SET" }
auth = "a b"
[connectors.smtp.profiles."b d"]
[connectors.http.profiles.main]
secrets = { headers = "canary", access_token = "secret:a b", basic_auth_password = "vault:x" }
nothing = 1
[connectors.http.profiles.odd]
settings = { origin = "api.example/v1" }
[connectors.logging.profiles.main]
[connectors.slack.profiles.three]
auth = "main"
[connectors.slack.profiles.four]
auth = "mian"
[connectors.slack.auths.main]
authorize_url = "https://h/a"
token_url = "https://h/t"
client_id = "me"
"##;
    let found = problems(file, &[]);

    for part in [
        "`connectors.slack.profiles.two.default`: the default profile of `slack` is `one` already",
        "`connectors.slack.profiles.one.settings.token` is a secret: it does not belong among the",
        "`connectors.slack.profiles.two.secrets.tokn` is not known; did you mean 'token'?",
        "`connectors.slack.profiles.two.secrets.token`: it is empty",
        "`connectors.slack.profiles.two.check_every`: `soon` is not",
        "`connectors.smtp.profiles.main.settings.smtp_port` must be an integer, not text",
        "`connectors.smtp.profiles.main.settings.smtp_host` is empty",
        "`connectors.smtp.profiles.main.settings.email_from` is among the secrets, too",
        "`connectors.smtp.profiles.main.secrets.email_from` is no secret: it belongs among the",
        "`connectors.smtp.profiles.main.secrets.smtp_password` `env:NOT_SET` is not set",
        "`connectors.smtp.profiles.main.auth`: `a b` is not the name of an auth",
        "`connectors.smtp.profiles.b d`: `b d` is not the name of a profile",
        "`connectors.http.profiles.main.secrets.headers` must be an object, not text",
        "`connectors.http.profiles.main.secrets.access_token`: `secret:` wants the name of a secret",
        "`connectors.http.profiles.main.secrets.basic_auth_password`: `vault:` wants a path and a",
        "`connectors.http.profiles.main.settings.origin` has no value, so that nothing says which",
        "`connectors.http.profiles.odd.settings.origin` must be a scheme, a host and a port",
        "`connectors.slack.profiles.three.auth`: the token of `main` fills the field `access_token`,",
        "set `token_field` in [connectors.slack.auths.main]: `token`",
        "`connectors.slack.profiles.four.auth`: `slack` has no auth `mian`",
        "did you mean `main`?",
        "unknown key `connectors.http.profiles.main.nothing`",
        "unknown key `connectors.logging.profiles`",
    ] {
        assert!(found.contains(part), "{part}\n{found}");
    }
    assert!(found.contains("crosspoint.toml:4:"), "{found}");
    assert!(!found.contains("canary"), "{found}");
}

#[test]
fn no_variable_sets_a_key_of_a_profile() {
    let name = "CROSSPOINT_CONNECTORS__SLACK__PROFILES__PROD__ENABLED";
    let found = problems(FULL, &[VARIABLES[0], VARIABLES[1], (name, "false")]);
    assert!(found.contains("there is no such setting"), "{found}");
}

#[test]
fn a_secret_that_is_a_misspelled_reference_is_a_warning() {
    let file = |secret: &str| {
        format!("[connectors.slack.profiles.prod]\nsecrets = {{ token = \"{secret}\" }}\n")
    };
    let told = warnings(&file("evn:SLACK_TOKEN"), &[]).join("\n");
    let part = "`connectors.slack.profiles.prod.secrets.token` looks like a reference, and is none";
    assert!(told.contains(part), "{told}");
    assert!(warnings(&file("xoxb:4711"), &[]).is_empty());
}
