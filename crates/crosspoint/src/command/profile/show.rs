//! Profiles as people and programs read them: no secret is in it.

use crosspoint_broker::profiles::Definition;
use serde_json::{Map, Value};

use crate::config::durations::Span;

/// A line for each, under a head.
pub fn table(all: &[(Definition, bool)]) -> String {
    let names: Vec<_> = all
        .iter()
        .map(|(profile, _)| profile.id.to_string())
        .collect();
    let width = names.iter().map(String::len).max().unwrap_or(0).max(7);
    let mut text = format!(
        "{:<width$}  {:<5}  {:<21}  FIELDS\n",
        "PROFILE", "FROM", "STATE"
    );
    for ((profile, counts), name) in all.iter().zip(names) {
        let state = match (counts, profile.enabled, profile.default) {
            (false, _, _) => "covered by the file",
            (_, false, true) => "switched off, default",
            (_, false, false) => "switched off",
            (_, _, true) => "default",
            _ => "",
        };
        let fields = profile.settings.keys().chain(profile.secrets.keys());
        let fields: Vec<_> = fields.map(String::as_str).collect();
        let line = format!(
            "{name:<width$}  {:<5}  {state:<21}  {}",
            profile.from.name(),
            fields.join(" ")
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// All of it, a line each.
pub fn whole(profile: &Definition, counts: bool) -> String {
    let mut lines = vec![format!("{} (from the {})", profile.id, profile.from.name())];
    let mut say = |what: &str, value: String| lines.push(format!("  {what}: {value}"));
    if !counts {
        say(
            "does not count",
            "the configuration file has one of that name".to_owned(),
        );
    }
    say("enabled", profile.enabled.to_string());
    say("default", profile.default.to_string());
    let shown = profile.shown();
    let fields = texts(&shown, "settings")
        .into_iter()
        .chain(texts(&shown, "secrets"));
    fields.for_each(|(name, value)| say(&name, value));
    if let Some(auth) = &profile.auth {
        say("auth", auth.clone());
    }
    if let Some(every) = profile.check_every {
        say("check_every", Span(every).to_string());
    }
    lines.join("\n") + "\n"
}

/// For programs.
pub fn json(profile: &Definition, counts: bool) -> Value {
    let mut shown = profile.shown();
    shown.shift_insert(0, "id".to_owned(), profile.id.to_string().into());
    shown.insert("counts".to_owned(), counts.into());
    Value::Object(shown)
}

/// The members of an object of what is shown, as texts.
fn texts(shown: &Map<String, Value>, object: &str) -> Vec<(String, String)> {
    let members = shown.get(object).and_then(Value::as_object).into_iter();
    members
        .flatten()
        .map(|(name, value)| {
            let text = value.as_str().map(str::to_owned);
            (name.clone(), text.unwrap_or_else(|| value.to_string()))
        })
        .collect()
}
