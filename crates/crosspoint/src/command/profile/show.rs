//! Profiles as people and programs read them: no secret is in it.

use crosspoint_broker::profiles::{Definition, From};
use crosspoint_core::{MASKED, is_sensitive_name};
use serde_json::{Map, Value, json};

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
            from(profile),
            fields.join(" ")
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// All of it, a line each.
pub fn whole(profile: &Definition, counts: bool) -> String {
    let mut lines = vec![format!("{} (from the {})", profile.id, from(profile))];
    let mut say = |what: &str, value: String| lines.push(format!("  {what}: {value}"));
    if !counts {
        say(
            "does not count",
            "the configuration file has one of that name".to_owned(),
        );
    }
    say("enabled", profile.enabled.to_string());
    say("default", profile.default.to_string());
    for (name, value) in settings(profile) {
        let text = value.as_str().map(str::to_owned);
        say(&name, text.unwrap_or_else(|| value.to_string()));
    }
    for (name, value) in secrets(profile) {
        say(&name, value);
    }
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
    let secrets: Map<String, Value> = secrets(profile).map(|(n, v)| (n, v.into())).collect();
    json!({
        "id": profile.id.to_string(),
        "connector": profile.id.connector,
        "name": profile.id.name,
        "from": from(profile),
        "counts": counts,
        "enabled": profile.enabled,
        "default": profile.default,
        "settings": settings(profile).collect::<Map<_, _>>(),
        "secrets": secrets,
        "auth": profile.auth,
        "check_every": profile.check_every.map(|every| Span(every).to_string()),
    })
}

fn from(profile: &Definition) -> &'static str {
    match profile.from {
        From::File => "file",
        From::Store => "store",
    }
}

/// A setting that is called like a secret probably is one.
fn settings(profile: &Definition) -> impl Iterator<Item = (String, Value)> + '_ {
    profile.settings.iter().map(|(name, value)| {
        let hidden = is_sensitive_name(name) && value.is_string();
        let shown = if hidden { MASKED.into() } else { value.clone() };
        (name.clone(), shown)
    })
}

/// References as they are, everything else masked.
fn secrets(profile: &Definition) -> impl Iterator<Item = (String, String)> + '_ {
    profile.secrets.iter().map(|(name, source)| {
        let shown = source.reference().unwrap_or_else(|| MASKED.to_owned());
        (name.clone(), shown)
    })
}
