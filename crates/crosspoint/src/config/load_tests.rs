//! What loading finds, all of it at once, and what it gives.

use super::super::{effective, effective_json};
use super::*;

const CANARY: &str = "canary-7f3a9c";

/// Loads `text` as `crosspoint.toml` of a working directory.
fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(DEFAULT_FILE), text).unwrap();
    let env = variables.iter().copied().collect();
    load_in(folder.path(), None, &env, crosspoint_connectors::BUILT_IN)
}

pub(super) fn ok(text: &str, variables: &[(&str, &str)]) -> Loaded {
    load_text(text, variables).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(super) fn problems(text: &str, variables: &[(&str, &str)]) -> String {
    load_text(text, variables)
        .map(|_| ())
        .expect_err(text)
        .to_string()
}

pub(super) fn warnings(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    ok(text, variables)
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn nothing_at_all_is_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = load_in(
        folder.path(),
        None,
        &Environment::default(),
        crosspoint_connectors::BUILT_IN,
    )
    .unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!((loaded.file, loaded.origins.len()), (None, 0));
    assert!(loaded.api_keys.is_empty() && loaded.warnings.is_empty());
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = r#"lisen = "127.0.0.1:7004"
listen = "0.0.0.0:7004"
drain = "soon"
max_body = true
builtin = ["http", "htpp", "http"]

[access]
anonymous = "yes"
hosts = ["https://a.example", 3]

[egress]
preset = "privat"
deny = ["not an entry"]
ca_files = ["/nowhere/ca.pem"]

[spiff]
timeout = "5s"
deadline = 40

[connectors.smpt]
[connectors.http]
answers = "newest"
deadline = "5s"
policy = []
"#;
    let variables = [
        ("CROSSPOINT_CLI__DEADLINE", "25h"),
        ("CROSSPOINT_SPIFF_DEADLINE", "5s"),
        (
            "CROSSPOINT_ACCESS__CORS_ORIGINS",
            "https://a.example,a.example",
        ),
    ];
    let expected = "\
crosspoint.toml:1:1: unknown key `lisen`
  help: did you mean `listen`?
crosspoint.toml:3:9: `drain`: `soon` is not a duration
  help: expected a duration such as `40s`, `1m 30s` or `PT40S`
crosspoint.toml:4:12: `max_body` must be text or a whole number, not a boolean
  help: expected a size such as `10MiB`, `512 KiB` or a number of bytes, in quotes
crosspoint.toml:5:20: `builtin`: there is no connector `htpp`
  help: did you mean `http`?
crosspoint.toml:5:28: `builtin` names `http` twice
  help: take one out
crosspoint.toml:8:13: `access.anonymous` must be a boolean, not text
  help: expected `true` or `false`, without quotes
crosspoint.toml:9:10: `access.hosts[0]`: `https://a.example` is not a host
  help: expected a host such as `proxy.example`
crosspoint.toml:9:31: `access.hosts[1]` must be text, not a number
  help: expected a host such as `proxy.example`, in quotes
crosspoint.toml:12:10: `egress.preset`: `privat` is not one of the choices
  help: expected `internal` or `public`
crosspoint.toml:13:9: `egress.deny[0]`: `not an entry` is not an egress entry
  help: expected an egress entry such as `10.0.0.0/8`, `*.example.com` or `api.example.com:443`
crosspoint.toml:14:13: `egress.ca_files`: `/nowhere/ca.pem` cannot be read: there is no such file
crosspoint.toml:17:1: unknown key `spiff.timeout`
  help: known here are deadline, engine_url, redirect_hosts, callback_token, long_deadline, callback_retry
crosspoint.toml:18:12: `spiff.deadline` must be text, not a number
  help: expected a duration such as `40s`, `1m 30s` or `PT40S`, in quotes
crosspoint.toml:20:13: `[connectors.smpt]` does not say what brings the connector
  help: did you mean `smtp`? Else add `python = …`, `automate = …`, `mcp = …`, `remote = …` or `openapi = …`
crosspoint.toml:22:11: `connectors.http.answers`: `newest` is not one of the choices
  help: expected `compatible` or `newer`
crosspoint.toml:23:1: unknown key `connectors.http.deadline`
  help: did you mean `connectors.http.policy.deadline`?
crosspoint.toml:24:10: `connectors.http.policy` must be a table, not a list
  help: write a `[table]`
environment CROSSPOINT_ACCESS__CORS_ORIGINS: `access.cors_origins[1]`: `a.example` is not the origin of a web page
  help: expected an origin such as `https://console.example`
environment CROSSPOINT_CLI__DEADLINE: `cli.deadline`: `25h` is longer than `24h`
  help: expected a duration such as `40s`, `1m 30s` or `PT40S`
environment CROSSPOINT_SPIFF_DEADLINE: there is no such setting
  help: did you mean `CROSSPOINT_SPIFF__DEADLINE`, `CROSSPOINT_SPIFF__LONG_DEADLINE` or `CROSSPOINT_API__DEADLINE`?

20 mistakes in the configuration";
    assert_eq!(problems(text, &variables), expected);
}

#[test]
fn a_file_that_is_not_toml_is_reported_with_the_mistakes_of_the_environment() {
    let text = "drain = 40s\nlisen = 1\n[access\n";
    assert_eq!(
        problems(
            text,
            &[("CROSSPOINT_LOG", "lout,ifno"), ("CROSSPOINT_DRAIN", "1s")]
        ),
        "crosspoint.toml:1:9: not TOML: string values must be quoted, expected literal string\n    \
         1 | drain = 40s\n      |         ^^^\n  help: put quotes around the value, unless it is a number or a boolean\n\
         crosspoint.toml:3:8: not TOML: unclosed table, expected `]`\n    \
         3 | [access\n      |        ^\n\
         environment CROSSPOINT_LOG: `log`: `ifno` is not a level\n  \
         help: did you mean `info`? A module is written `name=level`\n\
         \n3 mistakes in the configuration"
    );
}

#[test]
fn the_environment_goes_over_the_file() {
    let text = "listen = \"127.0.0.1:1\"\n[access]\nhosts = [\"a\"]\n[spiff]\ndeadline = \"1s\"\n";
    let loaded = ok(
        text,
        &[
            ("CROSSPOINT_LISTEN", "127.0.0.1:2"),
            ("CROSSPOINT_ACCESS__ANONYMOUS", "true"),
            ("CROSSPOINT_ACCESS__HOSTS", "b, c,"),
            ("CROSSPOINT_MAX_BODY", "4096"),
            ("CROSSPOINT_CONNECTORS__HTTP__POLICY__TIMEOUT", "3s"),
            ("UNRELATED", "x"),
        ],
    );
    let config = &loaded.config;
    assert_eq!(config.listen.to_string(), "127.0.0.1:2");
    assert_eq!(config.max_body.0, 4096);
    assert!(config.access.anonymous);
    let hosts: Vec<_> = config
        .access
        .hosts
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(hosts, ["b", "c"]);
    assert_eq!(config.spiff.deadline.to_string(), "1s");
    assert_eq!(
        config
            .connectors
            .built_in
            .http
            .policy
            .timeout
            .unwrap()
            .to_string(),
        "3s"
    );
    let origin = |key: &str| loaded.origins[key].to_string();
    assert_eq!(origin("listen"), "environment CROSSPOINT_LISTEN");
    assert_eq!(origin("spiff.deadline"), "crosspoint.toml:5:1");
    assert_eq!(
        origin("access.hosts[1]"),
        "environment CROSSPOINT_ACCESS__HOSTS"
    );
}

#[test]
fn an_empty_list_can_be_set_by_a_variable() {
    let text = "builtin = [\"http\"]";
    assert!(
        ok(text, &[("CROSSPOINT_BUILTIN", "")])
            .config
            .builtin
            .is_empty()
    );
}

#[test]
fn the_variables_of_the_replaced_proxy_work() {
    let variables = [
        ("CONNECTOR_PROXY_API_KEY", "key-of-old"),
        (
            "CONNECTOR_PROXY_CORS_ORIGINS",
            "https://a.example,https://b.example",
        ),
        ("CONNECTOR_PROXY_PORT", "8004"),
    ];
    let loaded = ok(
        "listen = \"0.0.0.0:1\"\n[access]\napi_keys = [\"key-of-file\"]",
        &variables,
    );
    assert_eq!(loaded.config.listen.to_string(), "0.0.0.0:8004");
    assert_eq!(loaded.config.access.cors_origins.len(), 2);
    let keys: Vec<_> = loaded
        .api_keys
        .iter()
        .map(|k| (&*k.name, &**k.value.expose()))
        .collect();
    assert_eq!(keys, [("key-1", "key-of-file"), ("key-2", "key-of-old")]);
    assert_eq!(
        all_secrets(&loaded).collect::<Vec<_>>(),
        ["key-of-file", "key-of-old"]
    );
    assert_eq!(
        loaded.origins["access.api_keys[1]"].to_string(),
        "environment CONNECTOR_PROXY_API_KEY"
    );

    let own = [
        ("CROSSPOINT_LISTEN", "127.0.0.1:3"),
        ("CROSSPOINT_ACCESS__CORS_ORIGINS", "*"),
    ];
    let loaded = ok("", &[&variables[..], &own].concat());
    assert_eq!(loaded.config.listen.to_string(), "127.0.0.1:3");
    assert_eq!(loaded.config.access.cors_origins[0].to_string(), "*");
}

#[test]
fn a_key_that_the_file_refers_to_is_not_added_twice() {
    let variables = [("CONNECTOR_PROXY_API_KEY", "key-of-old")];
    for entry in [
        "\"env:CONNECTOR_PROXY_API_KEY\"",
        "{ name = \"old\", key = \"env:CONNECTOR_PROXY_API_KEY\" }",
    ] {
        let text = format!("[access]\napi_keys = [{entry}]");
        assert_eq!(ok(&text, &variables).api_keys.len(), 1);
    }
}

#[test]
fn bad_values_of_the_replaced_proxys_variables_are_mistakes() {
    let variables = [
        ("CONNECTOR_PROXY_API_KEY", ""),
        ("CONNECTOR_PROXY_PORT", "70000"),
    ];
    assert_eq!(
        problems("", &variables),
        "environment CONNECTOR_PROXY_API_KEY: `access.api_keys`: `env:CONNECTOR_PROXY_API_KEY` is \
         empty\n  help: give it a value, or take the key out\n\
         environment CONNECTOR_PROXY_PORT: `70000` is not a port\n  \
         help: expected a number from 0 to 65535\n\
         \n2 mistakes in the configuration"
    );
}

#[test]
fn what_container_platforms_set_is_passed_over() {
    let variables = [
        ("CROSSPOINT_SERVICE_HOST", "10.0.0.1"),
        ("CROSSPOINT_SERVICE_PORT_HTTP", "7004"),
        ("CROSSPOINT_PORT", "tcp://10.0.0.1:7004"),
        ("CROSSPOINT_PORT_7004_TCP_ADDR", "10.0.0.1"),
        ("CONNECTOR_PROXY_PORT", "tcp://10.0.0.1:7004"),
        ("CROSSPOINT_CONFIG", "crosspoint.toml"),
    ];
    assert_eq!(ok("", &variables).config, Config::default());
    assert!(problems("", &[("CROSSPOINT_PORT", "7004")]).contains("there is no such setting"));
}

#[test]
fn what_our_package_for_django_automate_reads_is_passed_over() {
    let variables = [
        ("CROSSPOINT_URL", "http://127.0.0.1:7004"),
        ("CROSSPOINT_API_KEY", "k"),
        ("CROSSPOINT_PROFILE", "p"),
        ("CROSSPOINT_TIMEOUT", "9"),
        ("CROSSPOINT_LONG", "true"),
        ("CROSSPOINT_IDEMPOTENCY", "true"),
    ];
    assert_eq!(ok("", &variables).config, Config::default());
    assert!(problems("", &[("CROSSPOINT_URI", "x")]).contains("there is no such setting"));
}

#[test]
fn a_value_that_is_not_unicode_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    for (name, message) in [
        (
            "CONNECTOR_PROXY_API_KEY",
            "`access.api_keys`: `env:CONNECTOR_PROXY_API_KEY` is",
        ),
        ("CONNECTOR_PROXY_PORT", "the value is"),
        ("CROSSPOINT_LISTEN", "the value is"),
    ] {
        let env = Environment::with_invalid(name);
        let problems = load_in(folder.path(), None, &env, crosspoint_connectors::BUILT_IN)
            .map(|_| ())
            .unwrap_err();
        let expected = format!("environment {name}: {message} not valid Unicode\n\n1 mistake");
        assert!(problems.to_string().starts_with(&expected), "{problems}");
    }
}

