//! Arguments that nobody gave: values that a parameter takes, and values that it must refuse.

use serde_json::{Map, Value, json};

use super::subject::{Listed, ListedParameter};

/// Text for parameters of which nothing is known. It is no address, no name and no number.
const MADE_UP: &str = "crosspoint check";

/// A value for each required parameter, as far as its schema says what it takes.
pub(super) fn made_up(command: &Listed) -> Map<String, Value> {
    let required = command.parameters.iter().filter(|p| p.required);
    required.map(|p| (p.name.clone(), value(p))).collect()
}

fn value(parameter: &ListedParameter) -> Value {
    if let Some(first) = parameter.choices().and_then(|list| list.first().cloned()) {
        return first.clone();
    }
    if let Some(default) = &parameter.default {
        return default.clone();
    }
    let schema = parameter.schema.as_ref();
    let least = schema.and_then(|s| s.get("minimum")).cloned();
    match parameter.types().first() {
        None | Some(&"string") => MADE_UP.into(),
        Some(&"integer" | &"number") => least.unwrap_or_else(|| 1.into()),
        Some(&"boolean") => false.into(),
        Some(&"array") => json!([]),
        Some(_) => json!({}),
    }
}

/// A value that the parameter's type rules out and that no spelling could mean, holding `text`
/// where it can; nothing when the parameter takes anything.
pub(super) fn wrong(parameter: &ListedParameter, text: &str) -> Option<Value> {
    let types = parameter.types();
    if types.is_empty() {
        return None;
    }
    let takes = |name: &str| types.contains(&name);
    if !takes("object") {
        return Some(json!({"wrong": text}));
    }
    if !takes("array") {
        return Some(json!([text]));
    }
    (!takes("string")).then(|| text.into())
}

/// A name that the command does not list.
pub(super) fn unknown_name(command: &Listed) -> String {
    let mut name = "crosspoint_check_unlisted".to_owned();
    while command.parameter(&name).is_some() {
        name.push('_');
    }
    name
}

/// The object as JSON text.
pub(super) fn text(arguments: &Map<String, Value>) -> String {
    Value::Object(arguments.clone()).to_string()
}

/// The object as JSON text with one value given as text, which need not be sound.
pub(super) fn text_with(arguments: &Map<String, Value>, name: &str, raw: &str) -> String {
    let mut rest = arguments.clone();
    rest.remove(name);
    let rest = text(&rest);
    let comma = if rest == "{}" { "" } else { "," };
    format!("{{{}:{raw}{comma}{}", Value::from(name), &rest[1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(schema: Value) -> ListedParameter {
        ListedParameter {
            schema: Some(schema),
            ..ListedParameter::default()
        }
    }

    #[test]
    fn a_wrong_value_is_of_a_type_that_is_not_listed() {
        let wrong = |schema| wrong(&parameter(schema), "x");
        assert_eq!(
            wrong(json!({"type": "string"})),
            Some(json!({"wrong": "x"}))
        );
        assert_eq!(wrong(json!({"type": "object"})), Some(json!(["x"])));
        assert_eq!(
            wrong(json!({"type": ["object", "array"]})),
            Some("x".into())
        );
        assert_eq!(wrong(json!({})), None);
    }

    #[test]
    fn made_up_values_fit_their_schemas() {
        assert_eq!(value(&parameter(json!({"enum": ["a", "b"]}))), json!("a"));
        let bounded = json!({"type": "integer", "minimum": 5});
        assert_eq!(value(&parameter(bounded)), json!(5));
    }

    #[test]
    fn unsound_text_takes_the_place_of_one_value() {
        let arguments = json!({"a": 1, "b": 2}).as_object().unwrap().clone();
        let text = text_with(&arguments, "a", r#""\ud800""#);
        assert_eq!(text, r#"{"a":"\ud800","b":2}"#);
        let only = json!({"a": 1}).as_object().unwrap().clone();
        assert_eq!(text_with(&only, "a", "?"), r#"{"a":?}"#);
    }
}
