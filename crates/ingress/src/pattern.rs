//! Patterns by which the configuration names commands.

/// Whether a name fits a pattern in which `*` stands for any characters.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_characters() {
        for pattern in [
            "*",
            "http.*",
            "*.GetRequest",
            "h*.G*t",
            "http.GetRequest",
            "**",
        ] {
            assert!(matches(pattern, "http.GetRequest"), "{pattern}");
        }
        for pattern in [
            "",
            "http",
            "http.",
            "x*",
            "*x",
            "http.*GetRequestGet",
            "h*x*t",
        ] {
            assert!(!matches(pattern, "http.GetRequest"), "{pattern}");
        }
    }
}