#[test]
fn listening_for_the_network_needs_a_key_or_consent() {
    let open = "listen = \"0.0.0.0:7004\"\n";
    assert_eq!(
        problems(open, &[]),
        "crosspoint.toml:1:10: listening on `0.0.0.0:7004` without an API key lets anyone in the \
         network call\n  help: either set a key: `access.api_keys`, or the variable \
         CONNECTOR_PROXY_API_KEY,\n        or keep keys in the store: `crosspoint key create \
         NAME`, with `access.require_key = true`,\n        or say that anyone may call: `access.anonymous = true`\n\
         \n1 mistake in the configuration"
    );
    ok(open, &[("CONNECTOR_PROXY_API_KEY", "long-enough")]);
    ok(open, &[("CROSSPOINT_ACCESS__ANONYMOUS", "true")]);
    ok("listen = \"[::1]:7004\"", &[]);
    // A key that is there but wrong is one mistake, not two.
    let wrong = problems(
        &format!("{open}[access]\napi_keys = [\"env:NONE\", 3]"),
        &[],
    );
    assert!(
        wrong.ends_with("2 mistakes in the configuration"),
        "{wrong}"
    );
    assert!(!wrong.contains("listening"), "{wrong}");
}

#[test]
fn a_connector_that_is_configured_must_be_there() {
    assert_eq!(
        problems("builtin = []\n[connectors.http]\n", &[]),
        "crosspoint.toml:2:13: `connectors.http` is configured, but `http` is not in `builtin`\n  \
         help: add `http` to `builtin`, or take the table out\n\
         \n1 mistake in the configuration"
    );
    let misspelled = problems("builtin = [\"htpp\"]\n[connectors.http]\n", &[]);
    assert!(
        misspelled.ends_with("\n\n1 mistake in the configuration"),
        "{misspelled}"
    );
}

