//! What the suite has to say in the end, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::findings::{Complaint, Findings, Skipped, Verdict};
use super::kit::{Kit, Settings};
use super::samples::Samples;
use super::subject::Subject;
use super::suite::{TESTS, Test};

/// How many complaints of one test are shown to people; programs get all.
const SHOWN: usize = 5;

/// One test with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// What the test belongs to.
    pub group: &'static str,
    /// What holds when it passes.
    pub name: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// How many things were looked at.
    pub looked_at: usize,
    /// What is wrong.
    pub complaints: Vec<Complaint>,
    /// What was passed over.
    pub skipped: Vec<Skipped>,
    /// What to do, when something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
}

/// All tests with their verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order of the suite.
    pub tests: Vec<Judged>,
}

/// Runs the whole suite.
pub async fn judge(subject: &dyn Subject, samples: Samples, settings: Settings) -> Report {
    let kit = Kit::new(subject, samples, settings).await;
    let mut report = Report { tests: Vec::new() };
    for test in TESTS {
        report.tests.push(Judged::new(test, kit.run(test).await));
    }
    report
}

// === impl Judged ===

impl Judged {
    /// The test's verdict on what it found.
    pub fn new(test: &Test, findings: Findings) -> Judged {
        let verdict = findings.verdict(test.weight);
        let wrong = matches!(verdict, Verdict::Failed | Verdict::Warning);
        Judged {
            group: test.group,
            name: test.name,
            verdict,
            looked_at: findings.looked_at,
            complaints: findings.complaints,
            skipped: findings.skipped,
            advice: wrong.then_some(test.advice),
        }
    }

    fn why_skipped(&self) -> String {
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for skipped in &self.skipped {
            let about = reasons.entry(&skipped.reason).or_default();
            if !about.contains(&&*skipped.about) {
                about.push(&skipped.about);
            }
        }
        let reasons = reasons.iter().map(|(reason, about)| match &about[..] {
            [one] => format!("{one}: {reason}"),
            many => format!("{} commands: {reason}", many.len()),
        });
        reasons.collect::<Vec<_>>().join("; ")
    }
}

/// A line, and for complaints some more below it.
impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "skipped",
        };
        write!(f, "{word:8} {}: {}", self.group, self.name)?;
        if self.verdict == Verdict::Skipped {
            let why = self.why_skipped();
            let why = if why.is_empty() {
                "nothing to look at".to_owned()
            } else {
                why
            };
            write!(f, " ({why})")?;
        }
        for complaint in self.complaints.iter().take(SHOWN) {
            write!(f, "\n         - {}: {}", complaint.about, complaint.what)?;
            if let Some(sent) = &complaint.sent {
                write!(f, "\n           sent {sent}")?;
            }
            if let Some(came_back) = &complaint.came_back {
                write!(f, "\n           came back {came_back}")?;
            }
        }
        if self.complaints.len() > SHOWN {
            write!(f, "\n         - and {} more", self.complaints.len() - SHOWN)?;
        }
        match self.advice {
            Some(advice) => write!(f, "\n         → {advice}"),
            None => Ok(()),
        }
    }
}

// === impl Report ===

impl Report {
    /// Whether no test failed. Warnings are not failures.
    pub fn passed(&self) -> bool {
        self.count(Verdict::Failed) == 0
    }

    /// How many tests have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.tests
            .iter()
            .filter(|test| test.verdict == verdict)
            .count()
    }

    /// The names of the tests with this verdict, as `group: sentence`.
    pub fn with(&self, verdict: Verdict) -> Vec<String> {
        let tests = self.tests.iter().filter(|test| test.verdict == verdict);
        tests
            .map(|test| format!("{}: {}", test.group, test.name))
            .collect()
    }

    /// The last line: how many of each.
    pub fn summary(&self) -> String {
        let words = [
            (Verdict::Ok, "ok"),
            (Verdict::Failed, "FAILED"),
            (Verdict::Warning, "with a warning"),
            (Verdict::Skipped, "skipped"),
        ];
        let counts = words.map(|(verdict, word)| (self.count(verdict), word));
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        format!("{} tests: {}", self.tests.len(), counts.join(", "))
    }

    /// What was passed over because of its command alone, whatever the test: each command once.
    pub fn left_out(&self) -> Vec<(String, String)> {
        let mut left_out: Vec<(String, String)> = Vec::new();
        let run = "each sample ends as it says";
        for test in self.tests.iter().filter(|test| test.name == run) {
            let skipped = test.skipped.iter();
            left_out.extend(skipped.map(|s| (s.about.clone(), s.reason.clone())));
        }
        left_out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for test in &self.tests {
            writeln!(f, "{test}")?;
        }
        f.write_str(&self.summary())
    }
}
