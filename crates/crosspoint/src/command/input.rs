//! How a value gets in: asked for on a terminal, without showing it, or read from standard input.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Read, Write};

use anyhow::{Context, Result, bail};
use crosspoint_core::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// More than any secret needs; keeps a wrong file from filling the memory.
const LONGEST: u64 = 64 * 1024;

/// What Ctrl-C and Ctrl-D send where the terminal does not act on them itself.
const INTERRUPT: u8 = 3;

/// The value of a secret, from wherever it comes.
pub fn value(name: &str) -> Result<Secret<String>> {
    let bytes = match io::stdin().is_terminal() {
        true => asked(name).context("asking for the value")?,
        false => {
            let mut bytes = Vec::new();
            let read = io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes);
            read.context("reading the value from standard input")?;
            bytes
        }
    };
    checked(bytes)
}

/// What is a value: text, not empty, not endless, without the line break at its end.
fn checked(mut bytes: Vec<u8>) -> Result<Secret<String>> {
    if bytes.len() as u64 > LONGEST {
        bail!("the value is longer than 64 KiB");
    }
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.is_empty() => bail!("the value is empty; nothing was changed"),
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => bail!("the value is not UTF-8 text; encode it first, such as with base64"),
    }
}

/// One line of the terminal that is not shown.
fn asked(name: &str) -> io::Result<Vec<u8>> {
    let tty = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let mut out = &tty;
    write!(out, "Value of {name} (not shown): ")?;
    out.flush()?;
    let hidden = Hidden::begin(&tty)?;
    let line = line_of(&tty);
    drop(hidden);
    writeln!(out)?;
    let line = line?;
    if line.contains(&INTERRUPT) {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted"));
    }
    Ok(line)
}

/// What comes until a line ends, by whatever key.
fn line_of(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut piece = [0; 4096];
    while line.len() as u64 <= LONGEST {
        let read = from.read(&mut piece)?;
        line.extend_from_slice(&piece[..read]);
        if read == 0 || line.ends_with(b"\n") || line.ends_with(&[INTERRUPT]) {
            break;
        }
    }
    Ok(line)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden<'t> {
    tty: &'t std::fs::File,
    before: Termios,
}

impl<'t> Hidden<'t> {
    fn begin(tty: &'t std::fs::File) -> io::Result<Hidden<'t>> {
        let before = tcgetattr(tty)?;
        let mut hidden = before.clone();
        // Ctrl-C must not end the process while nothing is shown: the terminal would stay so.
        hidden.local_modes -= LocalModes::ECHO | LocalModes::ISIG;
        // Ctrl-C ends the line, too.
        hidden.special_codes[rustix::termios::SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(tty, OptionalActions::Flush, &hidden)?;
        Ok(Hidden { tty, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.tty, OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_dropped() {
        for (bytes, text) in [
            ("x", "x"),
            ("x\n", "x"),
            ("x\r\n", "x"),
            ("x\n\n", "x\n"),
            (" a\nb \n", " a\nb "),
        ] {
            let value = checked(bytes.as_bytes().to_vec()).unwrap();
            assert_eq!(value.expose(), text);
        }
        for bytes in [&b""[..], b"\n", b"\xff", &[b'x'; (64 << 10) + 1]] {
            assert!(checked(bytes.to_vec()).is_err());
        }
    }
}