#[test]
fn keys_and_their_names_are_unique() {
    let text = "[access]\napi_keys = [\n  { name = \"a\", key = \"canary-one\" },\n  \
                { name = \"a\", key = \"canary-two\" },\n  \"canary-one\",\n]\n";
    assert_eq!(
        problems(text, &[]),
        "crosspoint.toml:4:3: two API keys are named `a`\n  help: give each a name of its own\n\
         crosspoint.toml:5:3: the API keys `a` and `key-3` are the same\n  help: take one out\n\
         \n2 mistakes in the configuration"
    );
}

#[test]
fn the_key_that_a_client_sends_may_be_one_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[access]\napi_keys = [\"canary-key\"]\n";
    std::fs::write(folder.path().join("crosspoint.toml"), text).unwrap();
    let variables = [("CONNECTOR_PROXY_API_KEY", "canary-key")];
    let env = || variables.into_iter().collect::<Environment>();
    let load = |env| load_in(folder.path(), None, &env, crosspoint_connectors::BUILT_IN);
    let refused = load(env()).unwrap_err().to_string();
    assert!(
        refused.contains("`key-1` and `key-2` are the same"),
        "{refused}"
    );
    assert_eq!(load(env().of_a_client()).unwrap().api_keys.len(), 2);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let text = "[access]\nanonymous = true\napi_keys = [\"short\", \"vault:path/to/key\"]\n";
    assert_eq!(
        warnings(text, &[]),
        [
            "crosspoint.toml:2:13: `access.anonymous` has no effect, since there are API keys\n  \
             help: take it out",
            "crosspoint.toml:3:13: the API key `key-1` has fewer than 8 characters\n  \
             help: use a longer one; short keys are easily guessed",
            "crosspoint.toml:3:22: the API key `key-2` looks like a reference\n  \
             help: it is taken as the key itself; references begin with `env:`, `file:` or `exec:`",
        ]
    );
    let page = warnings("[access]\ncors_origins = [\"*\"]", &[]);
    assert!(
        page[0].starts_with("crosspoint.toml:2:16: any web page"),
        "{page:?}"
    );
}

