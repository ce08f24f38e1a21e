//! What the list of commands says.

use std::collections::HashSet;

use crate::testing::findings::{Complaint, Findings};
use crate::testing::kit::{Kit, short};
use crate::testing::subject::Listed;
use crate::{is_connector_name, is_sensitive_name};

pub(crate) async fn lists_commands(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    match kit.listing() {
        Ok(listing) => {
            let some = !listing.commands.is_empty();
            findings.expect(some, "the list", || "it is empty".to_owned());
        }
        Err(reason) => findings.note(Some(Complaint::new("the list", reason))),
    }
    findings
}

pub(crate) async fn entries_are_whole(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    let Ok(listing) = kit.listing() else {
        return findings;
    };
    findings.looked_at = listing.commands.len();
    for fault in &listing.faults {
        findings.note(Some(Complaint::new("the list", fault)));
    }
    findings
}

pub(crate) async fn ids_are_unique(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    let mut seen = HashSet::new();
    for command in kit.commands() {
        let first = seen.insert(&command.id);
        findings.expect(first, &command.id, || {
            "it is listed more than once".to_owned()
        });
    }
    findings
}

pub(crate) async fn ids_are_legal(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        let wrong = wrong_id(&command.id);
        let about = short(&command.id);
        findings.note(wrong.map(|what| Complaint::new(about, what)));
    }
    findings
}

fn wrong_id(id: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    match id.split_once('/') {
        None => Some("it has no '/'"),
        Some((_, command)) if command.contains('/') => Some("it has more than one '/'"),
        Some((connector, _)) if !is_connector_name(connector) => {
            Some("the connector's name has characters that it must not have, or none")
        }
        Some((_, command)) if command.is_empty() || !command.chars().all(plain) => {
            Some("the command's name has characters that it must not have, or none")
        }
        Some(_) => None,
    }
}

pub(crate) async fn parameters_are_unique(kit: &Kit<'_>) -> Findings {
    each_command(kit, |command| {
        let mut seen = HashSet::new();
        let mut names = command.parameters.iter().map(|p| p.name.as_str());
        let twice = names.find(|name| !seen.insert(*name))?;
        Some(format!(
            "parameter '{}' is listed more than once",
            short(twice)
        ))
    })
}

pub(crate) async fn types_are_known(kit: &Kit<'_>) -> Findings {
    each_command(kit, |command| {
        let known = |kind: &str| matches!(kind, "str" | "int" | "bool" | "any");
        let odd = command.parameters.iter().find(|p| !known(&p.kind))?;
        let (name, kind) = (short(&odd.name), short(&odd.kind));
        Some(format!("parameter '{name}' is of type '{kind}'"))
    })
}

pub(crate) async fn is_stable(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    let Ok(first) = kit.listing() else {
        return findings;
    };
    for _ in 0..2 {
        let again = kit.list_again().await;
        let same = again.as_ref() == Ok(first);
        findings.expect(same, "the list", || match again {
            Ok(again) => format!(
                "it had {} commands and has {}, or one of them has changed",
                first.commands.len(),
                again.commands.len()
            ),
            Err(reason) => format!("the second time: {reason}"),
        });
    }
    findings
}

pub(crate) async fn is_described(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    let blank = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
    for command in kit.commands() {
        let silent = command.parameters.iter().filter(|p| blank(&p.description));
        let silent: Vec<_> = silent.map(|p| p.name.as_str()).collect();
        let what = match (blank(&command.description), silent.is_empty()) {
            (false, true) => None,
            (true, true) => Some("it has no description".to_owned()),
            (_, false) => Some(format!("without description: {}", silent.join(", "))),
        };
        if command.description.is_none()
            && command.parameters.iter().all(|p| p.description.is_none())
        {
            findings.skip(&command.id, "its protocol has no descriptions");
            continue;
        }
        findings.note(what.map(|what| Complaint::new(&command.id, what)));
    }
    findings
}

pub(crate) async fn required_come_first(kit: &Kit<'_>) -> Findings {
    each_command(kit, |command| {
        let mut rest = command.parameters.iter().skip_while(|p| p.required);
        let late = rest.find(|p| p.required)?;
        Some(format!("'{}' comes after optional ones", short(&late.name)))
    })
}

pub(crate) async fn secrets_are_declared(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        if !command.parameters.is_empty() && command.parameters.iter().all(|p| p.secret.is_none()) {
            findings.skip(&command.id, "its list does not tell secrets");
            continue;
        }
        // Numbers and switches, such as max_tokens, are no secrets whatever their name.
        let open = command
            .parameters
            .iter()
            .find(|p| is_sensitive_name(&p.name) && p.secret == Some(false) && p.takes_any_text());
        findings.note(open.map(|p| {
            let what = format!("'{}' is not declared secret", short(&p.name));
            Complaint::new(&command.id, what)
        }));
    }
    findings
}

/// Looks at each command for one thing that is wrong.
fn each_command(kit: &Kit<'_>, wrong: impl Fn(&Listed) -> Option<String>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        findings.note(wrong(command).map(|what| Complaint::new(&command.id, what)));
    }
    findings
}
