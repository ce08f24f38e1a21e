//! What happens to arguments that are none, where the subject reads them by itself.

use crate::testing::findings::Findings;
use crate::testing::kit::Kit;

/// More than any reader bears that recurses.
const DEEP: usize = 100_000;

pub(crate) async fn not_an_object(kit: &Kit<'_>) -> Findings {
    let texts = ["[1]", "\"text\"", "17", "{\"a\": ", "nothing of the kind"];
    refused(kit, texts.map(str::to_owned).to_vec()).await
}

pub(crate) async fn too_deep(kit: &Kit<'_>) -> Findings {
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(DEEP), "]".repeat(DEEP));
    refused(kit, vec![deep]).await
}

async fn refused(kit: &Kit<'_>, texts: Vec<String>) -> Findings {
    let mut findings = Findings::new();
    if !kit.abilities().reads_json {
        findings.skip("the subject", "gets arguments that are read already");
        return findings;
    }
    // The reader is the same for all commands: one is enough.
    let Some(command) = kit.commands().first() else {
        return findings;
    };
    for text in texts {
        let exchange = kit.ask(&command.id, text).await;
        let what = || {
            format!(
                "it should be refused, and ended with {}",
                exchange.seen.end()
            )
        };
        findings.note((!exchange.seen.is_refused()).then(|| kit.complain(&exchange, what())));
    }
    findings
}
