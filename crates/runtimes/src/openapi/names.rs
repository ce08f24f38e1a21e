//! The names of commands, and which operations are commands.

use std::collections::{HashMap, HashSet};

use crosspoint_core::is_connector_name;

use super::settings::Settings;

/// The longest name, in characters.
const LONGEST: usize = 120;

/// Names for operations: those of `operationId`, else made of method and path. An id that is taken
/// counts as none.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// How often a name was wanted that was taken.
    again: HashMap<String, usize>,
}

// === impl Names ===

impl Names {
    /// The name of an operation, and whether its id was another's.
    pub(super) fn name(&mut self, id: Option<&str>, method: &str, path: &str) -> (String, bool) {
        let id = id.map(plain).filter(|name| !name.is_empty());
        let twice = id.as_ref().is_some_and(|name| self.taken.contains(name));
        let name = id.filter(|_| !twice);
        let name = name.unwrap_or_else(|| plain(&format!("{method} {path}")));
        let mut free = name.clone();
        while !self.taken.insert(free.clone()) {
            let count = self.again.entry(name.clone()).or_insert(1);
            *count += 1;
            free = format!("{name}_{count}");
        }
        (free, twice)
    }
}

/// Letters, digits, `_` and `-`; what stands between them becomes one `_`.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().take(LONGEST) {
        match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') => plain.push(c),
            _ if plain.is_empty() || plain.ends_with('_') => {}
            _ => plain.push('_'),
        }
    }
    plain.trim_end_matches('_').to_owned()
}

impl Settings {
    /// Whether an operation is a command.
    pub(super) fn wants(&self, name: &str, method: &str, path: &str) -> bool {
        let operation = format!("{} {path}", method.to_ascii_uppercase());
        let is = |pattern: &String| matches(pattern, name) || matches(pattern, &operation);
        (self.include.is_empty() || self.include.iter().any(is)) && !self.exclude.iter().any(is)
    }

    /// The name that a command is to have.
    pub(super) fn renamed(&self, name: &str, method: &str, path: &str) -> Option<&str> {
        let operation = format!("{} {path}", method.to_ascii_uppercase());
        let new = self
            .rename
            .get(name)
            .or_else(|| self.rename.get(&operation))?;
        is_connector_name(new).then_some(new)
    }
}

/// Whether a text has the shape of a pattern, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_called_by_its_id_or_by_method_and_path() {
        let mut names = Names::default();
        let mut name = |id, path| names.name(id, "get", path);
        assert_eq!(
            name(Some("repos/get"), "/r"),
            ("repos_get".to_owned(), false)
        );
        assert_eq!(
            name(None, "/users/{id}/"),
            ("get_users_id".to_owned(), false)
        );
        assert_eq!(name(Some("repos/get"), "/x"), ("get_x".to_owned(), true));
        assert_eq!(name(Some("§"), "/x"), ("get_x_2".to_owned(), false));
        assert_eq!(name(Some("get_x_3"), "/"), ("get_x_3".to_owned(), false));
        assert_eq!(name(None, "/x"), ("get_x_4".to_owned(), false));
    }

    #[test]
    fn patterns_are_of_names_or_of_methods_and_paths() {
        let settings = |include: &[&str], exclude: &[&str]| Settings {
            include: include.iter().map(|p| (*p).to_owned()).collect(),
            exclude: exclude.iter().map(|p| (*p).to_owned()).collect(),
            ..Settings::default()
        };
        let wants = |settings: &Settings| settings.wants("getUser", "get", "/users/{id}");
        assert!(wants(&settings(&[], &[])));
        assert!(wants(&settings(&["get*"], &[])));
        assert!(wants(&settings(&["GET /users/*"], &["POST *"])));
        assert!(!wants(&settings(&["User"], &[])));
        assert!(!wants(&settings(&[], &["*User"])));
        assert!(matches("a*b*c", "a1b2c") && !matches("a*b*c", "a1c") && !matches("ab", "abc"));
        assert!(!matches("a*a", "a"));
    }
}
