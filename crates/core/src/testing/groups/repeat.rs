//! Whether what is declared safe to repeat is so.

use crate::testing::findings::Findings;
use crate::testing::kit::{Kit, unique};

pub(crate) async fn same_end(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for trial in kit.trials(&mut findings) {
        match trial.command.safety {
            Some(safety) if safety.is_idempotent() => {}
            Some(_) => {
                findings.skip(&trial.command.id, "does not claim to be safe to repeat");
                continue;
            }
            None => {
                findings.skip(&trial.command.id, "does not say what a repeat does");
                continue;
            }
        }
        let unique = unique();
        let first = kit.run_as(trial, &unique).await;
        let second = kit.run_as(trial, &unique).await;
        let same = (first.seen.end(), first.seen.status) == (second.seen.end(), second.seen.status);
        let what = || format!("the first time it ended with {}", first.seen.end());
        findings.note((!same).then(|| kit.complain(&second, what())));
    }
    findings
}
