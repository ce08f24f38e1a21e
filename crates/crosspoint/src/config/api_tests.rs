//! `[api]`: what may be written, every mistake, and what wiring gets.

use super::super::effective;
use super::tests::{ok, problems, warnings};

const CANARY: &str = "canary-77ab10";

#[test]
fn nothing_at_all_allows_no_callback() {
    let loaded = ok("", &[]);
    let api = &loaded.config.api;
    assert_eq!(api.deadline.to_string(), "5m");
    assert_eq!(api.long_deadline.to_string(), "1h");
    assert_eq!(api.callback_retry.to_string(), "24h");
    assert!(api.callback_origins.is_empty());
    assert_eq!(loaded.api_callback_token, None);
}

#[test]
fn everything_is_taken_and_the_token_never_shown() {
    let text = "[api]\ndeadline = \"1m\"\nlong_deadline = \"2h\"\n\
                callback_origins = [\"https://app.example/\", \"http://localhost:3000\"]\n\
                callback_token = \"env:TOKEN\"\ncallback_retry = \"1h\"\n";
    let loaded = ok(text, &[("TOKEN", CANARY)]);
    let origins = loaded.config.api.callback_origins.iter();
    let origins: Vec<_> = origins.map(|origin| origin.origin()).collect();
    assert_eq!(origins, ["https://app.example", "http://localhost:3000"]);
    let token = loaded.api_callback_token.as_ref().unwrap();
    assert_eq!(token.expose(), CANARY);
    let shown = effective(&loaded);
    assert!(shown.contains("callback_token = \"env:TOKEN\""), "{shown}");
    assert!(!shown.contains(CANARY), "{shown}");
    // A list in a variable.
    let variable = "CROSSPOINT_API__CALLBACK_ORIGINS";
    let loaded = ok("", &[(variable, "https://a.example,https://b.example")]);
    assert_eq!(loaded.config.api.callback_origins.len(), 2);
}

#[test]
fn every_mistake_has_its_place() {
    let text = "[api]\ndeadline = \"-5m\"\nlong_deadline = \"25h\"\n\
                callback_origins = [\"https://app.example/path\", \"app.example\"]\n\
                callback_token = \"env:NONE\"\ncallback_retry = 0\nwaits = true\n";
    let found = problems(text, &[]);
    for place in [
        "2:12: `api.deadline`",
        "3:17: `api.long_deadline`: `25h` is longer than `24h`",
        "4:21: `api.callback_origins[0]`: a path does not belong there",
        "4:49: `api.callback_origins[1]`",
        "5:18: `api.callback_token`: `env:NONE` is not set",
        "6:18: `api.callback_retry`",
        "7:1: unknown key `api.waits`",
    ] {
        assert!(found.contains(place), "{place} is not in:\n{found}");
    }
}

#[test]
fn what_does_not_go_together_is_told() {
    let text = "[store]\nurl = \"none\"\n[api]\ncallback_origins = [\"https://app.example\"]\n";
    let found = problems(text, &[]);
    let wanted =
        "`api.callback_origins` needs the ledger, which `store.url = \"none\"` switches off";
    assert!(found.contains(wanted), "{found}");
    let token = format!("[api]\ncallback_token = \"{CANARY}\"\n");
    let found = warnings(&token, &[]).join("\n");
    assert!(
        found.contains("`api.callback_token` has no effect"),
        "{found}"
    );
    let clear =
        format!("{token}callback_origins = [\"https://a.example\", \"http://b.example\"]\n");
    let found = warnings(&clear, &[]).join("\n");
    let wanted = "`api.callback_token` goes to `http://b.example` in clear";
    assert!(
        found.contains(wanted) && !found.contains("a.example"),
        "{found}"
    );
    assert!(!found.contains(CANARY), "{found}");
}
