//! `$ref` within a document.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// So many references may follow one another.
const LONGEST_CHAIN: usize = 32;

/// Follows references from `value` to what they lead to. Fails with a clause about the reference.
pub(super) fn follow<'d>(root: &'d Value, value: &'d Value) -> Result<&'d Value, String> {
    let mut value = value;
    for _ in 0..LONGEST_CHAIN {
        let Some(reference) = reference(value) else {
            return Ok(value);
        };
        value = lookup(root, reference)?;
    }
    Err("its references lead in a circle".to_owned())
}

/// The reference that a value is, if it is one.
pub(super) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

/// What a reference leads to. Other documents are not read, wherever they are: whoever writes a
/// document would choose what we connect to.
pub(super) fn lookup<'d>(root: &'d Value, reference: &str) -> Result<&'d Value, String> {
    let Some(pointer) = reference.strip_prefix('#') else {
        return Err("it refers to another document, which is not read".to_owned());
    };
    let pointer = match percent_decode_str(pointer).decode_utf8() {
        Ok(pointer) => pointer,
        Err(_) => Cow::Borrowed(pointer),
    };
    let missing = || {
        let reference = crosspoint_core::shorten(reference);
        format!("it refers to {reference}, which is not there")
    };
    root.pointer(&pointer).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_within_the_document_are_followed_and_no_other() {
        let root = json!({"a b": {"x/y": {"$ref": "#/end"}}, "end": 7,
            "loop": {"$ref": "#/loop"}});
        let at = |reference: &str| json!({"$ref": reference});
        let value = at("#/a%20b/x~1y");
        assert_eq!(follow(&root, &value).unwrap(), &json!(7));
        for (reference, clause) in [
            ("#/none", "which is not there"),
            ("#/loop", "in a circle"),
            ("http://169.254.169.254/latest", "another document"),
            ("other.yaml#/x", "another document"),
        ] {
            let value = at(reference);
            let error = follow(&root, &value).unwrap_err();
            assert!(error.contains(clause), "{reference}: {error}");
        }
    }
}
