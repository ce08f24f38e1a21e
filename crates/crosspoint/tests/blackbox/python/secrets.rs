//! Secrets of connectors: not in the log, not in errors, not at other connectors.

use serde_json::json;

use super::support::{bare, connector, ready, serve_setup, zoo};
use crate::harness::{Canaries, Proxy, Setup, json as read};

const TELLTALE: &str = r#"
import os, sys
print("at import", os.environ["TOKEN"])
class Tell:
    def __init__(self, how: str):
        self.how = how
    def execute(self, config, task_data):
        token = config["TOKEN"]
        if self.how == "print":
            print("the token is", token)
            print("the token is", token, file=sys.stderr)
        elif self.how == "write":
            os.write(1, f"the token is {token}\n".encode())
        elif self.how == "raise":
            raise RuntimeError(f"the token is {token}")
        elif self.how == "exit":
            os.write(2, f"the token is {token}\n".encode())
            os._exit(1)
        return {"response": "told", "status": 200, "mimetype": "text/plain"}
"#;

#[tokio::test]
async fn what_a_reference_stands_for_never_shows() {
    let mut canaries = Canaries::default();
    let token = canaries.plant_plain("the variable TOKEN");
    let setup = Setup::new()
        .file("telltale.py", TELLTALE)
        .config(&(connector("telltale", "./telltale.py") + "env = { TOKEN = \"env:MY_TOKEN\" }\n"))
        .env("MY_TOKEN", &token);
    let proxy = serve_setup(setup).await;
    for how in ["print", "write", "nothing", "raise", "exit"] {
        let ask = proxy.do_("telltale/Tell").json(&json!({"how": how}));
        let answer = ask.verbatim().send().await;
        canaries.look_in(how, &answer.text);
        canaries.look_in(how, &format!("{:?}", answer.headers));
    }
    proxy.log_line(&["the token is", "stdout"]).await;
    proxy.log_line(&["the token is", "stderr"]).await;
    for path in ["/readyz", "/v1/commands", "/metrics", "/docs"] {
        canaries.look_in(path, &proxy.get(path).await.text);
    }
    for arguments in [
        &["config", "check"][..],
        &["config", "check", "--json"],
        &["env", "list"],
        &["commands"],
    ] {
        let ended = proxy.run(arguments).await;
        canaries.look_in(&format!("{arguments:?}"), &(ended.stdout + &ended.stderr));
    }
    let ended = proxy.stop().await;
    canaries.look_in("the log", &ended.stderr);
    canaries.look_in("standard output", &ended.stdout);
    assert!(ended.stderr.contains("at import"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_module_that_raises_its_secret_at_import_does_not_tell_it() {
    let mut canaries = Canaries::default();
    let token = canaries.plant_plain("the variable TOKEN");
    let text = "import os\nraise RuntimeError('the token is ' + os.environ['TOKEN'])\n";
    let table = connector("bad", "./bad.py") + "env = { TOKEN = \"env:MY_TOKEN\" }\n";
    let setup = Setup::new().file("bad.py", text).config(&table);
    let proxy = serve_setup(setup.env("MY_TOKEN", &token)).await;
    let problems = ready(&proxy).await.join("\n");
    assert!(problems.contains("RuntimeError"), "{problems}");
    canaries.look_in("/readyz", &problems);
    let ended = proxy.run(&["commands"]).await;
    assert!(ended.stderr.contains("RuntimeError"), "{}", ended.stderr);
    canaries.look_in("commands", &(ended.stdout + &ended.stderr));
    canaries.look_in("the log", &proxy.stop().await.stderr);
}

#[tokio::test]
async fn credentials_of_an_address_or_an_index_never_show() {
    let mut canaries = Canaries::default();
    let password = canaries.plant_plain("the address of a repository");
    let index = canaries.plant_plain("the address of an index");
    let config = format!(
        "[connectors.remote]\npython = \"git+http://me:{password}@127.0.0.1:1/crm.git\"\n\
         [connectors.indexed]\npython = \"connector-of-nobody\"\n"
    );
    let setup = Setup::new()
        .config(&config)
        .env(
            "PIP_INDEX_URL",
            format!("http://me:{index}@127.0.0.1:1/simple"),
        )
        .env("PIP_RETRIES", "0");
    let proxy = serve_setup(setup).await;
    let problems = ready(&proxy).await;
    assert_eq!(problems.len(), 2, "{problems:?}");
    canaries.look_in("/readyz", &problems.join("\n"));
    for arguments in [
        &["env", "sync"][..],
        &["env", "sync", "--json"],
        &["commands"],
    ] {
        let ended = proxy.run(arguments).await;
        canaries.look_in(&format!("{arguments:?}"), &(ended.stdout + &ended.stderr));
    }
    canaries.look_in("the log", &proxy.stop().await.stderr);
}

async fn environment(proxy: &Proxy, connector: &str) -> String {
    let command = format!("{connector}/Environment");
    let ask = proxy.do_(&command).json(&json!({}));
    let ask = ask.header("authorization", "Bearer key-of-the-proxy");
    ask.send().await.success().to_string()
}

#[tokio::test]
async fn a_connector_sees_neither_anothers_variables_nor_ours() {
    let project = zoo("connector-gallery");
    let config = format!(
        "{}env = {{ ONE = \"first-value\" }}\n{}env = {{ TWO = \"env:SECOND\" }}\n",
        connector("one", &project),
        connector("two", &project)
    );
    let setup = Setup::new()
        .config(&config)
        .env("SECOND", "second-value")
        .env("UNRELATED", "of-the-operator")
        .env("CROSSPOINT_DRAIN", "5s")
        .env("CONNECTOR_PROXY_API_KEY", "key-of-the-proxy");
    let proxy = serve_setup(setup).await;
    let one = environment(&proxy, "one").await;
    let two = environment(&proxy, "two").await;
    assert!(
        one.contains("first-value") && two.contains("second-value"),
        "{one} {two}"
    );
    for (seen, others) in [(&one, "second-value"), (&two, "first-value")] {
        for hidden in [
            others,
            "SECOND",
            "UNRELATED",
            "CROSSPOINT_",
            "key-of-the-proxy",
        ] {
            assert!(!seen.contains(hidden), "{hidden}: {seen}");
        }
        let seen = read(seen);
        assert!(
            seen["PATH"].is_string() && seen["VIRTUAL_ENV"].is_string(),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn a_secret_argument_of_a_call_is_no_more_told_than_elsewhere() {
    let setup = Setup::new().config(&connector("post", zoo("post.py")));
    let proxy = serve_setup(setup).await;
    bare(&proxy, "post/Send", json!({"to": "hunter2hunter2"})).await;
    let answer = proxy
        .call("post/Send", json!({"too": "hunter2hunter2"}))
        .await;
    assert_eq!(answer.status, 400);
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    let log = proxy.stop().await.stderr;
    assert!(!log.contains("hunter2"), "{log}");
}
