//! Whether secrets stay secret.

use serde_json::{Map, Value, json};

use crate::is_sensitive_name;
use crate::testing::arguments::text;
use crate::testing::canary::Canary;
use crate::testing::findings::Findings;
use crate::testing::kit::{Kit, Trial, unique};
use crate::testing::subject::ListedParameter;

/// Puts a canary wherever a secret may be given, and looks for it in everything but results: what
/// a system answers belongs to the caller, who knows the secret anyway.
pub(crate) async fn stay_secret(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for trial in kit.trials(&mut findings) {
        let places: Vec<_> = trial
            .command
            .parameters
            .iter()
            .filter(|p| is_place(p))
            .collect();
        if places.is_empty() {
            findings.skip(&trial.command.id, "takes no secret");
            continue;
        }
        let canaries: Vec<_> = places.iter().map(|_| kit.canary()).collect();
        let mut all = trial.sample.arguments(&unique());
        for (parameter, canary) in places.iter().zip(&canaries) {
            let mut arguments = trial.sample.arguments(&unique());
            put(&mut arguments, parameter, canary);
            put(&mut all, parameter, canary);
            let sent = [(parameter.name.as_str(), canary)];
            look(kit, trial, &arguments, &sent, &mut findings).await;
        }
        let names = places.iter().map(|p| p.name.as_str());
        let sent: Vec<_> = names.zip(&canaries).collect();
        look(kit, trial, &all, &sent, &mut findings).await;
    }
    findings
}

async fn look(
    kit: &Kit<'_>,
    trial: &Trial,
    arguments: &Map<String, Value>,
    sent: &[(&str, &Canary)],
    findings: &mut Findings,
) {
    let exchange = kit.ask(&trial.command.id, text(arguments)).await;
    let leak = sent.iter().find_map(|(name, canary)| {
        let mut said = exchange.seen.utterances();
        let (place, _) = said.find(|(_, text)| canary.is_in(text))?;
        Some(format!("the {place} shows the secret given in '{name}'"))
    });
    findings.note(leak.map(|leak| kit.complain(&exchange, leak)));
}

/// Whether a secret may stand there: the parameter is declared so, is named so, or holds headers.
fn is_place(parameter: &ListedParameter) -> bool {
    let text = parameter.takes_any_text() || parameter.types().is_empty();
    let named = text && is_sensitive_name(&parameter.name);
    parameter.secret == Some(true) || named || holds_headers(parameter)
}

fn holds_headers(parameter: &ListedParameter) -> bool {
    let types = parameter.types();
    let object = types.is_empty() || types.contains(&"object");
    // Not a switch such as include_headers.
    object && parameter.name.to_lowercase().ends_with("headers")
}

/// Gives the canary, beside whatever headers there are.
fn put(arguments: &mut Map<String, Value>, parameter: &ListedParameter, canary: &Canary) {
    let name = parameter.name.clone();
    if !holds_headers(parameter) {
        arguments.insert(name, canary.text().into());
        return;
    }
    let headers = arguments.entry(name).or_insert_with(|| json!({}));
    if let Some(headers) = headers.as_object_mut() {
        let bearer = format!("Bearer {}", canary.text());
        headers.insert("Authorization".to_owned(), bearer.into());
        headers.insert("X-Api-Key".to_owned(), canary.text().into());
    }
}
