//! What somebody meets who begins with profiles: nothing is made by looking, and slips are told.

use crate::harness::Setup;

#[tokio::test]
async fn looking_makes_no_store() {
    for store in ["", "[store]\nurl = \"none\"\n"] {
        let profile = "[connectors.slack.profiles.prod]\nsecrets = { token = \"canary\" }\n";
        let setup = Setup::new().config(&(store.to_owned() + profile));
        for (arguments, said) in [
            (&["profile", "list"][..], "slack/prod  file"),
            (&["profile", "show", "slack/prod"], "token: ***"),
            (&["key", "list"], "no keys"),
            (&["audit"], "Nothing was done yet"),
            (&["auth", "list"], "Nothing is authorised yet"),
        ] {
            let ended = setup.clone().run(arguments).await;
            let text = format!("{}{}", ended.text(0), ended.stderr);
            assert!(text.contains(said), "{arguments:?}: {text}");
        }
        assert!(!setup.path().join(".crosspoint").exists());
    }
}

#[tokio::test]
async fn what_is_not_there_yet_is_told_when_a_profile_is_made() {
    let setup = Setup::new();
    let arguments = [
        "profile",
        "set",
        "crm/prod",
        "url=https://crm.example",
        "--from",
        "token=secret:CRM_TOKEN",
    ];
    let made = setup.clone().run(&arguments).await;
    made.text(0);
    for part in [
        "The configuration has no connector crm",
        "crosspoint secret set CRM_TOKEN",
    ] {
        assert!(made.stderr.contains(part), "{made:?}");
    }
    super::secrets::set(&setup, "CRM_TOKEN", "canary").await;
    let setup = setup.config("[connectors.crm]\npython = \"connector-crm\"\n");
    let again = setup.run(&arguments).await;
    again.text(0);
    assert_eq!(again.stderr, "");
}

#[tokio::test]
async fn a_token_that_no_field_takes_is_told_before_anything_is_sent() {
    let auth = "[connectors.slack.auths.main]\nauthorize_url = \"https://h/a\"\n\
                token_url = \"https://h/t\"\nclient_id = \"me\"\n";
    let setup = Setup::new().config(auth);
    let set = ["profile", "set", "slack/prod", "--auth", "main"];
    setup.clone().run(&set).await.text(0);
    let call = ["call", "slack/PostMessage", "channel=c", "message=m"];
    let ended = setup.clone().run(&call).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for part in ["profile_invalid", "'access_token'", "token_field"] {
        assert!(ended.stderr.contains(part), "{ended:?}");
    }
    // With a field that slack has, nobody has authorised it yet.
    let setup = setup.config(&(auth.to_owned() + "token_field = \"token\"\n"));
    let ended = setup.run(&call).await;
    assert!(
        ended.stderr.contains("crosspoint auth login slack/prod"),
        "{ended:?}"
    );
}
