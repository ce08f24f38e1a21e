//! Auths: what may be written, every mistake, and what the broker gets.

use crosspoint_broker::oauth::{ClientAuth, Grant};
use crosspoint_broker::profiles::Source;

use super::super::effective;
use super::*;

fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(DEFAULT_FILE), text).unwrap();
    let env = variables.iter().copied().collect();
    load_in(folder.path(), None, &env, crosspoint_connectors::BUILT_IN)
}

const FULL: &str = r#"
public_url = "https://proxy.example/base/"

[spiff]
redirect_hosts = ["arena.example", "localhost:8001"]

[connectors.http.auths.main]
description = "The CRM."
authorize_url = "https://login.example/authorize?tenant=7"
token_url = "https://login.example/token"
client_id = "me"
client_secret = "env:CRM_SECRET"
client_auth = "body"
scopes = ["read", "write"]
scope_separator = ","
authorize_parameters = { access_type = "offline" }
parameters = { audience = "crm" }
issuer = "https://login.example"
token_field = "token"
refresh_before = "30s"
expired = { status = [401, 403], body = "/token_(expired|revoked)/" }

[connectors.http.auths.robot]
grant = "jwt_bearer"
token_url = "https://login.example/token"
assertion = { key = "vault:apps/crm#key", issuer = "robot", key_id = "k1" }

[connectors.slack.auths.rotating]
grant = "refresh_token"
token_url = "https://slack.example/token"
client_id = "me"
refresh_token = "secret:slack.refresh"
"#;

#[test]
fn what_is_written_reaches_the_broker() {
    let loaded = load_text(FULL, &[("CRM_SECRET", "canary")]).unwrap();
    assert_eq!(
        loaded.config.public_url.as_ref().unwrap().0,
        "https://proxy.example/base"
    );
    let ids: Vec<_> = loaded
        .auths
        .iter()
        .map(|auth| auth.id.to_string())
        .collect();
    assert_eq!(ids, ["http/main", "http/robot", "slack/rotating"]);
    let main = &loaded.auths[0];
    assert_eq!(main.client_auth, ClientAuth::Body);
    assert_eq!(main.scope().as_deref(), Some("read,write"));
    assert_eq!(
        main.client_secret,
        Some(Source::Value(Secret::new("canary".into())))
    );
    let Grant::JwtBearer(assertion) = &loaded.auths[1].grant else {
        panic!("{:?}", loaded.auths[1]);
    };
    assert_eq!(assertion.subject, "robot");
    assert_eq!(assertion.audience, "https://login.example/token");
    assert_eq!(
        assertion.key.reference().as_deref(),
        Some("vault:apps/crm#key")
    );
    let seed = Source::Kept("slack.refresh".to_owned());
    assert_eq!(loaded.auths[2].grant, Grant::RefreshToken(seed));
    assert!(all_secrets(&loaded).any(|secret| secret == "canary"));
    let shown = effective(&loaded);
    assert!(!shown.contains("canary") && !format!("{loaded:?}").contains("canary"));
    assert!(
        shown.contains("client_secret = \"env:CRM_SECRET\""),
        "{shown}"
    );
    assert!(
        load_text(&shown, &[("CRM_SECRET", "canary")]).is_ok(),
        "{shown}"
    );
}

#[test]
fn every_mistake_is_told_at_once_and_without_a_value() {
    let text = r#"
public_url = "ftp://proxy.example"

[connectors.http.auths.main]
client_secret = "env:NOWHERE"
expired = { status = [99], body = "/(/" }

[connectors.http.auths.other]
grant = "refresh_token"
token_url = "https://user:canary@h/"
client_id = "me"

[connectors.http.auths."a b"]
grant = "client_credentials"
token_url = "https://h/"
client_id = "me"
client_secret = "secret:no such name"

[connectors.http.auths.robot]
grant = "jwt_bearer"
token_url = "https://h/"
assertion = { key = "secret:key" }
"#;
    let told = load_text(text, &[]).unwrap_err().to_string();
    for part in [
        "`public_url`: `ftp://proxy.example` is not an address",
        "`connectors.http.auths.main` has no `token_url`",
        "`connectors.http.auths.main` has no `authorize_url`",
        "`connectors.http.auths.main` has no `client_id`",
        "`env:NOWHERE` is not set",
        "`connectors.http.auths.main.expired.body` is not a regular expression",
        "`connectors.http.auths.main.expired.status[0]`: `99` is out of bounds",
        "`connectors.http.auths.other.token_url`: a user does not belong there",
        "`connectors.http.auths.other` has no `refresh_token`",
        "`a b` is not the name of an auth",
        "`connectors.http.auths.robot.assertion` does not say who states it",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert!(!told.contains("canary"), "{told}");
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let text = r#"
listen = "0.0.0.0:7004"
access = { anonymous = true }

[connectors.http.auths.main]
authorize_url = "http://login.example/authorize"
token_url = "http://127.0.0.1:9/token"
client_id = "me"
refresh_token = "secret:x"
"#;
    let loaded = load_text(text, &[]).unwrap();
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    let told = warnings.join("\n");
    for part in [
        "`connectors.http.auths.main.authorize_url` sends secrets in clear",
        "`connectors.http.auths.main.refresh_token` has no effect with this `grant`",
        "browsers that come back from a provider do not find this proxy",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert!(!told.contains("token_url"), "{told}");
}
