//! Profiles of Python connectors: in `config`, and in place of parameters.

use serde_json::{Value, json};

use crate::harness::{Canaries, Proxy, Setup};
use crate::python::support::{connector, serve_setup};

const CRM: &str = r#"
class Look:
    def __init__(self, url: str, token: str = "none"):
        self.url, self.token = url, token
    def execute(self, config, task_data):
        seen = [self.url, self.token, config["url"], config["token"], config.get("port"), config["REGION"]]
        return {"response": seen, "status": 200, "mimetype": "application/json"}

class Tell:
    def __init__(self, how: str):
        self.how = how
    def execute(self, config, task_data):
        if self.how == "print":
            print("the token is", config["token"])
        raise RuntimeError(f"the token is {config['token']} of {dict(config)}")
"#;

async fn crm(profiles: &str) -> Proxy {
    let table = connector("crm", "./crm.py") + "config = { REGION = \"north\", url = \"host\" }\n";
    let setup = Setup::new().file("crm.py", CRM).config(&(table + profiles));
    serve_setup(setup).await
}

async fn look(proxy: &Proxy, arguments: Value, profile: &str) -> Value {
    let call = json!({"command": "crm/Look", "arguments": arguments, "profile": profile});
    proxy.asks(&call).send().await.brought()
}

const TWO: &str = "[connectors.crm.profiles.prod]\n\
                   settings = { url = \"https://prod\", port = 25 }\n\
                   secrets = { token = \"t0ken-prod\" }\n\
                   [connectors.crm.profiles.test]\n\
                   settings = { url = \"https://test\", REGION = \"south\" }\n\
                   secrets = { token = \"t0ken-test\" }\n";

#[tokio::test]
async fn config_and_parameters_have_the_values_and_what_the_call_gives_wins() {
    let proxy = crm(TWO).await;
    let prod = ["https://prod", "t0ken-prod"];
    let seen = look(&proxy, json!({}), "prod").await;
    assert_eq!(
        seen,
        json!([prod[0], prod[1], prod[0], prod[1], 25, "north"])
    );
    let seen = look(&proxy, json!({"url": "own", "token": ""}), "prod").await;
    assert_eq!(seen, json!(["own", prod[1], prod[0], prod[1], 25, "north"]));
    let seen = look(&proxy, json!({}), "test").await;
    assert_eq!(seen[5], "south");
    // With two of them and none named there is none.
    let answer = proxy.api("crm/Look", json!({})).await;
    assert_eq!(answer.problem(), (400, "invalid_arguments".to_owned()));
}

#[tokio::test]
async fn calls_at_once_never_see_each_others_profile() {
    let proxy = crm(TWO).await;
    let calls = (0..100).map(|n| {
        let name = ["prod", "test"][n % 2];
        let proxy = &proxy;
        async move { (name, look(proxy, json!({}), name).await) }
    });
    for (name, seen) in futures_util::future::join_all(calls).await {
        let (url, token) = (format!("https://{name}"), format!("t0ken-{name}"));
        assert_eq!(
            seen.as_array().unwrap()[..4],
            [&*url, &*token, &*url, &*token],
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_secret_within_an_exception_or_a_print_does_not_show() {
    let mut canaries = Canaries::default();
    let token = canaries.plant_plain("the token of the profile");
    let profiles = format!("[connectors.crm.profiles.prod]\nsecrets = {{ token = \"{token}\" }}\n");
    let proxy = crm(&profiles).await;
    for how in ["print", "raise"] {
        let ask = proxy.do_("crm/Tell").json(&json!({"how": how}));
        let answer = ask.verbatim().send().await;
        assert_eq!(answer.status, 500, "{}", answer.text);
        assert!(answer.text.contains("the token is ***"), "{}", answer.text);
        canaries.look_in(how, &answer.text);
    }
    proxy.log_line(&["the token is ***", "stdout"]).await;
    let ended = proxy.stop().await;
    canaries.look_in("the log", &(ended.stdout + &ended.stderr));
}
