//! How values of parameters are written (OpenAPI 3.1, "Style Values"; RFC 6570).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What needs no encoding anywhere.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What stays in a query of parameters with `allowReserved`, but for what would begin another one.
const RESERVED: &AsciiSet = &UNRESERVED
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `a,b`
    Simple,
    /// `.a.b`
    Label,
    /// `;x=a,b`
    Matrix,
    /// `x=a&x=b`
    Form,
    /// `x=a%20b`
    SpaceDelimited,
    /// `x=a|b`
    PipeDelimited,
    /// `x[a]=b`
    DeepObject,
    /// As JSON text.
    Json,
}

/// A style with what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spelling {
    pub style: Style,
    /// Whether each element or member stands for itself.
    pub explode: bool,
    /// Whether reserved characters stay as they are.
    pub reserved: bool,
}

// === impl Style ===

impl Style {
    /// The style of that name.
    pub(super) fn named(name: &str) -> Option<Style> {
        Some(match name {
            "simple" => Style::Simple,
            "label" => Style::Label,
            "matrix" => Style::Matrix,
            "form" => Style::Form,
            "spaceDelimited" => Style::SpaceDelimited,
            "pipeDelimited" => Style::PipeDelimited,
            "deepObject" => Style::DeepObject,
            _ => return None,
        })
    }
}

// === impl Spelling ===

impl Spelling {
    /// The text for a place in a path.
    pub(super) fn path(self, name: &str, value: &Value) -> String {
        let encode = |text: &str| encoded(text, false);
        let (separator, lead) = match self.style {
            Style::Label => (".", "."),
            Style::Matrix => (";", ";"),
            _ => (",", ""),
        };
        let name = encode(name);
        match value {
            Value::Array(list) if self.style == Style::Matrix && self.explode => list
                .iter()
                .map(|one| format!(";{name}={}", encode(&plain(one))))
                .collect(),
            Value::Object(members) if self.explode && self.style != Style::Json => {
                let pairs = members
                    .iter()
                    .map(|(key, one)| format!("{}={}", encode(key), encode(&plain(one))));
                format!("{lead}{}", pairs.collect::<Vec<_>>().join(separator))
            }
            value => {
                let separator = match (self.style, self.explode) {
                    (Style::Label, true) => ".",
                    _ => ",",
                };
                let text = match self.style {
                    Style::Json => encode(&value.to_string()),
                    _ => flat(value)
                        .iter()
                        .map(|t| encode(t))
                        .collect::<Vec<_>>()
                        .join(separator),
                };
                match self.style {
                    Style::Label => format!(".{text}"),
                    Style::Matrix => format!(";{name}={text}"),
                    _ => text,
                }
            }
        }
    }

    /// The pairs of a query or a form, encoded.
    pub(super) fn query(self, name: &str, value: &Value) -> Vec<(String, String)> {
        let encode = |text: &str| encoded(text, self.reserved);
        let key = encoded(name, false);
        let one = |text: String| vec![(key.clone(), text)];
        let joined = |separator: &str| {
            let texts = flat(value);
            one(texts
                .iter()
                .map(|t| encode(t))
                .collect::<Vec<_>>()
                .join(separator))
        };
        match (self.style, value) {
            (Style::Json, value) => one(encode(&value.to_string())),
            (Style::DeepObject, Value::Object(members)) => {
                let mut pairs = Vec::new();
                for (member, one) in members {
                    deep(format!("{name}[{member}]"), one, &mut |name, text| {
                        pairs.push((encoded(&name, false), encode(&text)));
                    });
                }
                pairs
            }
            (Style::Form | Style::DeepObject, Value::Array(list)) if self.explode => list
                .iter()
                .map(|one| (key.clone(), encode(&plain(one))))
                .collect(),
            (_, Value::Object(members)) if self.explode => members
                .iter()
                .map(|(member, one)| (encoded(member, false), encode(&plain(one))))
                .collect(),
            (Style::SpaceDelimited, _) => joined("%20"),
            (Style::PipeDelimited, _) => joined("%7C"),
            _ => joined(","),
        }
    }

    /// The text of a header, or of a cookie.
    pub(super) fn header(self, value: &Value) -> String {
        match value {
            value if self.style == Style::Json => value.to_string(),
            Value::Object(members) if self.explode => {
                let pairs = members
                    .iter()
                    .map(|(key, one)| format!("{key}={}", plain(one)));
                pairs.collect::<Vec<_>>().join(",")
            }
            value => flat(value).join(","),
        }
    }
}

/// Members of members, as `a[b][c]`.
fn deep(name: String, value: &Value, add: &mut dyn FnMut(String, String)) {
    match value {
        Value::Object(members) => {
            for (member, one) in members {
                deep(format!("{name}[{member}]"), one, add);
            }
        }
        Value::Array(list) => {
            for one in list {
                add(name.clone(), plain(one));
            }
        }
        Value::Null => {}
        value => add(name, plain(value)),
    }
}

