//! What people may read of arguments and results. In clear, so no secret may get in.

use crosspoint_core::{
    Arguments, Body, CallMask, Command, Json, MASKED, Mask, Outcome, is_sensitive_name,
};
use serde_json::{Map, Value, json};
use url::Url;

/// How much of arguments and results people may read in the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bodies {
    /// Nothing.
    None,
    /// Short declared arguments; of everything else type and size.
    #[default]
    Summary,
    /// Everything but secrets.
    Full,
}

/// Longer texts are shown by their size, where not everything is shown.
const SHORT: usize = 200;

/// Longer texts are cut, where everything is shown.
const LONG: usize = 4 * 1024;

/// Longer arguments and results are shown by their size in any case.
const LONGEST: usize = 1024 * 1024;

/// Makes texts that people may read.
pub(crate) struct Reader<'a> {
    pub(crate) bodies: Bodies,
    pub(crate) command: &'a Command,
    /// The secrets of the configuration, and those of this call.
    pub(crate) masks: [&'a Mask; 2],
}

/// The values of parameters that are declared secret, which are looked for everywhere else.
pub(crate) fn declared_secrets(command: &Command, arguments: &Arguments) -> Mask {
    // Knows what to do about those that are too long to be looked for.
    let secrets = CallMask::default();
    for text in secret_texts(command, |name| arguments.get(name)) {
        secrets.protect(&text);
    }
    secrets.own()
}

/// The texts that parameters which are declared secret come to.
pub(crate) fn secret_texts<'a>(
    command: &'a Command,
    value_of: impl Fn(&str) -> Option<&'a Json>,
) -> impl Iterator<Item = String> {
    let secret = command.parameters.iter().filter(|p| p.secret);
    secret.filter_map(move |parameter| value_of(&parameter.name)?.as_text())
}

// === impl Reader ===

impl Reader<'_> {
    /// The arguments by name, as a JSON object.
    pub(crate) fn arguments(&self, arguments: &Arguments) -> Option<String> {
        if self.bodies == Bodies::None {
            return None;
        }
        let shown = arguments.iter().map(|(name, json)| {
            let declared = self.command.parameter(name);
            let secret = declared.is_some_and(|p| p.secret) || is_sensitive_name(name);
            let value = match (self.bodies, secret) {
                (_, true) => MASKED.into(),
                (Bodies::Full, false) => self.whole(json),
                (_, false) if declared.is_none() => size(json).into(),
                (_, false) => self.short(json),
            };
            (self.masked(name), value)
        });
        Some(Value::Object(shown.collect()).to_string())
    }

    /// Type and size of a result, or all of it.
    pub(crate) fn outcome(&self, outcome: &Outcome) -> Option<String> {
        let bytes = outcome.body.as_bytes().len();
        let mut shown = match (self.bodies, &outcome.body) {
            (Bodies::None, _) => return None,
            (_, Body::Json(json)) => json!({"type": type_of(json), "bytes": bytes}),
            (_, Body::Text(_)) => json!({"type": "text", "bytes": bytes}),
            (_, Body::Bytes(_)) => json!({"type": "bytes", "bytes": bytes}),
        };
        if self.bodies == Bodies::Full && bytes <= LONGEST {
            match &outcome.body {
                Body::Json(json) => shown["body"] = self.whole(json),
                Body::Text(text) => shown["body"] = cut(self.text(text)).into(),
                Body::Bytes(_) => {}
            }
        }
        Some(shown.to_string())
    }

    /// Numbers, truth and short texts; else type and size.
    fn short(&self, json: &Json) -> Value {
        match json.first() {
            b'{' | b'[' => size(json).into(),
            b'"' => match json.as_text() {
                Some(text) if text.len() <= SHORT => self.text(&text).into(),
                _ => size(json).into(),
            },
            _ if json.as_bytes().len() > SHORT => size(json).into(),
            _ => json.read().unwrap_or_else(|_| size(json).into()),
        }
    }

    fn whole(&self, json: &Json) -> Value {
        if json.as_bytes().len() > LONGEST {
            return size(json).into();
        }
        // Lone surrogates and numbers beyond measure are JSON that no value holds.
        match json.read() {
            Ok(value) => self.clean(value),
            Err(_) => size(json).into(),
        }
    }

    fn clean(&self, value: Value) -> Value {
        match value {
            Value::String(text) => cut(self.text(&text)).into(),
            Value::Array(list) => list.into_iter().map(|value| self.clean(value)).collect(),
            Value::Object(map) => {
                let entry = |(name, value): (String, Value)| {
                    let value = match is_sensitive_name(&name) {
                        true => MASKED.into(),
                        false => self.clean(value),
                    };
                    (self.masked(&name), value)
                };
                Value::Object(map.into_iter().map(entry).collect::<Map<_, _>>())
            }
            plain => plain,
        }
    }

    /// A text without secrets, and without the parts of a URL that carry them: user and password,
    /// query and fragment.
    fn text(&self, text: &str) -> String {
        let url = text
            .contains("://")
            .then(|| Url::parse(text.trim_start()).ok());
        match url {
            None => self.masked(text),
            Some(Some(url)) if url.has_host() => self.masked(&plain_url(url)),
            Some(_) => format!("text, {} bytes", text.len()),
        }
    }

    fn masked(&self, text: &str) -> String {
        let once = self.masks[0].apply(text);
        self.masks[1].apply(&once).into_owned()
    }
}

