//! The behaviour suite: one list of tests that every connector passes, whatever it is written in.
//!
//! A [`Subject`] is what is judged: a connector in this process ([`InProcess`]), or a proxy that
//! is spoken to over HTTP, a child process, anything that can list its commands and run one.
//! [`Kit`] runs [`TESTS`] on it and chooses by what the subject declares: a command that is not
//! read-only is run only where that is allowed, a test that needs a call which works is skipped
//! where no [`Samples`] say how one looks.
//!
//! ```
//! use std::sync::Arc;
//! use crosspoint_core::testing::{InProcess, Samples, Settings, judge};
//! # use crosspoint_core::{Context, Execute, Failure, Native, Outcome, Safety};
//! # struct Greeter;
//! # /// Greets somebody.
//! # #[derive(serde::Deserialize, schemars::JsonSchema)]
//! # struct Greet {
//! #     /// Whom to greet.
//! #     name: String,
//! # }
//! # impl Execute<Greeter> for Greet {
//! #     const NAME: &'static str = "Greet";
//! #     const SAFETY: Safety = Safety::ReadOnly;
//! #     async fn execute(self, _: &Greeter, _: &Context) -> Result<Outcome, Failure> {
//! #         Ok(Outcome::text(format!("Hello, {}!", self.name)))
//! #     }
//! # }
//! # let greeter = Native::new("greeter", "Greets.", Greeter).command::<Greet>();
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
//! # runtime.block_on(async {
//! let samples = r#"{"greeter/Greet": [{"arguments": {"name": "Zoë"}}]}"#;
//! let samples = Samples::parse(samples, |_| None).unwrap();
//! let subject = InProcess::new(Arc::new(greeter));
//! let report = judge(&subject, samples, Settings::default()).await;
//! assert!(report.passed(), "{report}");
//! # });
//! ```

mod arguments;
mod canary;
mod findings;
mod groups;
mod in_process;
mod kit;
mod report;
mod samples;
mod subject;
mod suite;

pub use canary::Canary;
pub use findings::{Complaint, Findings, Skipped, Verdict};
pub use in_process::InProcess;
pub use kit::{Kit, Settings};
pub use report::{Judged, Report, judge};
pub use samples::{Expect, Sample, Samples, SamplesError};
pub use subject::{
    Abilities, Ended, Fault, Listed, ListedParameter, Listing, Observed, Probe, Stage, Subject,
    Verdicts,
};
pub use suite::{TESTS, Test, Weight};

#[cfg(test)]
mod specimen;
#[cfg(test)]
#[path = "suite_tests.rs"]
mod tests;
