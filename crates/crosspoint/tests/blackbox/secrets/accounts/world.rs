//! What is planted, and who is there to tell it.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::harness::{Canaries, Reply, Seen, Setup, Upstream};
use crate::python::support::connector;
use crate::tracing::Collector;

/// A secret of a few characters, which no other text has.
pub(super) const SHORT: &str = "§q~";

/// Says what it knows, in every way that Python has.
const CRM: &str = r#"
import sys
class Tell:
    def __init__(self, how: str):
        self.how = how
    def execute(self, config, task_data):
        token = config["token"]
        print("the token is", token, file=sys.stderr)
        if self.how == "raise":
            raise RuntimeError(f"the token is {token} of {dict(config)}")
        if self.how == "chain":
            try:
                {}[token]
            except KeyError as error:
                raise ValueError(token) from error
        if self.how == "fail":
            return {"command_response": {"body": "{}", "mimetype": "application/json", "http_status": 400},
                    "error": {"error_code": "Refused", "message": f"not with {token}"},
                    "command_response_version": 2, "spiff__logs": [f"tried {token}"]}
        return {"response": "fine", "status": 200, "mimetype": "text/plain"}
"#;

/// The values, each in its place, and who is there to tell them.
pub(super) struct World {
    pub(super) canaries: Canaries,
    pub(super) upstream: Upstream,
    pub(super) collector: Collector,
    pub(super) setup: Setup,
    pub(super) key: String,
    /// What is typed or sent, by its name.
    pub(super) values: Vec<(&'static str, String)>,
}

/// The profiles of `http`: each has its secret from elsewhere.
pub(super) const PROFILES: [&str; 6] = ["file", "store", "kept", "vault", "oauth", "api"];

/// Systems in one: one that repeats what it was sent in an error page, a Vault, and a provider that gives
/// a token once and afterwards repeats what it was sent.
fn reply(seen: &Seen, vault: &str, token: &str, refresh: &str) -> Reply {
    match &*seen.target {
        "/v1/secret/data/apps/crm" => Reply::json(
            &json!({"data": {"data": {"key": vault}, "metadata": {"version": 1}}}).to_string(),
        ),
        "/token" if seen.text().contains("code=") => Reply::json(
            &json!({"access_token": token, "refresh_token": refresh, "expires_in": 3600})
                .to_string(),
        ),
        "/token" => {
            let told = json!({"error": "invalid_grant", "error_description": seen.everything()});
            Reply::status(400).body(told.to_string())
        }
        "/expires" => Reply::status(401).body(seen.everything()),
        _ => Reply::status(500).body(format!("<html>{}</html>", seen.everything())),
    }
}

pub(super) async fn world() -> World {
    let mut canaries = Canaries::default();
    let kept = canaries.plant_plain("secret:CRM");
    // One begins with the other.
    let store = format!("{kept}-and-m0r3");
    canaries.hide("the profile of the store", &store);
    let plant = |canaries: &mut Canaries, place: &'static str| (place, canaries.plant(place));
    let mut values: Vec<_> = [
        "file",
        "vault",
        "oauth",
        "refresh",
        "client",
        "vault token",
        "api",
        "python",
    ]
    .map(|place| plant(&mut canaries, place))
    .into();
    values.extend([("kept", kept), ("store", store)]);
    // So it goes into the header, in base64.
    canaries.hide(
        "the client's, encoded",
        &in_a_form(&value(&values, "client")),
    );
    let key = canaries.plant_plain("the API key of the file");
    let get = |name: &str| value(&values, name);
    let (vault, token, refresh) = (get("vault"), get("oauth"), get("refresh"));
    let upstream = Upstream::start(move |seen| reply(seen, &vault, &token, &refresh)).await;
    let collector = Collector::start().await;
    let profile = |name: &str, more: &str| {
        format!(
            "[connectors.http.profiles.{name}]\nsettings = {{ origin = \"{}\" }}\n{more}\n",
            upstream.url("")
        )
    };
    let config = [
        "log = \"trace\"\n[access]\napi_keys = [{ name = \"boss\", key = \"env:BOSS\" }]\n"
            .to_owned(),
        format!(
            "[vault]\naddress = \"{}\"\ntoken = \"env:VAULT\"\n",
            upstream.url("")
        ),
        profile(
            "file",
            &format!("secrets = {{ access_token = {} }}", json!(get("file"))),
        ),
        profile(
            "vault",
            "secrets = { access_token = \"vault:apps/crm#key\" }",
        ),
        profile("oauth", "auth = \"main\""),
        format!(
            "[connectors.http.auths.main]\nauthorize_url = \"{0}/authorize\"\n\
             token_url = \"{0}/token\"\nclient_id = \"me\"\nclient_secret = \"secret:CLIENT\"\n",
            upstream.url("")
        ),
        connector("crm", "./crm.py"),
        "[connectors.crm.profiles.long]\nsecrets = { token = \"env:CRM\" }\n".to_owned(),
        format!("[connectors.crm.profiles.short]\nsecrets = {{ token = \"{SHORT}\" }}\n"),
    ];
    let setup = collector
        .setup()
        .config(&config.concat())
        .file("crm.py", CRM)
        .env("BOSS", &key)
        .env("VAULT", get("vault token"))
        .env("CRM", get("python"));
    World {
        canaries,
        upstream,
        collector,
        setup,
        key,
        values,
    }
}

pub(super) fn value(values: &[(&'static str, String)], name: &str) -> String {
    let found = values.iter().find(|(own, _)| *own == name);
    found.unwrap_or_else(|| panic!("{name}")).1.clone()
}

pub(super) fn in_a_form(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
