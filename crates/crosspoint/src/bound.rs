//! Running a program that does not outlive this one.
//!
//! A program that somebody else wrote cannot be asked to end with its parent, and what is started
//! when this process is killed at once would be an orphan. So it is started through this program, which
//! asks the system for that and then becomes it.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The first argument that asks for it. The second is the parent's process, the rest the command.
const ARGUMENT: &str = "__bound";

/// This program by a path that leads to it even when its file was replaced.
const SELF: &str = "/proc/self/exe";

/// Of a program that cannot be run, as shells have it.
const NOT_RUN: u8 = 127;

/// What runs a command so that it ends with this process: its first words. Nothing where the
/// system knows no such thing.
pub fn command() -> Vec<OsString> {
    match cfg!(target_os = "linux") && Path::new(SELF).exists() {
        true => vec![
            SELF.into(),
            ARGUMENT.into(),
            std::process::id().to_string().into(),
        ],
        false => Vec::new(),
    }
}

/// Becomes the command that the arguments of this process name, if they ask for that.
pub fn become_asked() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let parent = arguments.next()?;
    let program = arguments.next()?;
    bind();
    // It may have ended before this was asked for.
    let now = std::os::unix::process::parent_id().to_string();
    if parent != *now {
        return Some(ExitCode::from(NOT_RUN));
    }
    let error = Command::new(&program).args(arguments).exec();
    eprintln!("running {}: {error}", program.display());
    Some(ExitCode::from(NOT_RUN))
}

#[cfg(target_os = "linux")]
fn bind() {
    use rustix::process::{Signal, set_parent_process_death_signal};
    // Without it the program runs all the same.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
}

#[cfg(not(target_os = "linux"))]
fn bind() {}
