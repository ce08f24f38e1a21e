//! What comes back.

use crate::testing::findings::{Complaint, Findings};
use crate::testing::kit::{Exchange, Kit};
use crate::testing::subject::Ended;

pub(crate) async fn samples_end_as_they_say(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for command in kit.samples().commands() {
        if !kit.commands().iter().any(|listed| listed.id == command) {
            let what = "there are samples of it, and it is not in the list";
            findings.note(Some(Complaint::new(command, what)));
        }
    }
    for trial in kit.trials(&mut findings) {
        let exchange = kit.run_trial(trial).await;
        findings.note(kit.unexpected(trial, &exchange));
    }
    findings
}

pub(crate) async fn shape(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for trial in kit.trials(&mut findings) {
        let exchange = kit.run_trial(trial).await;
        // A bare answer of version 1 has no shape; a sample says that it wants one.
        if !trial.sample.version_1 {
            judge(kit, &exchange, &mut findings);
        }
    }
    // Refusals need no sample.
    for command in kit
        .commands()
        .iter()
        .filter(|c| c.required().next().is_some())
    {
        let exchange = kit.ask(&command.id, "{}".to_owned()).await;
        judge(kit, &exchange, &mut findings);
    }
    findings
}

fn judge(kit: &Kit<'_>, exchange: &Exchange, findings: &mut Findings) {
    let faults = &exchange.seen.faults;
    let what = || faults.join("; ");
    findings.note((!faults.is_empty()).then(|| kit.complain(exchange, what())));
}

pub(crate) async fn result_schema(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for trial in kit.trials(&mut Findings::new()) {
        let Some(schema) = &trial.sample.result_schema else {
            continue;
        };
        let validator = match jsonschema::draft202012::new(schema) {
            Ok(validator) => validator,
            Err(error) => {
                let what = format!("the sample's result_schema is none: {error}");
                findings.note(Some(Complaint::new(&trial.command.id, what)));
                continue;
            }
        };
        let exchange = kit.run_trial(trial).await;
        if exchange.seen.ended != Ended::Succeeded {
            findings.skip(&trial.command.id, "the sample did not succeed");
            continue;
        }
        let body = exchange.seen.body.clone().unwrap_or_default();
        let fault = validator.validate(&body).err().map(|error| {
            let place = error.instance_path().to_string();
            format!("{} (at '{place}')", error.masked())
        });
        findings.note(fault.map(|fault| kit.complain(&exchange, fault)));
    }
    if findings.looked_at == 0 && findings.skipped.is_empty() {
        findings.skip("the samples", "none has a result_schema");
    }
    findings
}
