//! Names and texts of requirements (PEP 508), and addresses without their credentials.

use url::Url;

/// Splits the distribution's name off a requirement. None when it does not begin with one.
pub(super) fn split_name(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let valid = alphanumeric(name.chars().next()) && alphanumeric(name.chars().next_back());
    valid.then_some((name, rest.trim_start()))
}

/// The name by which distributions are compared (PEP 503): lower case, runs of `-_.` as one `-`.
pub(super) fn normalize(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

/// Whether the text begins with a scheme, such as `https:` or `git+ssh:`.
pub(super) fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let mut letters = scheme.chars();
    let first = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    (first && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))).then_some(scheme)
}

/// Checks what follows the name: extras, then a version, an address or a marker.
/// The error says what is wrong.
pub(super) fn check(rest: &str) -> Result<(), String> {
    let rest = match rest.strip_prefix('[') {
        Some(extras) => match extras.split_once(']') {
            Some((_, rest)) => rest.trim_start(),
            None => return Err("the list of extras is not closed by ]".to_owned()),
        },
        None => rest,
    };
    if let Some(address) = rest.strip_prefix('@') {
        return match scheme(address.trim_start()) {
            Some(_) => Ok(()),
            None => Err("after @ comes an address such as https://… or git+https://…".to_owned()),
        };
    }
    if rest.starts_with('=') && !rest.starts_with("==") {
        return Err("a version is compared with ==, not with =".to_owned());
    }
    match rest.chars().next() {
        None | Some('<' | '>' | '=' | '!' | '~' | '(' | ';') => Ok(()),
        Some(_) => Err(format!("\"{rest}\" is not a version or a marker")),
    }
}

/// The text with the user information of every address in it replaced by `***`, so that it can be
/// shown and written down.
pub(super) fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || "/?#\"'<>".contains(c))
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            // The user of an ssh address is no secret, a lone one of https is a token.
            Some((user, host)) if before.ends_with("ssh://") && !user.contains(':') => {
                shown.push_str(user);
                shown.push('@');
                shown.push_str(host);
            }
            Some((_, host)) => {
                shown.push_str("***@");
                shown.push_str(host);
            }
            None => shown.push_str(authority),
        }
        rest = tail;
    }
    shown.push_str(rest);
    shown
}

/// An address as it is compared with the one that a tool wrote down for what it installed
/// (`direct_url.json`, PEP 610): without the `git+`, credentials, revision, fragment and last slash.
pub(super) fn comparable(address: &str) -> String {
    let git = address.strip_prefix("git+");
    let Ok(mut url) = Url::parse(git.unwrap_or(address)) else {
        return address.to_owned();
    };
    url.set_fragment(None);
    // An address without a host refuses these, and has nothing to remove either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if git.is_some()
        && let Some((path, _revision)) = url.path().rsplit_once('@')
    {
        let path = path.to_owned();
        url.set_path(&path);
    }
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_package_indexes_do() {
        assert_eq!(normalize("Connector__CRM.x"), "connector-crm-x");
        assert_eq!(
            split_name("connector-crm[a]==1"),
            Some(("connector-crm", "[a]==1"))
        );
        assert_eq!(split_name("-r"), None);
        assert_eq!(split_name("a-"), None);
    }

    #[test]
    fn credentials_do_not_show() {
        for (text, shown) in [
            ("git+https://t0ken@h/x@v1", "git+https://***@h/x@v1"),
            (
                "a @ https://u:p@h/x.whl and http://q:r@i",
                "a @ https://***@h/x.whl and http://***@i",
            ),
            ("git+ssh://git@h/x", "git+ssh://git@h/x"),
            ("ssh://u:p@h/x", "ssh://***@h/x"),
            ("connector-crm==1.4", "connector-crm==1.4"),
            ("https://h/a@b", "https://h/a@b"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }

    #[test]
    fn addresses_are_compared_without_revision_and_credentials() {
        assert_eq!(
            comparable("git+https://t@h/x.git@v1#subdirectory=y"),
            "https://h/x.git"
        );
        assert_eq!(comparable("git+ssh://git@h/x@main"), "ssh://h/x");
        assert_eq!(comparable("file:///a/b/"), "file:///a/b");
    }

    #[test]
    fn a_single_equals_sign_is_explained() {
        assert!(check("=1.0").unwrap_err().contains("=="));
        assert!(check("[a").unwrap_err().contains(']'));
        assert!(check("@ ./x").unwrap_err().contains("address"));
        assert!(check("1.0").is_err());
        for good in [
            "",
            "==1",
            "[a,b]>=1",
            "@ https://h/x",
            "; python_version < '3'",
            "(>1)",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }
}
