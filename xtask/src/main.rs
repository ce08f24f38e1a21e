//! The chores of this repository, one verb a file. `cargo xtask` alone lists them.
#![allow(clippy::print_stdout, clippy::print_stderr)] // made to be read in a terminal

mod arrows;
mod bench;
mod cargo;
mod check;
mod docs;
mod example;
mod flags;
mod needs;
mod node;
mod python;
mod schemas;
mod server;
mod steps;
mod table;
mod test;
mod watched;

use std::env;
use std::process::ExitCode;

use anyhow::Result;

/// A verb: its name, what it does, the flags it takes, and the function. The function tells
/// whether all went well; what did not has been said by then.
struct Verb {
    name: &'static str,
    about: &'static str,
    flags: &'static [(&'static str, &'static str)],
    run: fn(&flags::Flags) -> Result<Verdict>,
}

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Exit code 0.
    Well,
    /// Something that was looked at is wrong: exit code 1.
    Wrong,
    /// It could not begin, and said what to do first: exit code 2.
    NotReady,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "test",
        about: "set up what the tests need, then run all of them (-- passes the rest to cargo test)",
        flags: &[],
        run: test::run,
    },
    Verb {
        name: "check",
        about: "format, clippy, documentation, generated pages, arrows between the crates",
        flags: &[],
        run: check::run,
    },
    Verb {
        name: "docs",
        about: "write the generated reference pages",
        flags: &[("--check", "change nothing, fail if a page is out of date")],
        run: docs::run,
    },
    Verb {
        name: "bench",
        about: "measure Crosspoint beside yardsticks in the same run",
        flags: &[
            (
                "--quick",
                "short rounds: to see that it works, too noisy to quote",
            ),
            ("--json", "print the result as JSON instead of the table"),
            ("--write", "put the table into README.md"),
        ],
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let name = arguments.next();
    let Some(verb) = VERBS.iter().find(|verb| Some(verb.name) == name.as_deref()) else {
        return usage(name.as_deref());
    };
    let known: Vec<_> = verb.flags.iter().map(|(flag, _)| *flag).collect();
    let verdict = match flags::Flags::read(arguments, &known) {
        Ok(flags) => (verb.run)(&flags),
        Err(error) => {
            eprintln!("cargo xtask {}: {error}", verb.name);
            return ExitCode::from(2);
        }
    };
    match verdict {
        Ok(Verdict::Well) => ExitCode::SUCCESS,
        Ok(Verdict::Wrong) => ExitCode::from(1),
        Ok(Verdict::NotReady) => ExitCode::from(2),
        Err(error) => {
            eprintln!("\ncargo xtask {}: {error:#}", verb.name);
            ExitCode::from(1)
        }
    }
}

/// Lists the verbs: an answer when asked for, a mistake otherwise.
fn usage(name: Option<&str>) -> ExitCode {
    let asked = matches!(name, None | Some("help" | "--help" | "-h"));
    if let (false, Some(name)) = (asked, name) {
        eprintln!("cargo xtask: there is no verb `{name}`\n");
    }
    println!("cargo xtask <verb>\n");
    for verb in VERBS {
        println!("  {:<12} {}", verb.name, verb.about);
        for (flag, about) in verb.flags {
            println!("    {flag:<10} {about}");
        }
    }
    if asked {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    }
}
