//! The effective configuration can be loaded again and says where it comes from.

use std::path::Path;

use super::*;
use crate::config::{Environment, load};

fn loaded(text: &str, env: &Environment) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    std::fs::write(&path, text).unwrap();
    load(Some(&path), env, crosspoint_connectors::BUILT_IN)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn shown(text: &str, env: &Environment) -> String {
    let loaded = loaded(text, env);
    let folder = loaded
        .file
        .as_deref()
        .and_then(Path::parent)
        .unwrap()
        .display()
        .to_string();
    effective(&loaded).replace(&format!("{folder}/"), "")
}

#[test]
fn it_says_where_each_value_comes_from() {
    let env = Environment::from_iter([
        ("CROSSPOINT_BUILTIN", "http"),
        ("CROSSPOINT_LOG", "debug"),
        ("CONNECTOR_PROXY_API_KEY", "canary-env"),
    ]);
    let text = "drain = \"PT1M30S\"\n[access]\napi_keys = [\n  \"canary-file\",\n  \
                { name = \"b\", key = \"exec:echo canary-exec\" },\n]\n\
                [connectors.http.egress]\npreset = \"public\"\n";
    assert_eq!(
        shown(text, &env),
        r#"listen = "127.0.0.1:7004"
# public_url is not set
log = "debug"  # from CROSSPOINT_LOG
log_format = "text"
data_dir = ".crosspoint"
builtin = ["http"]  # from CROSSPOINT_BUILTIN
max_body = "10MiB"
drain = "1m 30s"  # from c.toml:1

[access]
api_keys = ["***", { name = "b", key = "exec:echo canary-exec" }, "env:CONNECTOR_PROXY_API_KEY"]  # from c.toml:3 and c.toml:4 and c.toml:5 and CONNECTOR_PROXY_API_KEY
require_key = false
anonymous = false
hosts = []
cors_origins = []

[egress]
preset = "internal"
allow = []
deny = []
ca_files = []

[store]
# url is not set
durability = "process"
lease = "30s"
# master_key is not set

[store.retention]
age = "90d"
size = "10GiB"

[vault]
# address is not set
# token is not set
# namespace is not set
mount = "secret"
ttl = "5m"

[spiff]
deadline = "40s"
# engine_url is not set
redirect_hosts = []
# callback_token is not set
long_deadline = "1h"
callback_retry = "24h"

[api]
deadline = "5m"
long_deadline = "1h"
callback_origins = []
# callback_token is not set
callback_retry = "24h"

[activiti]
# amqp is not set
group = "crosspoint"
serve = []
stand_in_for = []
prefetch = 10
concurrency = 100
deadline = "1h"
attempts = 3
retry_pause = "1s"
answer_patience = "10m"
expressions = "refuse"
# service_name is not set
# app_name is not set
app_version = ""
# min_app_version is not set
# max_app_version is not set
destination_prefix = ""
destination_separator = "_"
destination_transformers_enabled = false
destination_transformers = ["toLowerCase", "escapeIllegalChars"]
destination_replacement = "-"
# result_destination is not set
# error_destination is not set

[mcp]
enabled = true
serve = ["*"]
deadline = "5m"
sessions = 1000
session_idle = "30m"
streams = 256

[cli]
deadline = "5m"

[python]
# venv is not set
install = []
extra_requirements = []
# interpreter is not set
# uv is not set
workers = 1
threads = 32

[python.recycle]
# calls is not set
# age is not set
# memory is not set

[automate]
# venv is not set
install = []
extra_requirements = []
modules = []
package = "built-in"
raw_credentials = false
check_every = "1m"

[connectors.http]
answers = "compatible"
max_answer = "10MiB"

[connectors.http.egress]
preset = "public"  # from c.toml:8
allow = []
deny = []

[connectors.http.policy]
# timeout is not set
# deadline is not set
# async_after is not set
# key is not set
# bodies is not set
# retries is not set
# retry_pause is not set
# retry_budget is not set
# rate is not set
# concurrency is not set
# queue is not set
# breaker is not set
"#
    );
}

