//! What references lead to, and what is shown of them.

use super::*;

fn resolved(text: &str) -> Result<String, String> {
    let env = Environment::from_iter([("FULL", "from env"), ("EMPTY", "")]);
    let key = text.parse::<KeyText>().map_err(|wrong| wrong.why)?;
    key.resolve(&env)
        .map(|key| key.expose().clone())
        .map_err(|wrong| wrong.why)
}

#[test]
fn references_lead_to_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "from file \n\n").unwrap();
    assert_eq!(resolved("env:FULL").unwrap(), "from env");
    assert_eq!(
        resolved(&format!("file:{}", path.display())).unwrap(),
        "from file"
    );
    assert_eq!(resolved("exec:echo  from   exec").unwrap(), "from exec");
    assert_eq!(resolved("the key itself").unwrap(), "the key itself");
}

#[test]
fn no_shell_is_asked() {
    assert_eq!(resolved("exec:echo $HOME; `id`").unwrap(), "$HOME; `id`");
}

#[test]
fn what_leads_nowhere_is_named() {
    for (text, why) in [
        ("env:NONE", "`env:NONE` is not set"),
        ("env:EMPTY", "`env:EMPTY` is empty"),
        ("env:", "`env:` names no variable"),
        ("secret:a/b", "`secret:` names no secret"),
        ("secret:a", "`secret:a` cannot be followed here"),
        ("vault:a/b#", "`vault:` does not lead to a field"),
        (
            "file:/nowhere/key",
            "`file:/nowhere/key` cannot be read: there is no such file",
        ),
        (
            "exec:no-such-command-here",
            "`exec:no-such-command-here` cannot be run: ",
        ),
        ("exec:false", "`exec:false` failed (exit status: 1)"),
        ("exec:true", "`exec:true` is empty"),
        ("***", "`***` stands for a key that is not shown"),
        (" ", "it is empty"),
        ("two\nlines", "it holds a line break"),
    ] {
        let error = resolved(text).expect_err(text);
        assert!(error.starts_with(why), "{error}");
    }
}

#[test]
fn a_command_that_does_not_end_is_given_up() {
    let error = from_command("sleep 1000", Duration::from_millis(20)).unwrap_err();
    assert_eq!(error, "took longer than 0 s");
}

#[test]
fn a_literal_is_masked_and_a_reference_is_not() {
    let literal: KeyText = "canary-2b7e".parse().unwrap();
    let shown = format!("{literal} {literal:?} {}", serde_json::json!(literal));
    assert_eq!(shown, r#"*** KeyText(***) "***""#);
    let reference = KeyText::variable("NAME");
    assert_eq!(
        format!("{reference} {reference:?}"),
        "env:NAME KeyText(env:NAME)"
    );
}

#[test]
fn what_looks_like_a_reference_is_noticed() {
    let looks = |text: &str| text.parse::<KeyText>().unwrap().looks_like_a_reference();
    assert!(looks("vault:a/b") && looks("evn:NAME") && looks("ENV:NAME"));
    assert!(!looks("env:NAME") && !looks("a1:b") && !looks("plain") && !looks("end:"));
}