/// Elements, or members by turns with their names.
fn flat(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().map(plain).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, one)| [name.clone(), plain(one)])
            .collect(),
        value => vec![plain(value)],
    }
}

/// Text as it is, anything else as JSON; nothing for null.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

/// Percent-encoded text.
pub(super) fn encoded(text: &str, reserved: bool) -> String {
    let set = if reserved { RESERVED } else { UNRESERVED };
    utf8_percent_encode(text, set).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spelling(style: Style, explode: bool) -> Spelling {
        Spelling {
            style,
            explode,
            reserved: false,
        }
    }

    /// The table "Style Examples" of the specification: a value, a list and an object.
    fn values() -> [Value; 3] {
        [
            json!("blue"),
            json!(["blue", "black", "brown"]),
            json!({"R": 100, "G": 200, "B": 150}),
        ]
    }

    #[test]
    fn paths_are_written_as_the_specification_has_them() {
        use Style::{Label, Matrix, Simple};
        for (style, explode, wanted) in [
            (
                Matrix,
                false,
                [
                    ";color=blue",
                    ";color=blue,black,brown",
                    ";color=R,100,G,200,B,150",
                ],
            ),
            (
                Matrix,
                true,
                [
                    ";color=blue",
                    ";color=blue;color=black;color=brown",
                    ";R=100;G=200;B=150",
                ],
            ),
            (
                Label,
                false,
                [".blue", ".blue,black,brown", ".R,100,G,200,B,150"],
            ),
            (
                Label,
                true,
                [".blue", ".blue.black.brown", ".R=100.G=200.B=150"],
            ),
            (
                Simple,
                false,
                ["blue", "blue,black,brown", "R,100,G,200,B,150"],
            ),
            (
                Simple,
                true,
                ["blue", "blue,black,brown", "R=100,G=200,B=150"],
            ),
        ] {
            let written = values().map(|value| spelling(style, explode).path("color", &value));
            assert_eq!(written, wanted.map(str::to_owned), "{style:?} {explode}");
        }
        let odd = spelling(Simple, false).path("x", &json!("a/b?ü ../"));
        assert_eq!(odd, "a%2Fb%3F%C3%BC%20..%2F");
    }

    #[test]
    fn queries_are_written_as_the_specification_has_them() {
        use Style::{DeepObject, Form, Json, PipeDelimited, SpaceDelimited};
        let written = |style, explode, value: &Value| {
            let pairs = spelling(style, explode).query("color", value);
            let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("&")
        };
        let [one, list, object] = values();
        for (style, explode, value, wanted) in [
            (Form, false, &one, "color=blue"),
            (Form, false, &list, "color=blue,black,brown"),
            (Form, true, &list, "color=blue&color=black&color=brown"),
            (Form, false, &object, "color=R,100,G,200,B,150"),
            (Form, true, &object, "R=100&G=200&B=150"),
            (SpaceDelimited, false, &list, "color=blue%20black%20brown"),
            (PipeDelimited, false, &list, "color=blue%7Cblack%7Cbrown"),
            (
                DeepObject,
                true,
                &object,
                "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150",
            ),
            (
                Json,
                true,
                &object,
                "color=%7B%22R%22%3A100%2C%22G%22%3A200%2C%22B%22%3A150%7D",
            ),
        ] {
            assert_eq!(
                written(style, explode, value),
                wanted,
                "{style:?} {explode}"
            );
        }
        assert_eq!(written(Form, true, &json!(true)), "color=true");
        assert_eq!(written(Form, true, &json!("a&b=c")), "color=a%26b%3Dc");
        let reserved = Spelling {
            reserved: true,
            ..spelling(Form, true)
        };
        assert_eq!(
            reserved.query("u", &json!("http://h/?a&b#c"))[0].1,
            "http://h/?a%26b%23c"
        );
        let nested = json!({"a": {"b": [1, 2]}, "c": null});
        assert_eq!(
            written(DeepObject, true, &nested),
            "color%5Ba%5D%5Bb%5D=1&color%5Ba%5D%5Bb%5D=2"
        );
    }

    #[test]
    fn headers_are_written_as_the_specification_has_them() {
        let [one, list, object] = values();
        let written = |explode, value: &Value| spelling(Style::Simple, explode).header(value);
        assert_eq!(written(false, &one), "blue");
        assert_eq!(written(true, &list), "blue,black,brown");
        assert_eq!(written(false, &object), "R,100,G,200,B,150");
        assert_eq!(written(true, &object), "R=100,G=200,B=150");
    }
}
