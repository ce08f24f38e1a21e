//! Variables, options and secrets of the tables of mounted connectors.

use super::*;

#[test]
fn variables_go_over_tables_that_the_file_has() {
    let text = "[connectors.my-crm]\npython = \"a\"\n[connectors.http]\npython = \"b\"\n";
    let variables = [
        ("CROSSPOINT_DATA_DIR", "/data"),
        ("CROSSPOINT_PYTHON__VENV", "/venv"),
        ("CROSSPOINT_PYTHON__WORKERS", "4"),
        ("CROSSPOINT_PYTHON__RECYCLE__CALLS", "9"),
        ("CROSSPOINT_CONNECTORS__MY_CRM__WORKERS", "3"),
        ("CROSSPOINT_CONNECTORS__MY_CRM__IDEMPOTENT", "A, B"),
        ("CROSSPOINT_CONNECTORS__MY_CRM__POLICY__TIMEOUT", "7s"),
        ("CROSSPOINT_CONNECTORS__MY_CRM__MAX_ANSWER", "2048"),
        ("CROSSPOINT_CONNECTORS__HTTP__PYTHON", "c"),
        ("CROSSPOINT_CONNECTORS__HTTP__IDEMPOTENT", "true"),
        ("CROSSPOINT_CONNECTORS__POSTGRES_V2__MAX_CONNECTIONS", "5"),
    ];
    let loaded = ok(text, &variables);
    let config = &loaded.config;
    assert_eq!(config.data_dir.to_string(), "/data");
    assert_eq!(config.python.venv.as_ref().unwrap().to_string(), "/venv");
    assert_eq!(config.python.recycle.calls, Some(9));
    let worker = loaded.worker("my-crm");
    assert_eq!((worker.workers, worker.max_answer), (3, 2048));
    assert_eq!(
        worker.idempotent,
        Idempotent::Commands(vec!["A".to_owned(), "B".to_owned()])
    );
    let policy = config.connectors.common("my-crm").1;
    assert_eq!(policy.timeout.unwrap().to_string(), "7s");
    assert_eq!(python_of(&loaded, "http"), "c");
    assert_eq!(loaded.worker("http").idempotent, Idempotent::All(true));
    assert_eq!(loaded.worker("http").workers, 4);
    assert_eq!(config.connectors.built_in.postgres_v2.max_connections, 5);
    assert_eq!(
        loaded.origins["connectors.my-crm.workers"].to_string(),
        "environment CROSSPOINT_CONNECTORS__MY_CRM__WORKERS"
    );
}

#[test]
fn variables_that_mean_nothing_or_too_much_are_mistakes() {
    let text = "[connectors.a-b]\npython = \"a\"\n[connectors.A_b]\npython = \"b\"\n";
    let variables = [
        ("CROSSPOINT_CONNECTORS__A_B__WORKERS", "3"),
        ("CROSSPOINT_CONNECTORS__CRM__WORKERS", "3"),
        ("CROSSPOINT_CONNECTORS__CRM__ENV", "3"),
        ("CROSSPOINT_CONNECTORS__HTTP__WORKERS", "3"),
        ("CROSSPOINT_PYTHON__ENV", "A=1"),
        ("CROSSPOINT_PYTHON__THREADS", "many"),
        ("CROSSPOINT_PYTHON__WORKERS", "65"),
    ];
    assert_eq!(
        problems(text, &variables),
        "\
environment CROSSPOINT_CONNECTORS__A_B__WORKERS: it could mean `connectors.A_b.workers` or `connectors.a-b.workers`
  help: rename one of the connectors, or write the value in the file
environment CROSSPOINT_CONNECTORS__CRM__ENV: there is no such setting
  help: variables are for connectors with a table in the file: write `[connectors.crm]` there
environment CROSSPOINT_CONNECTORS__CRM__WORKERS: there is no such setting
  help: variables are for connectors with a table in the file: write `[connectors.crm]` there
environment CROSSPOINT_CONNECTORS__HTTP__WORKERS: there is no such setting
  help: did you mean `CROSSPOINT_CONNECTORS__A_B__WORKERS`, `CROSSPOINT_CONNECTORS__HTTP__ANSWERS` or `CROSSPOINT_CONNECTORS__HTTP__MAX_ANSWER`?
environment CROSSPOINT_PYTHON__ENV: there is no such setting
  help: `python.env` is a table, write it in the file
environment CROSSPOINT_PYTHON__THREADS: `python.threads` must be a whole number, not text
  help: expected a whole number from 1 to 1000, without quotes
environment CROSSPOINT_PYTHON__WORKERS: `python.workers`: `65` is out of bounds
  help: expected a whole number from 1 to 64

7 mistakes in the configuration"
    );
}