#[test]
fn it_can_be_loaded_again() {
    let env = Environment::from_iter([
        ("KEY", "canary-1"),
        ("OTHER", "canary-2"),
        ("STORE", "postgres://u:canary@h/d"),
    ]);
    for text in [
        "",
        "builtin = []",
        "listen = \"[::1]:0\"\nlog = \"warn,a=debug\"\nmax_body = 1500\ndrain = \"1.5s\"",
        "[access]\napi_keys = [\"env:KEY\", { name = \"a \\\"b\\\" \\u007F\", key = \"env:OTHER\" }]\n\
         hosts = [\"A.example\"]\ncors_origins = [\"https://a.example\"]",
        "[egress]\nallow = [\"10.0.0.0/8\", \"*.a.example:443\"]\n[connectors.http.egress]\n\
         [connectors.http.policy]\ntimeout = \"20s\"",
        "builtin = [\"http\"]\n[python]\ninstall = [\"connector-a>=1,<2\", \"./b\"]\n\
         recycle = { calls = 5, memory = \"2GiB\" }\nenv = { KEY = \"env:KEY\" }\n\
         [connectors.a]\nidempotent = true\nconfig = { \"a.b\" = 1.5, \"\" = true, c = 3 }\n\
         [connectors.http]\npython = \"connector-http\"\nidempotent = [\"Get\"]\n\
         env = { \"WITH SPACE\" = \"x\" }",
        "[store]\nurl = \"env:STORE\"\ndurability = \"full\"\nretention = { age = \"36h\" }\n\
         [spiff]\nengine_url = \"https://H.example:443\"\ncallback_token = \"env:KEY\"\n\
         [connectors.http.policy]\nasync_after = \"0s\"\nkey = \"task\"\nbodies = \"full\"",
        "[store]\nurl = \"sqlite:a b%20.db\"\nmaster_key = \"k\"\nretention.size = 1048576",
        "[store]\nurl = \"none\"",
    ] {
        let first = loaded(text, &env);
        let again = loaded(&effective(&first), &env);
        assert_eq!(first.config, again.config, "{text}");
        assert_eq!(first.api_keys, again.api_keys);
        assert_eq!(first.mounted, again.mounted);
        assert_eq!(first.store, again.store);
        assert_eq!(first.master_key, again.master_key);
        assert_eq!(first.callback_token, again.callback_token);
    }
}

#[test]
fn a_connector_that_replaces_a_built_in_is_shown_in_its_place() {
    let text = "builtin = []\n[connectors.http]\npython = \"git+https://canary@h.example/x\"\n\
                workers = 2\n[connectors.http.env]\nTOKEN = \"canary-1\"\nURL = \"https://h\"\n\
                KEY = \"env:SECRET\"\n\"a b\" = \"\"\n";
    let env = Environment::from_iter([("SECRET", "canary-2")]);
    let shown = shown(text, &env);
    assert!(!shown.contains("canary"), "{shown}");
    let part = &shown[shown.find("\n[connectors.").unwrap()..];
    assert_eq!(
        part,
        r#"
[connectors.http]
python = "git+https://***@h.example/x"  # from c.toml:3
extra_requirements = []
# interpreter is not set
workers = 2  # from c.toml:4
# threads is not set
idempotent = []
max_answer = "10MiB"
start_timeout = "1m"
unresponsive_after = "30s"

[connectors.http.env]
KEY = "env:SECRET"  # from c.toml:8
TOKEN = "***"  # from c.toml:6
URL = "https://h"  # from c.toml:7
"a b" = ""  # from c.toml:9

[connectors.http.recycle]
# calls is not set
# age is not set
# memory is not set

[connectors.http.policy]
# timeout is not set
# deadline is not set
# async_after is not set
# key is not set
# bodies is not set
# retries is not set
# retry_pause is not set
# retry_budget is not set
# rate is not set
# concurrency is not set
# queue is not set
# breaker is not set
"#
    );
}

#[test]
fn a_masked_key_is_not_taken_for_a_key() {
    let env = Environment::default();
    let first = loaded("[access]\napi_keys = [\"canary-1\"]", &env);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    std::fs::write(&path, effective(&first)).unwrap();
    let problems = load(Some(&path), &env, crosspoint_connectors::BUILT_IN)
        .unwrap_err()
        .to_string();
    assert!(
        problems.contains("`***` stands for a key that is not shown"),
        "{problems}"
    );
}

#[test]
fn as_json_it_has_origins_by_key() {
    let env = Environment::from_iter([("CROSSPOINT_SPIFF__DEADLINE", "20s")]);
    let json = effective_json(&loaded("", &env));
    assert_eq!(json["config"]["spiff"]["deadline"], "20s");
    assert_eq!(
        json["origins"]["spiff.deadline"],
        "environment CROSSPOINT_SPIFF__DEADLINE"
    );
    assert_eq!(json["warnings"], json!([]));
    assert!(json["file"].is_string());
}
