//! `crosspoint config`: the configuration as it counts, or everything that is wrong with it.

use serde_json::{Value, json};

use crate::harness::{self, Setup};

const FULL: &str = r#"
listen = "127.0.0.1:7999"
log = "warn"
max_body = "2MiB"
drain = "PT5S"

[access]
api_keys = ["literal-key-4711", { name = "engine", key = "env:ENGINE_KEY" }]
hosts = ["proxy.example"]

[egress]
preset = "public"
allow = ["10.0.0.0/8", "*.example.com"]

[connectors.http]
answers = "newer"
max_answer = "1MiB"
[connectors.http.policy]
timeout = "20s"
"#;

fn full() -> Setup {
    let setup = Setup::new().without("CROSSPOINT_LISTEN").config(FULL);
    setup.env("ENGINE_KEY", "the-key-of-the-engine")
}

#[tokio::test]
async fn the_effective_configuration_is_printed_with_its_origins_and_without_keys() {
    let ended = full()
        .env("CROSSPOINT_DRAIN", "7s")
        .run(&["config", "check"])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let out = &ended.stdout;
    for part in [
        "127.0.0.1:7999",
        "env:ENGINE_KEY",
        "\"***\"",
        "crosspoint.toml:2",
        "CROSSPOINT_DRAIN",
        "deadline",
    ] {
        assert!(out.contains(part), "{part} is not in:\n{out}");
    }
    assert!(out.contains("drain = \"7s\""), "{out}");
    assert!(
        !out.contains("4711") && !out.contains("the-key-of-the-engine"),
        "{out}"
    );
}

