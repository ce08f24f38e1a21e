//! What names a store, and what is shown of it.

use super::*;

fn url(text: &str) -> StoreUrl {
    text.parse().unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn refused(text: &str) -> Wrong {
    text.parse::<StoreUrl>().expect_err(text)
}

fn secrets(text: &str) -> Vec<String> {
    let target = url(text).resolve(&Environment::default()).unwrap();
    let secrets = target.secrets();
    secrets
        .iter()
        .map(|secret| secret.expose().clone())
        .collect()
}

#[test]
fn only_passwords_are_not_shown() {
    for (text, shown) in [
        ("none", "none"),
        (" sqlite:state/crosspoint.db ", "sqlite:state/crosspoint.db"),
        ("sqlite:///srv/a:b@c.db", "sqlite:///srv/a:b@c.db"),
        ("env:DATABASE_URL", "env:DATABASE_URL"),
        ("file:/run/secrets/url", "file:/run/secrets/url"),
        ("postgres://h/d", "postgres://h/d"),
        ("postgres://u@h:5432/d", "postgres://u@h:5432/d"),
        ("postgres://u:canary@h/d", "postgres://u:***@h/d"),
        (
            "postgresql://u:canary@x:canary@h/d?sslmode=require",
            "postgresql://u:***@h/d?sslmode=require",
        ),
        (
            "postgres:///d?host=/run/postgresql&password=canary&user=u",
            "postgres:///d?host=/run/postgresql&password=***&user=u",
        ),
    ] {
        let url = url(text);
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), format!("StoreUrl({shown})"));
        assert_eq!(serde_json::json!(url), shown);
    }
}

#[test]
fn a_password_is_a_secret_as_it_is_spelled_and_as_it_is() {
    assert_eq!(secrets("postgres://u:canary@h/d"), ["canary"]);
    assert_eq!(
        secrets("postgres://u:c%40n+ary@h/d?password=other&user=u"),
        ["c%40n+ary", "c@n+ary", "other"]
    );
    // Shorter ones would withhold every text that they occur in by chance.
    for text in [
        "none",
        "sqlite:a.db",
        "postgres://user@h/d",
        "postgres://u:abc@h",
    ] {
        assert!(secrets(text).is_empty(), "{text}");
    }
}

#[test]
fn what_names_no_store_is_refused_and_not_quoted() {
    for (text, why) in [
        ("", "it is empty"),
        ("ledger.db", "it is not the URL of a store"),
        ("mysql://u:canary@h/d", "it is not the URL of a store"),
        ("NONE", "it is not the URL of a store"),
        ("***", "it is not the URL of a store"),
        ("sqlite:", "it names no file after `sqlite:`"),
        ("sqlite://", "it names no file after `sqlite:`"),
        (
            "sqlite::memory:",
            "it names no file, and what is in memory is not durable",
        ),
        (
            "sqlite:a.db?mode=ro",
            "it has parameters, which a file does not take",
        ),
        ("sqlite:a\nb", "it is not on one line"),
        (
            "postgres://u:***@h/d",
            "it has `***` for a password that is not shown",
        ),
        (
            "postgres://h/d?password=***",
            "it has `***` for a password that is not shown",
        ),
        (
            "postgres://u:canary/1@h/d",
            "it is not the URL of a database",
        ),
        (
            "postgres://u:1/canary@h/d",
            "it is not the URL of a database",
        ),
        (
            "postgres://u:1?canary@h/d",
            "it is not the URL of a database",
        ),
        (
            "postgres://u:1#canary@h/d",
            "it is not the URL of a database",
        ),
        (
            "postgres://h:port/canary",
            "it is not the URL of a database",
        ),
        ("env:", "`env:` names no variable"),
        (
            "secret:canary",
            "where the store is must be known before what is kept in it",
        ),
    ] {
        let wrong = refused(text);
        assert_eq!(wrong.why, why, "{text}");
        assert!(!wrong.to_string().contains("canary"), "{wrong}");
    }
    let help =
        "expected `sqlite:<file>`, `postgres://…`, `none`, or a reference such as `env:NAME`";
    assert_eq!(refused("ledger.db").help, help);
    assert!(
        refused("postgres://u:p/@h")
            .help
            .contains("`%2F` stands for `/`")
    );
}

#[test]
fn a_reference_leads_to_a_store_or_is_named() {
    let env = Environment::from_iter([
        ("URL", "postgres://u:canary@h/d"),
        ("OFF", "none\n"),
        ("EMPTY", ""),
        ("OTHER", "mysql://u:canary@h/d"),
        ("AGAIN", "env:URL"),
        ("MASKED", "postgres://u:***@h/canary"),
    ]);
    let resolve = |text: &str| url(text).resolve(&env);
    let at = StoreTarget::At(Secret::new("postgres://u:canary@h/d".to_owned()));
    assert_eq!(resolve("env:URL").unwrap(), at);
    assert_eq!(resolve("env:OFF").unwrap(), StoreTarget::None);
    assert!(!format!("{at:?}").contains("canary"));
    for (text, why) in [
        ("env:NONE", "`env:NONE` is not set"),
        ("env:EMPTY", "`env:EMPTY` is empty"),
        ("env:OTHER", "`env:OTHER` is not the URL of a store"),
        ("env:AGAIN", "`env:AGAIN` is not the URL of a store"),
        (
            "env:MASKED",
            "`env:MASKED` has `***` for a password that is not shown",
        ),
        (
            "file:/nowhere",
            "`file:/nowhere` cannot be read: there is no such file",
        ),
    ] {
        let wrong = resolve(text).unwrap_err();
        assert_eq!(wrong.why, why);
        assert!(!wrong.help.contains("canary"));
    }
}

#[test]
fn the_file_in_the_data_folder_may_have_any_name() {
    let within = |folder: &str| match StoreTarget::within(Path::new(folder)) {
        StoreTarget::At(url) => url.expose().clone(),
        StoreTarget::None => panic!("{folder}"),
    };
    assert_eq!(within(".crosspoint"), "sqlite:.crosspoint/crosspoint.db");
    assert_eq!(within("/srv/100%?"), "sqlite:/srv/100%25%3F/crosspoint.db");
}
