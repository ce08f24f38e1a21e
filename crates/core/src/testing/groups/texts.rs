//! Texts that are long or strange.

use serde_json::Value;

use crate::testing::arguments::text_with;
use crate::testing::findings::Findings;
use crate::testing::kit::{Kit, Trial, unique};

/// JSON strings that readers and writers stumble over: signs beyond 16 bits, combining ones,
/// right-to-left ones with marks that turn the direction, what ends lines and strings elsewhere,
/// and half a sign, which is JSON but no Unicode.
const STRANGE: [&str; 3] = [
    r#""🦀👩‍👩‍👧 e\u0301 A\u030a שלום \u202eمرحبا\u202c 𝔘 \ufeff ß ﬁ""#,
    r#""a\u0000b\u0007\u001b[31m\u2028\u2029\u0085\r\nX: y\t'\";--${x}%s%n\\""#,
    r#""\ud800""#,
];

pub(crate) async fn large(kit: &Kit<'_>) -> Findings {
    let text = Value::from("0123456789abcdef".repeat(64 * 1024)).to_string();
    each_text_parameter(kit, &[text.as_str()]).await
}

pub(crate) async fn unicode(kit: &Kit<'_>) -> Findings {
    each_text_parameter(kit, &STRANGE).await
}

/// Puts each text in the place of each parameter that takes any text, and sees that the next
/// plain call ends as ever.
async fn each_text_parameter(kit: &Kit<'_>, texts: &[&str]) -> Findings {
    let mut findings = Findings::new();
    for trial in kit.trials(&mut findings) {
        let names: Vec<_> = text_parameters(trial);
        if names.is_empty() {
            findings.skip(&trial.command.id, "takes no text");
            continue;
        }
        let before = kit.run_trial(trial).await;
        for name in names {
            for raw in texts {
                let sent = text_with(&trial.sample.arguments(&unique()), name, raw);
                let exchange = kit.ask(&trial.command.id, sent).await;
                findings.note(kit.unclean(&exchange));
            }
        }
        let after = kit.run_trial(trial).await;
        findings.note(kit.changed(&before, &after, "after such a text"));
    }
    findings
}

fn text_parameters(trial: &Trial) -> Vec<&str> {
    let parameters = trial.command.parameters.iter();
    parameters
        .filter(|p| p.takes_any_text())
        .map(|p| p.name.as_str())
        .collect()
}
