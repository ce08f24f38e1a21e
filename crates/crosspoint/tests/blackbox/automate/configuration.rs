//! What may be written about adapters, and every mistake at once.

use super::support::adapter;
use crate::harness::Setup;

#[tokio::test]
async fn all_mistakes_are_told_at_once() {
    let config = "[automate]\nvenv = \"x\"\ninstall = [\"y\", \"--pre\"]\nmodules = [\"a b\", \"fine.one\"]\n\
                  package = \"real\"\ncheck_every = \"soon\"\n\
                  [connectors.one]\nautomate = \"automate_connectors.adapters.slak\"\nactions = [\"a\", \"a\", \"b c\"]\n\
                  raw_credentials = \"yes\"\n\
                  [connectors.two]\npython = \"./x\"\nautomate = \"./y\"\n";
    let ended = Setup::new().config(config).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(2));
    for part in [
        "2:8: `automate.venv` and `automate.install` exclude each other",
        "`--pre` is an option, not a package",
        "`automate.modules[0]`: `a b` is not the name of a module",
        "`real` is not one of the choices",
        "`automate.check_every`: `soon` is not a duration",
        "there is no `automate_connectors.adapters.slak`\n  help: did you mean `automate_connectors.adapters.slack`",
        "`connectors.one.actions` names `a` twice",
        "`connectors.one.actions[2]`: `b c` cannot be a command",
        "`connectors.one.raw_credentials` must be a boolean, not text",
        "`connectors.two.",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn what_is_configured_is_shown_as_it_counts() {
    let config = adapter("one", "./a.py") + "actions = [\"a\"]\ncheck_every = \"5m\"\n";
    let ended = Setup::new().config(&config).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for line in [
        "automate = \"./a.py\"",
        "actions = [\"a\"]",
        "check_every = \"5m\"",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
}
