//! The arguments of a verb: flags it knows, and after `--` whatever is passed on.

use anyhow::{Result, bail};

/// What was given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    set: Vec<String>,
    /// Everything after `--`.
    pub(crate) rest: Vec<String>,
}

// === impl Flags ===

impl Flags {
    /// Reads `arguments`; a flag that is not in `known` is an error that names those that are.
    pub(crate) fn read(
        arguments: impl IntoIterator<Item = String>,
        known: &[&str],
    ) -> Result<Flags> {
        let mut flags = Flags::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                flags.rest = arguments.collect();
                break;
            }
            if !known.contains(&argument.as_str()) {
                match known {
                    [] => bail!("`{argument}` is not known here; there are no flags"),
                    _ => bail!(
                        "`{argument}` is not known here; there is {}",
                        known.join(", ")
                    ),
                }
            }
            flags.set.push(argument);
        }
        Ok(flags)
    }

    /// Whether `flag` was given.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.set.iter().any(|set| set == flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, known: &[&str]) -> Result<Flags> {
        Flags::read(line.split_whitespace().map(str::to_owned), known)
    }

    #[test]
    fn known_flags_are_kept_and_the_rest_is_passed_on() {
        let flags = read("--quick -- --json name", &["--quick", "--json"]).unwrap();
        assert!(flags.has("--quick") && !flags.has("--json"));
        assert_eq!(flags.rest, ["--json", "name"]);
    }

    #[test]
    fn an_unknown_flag_is_named_with_those_that_exist() {
        let error = read("--fast", &["--quick", "--json"])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "`--fast` is not known here; there is --quick, --json"
        );
        assert!(read("name", &[]).is_err());
    }
}
