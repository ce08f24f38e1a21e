//! Output made for eyes.

use std::convert::Infallible;
use std::io::{IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::cli::USAGE;
use crate::config::Problems;

/// Prints every mistake of the configuration and gives the exit code.
pub fn problems(problems: &Problems) -> ExitCode {
    eprintln!("{problems}");
    ExitCode::from(USAGE)
}

/// Ends the program without a word when a panic says that standard output is closed: a reader that
/// has seen enough (`crosspoint commands | head`) is no mistake.
pub fn end_when_nobody_reads(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or_default();
    if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
        std::process::exit(0);
    }
}

/// Breaks text into lines of at most `width` characters where it has spaces.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n').filter(|p| !p.trim().is_empty()) {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Several lines as one, for the log: what others wrote must not be able to forge lines of it.
pub fn one_line(text: &str) -> String {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    lines.join(" / ").chars().map(clean).collect()
}

/// Text that others wrote, for a terminal: whatever would move the cursor, begin a line or turn the
/// direction of writing is spelled out.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{200e}'
            | '\u{200f}'
            | '\u{061c}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                plain.extend(c.escape_unicode());
            }
            c if c.is_control() => plain.extend(c.escape_debug()),
            c => plain.push(c),
        }
    }
    plain
}

/// Says that something is under way once it has taken a second: on a terminal a line that counts,
/// elsewhere one line and no more.
pub struct Waiting {
    what: String,
    begun: Instant,
}

// === impl Waiting ===

impl Waiting {
    /// Begins to wait for something.
    pub fn new(what: String) -> Waiting {
        Waiting {
            what,
            begun: Instant::now(),
        }
    }

    /// Shows the waiting until it is dropped.
    pub async fn show(&self) -> Infallible {
        sleep(Duration::from_secs(1)).await;
        if !std::io::stderr().is_terminal() {
            eprintln!("{} …", self.what);
            return std::future::pending().await;
        }
        loop {
            eprint!("\r{} … {} s", self.what, self.begun.elapsed().as_secs());
            let _ = std::io::stderr().flush();
            sleep(Duration::from_secs(1)).await;
        }
    }
}

impl Drop for Waiting {
    /// Clears the line that counts.
    fn drop(&mut self) {
        if self.begun.elapsed() >= Duration::from_secs(1) && std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_spaces() {
        assert_eq!(
            wrap("one two three\n\nfour", 8),
            ["one two", "three", "four"]
        );
        assert_eq!(wrap("unbreakable", 3), ["unbreakable"]);
    }

    #[test]
    fn what_steers_a_terminal_is_spelled_out() {
        assert_eq!(
            plain("\u{1b}[31mred\r\n\u{9b}\u{7f}"),
            r"\u{1b}[31mred\r\n\u{9b}\u{7f}"
        );
        assert_eq!(plain("a\u{202e}b\u{2028}"), r"a\u{202e}b\u{2028}");
        assert_eq!(plain("größer 東京 \"x\""), "größer 東京 \"x\"");
    }
}