#[tokio::test]
async fn what_is_printed_can_be_loaded_again() {
    let check = async |setup: Setup| {
        let ended = setup.run(&["config", "check", "--json"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        harness::json(&ended.stdout)["config"].clone()
    };
    let setup = |text: &str| {
        let setup = Setup::new().without("CROSSPOINT_LISTEN").config(text);
        setup.env("ENGINE_KEY", "the-key-of-the-engine")
    };
    // A literal key is not shown, so it cannot come back; references do.
    for text in [
        "".to_owned(),
        FULL.replace("literal-key-4711", "env:ENGINE_KEY")
            .replace(", { name = \"engine\", key = \"env:ENGINE_KEY\" }", ""),
    ] {
        let first = setup(&text).run(&["config", "check"]).await;
        assert_eq!(first.code, Some(0), "{first:?}");
        let second = setup(&first.stdout).run(&["config", "check"]).await;
        assert_eq!(second.code, Some(0), "{}\n{second:?}", first.stdout);
        assert_eq!(check(setup(&text)).await, check(setup(&first.stdout)).await);
    }
}

#[tokio::test]
async fn all_mistakes_are_told_at_once_with_their_places() {
    let config = "lisen = \"127.0.0.1:1\"\n\
                  log = \"ifno\"\n\
                  drain = \"40\"\n\
                  max_body = \"huge\"\n\
                  [access]\n\
                  anonymos = true\n\
                  api_keys = [\"env:NOT_THERE\"]\n\
                  [connectors.http]\n\
                  answers = \"newest\"\n";
    let setup = Setup::new()
        .config(config)
        .env("CROSSPOINT_MAX_ANSWER", "1");
    let ended = setup
        .env("CROSSPOINT_LISTEN", "nowhere")
        .run(&["config", "check"])
        .await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(2), ""),
        "{ended:?}"
    );
    for part in [
        "crosspoint.toml:1:1: ",
        "`lisen`",
        "`listen`",
        "crosspoint.toml:2:",
        "`ifno`",
        "crosspoint.toml:3:",
        "`40`",
        "crosspoint.toml:4:",
        "`huge`",
        "crosspoint.toml:6:1: ",
        "`anonymous`",
        "crosspoint.toml:7:",
        "env:NOT_THERE",
        "crosspoint.toml:9:",
        "`newer`",
        "CROSSPOINT_MAX_ANSWER",
        "CROSSPOINT_LISTEN",
        "9 mistakes",
    ] {
        assert!(
            ended.stderr.contains(part),
            "{part} is not in:\n{}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn mistakes_are_json_for_programs() {
    let setup = Setup::new().config("drain = \"40\"\nlog = 5\n");
    let ended = setup.run(&["config", "check", "--json"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let problems = harness::json(&ended.stdout);
    let keys: Vec<_> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["key"])
        .collect();
    assert_eq!(keys, [&json!("drain"), &json!("log")]);
    for problem in problems.as_array().unwrap() {
        assert!(
            problem["place"]
                .as_str()
                .unwrap()
                .starts_with("crosspoint.toml:"),
            "{problem}"
        );
        assert!(
            problem["message"].is_string() && problem["help"].is_string(),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn what_is_not_toml_shows_the_line() {
    let ended = Setup::new()
        .config("listen = \"127.0.0.1:1\"\ndrain = 40s\n")
        .run(&["config", "check"])
        .await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("crosspoint.toml:2:"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("2 | drain = 40s"), "{}", ended.stderr);
}

#[tokio::test]
async fn another_file_is_named_by_option_or_variable() {
    let other = "drain = \"11s\"\n";
    let ended = Setup::new()
        .file("other.toml", other)
        .run(&["--config", "other.toml", "config", "check"])
        .await;
    assert!(ended.stdout.contains("11s"), "{ended:?}");
    let ended = Setup::new()
        .file("other.toml", other)
        .env("CROSSPOINT_CONFIG", "other.toml")
        .run(&["config", "check"])
        .await;
    assert!(ended.stdout.contains("11s"), "{ended:?}");
    let ended = Setup::new()
        .run(&["config", "check", "--config", "missing.toml"])
        .await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("missing.toml"), "{}", ended.stderr);
}

#[tokio::test]
async fn the_reference_lists_every_setting() {
    let ended = Setup::new().run(&["config", "reference"]).await;
    assert_eq!(ended.code, Some(0));
    for part in [
        "listen",
        "access.api_keys",
        "CROSSPOINT_LISTEN",
        "connectors.http.policy.timeout",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part} is not in:\n{}",
            ended.stdout
        );
    }
    let ended = Setup::new().run(&["config", "reference", "--json"]).await;
    let schema = harness::json(&ended.stdout);
    assert!(schema["properties"]["access"] != Value::Null, "{schema}");
    assert!(jsonschema::validator_for(&schema).is_ok());
}

const MOUNTED: &str = r#"
[python]
install = ["connector-a"]
env = { URL = "https://a.example", TOKEN = "literal-token-4711" }

[connectors.my-crm]
python = "git+https://literal-user-4711@git.example/crm"
workers = 2
env = { CRM_TOKEN = "env:CRM_TOKEN" }
config = { "retry.count" = 3, quick = true }
policy = { timeout = "20s" }

[connectors.http]
python = "./connector_http.py"
"#;

fn mounted() -> Setup {
    let setup = Setup::new().without("CROSSPOINT_LISTEN").config(MOUNTED);
    setup.env("CRM_TOKEN", "the-token-of-the-crm")
}

#[tokio::test]
async fn python_connectors_are_shown_without_their_secrets() {
    let ended = mounted()
        .env("CROSSPOINT_CONNECTORS__MY_CRM__THREADS", "7")
        .env("CROSSPOINT_DATA_DIR", "state")
        .run(&["config", "check"])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let out = &ended.stdout;
    for part in [
        "data_dir = \"state\"  # from CROSSPOINT_DATA_DIR\n",
        "[connectors.my-crm]\npython = \"git+https://***@git.example/crm\"",
        "workers = 2  # from crosspoint.toml:8\n",
        "threads = 7  # from CROSSPOINT_CONNECTORS__MY_CRM__THREADS\n",
        "CRM_TOKEN = \"env:CRM_TOKEN\"",
        "TOKEN = \"***\"",
        "URL = \"https://a.example\"",
        "\"retry.count\" = 3",
        "[connectors.http]\npython = \"./connector_http.py\"",
    ] {
        assert!(out.contains(part), "{part} is not in:\n{out}");
    }
    assert!(!out.contains("4711") && !out.contains("the-token"), "{out}");
    assert!(!out.contains("answers = \"compatible\""), "{out}");
    let json = mounted().run(&["config", "check", "--json"]).await;
    assert!(
        !json.stdout.contains("4711") && !json.stdout.contains("the-token"),
        "{json:?}"
    );
    let config = &harness::json(&json.stdout)["config"];
    assert_eq!(config["connectors"]["my-crm"]["policy"]["timeout"], "20s");
    assert_eq!(config["python"]["install"], json!(["connector-a"]));
}

#[tokio::test]
async fn all_mistakes_about_python_connectors_are_told_at_once() {
    let config = "[python]\n\
                  threads = 1001\n\
                  [connectors.crm]\n\
                  python = \"connector-crm\"\n\
                  wokers = 2\n\
                  env = { TOKEN = \"env:NOT_THERE\" }\n\
                  [connectors.other]\n\
                  workers = 2\n\
                  [connectors.files]\n\
                  wasm = \"x\"\n\
                  [connectors.\"a b\"]\n";
    let ended = Setup::new()
        .config(config)
        .without("VIRTUAL_ENV")
        .env("CROSSPOINT_CONNECTORS__NONE__WORKERS", "1")
        .run(&["config", "check"])
        .await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(2), ""),
        "{ended:?}"
    );
    for part in [
        "crosspoint.toml:2:11: `python.threads`: `1001` is out of bounds",
        "crosspoint.toml:5:1: unknown key `connectors.crm.wokers`\n  help: did you mean `workers`?",
        "crosspoint.toml:6:17: `connectors.crm.env.TOKEN`: `env:NOT_THERE` is not set",
        "crosspoint.toml:7:13: `[connectors.other]` does not say what brings the connector\n  \
         help: add `python = …`, `automate = …`, `mcp = …`, `remote = …` or `openapi = …`",
        "crosspoint.toml:10:1: `connectors.files.wasm`: there is no such runtime yet",
        "crosspoint.toml:11:13: `connectors.a b`",
        "environment CROSSPOINT_CONNECTORS__NONE__WORKERS: there is no such setting",
        "\n\n7 mistakes in the configuration",
    ] {
        assert!(
            ended.stderr.contains(part),
            "{part} is not in:\n{}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn the_ledger_is_shown_without_the_password_of_its_database() {
    let config = "[store]\nurl = \"postgres://u:literal-4711@db.example/ledger\"\n\
                  [spiff]\ncallback_token = \"literal-4711\"\n\
                  [connectors.http.policy]\nasync_after = \"0s\"\nkey = \"task\"\n";
    let ended = Setup::new().config(config).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in [
        "url = \"postgres://u:***@db.example/ledger\"  # from crosspoint.toml:2\n",
        "callback_token = \"***\"",
        "[store.retention]\nage = \"90d\"\nsize = \"10GiB\"\n",
        "async_after = \"0s\"",
        "key = \"task\"",
    ] {
        let out = &ended.stdout;
        assert!(out.contains(part), "{part} is not in:\n{out}");
    }
    assert!(!ended.stdout.contains("4711"), "{}", ended.stdout);
    let file = Setup::new().env("CROSSPOINT_STORE__URL", "sqlite:state/calls.db");
    let ended = file.run(&["config", "check"]).await;
    let shown = "url = \"sqlite:state/calls.db\"  # from CROSSPOINT_STORE__URL\n";
    assert!(ended.stdout.contains(shown), "{ended:?}");
}

#[tokio::test]
async fn what_needs_the_ledger_is_a_mistake_without_it() {
    let ended = Setup::new()
        .config("[connectors.http.policy]\nasync_after = \"30s\"\n")
        .env("CROSSPOINT_STORE__URL", "none")
        .env("CROSSPOINT_SPIFF__CALLBACK_TOKEN", "secret:token")
        .run(&["config", "check"])
        .await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for part in [
        "crosspoint.toml:2:15: `connectors.http.policy.async_after` needs the ledger",
        "environment CROSSPOINT_SPIFF__CALLBACK_TOKEN: `spiff.callback_token`: `secret:token` leads \
         nowhere: there is no store",
        "2 mistakes",
    ] {
        let said = &ended.stderr;
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
}

#[tokio::test]
async fn an_active_virtual_environment_may_bring_a_connector() {
    let ended = Setup::new()
        .config("[connectors.crm]\nworkers = 2\n")
        .env("VIRTUAL_ENV", "/nowhere")
        .run(&["config", "check"])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn a_mistake_in_an_option_is_told_by_its_name() {
    let ended = Setup::new().run(&["serve", "--listen", "nowhere"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .stderr
            .starts_with("--listen: `listen`: `nowhere` is not an address and a port"),
        "{}",
        ended.stderr
    );
}
