//! The visible side of a verb: each step is named when it begins, timed when it ends, and listed
//! in a summary.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Verdict;

/// The steps of one verb so far.
pub(crate) struct Steps {
    begun: Instant,
    done: Vec<Step>,
}

struct Step {
    name: String,
    took: Duration,
    error: Option<String>,
}

// === impl Steps ===

impl Steps {
    /// No step yet.
    pub(crate) fn new() -> Steps {
        Steps {
            begun: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Runs a step. Its error is printed and remembered; `None` says that there was one.
    pub(crate) fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Option<T> {
        eprintln!("\n▸ {name}");
        let begun = Instant::now();
        let result = step();
        let took = begun.elapsed();
        let error = result.as_ref().err().map(|error| format!("{error:#}"));
        match &error {
            None => eprintln!("  done in {}", shown(took)),
            Some(error) => eprintln!("  FAILED after {}: {error}", shown(took)),
        }
        self.done.push(Step {
            name: name.to_owned(),
            took,
            error,
        });
        result.ok()
    }

    /// Prints all steps with their times, and tells whether every one went well.
    pub(crate) fn finish(self, verb: &str) -> Verdict {
        let (summary, verdict) = self.summary(verb);
        eprintln!("\n{summary}");
        verdict
    }

    fn summary(&self, verb: &str) -> (String, Verdict) {
        let width = self
            .done
            .iter()
            .map(|step| step.name.chars().count())
            .max()
            .unwrap_or(0);
        let mut lines = Vec::new();
        let mut failed = 0;
        for step in &self.done {
            let mark = if step.error.is_some() { "✗" } else { "✓" };
            failed += usize::from(step.error.is_some());
            lines.push(format!(
                "  {mark} {:<width$}  {:>8}",
                step.name,
                shown(step.took)
            ));
        }
        let total = shown(self.begun.elapsed());
        let (end, verdict) = match failed {
            0 => (format!("{verb}: all well in {total}"), Verdict::Well),
            _ => (
                format!("{verb}: {failed} of {} FAILED in {total}", lines.len()),
                Verdict::Wrong,
            ),
        };
        lines.push(end);
        (lines.join("\n"), verdict)
    }
}

fn shown(took: Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_step_that_fails_makes_the_verdict_and_the_others_still_count() {
        let mut steps = Steps::new();
        assert_eq!(steps.run("one", || Ok(1)), Some(1));
        assert_eq!(steps.run("two", || -> Result<()> { bail!("no") }), None);
        let (summary, verdict) = steps.summary("check");
        assert_eq!(verdict, Verdict::Wrong);
        assert!(
            summary.contains("✓ one") && summary.contains("✗ two"),
            "{summary}"
        );
        assert!(summary.contains("check: 1 of 2 FAILED"), "{summary}");
    }

    #[test]
    fn all_well_is_said() {
        let mut steps = Steps::new();
        steps.run("one", || Ok(()));
        let (summary, verdict) = steps.summary("test");
        assert_eq!(verdict, Verdict::Well);
        assert!(summary.contains("test: all well in "), "{summary}");
    }

    #[test]
    fn long_times_are_in_minutes() {
        assert_eq!(shown(Duration::from_millis(1240)), "1.2 s");
        assert_eq!(shown(Duration::from_secs(125)), "2 min 05 s");
    }
}
