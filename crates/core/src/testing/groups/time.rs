//! Deadlines, and callers that go away.

use std::time::Duration;

use crate::testing::arguments;
use crate::testing::findings::Findings;
use crate::testing::kit::{Kit, unique};
use crate::testing::subject::Ended;

/// When calls are dropped: as soon as they have begun, and a little later.
const DROPS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(1),
    Duration::from_millis(20),
];

pub(crate) async fn deadline(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    if !kit.abilities().takes_deadline {
        findings.skip("the subject", "cannot be told a deadline");
        return findings;
    }
    for trial in kit.trials(&mut findings) {
        let text = arguments::text(&trial.sample.arguments(&unique()));
        let short = Duration::from_millis(1);
        let exchange = kit.probe(&trial.command.id, text, short, None).await;
        findings.note(kit.unclean(&exchange));
    }
    findings
}

pub(crate) async fn cancellation(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for trial in kit.trials(&mut findings) {
        let before = kit.run_trial(trial).await;
        for after in DROPS {
            let text = arguments::text(&trial.sample.arguments(&unique()));
            let deadline = trial.sample.deadline();
            let dropped = kit
                .probe(&trial.command.id, text, deadline, Some(after))
                .await;
            // One that was quicker than we are is no mistake.
            if dropped.seen.ended != Ended::Dropped {
                continue;
            }
            let next = kit.run_trial(trial).await;
            findings.note(kit.changed(&before, &next, "after a call that was dropped"));
        }
        findings.looked_at += 1;
    }
    findings
}
