//! What failures look like.

use crate::Effect;
use crate::testing::findings::Findings;
use crate::testing::kit::{Exchange, Kit};

pub(crate) async fn unknown_command(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    let Some((connector, _)) = kit.commands().first().and_then(|c| c.id.split_once('/')) else {
        return findings;
    };
    let mut command = format!("{connector}/CrosspointCheckUnknown");
    while kit.commands().iter().any(|known| known.id == command) {
        command.push('X');
    }
    let exchange = kit.ask(&command, "{}".to_owned()).await;
    let fault = exchange.seen.fault();
    let right = exchange.seen.is_refused() && fault.is_some_and(|f| f.code == "command_not_found");
    let what = || format!("it ended with {}", exchange.seen.end());
    findings.note((!right).then(|| kit.complain(&exchange, what())));
    findings
}

pub(crate) async fn code_and_message(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for exchange in failures(kit).await {
        let Some(fault) = exchange.seen.fault() else {
            continue;
        };
        let blank = |text: &str| text.trim().is_empty();
        let spaced = fault.code.contains(char::is_whitespace);
        let what = match (blank(&fault.code), blank(&fault.message)) {
            (true, true) => Some("it has neither code nor message"),
            (true, false) => Some("it has no code"),
            (false, true) => Some("it has no message"),
            (false, false) if spaced => Some("the code has white space, so nobody will catch it"),
            (false, false) => None,
        };
        findings.note(what.map(|what| kit.complain(&exchange, what)));
    }
    findings
}

pub(crate) async fn refusals_changed_nothing(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for exchange in failures(kit).await.iter().filter(|e| e.seen.is_refused()) {
        let Some(effect) = exchange.seen.fault().and_then(|fault| fault.effect) else {
            findings.skip(&exchange.command, "does not say what its effect was");
            continue;
        };
        let what = "it was refused, and yet something may have happened";
        findings.note((effect != Effect::None).then(|| kit.complain(exchange, what)));
    }
    findings
}

/// Calls that fail: without arguments where some are required, and samples that say so.
async fn failures(kit: &Kit<'_>) -> Vec<Exchange> {
    let mut failures = Vec::new();
    for command in kit
        .commands()
        .iter()
        .filter(|c| c.required().next().is_some())
    {
        failures.push(kit.ask(&command.id, "{}".to_owned()).await);
    }
    for trial in kit.trials(&mut Findings::new()) {
        if trial.sample.expect != crate::testing::Expect::Success {
            failures.push(kit.run_trial(trial).await);
        }
    }
    failures.retain(|exchange| exchange.seen.fault().is_some());
    failures
}
