//! Python connectors: what may be written, every mistake, and what wiring gets.

use std::time::Duration;

use super::super::mounted::{Entry, Idempotent};
use super::super::python::Builder;
use super::super::{effective, effective_json};
use super::*;

#[path = "mounted_mcp_tests.rs"]
mod mcp;
#[path = "mounted_variables_tests.rs"]
mod variables;

/// Loads `text` as `crosspoint.toml` of a working directory.
fn load_env(text: &str, env: &Environment) -> Result<Loaded, Problems> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(DEFAULT_FILE), text).unwrap();
    load_in(folder.path(), None, env, crosspoint_connectors::BUILT_IN)
}

fn ok(text: &str, variables: &[(&str, &str)]) -> Loaded {
    load_env(text, &variables.iter().copied().collect())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(text: &str, variables: &[(&str, &str)]) -> String {
    load_env(text, &variables.iter().copied().collect())
        .map(|_| ())
        .expect_err(text)
        .to_string()
}

fn python_of(loaded: &Loaded, name: &str) -> String {
    match &loaded.config.connectors.mounted[name] {
        Entry::Python(connector) => connector.python.expose().to_owned(),
        _ => panic!("`{name}` has no `python`"),
    }
}

fn exposed<'a, T>(values: impl IntoIterator<Item = (&'a String, &'a Secret<T>)>) -> String
where
    T: std::fmt::Debug + 'a,
{
    let shown = |(name, value): (&String, &Secret<T>)| format!("{name}={:?}", value.expose());
    values.into_iter().map(shown).collect::<Vec<_>>().join(" ")
}

const FULL: &str = r#"
data_dir = "state"

[python]
interpreter = "python3.11"
uv = "none"
workers = 2
threads = 8
recycle = { calls = 100, age = "1h" }

[connectors.crm]
python = "connector-crm==1.4"
extra_requirements = ["requests<3"]
interpreter = "/usr/bin/python3"
workers = 3
threads = 1
idempotent = ["Read"]
max_answer = "1MiB"
start_timeout = "5s"
unresponsive_after = "6s"
recycle = { age = "2h", memory = "2GiB" }
env = { CRM_URL = "https://crm.example", CRM_TOKEN = "env:TOKEN" }
config = { retries = 3, ratio = 0.5, on = true, key = "literal-key" }
[connectors.crm.policy]
timeout = "20s"

[connectors.My-crm_2]
python = "./crm.py"
"#;

#[test]
fn everything_that_may_be_written_is_read() {
    let loaded = ok(FULL, &[("TOKEN", "from-env")]);
    let config = &loaded.config;
    assert_eq!(config.data_dir.to_string(), "state");
    assert_eq!(config.python.builder(), Builder::Pip);
    assert!(!config.python.has_environment());
    let Entry::Python(crm) = &config.connectors.mounted["crm"] else {
        panic!("{config:?}");
    };
    assert_eq!(crm.python.expose(), "connector-crm==1.4");
    assert_eq!(crm.extra_requirements[0].expose(), "requests<3");
    assert_eq!(
        crm.interpreter.as_ref().unwrap().to_string(),
        "/usr/bin/python3"
    );
    let (egress, policy) = config.connectors.common("crm");
    assert_eq!(policy.timeout.unwrap().0, Duration::from_secs(20));
    assert!(egress.is_none());
    assert_eq!(config.connectors.common("other").1, Default::default());

    let worker = loaded.worker("crm");
    assert_eq!(
        (worker.workers, worker.threads, worker.max_answer),
        (3, 1, 1 << 20)
    );
    assert_eq!(worker.start_timeout, Duration::from_secs(5));
    assert_eq!(worker.unresponsive_after, Duration::from_secs(6));
    let read = Idempotent::Commands(vec!["Read".to_owned()]);
    assert_eq!(worker.idempotent, read);
    assert_eq!(worker.recycle.calls, Some(100));
    assert_eq!(worker.recycle.age.unwrap().to_string(), "2h");
    assert_eq!(worker.recycle.memory.unwrap().0, 2 << 30);
    assert_eq!(
        exposed(&worker.values.env),
        r#"CRM_TOKEN="from-env" CRM_URL="https://crm.example""#
    );
    assert_eq!(
        exposed(&worker.values.config),
        r#"key=String("literal-key") on=Bool(true) ratio=Number(0.5) retries=Number(3)"#
    );
    let secrets: Vec<_> = all_secrets(&loaded).collect();
    assert_eq!(secrets, ["from-env", "literal-key"]);
}

#[test]
fn what_is_not_set_has_defaults_and_those_of_python() {
    let loaded = ok(FULL, &[("TOKEN", "from-env")]);
    let worker = loaded.worker("My-crm_2");
    assert_eq!(
        (worker.workers, worker.threads, worker.max_answer),
        (2, 8, 10 << 20)
    );
    assert_eq!(worker.recycle, loaded.config.python.recycle);
    let worker = ok("", &[]).worker("any");
    assert_eq!((worker.workers, worker.threads), (1, 32));
    assert_eq!(worker.start_timeout, Duration::from_secs(60));
    assert_eq!(worker.unresponsive_after, Duration::from_secs(30));
    assert_eq!(worker.idempotent, Idempotent::Commands(Vec::new()));
    assert_eq!(ok("", &[]).config.data_dir.to_string(), ".crosspoint");
}

#[test]
fn the_environment_of_all_is_for_connectors_without_a_package_of_their_own() {
    let text = "[python]\nvenv = \".venv\"\nenv = { A = \"1\", B = \"env:B\" }\n\
                [connectors.own]\npython = \"own\"\nenv = { C = \"3\" }\n\
                [connectors.part]\nenv = { A = \"2\" }\nidempotent = true\n";
    let loaded = ok(text, &[("B", "canary")]);
    let env = |name: &str| exposed(&loaded.worker(name).values.env);
    assert_eq!(env("own"), r#"C="3""#);
    assert_eq!(env("part"), r#"A="2" B="canary""#);
    assert_eq!(env("no_table"), r#"A="1" B="canary""#);
    assert_eq!(loaded.worker("part").idempotent, Idempotent::All(true));
    assert_eq!(all_secrets(&loaded).collect::<Vec<_>>(), ["canary"]);
}

#[test]
fn a_runtime_key_replaces_a_built_in() {
    let text = "builtin = [\"http\"]\n[connectors.http]\npython = \"connector-http\"\n\
                policy = { timeout = \"3s\" }\n[connectors.smtp]\npython = \"connector-smtp\"\n";
    let loaded = ok(text, &[]);
    assert_eq!(python_of(&loaded, "http"), "connector-http");
    assert_eq!(python_of(&loaded, "smtp"), "connector-smtp");
    assert!(loaded.warnings.is_empty());
    let connectors = &loaded.config.connectors;
    assert_eq!(connectors.built_in, Default::default());
    assert_eq!(
        connectors.common("http").1.timeout.unwrap().to_string(),
        "3s"
    );
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = r#"data_dir = ""
[python]
venv = ".venv"
install = ["connector-a", "--pre", 3]
workers = 65
threads = 0
env = { A = 1, "B=C" = "x", D = "env:NONE", E = "***" }
recycle = { calls = -1, memory = "1KiB", age = "soon", count = 1 }
[connectors."a b"]
[connectors.crm]
python = "connector-crm"
worker = 2
workers = "2"
threads = 1.5
answers = "newer"
idempotent = "all"
config = { list = [1], when = 1979-05-27, "a.b" = "env:NONE" }
policy = { timout = "1s" }
[connectors.part]
interpreter = "python3"
pyhton = "x"
idempotent = ["A", 1]
[connectors.later]
wasm = "coins.json"
[connectors.http]
python = "connector-http"
answers = "newer"
[connectors.smtp]
workers = 2
idempotent = true
[connectors.scalar]
python = 3
"#;
    let expected = "\
crosspoint.toml:1:12: `data_dir`: it is empty
  help: write a path, or take it out
crosspoint.toml:3:8: `python.venv` and `python.install` exclude each other
  help: mount an environment as it is, or let one be built: take one out
crosspoint.toml:4:27: `python.install[1]`: `--pre` is an option, not a package
  help: expected a requirement such as `connector-crm==1.4`, a path, or a git URL
crosspoint.toml:4:36: `python.install[2]` must be text, not a number
  help: expected a requirement such as `connector-crm==1.4`, a path, or a git URL, in quotes
crosspoint.toml:5:11: `python.workers`: `65` is out of bounds
  help: expected a whole number from 1 to 64
crosspoint.toml:6:11: `python.threads`: `0` is out of bounds
  help: expected a whole number from 1 to 1000
crosspoint.toml:7:13: `python.env.A` must be text, not a number
  help: expected a text, or a reference such as `env:NAME`, in quotes
crosspoint.toml:7:16: `python.env.B=C`: `B=C` is not the name of a variable
  help: expected the name of an environment variable
crosspoint.toml:7:33: `python.env.D`: `env:NONE` is not set
crosspoint.toml:7:49: `python.env.E`: `***` stands for a value that is not shown
  help: write the value, or a reference such as `env:NAME`, `file:PATH`, `exec:COMMAND` or `secret:NAME`
crosspoint.toml:8:21: `python.recycle.calls`: `-1` is out of bounds
  help: expected a whole number of 1 or more
crosspoint.toml:8:34: `python.recycle.memory`: `1KiB` is less than `1MiB`
  help: expected a size such as `512MiB`, `2 GiB` or a number of bytes
crosspoint.toml:8:48: `python.recycle.age`: `soon` is not a duration
  help: expected a duration such as `40s`, `1m 30s` or `PT40S`
crosspoint.toml:8:56: unknown key `python.recycle.count`
  help: known here are calls, age, memory
crosspoint.toml:9:13: `connectors.a b`: `a b` is not the name of a connector
  help: expected the name of a connector: letters, digits, `_` and `-`
crosspoint.toml:12:1: unknown key `connectors.crm.worker`
  help: did you mean `workers`?
crosspoint.toml:13:11: `connectors.crm.workers` must be a whole number, not text
  help: expected a whole number from 1 to 64, without quotes
crosspoint.toml:14:11: `connectors.crm.threads` must be a whole number, not a fraction
  help: expected a whole number from 1 to 1000, without quotes
crosspoint.toml:15:1: unknown key `connectors.crm.answers`
  help: did you mean `max_answer`?
crosspoint.toml:16:14: `connectors.crm.idempotent` must be a boolean or a list, not text
crosspoint.toml:17:19: `connectors.crm.config.list` must be text or a number or a boolean, not a list
  help: expected a text, or a reference such as `env:NAME`, in quotes
crosspoint.toml:17:31: `connectors.crm.config.when` must be text or a number or a boolean, not a date or time
  help: expected a text, or a reference such as `env:NAME`, in quotes
crosspoint.toml:17:51: `connectors.crm.config.a.b`: `env:NONE` is not set
crosspoint.toml:18:12: unknown key `connectors.crm.policy.timout`
  help: did you mean `timeout`?
crosspoint.toml:20:1: unknown key `connectors.part.interpreter`
  help: it goes together with `python`
crosspoint.toml:21:1: unknown key `connectors.part.pyhton`
  help: did you mean `python`?
crosspoint.toml:22:20: `connectors.part.idempotent[1]` must be text, not a number
  help: put quotes around it
crosspoint.toml:24:1: `connectors.later.wasm`: there is no such runtime yet
  help: what brings a connector is `python`, `automate`, `mcp`, `remote` or `openapi`
crosspoint.toml:27:1: unknown key `connectors.http.answers`
  help: it does not go together with `python`
crosspoint.toml:29:1: unknown key `connectors.smtp.workers`
  help: it goes together with `python`
crosspoint.toml:30:1: unknown key `connectors.smtp.idempotent`
  help: it goes together with `python`
crosspoint.toml:32:10: `connectors.scalar.python` must be text, not a number
  help: expected a requirement such as `connector-crm==1.4`, a path, or a git URL, in quotes

32 mistakes in the configuration";
    assert_eq!(problems(text, &[]), expected);
}

#[test]
fn what_brings_a_connector_stands_once_in_a_table() {
    let text = "[connectors.crm]\npython = './crm.py'\nautomate = './crm.py'\n";
    let told = problems(text, &[]);
    assert!(
        told.contains("a table has one of `python`, `automate`"),
        "{told}"
    );
}

#[test]
fn the_schema_for_editors_says_the_same() {
    let schema = super::super::schema();
    let judge = jsonschema::validator_for(&schema).unwrap();
    let fits = |text: &str| judge.is_valid(&toml::from_str(text).unwrap());
    assert!(fits(FULL));
    for good in [
        "[connectors.http]\nanswers = \"newer\"",
        "[connectors.http]\npython = \"a\"\nworkers = 2",
        "[connectors.any.policy]\ntimeout = \"1s\"",
        "[connectors.any]\nmcp = [\"x\"]\ndirectory = \"y\"",
        "[connectors.http]\nmcp = \"https://h/mcp\"\nstart_timeout = \"1s\"",
    ] {
        assert!(fits(good), "{good}");
    }
    for bad in [
        "[connectors.\"a b\"]",
        "[connectors.any]\nmcp = 3",
        "[connectors.any]\nmcp = [\"x\"]\nworkers = 2",
        "[connectors.any]\ninterpreter = \"x\"",
        "[connectors.any]\npython = \"a\"\nanswers = \"newer\"",
        "[connectors.http]\nanswers = \"newer\"\nworkers = 2",
        "[connectors.any]\nworkers = 65",
        "[connectors.any.env]\nA = 1",
    ] {
        assert!(!fits(bad), "{bad}");
    }
}

#[test]
fn an_environment_is_mounted_or_built() {
    assert_eq!(
        problems("[python]\nvenv = \"a\"\ninstall = [\"b\"]\n", &[]),
        "crosspoint.toml:2:8: `python.venv` and `python.install` exclude each other\n  \
         help: mount an environment as it is, or let one be built: take one out\n\
         \n1 mistake in the configuration"
    );
    let loaded = ok("[python]\nextra_requirements = [\"b\"]\n", &[]);
    assert_eq!(
        loaded.warnings[0].to_string(),
        "crosspoint.toml:2:22: `python.extra_requirements` has no effect without \
         `python.install`\n  help: take it out"
    );
    let builder = |uv: &str| format!("{:?}", ok(uv, &[]).config.python.builder());
    assert_eq!(builder(""), "Best");
    assert_eq!(builder("python.uv = \"/bin/uv\""), "Uv(\"/bin/uv\")");
}

#[test]
fn somebody_must_bring_a_connector() {
    let text = "[connectors.crm.policy]\ntimeout = \"1s\"\n";
    assert_eq!(
        problems(text, &[]),
        "crosspoint.toml:1:13: `[connectors.crm]` does not say what brings the connector\n  \
         help: add `python = …`, `automate = …`, `mcp = …`, `remote = …` or `openapi = …`, or mount an environment that has it: `python.venv`\n\
         \n1 mistake in the configuration"
    );
    problems(text, &[("VIRTUAL_ENV", "")]);
    let active = ok(text, &[("VIRTUAL_ENV", "/venv")]);
    assert_eq!(active.virtual_env, Some("/venv".into()));
    let built = ok(
        &format!("python.install = [\"a\"]\n{text}"),
        &[("VIRTUAL_ENV", "/venv")],
    );
    assert_eq!(built.virtual_env, None);
    let policy = built.config.connectors.common("crm").1;
    assert_eq!(policy.timeout.unwrap().to_string(), "1s");
    // What was to bring it is one mistake, not two.
    for line in [
        "pyhton = \"x\"",
        "wasm = [\"x\"]",
        "interpreter = \"x\"",
        "python = true",
    ] {
        let found = problems(&format!("[connectors.crm]\n{line}\n"), &[]);
        assert!(
            found.ends_with("\n\n1 mistake in the configuration"),
            "{found}"
        );
    }
    // Any other mistake hides nothing.
    let found = problems("[connectors.crm]\nworkers = 0\n", &[]);
    assert!(
        found.ends_with("\n\n2 mistakes in the configuration"),
        "{found}"
    );
    let found = problems("[python]\nvenv = 3\n[connectors.crm]\n", &[]);
    assert!(
        found.ends_with("\n\n1 mistake in the configuration"),
        "{found}"
    );
}
