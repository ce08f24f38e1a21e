//! Round trips to a real provider: SpiffArena's, and those for profiles.

use http::Method;
use serde_json::{Value, json};

use super::provider::{Provider, at, open, query};
use crate::harness::{Canaries, Proxy, Setup, json as read, until};
use crate::python::support::{connector, ready, zoo};

/// What SpiffArena's page sends: not encoded, with a token of its user.
const BACKEND: &str = "http://localhost:8000/v1.0/authentication_callback/";

async fn spiff_round_trip(provider: &Provider, proxy: &Proxy, auth: &str) {
    let token = "c4n4ryUsersToken9x8w7";
    let path = format!("/v1/auth/{auth}?redirect_url={BACKEND}{auth}?token={token}");
    let begun = open(proxy, &path).await;
    assert_eq!(begun.status, 302, "{}", begun.text);
    let to = begun.header("location").to_owned();
    assert!(
        to.starts_with(&format!("{}/oauth2/authorize?", provider.url)),
        "{to}"
    );
    assert!(!to.contains(token));
    let back = provider.consent(&to).await;
    assert_eq!(back.path(), format!("/v1/auth/{auth}/callback"));
    let ended = open(proxy, &at(proxy, &back)).await;
    assert_eq!(ended.status, 302, "{}", ended.text);
    let location = ended.header("location").to_owned();
    let begin = format!("{BACKEND}{auth}?token={token}&response=");
    assert!(location.starts_with(&begin), "{location}");
    let set: Value = serde_json::from_str(&query(&location)["response"]).unwrap();
    for member in ["access_token", "refresh_token", "id_token"] {
        assert!(set[member].is_string(), "{member}: {set}");
    }
    assert!(set["expires_in"].is_number());
    // A second use of the same address gets nothing.
    let again = open(proxy, &at(proxy, &back)).await;
    assert_eq!(again.status, 400);
    assert!(again.text.contains("not known"), "{}", again.text);
    let mut canaries = Canaries::default();
    canaries.hide("the user's token", token);
    canaries.hide("the client's secret", "canary-client-secret");
    canaries.hide("the state", &query(&to)["state"]);
    canaries.hide("the code", &query(back.as_str())["code"]);
    canaries.hide("the access token", set["access_token"].as_str().unwrap());
    canaries.look_in("the log", &proxy.log());
    canaries.look_in("the metrics", &proxy.get("/metrics").await.text);
}

#[tokio::test]
async fn the_page_of_spiffarena_gets_the_tokens_of_a_configured_auth() {
    let provider = Provider::start(&[]).await;
    let config = format!("log = \"debug\"\n{}", provider.auth("main"));
    let proxy = Setup::new().config(&config).serve().await;
    let auths = proxy.get("/v1/auths").await.json();
    assert_eq!(auths[0]["id"], "http/main");
    spiff_round_trip(&provider, &proxy, "http/main").await;
}

