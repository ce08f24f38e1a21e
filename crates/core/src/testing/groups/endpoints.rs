//! What a protocol has beside commands.

use crate::testing::findings::{Complaint, Findings};
use crate::testing::kit::Kit;

pub(crate) async fn answer(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for (rule, verdict) in kit.endpoints().await {
        findings.note(verdict.err().map(|what| Complaint::new(rule, what)));
    }
    if findings.looked_at == 0 {
        findings.skip("the subject", "has no protocol of its own");
    }
    findings
}
