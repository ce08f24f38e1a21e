//! `crosspoint check`: runs the behaviour suite on a connector or on a proxy.

mod envelope;
mod list;
mod mcp;
mod over_http;
mod path;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use crosspoint_core::Mask;
use crosspoint_core::testing::{
    Judged, Kit, Report, Sample, Samples, Settings, Subject, TESTS, Verdict,
};
use serde_json::json;

use self::target::Target;
use crate::cli::{CheckArgs, FAILED};
use crate::config::types::LogFormat;
use crate::{arguments, logging, show, wire};

/// Runs the suite and prints its report.
pub fn run(file: &Option<PathBuf>, args: CheckArgs) -> Result<ExitCode> {
    let mut loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    // What goes wrong is in the report; calls that fail on purpose would fill the log.
    logging::start("off", LogFormat::Text, Mask::default());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.context("starting the runtime")?.block_on(async {
        let target = Target::of(&args, &mut loaded).await?;
        let samples = samples(&args, &target)?;
        let (subject, broker) = target.subject(&loaded).await?;
        let code = judge(&args, &*subject, samples).await;
        if let Some(broker) = broker {
            broker.drain(loaded.config.drain.0).await;
        }
        code
    })
}

/// The samples of the file and of the command line, as far as they are of the target.
fn samples(args: &CheckArgs, target: &Target) -> Result<Samples> {
    let mut samples = match &args.samples {
        None => Samples::none(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading {}", path.display()))?;
            Samples::parse(&text, |name| std::env::var(name).ok())
                .with_context(|| format!("reading {}", path.display()))?
        }
    };
    samples.retain(|command| target.has(command));
    if args.samples.is_some() && samples.commands().next().is_none() {
        bail!("the file has no samples of {}", args.name());
    }
    if !args.arguments.is_empty() {
        let Some(command) = target.command() else {
            bail!("name=value needs one command to be for: connector/Command, or --only with one");
        };
        let given = arguments::gather(None, &args.arguments)?;
        let given: Result<_, _> = given
            .iter()
            .map(|(name, json)| json.read().map(|value| (name.to_owned(), value)))
            .collect();
        samples.add(&command, Sample::new(given.context("reading the values")?));
    }
    Ok(samples)
}

/// Runs the tests one by one and prints each as it ends.
async fn judge(args: &CheckArgs, subject: &dyn Subject, samples: Samples) -> Result<ExitCode> {
    let settings = Settings {
        effects: args.effects,
    };
    let reading = show::Waiting::new(format!("reading the commands of {}", args.name()));
    let kit = tokio::select! {
        kit = Kit::new(subject, samples, settings) => kit,
        never = reading.show() => match never {},
    };
    drop(reading);
    if !args.json {
        println!("{}: {} commands\n", args.name(), kit.count());
    }
    let mut report = Report { tests: Vec::new() };
    for test in TESTS {
        let waiting = show::Waiting::new(format!("seeing whether {}", test.name));
        let findings = tokio::select! {
            findings = kit.run(test) => findings,
            never = waiting.show() => match never {},
        };
        drop(waiting);
        let judged = Judged::new(test, findings);
        if !args.json {
            println!("{judged}");
        }
        report.tests.push(judged);
    }
    print(args, &report, kit.count())?;
    Ok(match report.passed() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAILED),
    })
}

/// What is to be said in the end.
fn print(args: &CheckArgs, report: &Report, commands: usize) -> Result<()> {
    if args.json {
        let whole = json!({
            "subject": args.name(),
            "commands": commands,
            "passed": report.passed(),
            "failed": report.count(Verdict::Failed),
            "warnings": report.count(Verdict::Warning),
            "tests": report.tests,
        });
        println!("{whole:#}");
        return Ok(());
    }
    let left_out = report.left_out();
    if !left_out.is_empty() {
        println!("\nNot run:");
        for (command, reason) in &left_out {
            println!("  {command}: {reason}");
        }
        println!("Give samples of them, and --effects or \"effects\": true where they act.");
    }
    println!("\n{}", report.summary());
    Ok(())
}
