//! `crosspoint config`: looks at the configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{JsonArgs, USAGE};
use crate::{config, show, wire};

/// Prints the configuration as it counts, or all its mistakes.
pub fn check(file: &Option<PathBuf>, args: JsonArgs) -> Result<ExitCode> {
    let options = wire::Options {
        serves: true,
        ..wire::Options::of(file)
    };
    match options.load() {
        Ok(loaded) if args.json => println!("{:#}", config::effective_json(&loaded)),
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("warning: {warning}");
            }
            print!("{}", config::effective(&loaded));
        }
        Err(problems) if args.json => {
            println!("{:#}", serde_json::to_value(&problems)?);
            return Ok(ExitCode::from(USAGE));
        }
        Err(problems) => return Ok(show::problems(&problems)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints every setting.
pub fn reference(args: JsonArgs) -> Result<ExitCode> {
    if args.json {
        println!("{:#}", config::schema());
    } else {
        print!("{}", config::reference());
    }
    Ok(ExitCode::SUCCESS)
}