#[test]
fn a_certificate_file_must_hold_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let text = format!("[egress]\nca_files = ['{}']", path.display());
    std::fs::write(&path, "not one").unwrap();
    assert!(problems(&text, &[]).contains("ca.pem` holds no certificate\n  help: expected a PEM"));
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n").unwrap();
    assert_eq!(ok(&text, &[]).config.egress.ca_files, [path]);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let load = |file: Option<&Path>, env: Environment| {
        load_in(folder.path(), file, &env, crosspoint_connectors::BUILT_IN)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let missing = load(Some(Path::new("none.toml")), Environment::default());
    assert!(
        missing.starts_with(
            "none.toml: reading the configuration file `none.toml`: there is no such file"
        ),
        "{missing}"
    );
    let by_variable = load(
        None,
        Environment::from_iter([("CROSSPOINT_CONFIG", "gone.toml")]),
    );
    assert!(
        by_variable.starts_with("environment CROSSPOINT_CONFIG: reading"),
        "{by_variable}"
    );
    std::fs::write(folder.path().join("latin.toml"), b"log = 'info'\n# \xe4").unwrap();
    let latin = load(Some(Path::new("latin.toml")), Environment::default());
    assert!(
        latin.starts_with("latin.toml:2:3: not UTF-8 text"),
        "{latin}"
    );
}

