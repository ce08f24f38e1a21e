//! `crosspoint reload`: asks the running server to read everything again.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::wait_for;
use crate::cli::{FAILED, ReloadArgs};
use crate::control::{self, Request};
use crate::{show, wire};

/// Asks, and prints what the server answers.
pub fn run(file: &Option<PathBuf>, args: &ReloadArgs) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    let answer = wait_for(async {
        let waiting = show::Waiting::new("reloading".to_owned());
        tokio::select! {
            answer = control::ask(&loaded.config.data_dir.0, Request::Reload) => answer,
            never = waiting.show() => match never {},
        }
    })?;
    if args.json {
        println!("{:#}", serde_json::to_value(&answer)?);
    } else if answer.done {
        println!("{}", answer.text);
    } else {
        eprintln!("{}", answer.text);
    }
    Ok(match answer.done {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAILED),
    })
}
