//! What the schemas of parameters say.

use serde_json::Value;

use crate::testing::findings::{Complaint, Findings};
use crate::testing::kit::{Kit, short};
use crate::testing::subject::ListedParameter;

pub(crate) async fn are_valid(kit: &Kit<'_>) -> Findings {
    each_schema(kit, |_, schema| {
        let error = jsonschema::draft202012::meta::validate(schema).err()?;
        Some(format!("{error} (at '{}')", error.instance_path()))
    })
}

pub(crate) async fn stand_alone(kit: &Kit<'_>) -> Findings {
    each_schema(kit, |_, schema| {
        let stray = stray_reference(schema, schema)?;
        Some(format!(
            "it refers to '{}', which is not in it",
            short(stray)
        ))
    })
}

pub(crate) async fn defaults_fit(kit: &Kit<'_>) -> Findings {
    each_schema(kit, |parameter, schema| {
        let default = parameter.default.as_ref()?;
        // One that cannot be built is the business of the tests before.
        let validator = jsonschema::draft202012::new(schema).ok()?;
        let error = validator.validate(default).err()?;
        Some(format!("the default: {error}"))
    })
}

fn each_schema(
    kit: &Kit<'_>,
    wrong: impl Fn(&ListedParameter, &Value) -> Option<String>,
) -> Findings {
    let mut findings = Findings::new();
    for command in kit.commands() {
        for parameter in &command.parameters {
            let Some(schema) = &parameter.schema else {
                continue;
            };
            let what = wrong(parameter, schema);
            let name = short(&parameter.name);
            findings.note(what.map(|w| Complaint::new(&command.id, format!("'{name}': {w}"))));
        }
    }
    findings
}

/// A reference to something that `root` does not hold.
fn stray_reference<'a>(schema: &'a Value, root: &Value) -> Option<&'a str> {
    match schema {
        Value::Array(list) => list.iter().find_map(|value| stray_reference(value, root)),
        Value::Object(map) => map
            .iter()
            .find_map(|(key, value)| match (key.as_str(), value) {
                ("$ref" | "$dynamicRef", Value::String(target)) => {
                    let inside = target.strip_prefix('#');
                    let found = inside.is_some_and(|inside| holds(root, inside));
                    (!found).then_some(target.as_str())
                }
                // Values, not schemas.
                ("const" | "enum" | "default" | "examples", _) => None,
                _ => stray_reference(value, root),
            }),
        _ => None,
    }
}

/// Whether a fragment names a place or an anchor.
fn holds(root: &Value, fragment: &str) -> bool {
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(fragment).is_some();
    }
    has_anchor(root, fragment)
}

fn has_anchor(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Array(list) => list.iter().any(|value| has_anchor(value, name)),
        Value::Object(map) => map.iter().any(|(key, value)| {
            let here = matches!(key.as_str(), "$anchor" | "$dynamicAnchor");
            (here && value == name) || has_anchor(value, name)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_within_a_schema_are_found() {
        let schema = json!({"$ref": "#/$defs/a", "items": {"$ref": "#b"},
            "$defs": {"a": {}, "x": {"$anchor": "b"}}, "default": {"$ref": "elsewhere"}});
        assert_eq!(stray_reference(&schema, &schema), None);
        for stray in [
            "#/$defs/none",
            "#none",
            "other.json",
            "https://example.com/schema",
        ] {
            let schema = json!({"anyOf": [{"$ref": stray}]});
            assert_eq!(stray_reference(&schema, &schema), Some(stray));
        }
    }
}