#[tokio::test]
async fn an_auth_class_of_python_works_unmodified() {
    let provider = Provider::start(&[]).await;
    let mounted = connector("authed", zoo("connector-authed"));
    let config = format!(
        "log = \"debug\"\n{mounted}[connectors.authed.config]\n\
         AUTHED_CLIENT_SECRET = \"canary-client-secret\"\nAUTHED_PROVIDER = \"{}\"\n\
         [connectors.authed.env]\nAUTHED_CLIENT_ID = \"crosspoint\"\n",
        provider.url
    );
    let proxy = Setup::new().config(&config).serve().await;
    assert!(ready(&proxy).await.is_empty());
    let auths = proxy.get("/v1/auths").await.json();
    let ids: Vec<_> = auths
        .as_array()
        .unwrap()
        .iter()
        .map(|auth| &auth["id"])
        .collect();
    assert_eq!(ids, ["authed/Broken", "authed/Elder", "authed/OAuth"]);
    spiff_round_trip(&provider, &proxy, "authed/OAuth").await;
    for (auth, status, part) in [
        ("Elder", 404, "OAuth 1"),
        ("Broken", 502, "NOWHERE_TO_BE_FOUND"),
        ("Nothing", 404, "there is no auth"),
    ] {
        let path = format!("/v1/auth/authed/{auth}?redirect_url={BACKEND}");
        let answer = open(&proxy, &path).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(answer.text.contains(part), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_person_authorises_a_profile_by_the_command_line() {
    let provider = Provider::start(&[]).await;
    let config = provider.profile("prod", "main");
    let proxy = Setup::new().config(&config).serve().await;
    let none = proxy.run(&["auth", "list"]).await;
    assert!(
        none.stdout.contains("Nothing is authorised"),
        "{}",
        none.stdout
    );
    let setup = proxy.setup().env("USER", "ada");
    let login = setup.start(&["auth", "login", "http/prod"]);
    let address = || {
        let stdout = login.stdout();
        let line = stdout
            .lines()
            .find(|line| line.trim().starts_with("http"))?;
        Some(line.trim().to_owned())
    };
    until("the address is there", async || address().is_some()).await;
    let back = provider.consent(&address().unwrap()).await;
    let ended = open(&proxy, &at(&proxy, &back)).await;
    assert_eq!(ended.status, 200, "{}", ended.text);
    assert!(ended.text.contains("http/prod"), "{}", ended.text);
    until("the command line knows", async || {
        login.stdout().contains("http/prod is authorised.")
    })
    .await;
    let listed = proxy.run(&["auth", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed[0]["profile"], "http/prod");
    // Whoever it is, by the system: what a variable says is no name.
    let by = listed[0]["by"].as_str().unwrap();
    assert!(by != "ada" && !by.is_empty(), "{listed}");
    assert_eq!(listed[0]["dead"], Value::Null);
    assert_eq!(listed[0]["refreshable"], true);
    let shown = proxy.run(&["auth", "list"]).await.stdout;
    assert!(
        shown.contains("http/prod  main  until ") && shown.contains(&format!("by {by}")),
        "{shown}"
    );
    // The same without a server: the store knows it.
    let setup = proxy.setup();
    assert_eq!(proxy.stop().await.code, Some(0));
    let kept = setup.clone().run(&["auth", "list", "--json"]).await;
    assert_eq!(read(&kept.text(0)), listed);
    let forgotten = setup.clone().run(&["auth", "forget", "http/prod"]).await;
    assert!(forgotten.text(0).contains("is forgotten"), "{forgotten:?}");
    let acts = setup.clone().run(&["audit"]).await.text(0);
    assert!(acts.contains("auth.forget  http/prod  by"), "{acts}");
    let again = setup.run(&["auth", "forget", "http/prod"]).await;
    assert_eq!(again.code, Some(1));
    assert!(
        again.stderr.contains("nothing is authorised"),
        "{}",
        again.stderr
    );
}

#[tokio::test]
async fn a_person_who_says_no_is_told_so() {
    let provider = Provider::start(&[]).await;
    let config = provider.profile("prod", "main");
    let proxy = Setup::new().config(&config).serve().await;
    let begun = open(&proxy, "/v1/auth/http/main?profile=prod").await;
    let back = provider
        .decide(begun.header("location"), "action=deny")
        .await;
    let ended = open(&proxy, &at(&proxy, &back)).await;
    assert_eq!(ended.status, 400);
    assert!(ended.text.contains("access_denied"), "{}", ended.text);
}

#[tokio::test]
async fn behind_a_reverse_proxy_browsers_come_back_to_its_address() {
    let provider = Provider::start(&[]).await;
    let config = format!(
        "public_url = \"https://proxy.example/base/\"\n{}",
        provider.profile("prod", "main")
    );
    let proxy = Setup::new().config(&config).serve().await;
    let ask = proxy
        .ask(Method::GET, "/v1/auth/http/main?profile=prod")
        .verbatim();
    // Whatever Host the request names.
    let begun = ask.header("host", "localhost:1").send().await;
    let sent = query(begun.header("location"));
    assert_eq!(
        sent["redirect_uri"],
        "https://proxy.example/base/v1/auth/http/main/callback"
    );
}

#[tokio::test]
async fn the_command_line_says_what_is_missing() {
    let config =
        "[connectors.http.profiles.prod]\nsettings = { origin = \"https://api.example\" }\n";
    let proxy = Setup::new().config(config).serve().await;
    for (arguments, part) in [
        (
            &["auth", "login", "http/prod"][..],
            "http has no auth by which a person authorises",
        ),
        (
            &["auth", "login", "http/prod", "--auth", "x"],
            "there is no auth http/x",
        ),
    ] {
        let ended = proxy.run(arguments).await;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    let ended = proxy.run(&["auth", "login", "http"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("connector/name"), "{}", ended.stderr);
    let setup = Setup::new();
    let ended = setup.clone().run(&["auth", "list"]).await;
    assert!(ended.text(0).contains("Nothing is authorised"), "{ended:?}");
    let ended = setup.clone().run(&["auth", "login", "http/prod"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("crosspoint serve"), "{ended:?}");
    assert!(!setup.path().join(".crosspoint").exists());
}

#[tokio::test]
async fn a_profile_is_authorised_by_the_auth_that_it_names() {
    let auth = |name: &str| {
        format!(
            "[connectors.http.auths.{name}]\nauthorize_url = \"https://{name}.example/authorize\"\n\
             token_url = \"https://{name}.example/token\"\nclient_id = \"me\"\n\
             client_secret = \"secret:{name}\"\n"
        )
    };
    let profile = "[connectors.http.profiles.file]\nauth = \"two\"\n\
                   settings = { origin = \"https://api.example\" }\n\
                   secrets = { headers = \"secret:H\" }\n";
    let setup = Setup::new().config(&(auth("one") + &auth("two") + profile));
    for name in ["H", "two"] {
        super::secrets::set(&setup, name, "canary").await;
    }
    let listed = super::secrets::list(&setup).await;
    assert_eq!(listed[0]["used_by"], json!(["profile http/file"]));
    assert_eq!(listed[1]["used_by"], json!(["auth http/two"]));
    let proxy = setup.serve().await;
    let store = [
        "profile",
        "set",
        "http/store",
        "origin=https://api.example",
        "--auth",
        "one",
    ];
    proxy.run(&store).await.text(0);
    let login = async |profile: &str| {
        let ended = proxy.run(&["auth", "login", profile, "--no-wait"]).await;
        ended.stdout + &ended.stderr
    };
    assert!(login("http/file").await.starts_with("https://two.example/"));
    // One that was made a moment ago is known.
    let store = login("http/store").await;
    assert!(store.starts_with("https://one.example/"), "{store}");
    let bare = ["profile", "set", "http/bare", "origin=https://api.example"];
    proxy.run(&bare).await.text(0);
    let other = login("http/bare").await;
    assert!(other.contains("name one by --auth (one, two)"), "{other}");
}

#[tokio::test]
async fn nobody_begins_to_authorise_a_profile_that_there_is_not() {
    let auth = "[connectors.http.auths.main]\nauthorize_url = \"https://login.example/authorize\"\n\
                token_url = \"https://login.example/token\"\nclient_id = \"me\"\n";
    let profile = "[connectors.http.profiles.prod]\nauth = \"main\"\n\
                   settings = { origin = \"https://api.example\" }\n";
    let proxy = Setup::new()
        .config(&(auth.to_owned() + profile))
        .serve()
        .await;
    for (id, told) in [
        (
            "http/prdo",
            "there is no profile http/prdo; did you mean http/prod? To make it: crosspoint profile set \
             http/prdo --auth main",
        ),
        (
            "htp/prod",
            "there is no profile htp/prod; did you mean http/prod? To make it: crosspoint profile set \
             htp/prod --auth NAME",
        ),
        (
            "smtp/quite-another",
            "there is no profile smtp/quite-another. To make it: crosspoint profile set \
             smtp/quite-another --auth NAME",
        ),
    ] {
        let ended = proxy.run(&["auth", "login", id]).await;
        assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.contains(told), "{ended:?}");
        // By a browser it is the same.
        let (connector, name) = id.split_once('/').unwrap();
        let path = format!("/v1/auth/{connector}/main?profile={name}");
        let answer = open(&proxy, &path).await;
        assert_eq!((answer.status, answer.header("location")), (404, ""));
        let told = told.replace("NAME", "main");
        assert!(answer.text.contains(&told), "{}", answer.text);
    }
    // What the message says makes it possible.
    let made = ["profile", "set", "http/prdo", "--auth", "main"];
    let made = [&made[..], &["origin=https://api.example"]].concat();
    proxy.run(&made).await.text(0);
    let ended = proxy
        .run(&["auth", "login", "http/prdo", "--no-wait"])
        .await;
    assert!(
        ended.text(0).starts_with("https://login.example/"),
        "{ended:?}"
    );
}
