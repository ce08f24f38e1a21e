//! Checks arguments against a command's parameters before anything outside is touched.
//!
//! All mistakes are named in one message, and none of them by its value: that may be a secret.

use serde_json::Value;

use crate::manifest::Command;
use crate::parameter::{Parameter, Type};
use crate::{Arguments, Failure, Json};

/// One thing that is wrong with the arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The parameter that is missing, unknown or has a wrong value; as it was sent, but short.
    pub parameter: String,
    /// What is wrong, for people.
    pub message: String,
}

// === impl Command ===

impl Command {
    /// The arguments as the connector will see them, or a failure that names every mistake.
    ///
    /// Missing and unknown parameters are mistakes for every command (the latter unless it is
    /// open). Types are looked at only where the command asks for coercion; there, numbers and
    /// booleans may come as text, numbers where text is meant, JSON text where an object or list
    /// is meant, and empty text or null for an absent option, since real diagrams send all of it.
    /// Null is kept where a parameter takes it.
    pub fn check(&self, arguments: Arguments) -> Result<Arguments, Failure> {
        self.check_each(arguments)
            .map_err(|mistakes| self.refuse(mistakes))
    }

    /// The failure that names these mistakes.
    pub fn refuse(&self, mistakes: Vec<Mistake>) -> Failure {
        let mistakes: Vec<_> = mistakes.into_iter().map(|m| m.message).collect();
        Failure::arguments(format!("{}: {}", self.name, mistakes.join("; ")))
    }

    /// The same with the mistakes one by one.
    pub fn check_each(&self, arguments: Arguments) -> Result<Arguments, Vec<Mistake>> {
        self.check_beside(arguments, &|_| false)
    }

    /// The same where a profile supplies some of the parameters: those count as given. One that
    /// comes as null or empty text is left out, so that the profile's value can stand there.
    pub fn check_beside(
        &self,
        mut arguments: Arguments,
        supplied: &dyn Fn(&str) -> bool,
    ) -> Result<Arguments, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut add = |parameter: &str, message| {
            let parameter = shorten(parameter);
            mistakes.push(Mistake { parameter, message });
        };
        for parameter in &self.parameters {
            let supplied = supplied(&parameter.name);
            if supplied && arguments.get(&parameter.name).is_some_and(Json::is_blank) {
                arguments.remove(&parameter.name);
            }
            let Some(value) = arguments.get(&parameter.name) else {
                if parameter.required && !supplied {
                    let message = format!("missing parameter '{}'", parameter.name);
                    add(&parameter.name, message);
                }
                continue;
            };
            if !self.coerce {
                continue;
            }
            match parameter.coerce(value) {
                Coerced::AsSent => {}
                Coerced::To(json) => arguments.insert(parameter.name.as_str(), json),
                Coerced::Absent => drop(arguments.remove(&parameter.name)),
                Coerced::Mistake(clause) => {
                    let message = format!("parameter '{}' {clause}", parameter.name);
                    add(&parameter.name, message);
                }
            }
        }
        if !self.open {
            let unknown = arguments
                .iter()
                .filter(|(name, _)| self.parameter(name).is_none());
            unknown.for_each(|(name, _)| add(name, self.unknown(name)));
        }
        match mistakes.is_empty() {
            true => Ok(arguments),
            false => Err(mistakes),
        }
    }

    fn unknown(&self, name: &str) -> String {
        let name = shorten(name);
        let known = self.parameters.iter().map(|p| p.name.as_str());
        match nearest(&name, known.clone()).first() {
            Some(near) => format!("unknown parameter '{name}' (did you mean '{near}'?)"),
            None if self.parameters.is_empty() => {
                format!("unknown parameter '{name}' (it takes none)")
            }
            None => {
                let known = known.collect::<Vec<_>>().join(", ");
                format!("unknown parameter '{name}' (it takes {known})")
            }
        }
    }
}

/// What became of one value.
enum Coerced {
    AsSent,
    To(Json),
    Absent,
    /// What is wrong, as a clause.
    Mistake(String),
}

// === impl Parameter ===

impl Parameter {
    /// A value in one of the declared types; nothing where it counts as absent. Takes what
    /// [`Command::check`] takes. Fails with a clause such as `must be an integer, not text`.
    pub fn fit(&self, value: &Json) -> Result<Option<Json>, String> {
        match self.coerce(value) {
            Coerced::AsSent => Ok(Some(value.clone())),
            Coerced::To(json) => Ok(Some(json)),
            Coerced::Absent => Ok(None),
            Coerced::Mistake(clause) => Err(clause),
        }
    }

