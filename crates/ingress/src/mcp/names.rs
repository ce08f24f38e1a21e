//! The names of tools, made of those of commands.

use std::collections::HashMap;

use crosspoint_core::CommandId;
use sha2::{Digest, Sha256};

/// The longest name that the clients in use take; the specification allows 128 characters.
const LONGEST: usize = 64;

/// The names of these commands as tools, in the same order: `connector_Command`, of letters, digits,
/// `_` and `-`, at most 64 characters, each only once.
///
/// Where that is too long, or two commands would have the same, a name ends in eight digits that are
/// made of the command's own: it does not depend on what else there is, and never becomes the name of
/// another command.
pub(crate) fn names(ids: &[&CommandId]) -> Vec<String> {
    let plain: Vec<String> = ids.iter().map(|id| plain(id)).collect();
    let mut wanted: HashMap<&str, usize> = HashMap::new();
    for name in &plain {
        *wanted.entry(name).or_default() += 1;
    }
    let unique = |name: &String| name.len() <= LONGEST && wanted[name.as_str()] == 1;
    let named = plain.iter().zip(ids).map(|(name, id)| match unique(name) {
        true => name.clone(),
        false => marked(name, id),
    });
    named.collect()
}

/// Whether a name is what one would expect of the command.
pub(crate) fn is_plain(name: &str, id: &CommandId) -> bool {
    name.split_once(&*id.connector)
        .and_then(|(before, rest)| before.is_empty().then_some(rest))
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|command| command == &*id.command)
}

fn plain(id: &CommandId) -> String {
    let legal = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '-' => c,
        _ => '_',
    };
    let name = format!("{}_{}", id.connector, id.command);
    name.chars().map(legal).collect()
}

fn marked(name: &str, id: &CommandId) -> String {
    let digest = Sha256::digest(id.to_string());
    let mark: String = digest[..4].iter().map(|b| format!("{b:02x}")).collect();
    let kept = name.len().min(LONGEST - mark.len() - 1);
    // All of it is ASCII.
    format!("{}_{mark}", &name[..kept])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(ids: &[(&str, &str)]) -> Vec<String> {
        let ids: Vec<_> = ids.iter().map(|(a, b)| CommandId::new(*a, *b)).collect();
        names(&ids.iter().collect::<Vec<_>>())
    }

    #[test]
    fn most_commands_are_called_as_one_would_expect() {
        let ids = [("http", "GetRequestV2"), ("my-crm", "get_contact")];
        assert_eq!(named(&ids), ["http_GetRequestV2", "my-crm_get_contact"]);
        for (connector, command) in ids {
            let id = CommandId::new(connector, command);
            assert!(is_plain(&plain(&id), &id));
        }
    }

    #[test]
    fn what_clients_do_not_take_is_replaced() {
        let id = CommandId::new("files", "read.größe now");
        assert_eq!(
            named(&[("files", "read.größe now")]),
            ["files_read_gr__e_now"]
        );
        assert!(!is_plain("files_read_gr__e_now", &id));
    }

    #[test]
    fn of_two_that_would_be_called_the_same_neither_is() {
        let both = named(&[("a_b", "C"), ("a", "b_C"), ("a", "D")]);
        assert!(both[0].starts_with("a_b_C_") && both[1].starts_with("a_b_C_"));
        assert_ne!(both[0], both[1]);
        assert_eq!(both[2], "a_D");
        // Whatever else there is.
        assert_eq!(named(&[("a", "b_C"), ("a_b", "C")])[0], both[1]);
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (one, other) = ("x".repeat(100) + "1", "x".repeat(100) + "2");
        let both = named(&[("c", &one), ("c", &other)]);
        assert!(both.iter().all(|name| name.len() == LONGEST), "{both:?}");
        assert_ne!(both[0], both[1]);
    }
}