#[test]
fn a_key_never_shows_in_what_fails() {
    let broken = [
        "[access]\napi_keys = [\"CANARY\", 3, true, { name = \"a\" }, { key = \"CANARY\" }]",
        "[access]\napi_keys = \"CANARY\"",
        "[access]\napi_keys = { name = \"a\", key = \"CANARY\" }",
        "[access]\napi_keys = [{ name = \"a\", kye = \"CANARY\" }]",
        "[access]\napi_keys = [{ name = 3, key = \"CANARY\", more = \"CANARY\" }]",
        "[access]\napi_keys = [[\"CANARY\"]]",
        "[access]\napi_keys = [\"CANARY\", \"CANARY\"]",
        "[access]\napi_keys = [\"CANARY\\n\"]",
        "[access]\napi_keys = [CANARY]",
        "[access]\napi_keys = [\"CANARY]",
        "[access]\napi_keys = [\n\"CANARY\"\n\"CANARY\"\n]",
        "[access]\napi_keys = CANARY",
        "access = { api_keys = [\"CANARY\"",
        "access = \"CANARY\"",
        "[acess]\napi_keys = [\"CANARY\"]",
        "api_key = \"CANARY\"",
        "[access]\napi_keys = [\"env:NONE\", \"CANARY\"]",
        "lisen = 1\n[access]\napi_keys = [\"CANARY\"]",
    ];
    for text in broken {
        let text = text.replace("CANARY", CANARY);
        let problems = load_text(&text, &[]).map(|_| ()).expect_err(&text);
        let json = serde_json::to_string(&problems).unwrap();
        for shown in [problems.to_string(), format!("{problems:?}"), json] {
            assert!(!shown.contains(CANARY), "{text}\n{shown}");
        }
    }
    for (name, value) in [
        ("CROSSPOINT_ACCESS__API_KEYS", "canary-7f3a9c,canary-7f3a9c"),
        ("CROSSPOINT_ACCESS__API_KEY", CANARY),
        ("CONNECTOR_PROXY_API_KEY", "canary-7f3a9c\n"),
    ] {
        let shown = problems("", &[(name, value)]);
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

#[test]
fn a_key_never_shows_in_what_succeeds() {
    let text = format!(
        "[access]\napi_keys = [\"{CANARY}-0\", {{ name = \"a\", key = \"{CANARY}-1\" }}, \
         \"env:SECRET\", \"vault:{CANARY}\"]"
    );
    let secret = format!("{CANARY}-2");
    let loaded = ok(&text, &[("SECRET", &secret)]);
    assert_eq!(all_secrets(&loaded).count(), 4);
    let json = effective_json(&loaded).to_string();
    for shown in [
        effective(&loaded),
        json,
        format!("{loaded:?}"),
        format!("{:#?}", loaded.config),
    ] {
        assert!(!shown.contains(CANARY), "{shown}");
        assert!(shown.contains("env:SECRET"), "{shown}");
    }
}