    fn coerce(&self, value: &Json) -> Coerced {
        if value.first() == b'n' {
            return match (self.nullable, self.required) {
                (true, _) => Coerced::AsSent,
                (false, false) => Coerced::Absent,
                (false, true) => Coerced::Mistake("must not be null".to_owned()),
            };
        }
        let text = value.as_text();
        if !self.required && text.as_deref() == Some("") {
            return Coerced::Absent;
        }
        let coerced = match self.convert(value, text.as_deref()) {
            Ok(coerced) => coerced,
            Err(()) => return Coerced::Mistake(self.mistake(value)),
        };
        let result = coerced.as_ref().unwrap_or(value);
        if let Some(choices) = self.choices()
            && !result
                .read::<Value>()
                .is_ok_and(|value| choices.contains(&value))
        {
            let list: Vec<_> = choices.iter().map(|choice| choice.to_string()).collect();
            let list = list.join(", ");
            return Coerced::Mistake(format!("must be one of {list}"));
        }
        coerced.map_or(Coerced::AsSent, Coerced::To)
    }

    /// The value in one of the declared types; nothing when it is in one already.
    fn convert(&self, value: &Json, text: Option<&str>) -> Result<Option<Json>, ()> {
        let takes = |t| self.types.contains(&t);
        if self.types.is_empty() {
            return Ok(None);
        }
        if let Some(text) = text {
            // JSON text comes first: where an object may stand, that is what is meant.
            let inner = text.trim();
            let meant = (takes(Type::Object) && inner.starts_with('{'))
                || (takes(Type::Array) && inner.starts_with('['));
            if meant && let Ok(json) = Json::parse(inner.to_owned()) {
                return Ok(Some(json));
            }
            if takes(Type::String) {
                return Ok(None);
            }
            return self.read_text(inner).map(Some).ok_or(());
        }
        match value.first() {
            b'{' if takes(Type::Object) => Ok(None),
            b'[' if takes(Type::Array) => Ok(None),
            b't' | b'f' if takes(Type::Boolean) => Ok(None),
            b't' | b'f' if takes(Type::String) => Ok(Some(as_string(value))),
            b'-' | b'0'..=b'9' => self.read_number(value),
            _ => Err(()),
        }
    }

    fn read_text(&self, text: &str) -> Option<Json> {
        if self.types.contains(&Type::Boolean) {
            match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => return Some(Json::checked("true".into())),
                "false" | "no" | "off" | "0" => return Some(Json::checked("false".into())),
                _ => {}
            }
        }
        if self.types.contains(&Type::Integer) {
            return Json::of(&text.parse::<i64>().ok()?).ok();
        }
        if self.types.contains(&Type::Number) {
            let number = text.parse::<f64>().ok().filter(|n| n.is_finite())?;
            return Json::of(&number).ok();
        }
        None
    }

    fn read_number(&self, value: &Json) -> Result<Option<Json>, ()> {
        let takes = |t| self.types.contains(&t);
        if takes(Type::Number) || (takes(Type::Integer) && value.read::<i64>().is_ok()) {
            return Ok(None);
        }
        if takes(Type::Integer) {
            // 5.0 is how some engines write 5.
            let number = value.read::<f64>().map_err(drop)?;
            let whole = number.fract() == 0.0 && number.abs() < 9e15;
            return if whole {
                Ok(Json::of(&(number as i64)).ok())
            } else {
                Err(())
            };
        }
        if takes(Type::String) {
            return Ok(Some(as_string(value)));
        }
        match (takes(Type::Boolean), value.as_bytes().trim_ascii()) {
            (true, b"1") => Ok(Some(Json::checked("true".into()))),
            (true, b"0") => Ok(Some(Json::checked("false".into()))),
            _ => Err(()),
        }
    }

    fn mistake(&self, value: &Json) -> String {
        let wanted: Vec<_> = self.types.iter().map(|t| t.name()).collect();
        let got = match value.first() {
            b'"' if value.as_text().is_none() => "text that is not valid Unicode",
            b'"' => "text",
            b'{' => "an object",
            b'[' => "a list",
            b't' | b'f' => "a boolean",
            _ => "a number",
        };
        format!("must be {}, not {got}", wanted.join(" or "))
    }
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::String => "text",
            Type::Integer => "an integer",
            Type::Number => "a number",
            Type::Boolean => "a boolean",
            Type::Object => "an object",
            Type::Array => "a list",
        }
    }
}

/// A number or boolean as the text it was written with.
fn as_string(value: &Json) -> Json {
    Json::string(String::from_utf8_lossy(value.as_bytes().trim_ascii()).as_ref())
}

/// The known names that a mistyped one probably means, the likeliest first; at most three.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name = name.to_lowercase();
    let score = |other: &str| strsim::jaro_winkler(&name, &other.to_lowercase());
    let mut near: Vec<_> = known
        .map(|k| (score(k), k))
        .filter(|(s, _)| *s > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, k)| k).collect()
}

/// The name that is the same, or that differs in capitals and signs alone, if it is the only one.
pub fn alike<'n>(wanted: &str, names: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    if let Some(same) = names.clone().find(|name| *name == wanted) {
        return Some(same);
    }
    let letters = |name: &str| -> String {
        let letters = name.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = letters(wanted);
    let mut alike = names.filter(|name| letters(name) == wanted);
    let first = alike.next()?;
    alike.next().is_none().then_some(first)
}

/// A name that somebody sent, short enough for a message.
pub fn shorten(name: &str) -> String {
    let mut short: String = name.chars().take(60).flat_map(char::escape_debug).collect();
    if name.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
