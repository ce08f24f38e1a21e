//! The command. Its error codes are the names of the exceptions that Python's `subprocess` raises.

use std::collections::BTreeMap;
use std::time::Duration;

use crosspoint_core::{Context, Effect, Execute, Failure, Json, Outcome, Safety, shorten};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::Config;
use super::process::{self, Ended, Program};

/// Runs a program and waits for its end. Answers with `exit_code`, `stdout` and `stderr`; a
/// program that a signal ended has the negative number of the signal as its exit code.
#[derive(Deserialize, JsonSchema)]
pub(super) struct SpawnProcess {
    /// The program, as the allow list writes it.
    program: String,
    /// Its arguments. No shell looks at them.
    arguments: Option<Vec<String>>,
    /// Text for its standard input.
    stdin: Option<String>,
    /// Environment variables, beside `PATH`, `HOME`, the locale and the time zone.
    env: Option<BTreeMap<String, String>>,
    /// The directory to run it in.
    directory: Option<String>,
    /// How many seconds it may take. Then it and everything it started is ended.
    timeout: Option<f64>,
    /// Whether an exit code other than 0 is the failure `CalledProcessError`.
    check: Option<bool>,
}

impl Execute<Config> for SpawnProcess {
    const NAME: &'static str = "SpawnProcess";
    const SAFETY: Safety = Safety::Effectful;

    async fn execute(self, os: &Config, cx: &Context) -> Result<Outcome, Failure> {
        self.refuse_strangers(os)?;
        let check = self.check.unwrap_or(false);
        let name = shorten(&self.program);
        let (program, deadline) = self.program(cx.deadline)?;
        let ended = process::run(program, deadline, os.max_output).await?;
        cx.log(format!("{name} ended with exit code {}", ended.exit_code));
        answer(&name, &ended, check)
    }
}

// === impl SpawnProcess ===

impl SpawnProcess {
    fn refuse_strangers(&self, os: &Config) -> Result<(), Failure> {
        if os.allow.contains(&self.program) {
            return Ok(());
        }
        let name = shorten(&self.program);
        let message =
            format!("'{name}' may not be run: add it to allow in [connectors.os] if that is meant");
        let failure = Failure::reported("ProgramNotAllowed", message);
        Err(failure
            .with_effect(Effect::None)
            .with_outcome(Outcome::empty(403)))
    }

    /// The program, and when it has to be done.
    fn program(self, deadline: Instant) -> Result<(Program, Instant), Failure> {
        let seconds = self.timeout.map(Duration::try_from_secs_f64).transpose();
        let timeout = seconds.map_err(|_| {
            Failure::arguments("SpawnProcess: parameter 'timeout' must be a number of seconds")
        })?;
        let own = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let program = Program {
            program: self.program,
            arguments: self.arguments.unwrap_or_default(),
            stdin: self.stdin.unwrap_or_default(),
            env: self.env.unwrap_or_default(),
            directory: self.directory,
        };
        if !program.is_writable() {
            let message = "SpawnProcess: the program, its arguments, its directory and its \
                           environment must not hold the character NUL, and the name of a \
                           variable no '='";
            return Err(Failure::arguments(message));
        }
        Ok((program, own.map_or(deadline, |own| own.min(deadline))))
    }
}

fn answer(name: &str, ended: &Ended, check: bool) -> Result<Outcome, Failure> {
    let body = json!({
        "exit_code": ended.exit_code,
        "stdout": String::from_utf8_lossy(&ended.stdout),
        "stderr": String::from_utf8_lossy(&ended.stderr),
    });
    let outcome = Outcome::json(Json::of(&body).unwrap_or_else(|_| Json::empty_object()));
    if !check || ended.exit_code == 0 {
        return Ok(outcome);
    }
    let message = format!("{name} ended with exit code {}", ended.exit_code);
    let failure = Failure::reported("CalledProcessError", message);
    Err(failure.with_outcome(outcome.with_status(500)))
}