/// Cuts what is masked already: half of a secret would not be recognised as one.
fn cut(mut text: String) -> String {
    let bytes = text.len();
    if bytes > LONG {
        text.truncate(text.floor_char_boundary(LONG));
        text.push_str(&format!("… ({bytes} bytes)"));
    }
    text
}

fn plain_url(mut url: Url) -> String {
    let more = url.query().is_some() || url.fragment().is_some();
    url.set_query(None);
    url.set_fragment(None);
    // A URL with a host takes both.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    match more {
        true => format!("{url}?…"),
        false => url.into(),
    }
}

fn size(json: &Json) -> String {
    format!("{}, {} bytes", type_of(json), json.as_bytes().len())
}

fn type_of(json: &Json) -> &'static str {
    match json.first() {
        b'{' => "object",
        b'[' => "list",
        b'"' => "text",
        b't' | b'f' => "boolean",
        b'n' => "null",
        _ => "number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosspoint_core::{Safety, Secret};

    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only its schema counts")]
    struct Post {
        url: String,
        headers: Option<Json>,
        times: Option<u32>,
        note: Option<String>,
        pin: Option<Secret<String>>,
        access_token: Option<String>,
    }

    fn shown(bodies: Bodies, arguments: &'static str) -> Value {
        let command = Command::of::<Post>("Post", Safety::Effectful);
        let arguments = Arguments::parse(arguments.into()).unwrap();
        let (base, own) = (
            Mask::new(["configured"]),
            declared_secrets(&command, &arguments),
        );
        let reader = Reader {
            bodies,
            command: &command,
            masks: [&base, &own],
        };
        let text = reader.arguments(&arguments);
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }

    const ARGUMENTS: &str = r#"{
        "url": "https://me:pass@h:8443/a/b?token=t#f", "headers": {"Authorization": "Bearer x"},
        "times": 3, "note": "pay 4711 and configured", "pin": "4711", "access_token": "abc",
        "more": "of an open command"}"#;

    #[test]
    fn a_summary_shows_what_is_declared_and_no_secret() {
        let wanted = json!({
            "url": "https://h:8443/a/b?…", "headers": "object, 29 bytes", "times": 3,
            "note": "pay *** and ***", "pin": "***", "access_token": "***",
            "more": "text, 20 bytes",
        });
        assert_eq!(shown(Bodies::Summary, ARGUMENTS), wanted);
    }

    #[test]
    fn where_a_secret_is_too_long_to_be_looked_for_texts_are_withheld() {
        let long = "x".repeat(1 << 20);
        let arguments = format!(r#"{{"url": "http://h/", "note": "x", "pin": "{long}"}}"#);
        let shown = shown(Bodies::Summary, arguments.leak());
        assert!(!shown.to_string().contains("http://h/"), "{shown}");
    }

    #[test]
    fn everything_is_everything_but_secrets() {
        let wanted = json!({
            "url": "https://h:8443/a/b?…", "headers": {"Authorization": "***"}, "times": 3,
            "note": "pay *** and ***", "pin": "***", "access_token": "***",
            "more": "of an open command",
        });
        assert_eq!(shown(Bodies::Full, ARGUMENTS), wanted);
        assert_eq!(shown(Bodies::None, ARGUMENTS), Value::Null);
    }

    #[test]
    fn hostile_values_are_shown_by_their_size() {
        let hostile = r#"{"url": "x://[", "note": "\ud800", "times": 1e999, "headers": []}"#;
        let wanted = json!({
            "url": "text, 5 bytes", "note": "text, 8 bytes", "times": "number, 5 bytes",
            "headers": "list, 2 bytes",
        });
        assert_eq!(shown(Bodies::Summary, hostile), wanted);
        let wanted = json!({
            "url": "text, 5 bytes", "note": "text, 8 bytes", "times": "number, 5 bytes",
            "headers": [],
        });
        assert_eq!(shown(Bodies::Full, hostile), wanted);
    }

    #[test]
    fn a_result_is_shown_by_its_size_unless_everything_is_wanted() {
        let command = Command::of::<Post>("Post", Safety::Effectful);
        let (base, own) = (Mask::new(["configured"]), Mask::default());
        let outcome = Outcome::json(Json::parse(r#"{"a": "configured", "key": 1}"#).unwrap());
        let shown = |bodies| {
            let reader = Reader {
                bodies,
                command: &command,
                masks: [&base, &own],
            };
            reader.outcome(&outcome)
        };
        assert_eq!(shown(Bodies::None), None);
        assert_eq!(
            shown(Bodies::Summary).unwrap(),
            r#"{"type":"object","bytes":29}"#
        );
        assert_eq!(
            shown(Bodies::Full).unwrap(),
            r#"{"type":"object","bytes":29,"body":{"a":"***","key":"***"}}"#
        );
    }
}
