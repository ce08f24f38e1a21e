//! What happens to arguments that are wrong.
//!
//! The calls here must be refused before anything happens, so they are sent to commands with
//! effects as well. To be safe with those that do not refuse, a command that is not known to be
//! harmless gets no call with a single mistake that it might overlook, unless it may be run.

use serde_json::{Map, Value};

use crate::testing::arguments::{made_up, unknown_name, wrong};
use crate::testing::findings::{Complaint, Findings};
use crate::testing::kit::{Exchange, Kit};
use crate::testing::subject::Listed;

/// Arguments with mistakes, and the names that a refusal must mention.
struct Mistaken {
    arguments: Map<String, Value>,
    names: Vec<String>,
}

pub(crate) async fn missing_is_refused(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        if command.required().next().is_none() {
            findings.skip(&command.id, "requires nothing");
            continue;
        }
        if !kit.may_run(command) {
            let names = command.required().map(str::to_owned).collect();
            let arguments = Map::new();
            refused(kit, command, Mistaken { arguments, names }, &mut findings).await;
            continue;
        }
        for name in command.required() {
            let mut arguments = made_up(command);
            arguments.remove(name);
            let names = vec![name.to_owned()];
            refused(kit, command, Mistaken { arguments, names }, &mut findings).await;
        }
    }
    findings
}

pub(crate) async fn unknown_is_refused(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        match command.open {
            Some(true) => findings.skip(&command.id, "takes more than it lists"),
            None => findings.skip(
                &command.id,
                "does not say whether it takes more than it lists",
            ),
            Some(false) => {
                let name = unknown_name(command);
                let arguments = Map::from_iter([(name.clone(), Value::from("x"))]);
                let mistaken = Mistaken {
                    arguments,
                    names: vec![name],
                };
                if certain_refusal(kit, command, &mut findings) {
                    refused(kit, command, mistaken, &mut findings).await;
                }
            }
        }
    }
    findings
}

pub(crate) async fn wrong_type_is_refused(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        if command.coerces != Some(true) {
            findings.skip(&command.id, "does not say that it looks at types");
            continue;
        }
        if !certain_refusal(kit, command, &mut findings) {
            continue;
        }
        for parameter in &command.parameters {
            let Some(value) = wrong(parameter, "x") else {
                continue;
            };
            let arguments = Map::from_iter([(parameter.name.clone(), value)]);
            let names = vec![parameter.name.clone()];
            refused(kit, command, Mistaken { arguments, names }, &mut findings).await;
        }
    }
    findings
}

pub(crate) async fn all_at_once(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        match everything_wrong(command, "x") {
            Some(mistaken) if mistaken.names.len() > 1 => {
                refused(kit, command, mistaken, &mut findings).await;
            }
            _ => findings.skip(&command.id, "has no two mistakes to make"),
        }
    }
    findings
}

pub(crate) async fn no_value_is_repeated(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        let canary = kit.canary();
        let Some(mut mistaken) = everything_wrong(command, canary.text()) else {
            findings.skip(&command.id, "has no mistake to make");
            continue;
        };
        let rest = command
            .parameters
            .iter()
            .filter(|p| !p.required && p.takes_any_text());
        for parameter in rest {
            let value = mistaken.arguments.entry(parameter.name.clone());
            value.or_insert_with(|| canary.text().into());
        }
        let exchange = kit.ask_with(&command.id, &mistaken.arguments).await;
        let said = exchange
            .seen
            .utterances()
            .find(|(_, text)| canary.is_in(text));
        findings.note(said.map(|(place, _)| {
            kit.complain(&exchange, format!("the {place} repeats what was sent"))
        }));
    }
    findings
}

pub(crate) async fn same_answer_twice(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        let Some(mistaken) = everything_wrong(command, "x") else {
            findings.skip(&command.id, "has no mistake to make");
            continue;
        };
        let first = kit.ask_with(&command.id, &mistaken.arguments).await;
        let second = kit.ask_with(&command.id, &mistaken.arguments).await;
        let different = first.seen.ended != second.seen.ended;
        findings.note(different.then(|| {
            let what = format!("the first time it ended with {}", said(&first));
            kit.complain(&second, what)
        }));
    }
    findings
}

fn said(exchange: &Exchange) -> String {
    let message = exchange.seen.fault().map(|fault| fault.message.as_str());
    format!(
        "{} ({})",
        exchange.seen.end(),
        message.unwrap_or("no message")
    )
}

/// Everything that can be wrong with a call of this command: what is required is missing, what is
/// optional has the wrong type, and something is there that it does not know.
fn everything_wrong(command: &Listed, text: &str) -> Option<Mistaken> {
    let mut names: Vec<String> = command.required().map(str::to_owned).collect();
    let certain = !names.is_empty() || command.open == Some(false) || command.coerces == Some(true);
    let mut arguments = Map::new();
    if command.coerces == Some(true) {
        let optional = command.parameters.iter().filter(|p| !p.required);
        for parameter in optional {
            if let Some(value) = wrong(parameter, text) {
                arguments.insert(parameter.name.clone(), value);
                names.push(parameter.name.clone());
            }
        }
    }
    if command.open == Some(false) {
        let name = unknown_name(command);
        arguments.insert(name.clone(), text.into());
        names.push(name);
    }
    (certain && !names.is_empty()).then_some(Mistaken { arguments, names })
}

/// Whether a single mistake may be sent: something else is missing as well, or no harm is done if
/// the command overlooks it.
fn certain_refusal(kit: &Kit<'_>, command: &Listed, findings: &mut Findings) -> bool {
    let certain = command.required().next().is_some() || kit.may_run(command);
    if !certain {
        findings.skip(&command.id, "requires nothing, and may not be run");
    }
    certain
}

/// Makes the call and notes whether it was refused with all the names.
async fn refused(kit: &Kit<'_>, command: &Listed, mistaken: Mistaken, findings: &mut Findings) {
    let exchange = kit.ask_with(&command.id, &mistaken.arguments).await;
    let seen = &exchange.seen;
    if !seen.is_refused() {
        let what = format!("it should be refused, and ended with {}", seen.end());
        return findings.note(Some(kit.complain(&exchange, what)));
    }
    let message = seen.fault().map(|f| f.message.as_str()).unwrap_or_default();
    let unnamed = unnamed(message, &mistaken.names);
    findings.note((!unnamed.is_empty()).then(|| -> Complaint {
        let list: Vec<_> = unnamed.iter().map(|name| format!("'{name}'")).collect();
        kit.complain(
            &exchange,
            format!("the message does not name {}", list.join(", ")),
        )
    }));
}

/// The names that a message does not mention. One that puts names in quotes does so with all that
/// it complains of; others in it may be hints.
fn unnamed<'a>(message: &str, names: &'a [String]) -> Vec<&'a str> {
    let quoted = |name: &str| {
        let forms = ['\'', '"', '`'].map(|quote| format!("{quote}{name}{quote}"));
        forms.iter().any(|form| message.contains(form))
    };
    let quotes = names.iter().any(|name| quoted(name));
    let named = |name: &str| {
        if quotes {
            quoted(name)
        } else {
            message.contains(name)
        }
    };
    let names = names.iter().map(String::as_str);
    names.filter(|name| !named(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_hint_is_no_mention_where_mistakes_are_quoted() {
        let names = ["url".to_owned(), "uri".to_owned()];
        let message = "unknown parameter 'uri' (it takes url)";
        assert_eq!(unnamed(message, &names), ["url"]);
        assert_eq!(unnamed("url is missing, uri is too much", &names), [""; 0]);
    }
}