#[test]
fn an_option_is_called_by_its_own_name() {
    let mut env = Environment::from_iter([("CROSSPOINT_LISTEN", "127.0.0.1:1")]);
    env.set("CROSSPOINT_LISTEN", "--listen", "nowhere".to_owned());
    env.set("CROSSPOINT_PYTHON__VENV", "--python-env", "".to_owned());
    let found = load_env("", &env).map(|_| ()).unwrap_err();
    assert_eq!(
        found.to_string(),
        "--listen: `listen`: `nowhere` is not an address and a port\n  \
         help: expected an address such as `127.0.0.1:7004`\n\
         --python-env: `python.venv`: it is empty\n  help: write a path, or take it out\n\
         \n2 mistakes in the configuration"
    );
    env.set("CROSSPOINT_LISTEN", "--listen", "127.0.0.1:2".to_owned());
    env.set(
        "CROSSPOINT_PYTHON__VENV",
        "--python-env",
        ".venv".to_owned(),
    );
    let loaded = load_env("python.workers = 2", &env).unwrap();
    assert_eq!(
        loaded.config.python.venv.as_ref().unwrap().to_string(),
        ".venv"
    );
    assert_eq!(loaded.origins["python.venv"].to_string(), "--python-env");
    let shown = effective(&loaded);
    assert!(
        shown.contains("listen = \"127.0.0.1:2\"  # from --listen\n"),
        "{shown}"
    );
}

#[test]
fn no_secret_shows_whether_it_fails_or_succeeds() {
    const CANARY: &str = "canary-7f3a9c";
    let broken = [
        "python = \"git+https://u:CANARY@h.example/x\\n#\"",
        "python = \"-f https://u:CANARY@h.example/x\"",
        "env = { TOKEN = [\"CANARY\"] }",
        "env = { TOKEN = \"CANARY\\u0000\" }",
        "env = { TOKEN = \"CANARY }",
        "config = { token = { a = \"CANARY\" } }",
        "env = \"CANARY\"",
        "evn = { TOKEN = \"CANARY\" }",
    ];
    for line in broken {
        let text = format!("[connectors.crm]\n{}\n", line.replace("CANARY", CANARY));
        let found = load_env(&text, &Environment::default())
            .map(|_| ())
            .expect_err(&text);
        let json = serde_json::to_string(&found).unwrap();
        for shown in [found.to_string(), format!("{found:?}"), json] {
            assert!(!shown.contains(CANARY), "{text}\n{shown}");
        }
    }
    let text = format!(
        "[python]\ninstall = [\"git+https://{CANARY}-1@h.example/x\"]\nenv = {{ B = \"env:S\" }}\n\
         [connectors.crm]\npython = \"git+https://u:{CANARY}-2@h.example/x\"\n\
         extra_requirements = [\"git+ssh://u:{CANARY}-3@h.example/x\"]\n\
         env = {{ TOKEN = \"{CANARY}-4\", URL = \"amqp://u:{CANARY}-5@h\" }}\n\
         config = {{ password = \"{CANARY}-6\", other = \"env:S\" }}\n"
    );
    let loaded = ok(&text, &[("S", &format!("{CANARY}-7"))]);
    let json = effective_json(&loaded).to_string();
    let debug = format!("{loaded:?} {:?}", loaded.worker("crm"));
    for shown in [effective(&loaded), json, debug] {
        assert!(!shown.contains(CANARY), "{shown}");
    }
    let mask = crosspoint_core::Mask::new(all_secrets(&loaded));
    for number in 1..=7 {
        let text = format!("it is {CANARY}-{number}.");
        assert_eq!(mask.apply(&text), "it is ***.");
    }
}
