//! Where a system is: the servers of a document, and their variables.

use crosspoint_core::{Arguments, Failure, Parameter, Profile};
use serde_json::{Value, json};
use url::Url;

use super::path::{Piece, pieces};
use super::settings::{At, Settings};
use super::style::{encoded, plain};

/// A server, with places for variables that nobody has given a value yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Server {
    pieces: Vec<Piece>,
    pub variables: Vec<Variable>,
}

/// A variable whose value a profile or a call gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variable {
    pub name: String,
    default: Option<String>,
    choices: Vec<String>,
    description: String,
    part: Part,
}

/// Which part of the address a variable is in: what its value may be, and what it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The address begins with it.
    Whole,
    /// The host or the port.
    Authority,
    Path,
}

// === impl Server ===

impl Server {
    /// The first server of a list. Fails with a clause about the document.
    pub(super) fn read(
        servers: Option<&Value>,
        settings: &Settings,
        at: &At,
    ) -> Result<Server, String> {
        if let Some(server) = &settings.server {
            return Ok(Server {
                pieces: vec![Piece::Text(server.trim_end_matches('/').to_owned())],
                variables: Vec::new(),
            });
        }
        let first = servers
            .and_then(Value::as_array)
            .and_then(|list| list.first());
        let url = first
            .and_then(|server| server.get("url")?.as_str())
            .unwrap_or("/");
        let described = first.and_then(|server| server.get("variables"));
        let mut server = Server::parse(url, described, settings)?;
        server.complete(at)?;
        Ok(server)
    }

    fn parse(url: &str, described: Option<&Value>, settings: &Settings) -> Result<Server, String> {
        let mut server = Server {
            pieces: Vec::new(),
            variables: Vec::new(),
        };
        let found =
            pieces(url).map_err(|_| "has a server with a `{` without its `}`".to_owned())?;
        let mut before = String::new();
        for piece in found {
            let Piece::Place(name) = piece else {
                if let Piece::Text(text) = &piece {
                    before.push_str(text);
                }
                server.pieces.push(piece);
                continue;
            };
            if let Some(value) = settings.variables.get(&name) {
                before.push_str(value);
                server.pieces.push(Piece::Text(value.clone()));
                continue;
            }
            let described = described
                .and_then(|all| all.get(&name))
                .unwrap_or(&Value::Null);
            let part = match before.split_once("://") {
                None if before.is_empty() => Part::Whole,
                None => Part::Path,
                Some((_, rest)) if rest.contains('/') => Part::Path,
                Some(_) => Part::Authority,
            };
            before.push('x');
            server
                .variables
                .push(Variable::read(&name, described, part));
            server.pieces.push(Piece::Place(name));
        }
        Ok(server)
    }

    /// A relative address begins where a fetched document is, and the address of a fetched document
    /// leads nowhere else: whoever writes it would choose what we connect to.
    fn complete(&mut self, at: &At) -> Result<(), String> {
        let first = match self.pieces.first() {
            Some(Piece::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let whole = matches!(self.pieces.first(), Some(Piece::Place(_)));
        let absolute = first.contains("://");
        match at {
            At::File(_) if whole || absolute => {}
            At::File(_) => {
                let shown = crosspoint_core::shorten(&first);
                return Err(format!(
                    "has a relative server ({shown}): say where the system is by `server`"
                ));
            }
            At::Web(document) => {
                let authority = |variable: &Variable| variable.part != Part::Path;
                let joined = document.join(&first).ok();
                let same = joined
                    .as_ref()
                    .is_some_and(|url| url.origin() == document.origin());
                if whole || !same || self.variables.iter().any(authority) {
                    return Err(
                        "was fetched, and its server is elsewhere: say where the system is by `server`"
                            .to_owned(),
                    );
                }
                if let (false, Some(joined)) = (absolute, joined) {
                    let text = joined.as_str().trim_end_matches('/').to_owned();
                    // A place may follow at once.
                    let slash = if first.ends_with('/') && self.pieces.len() > 1 {
                        "/"
                    } else {
                        ""
                    };
                    self.pieces[0] = Piece::Text(format!("{text}{slash}"));
                }
            }
        }
        if !whole
            && !self
                .variables
                .iter()
                .any(|variable| variable.part == Part::Authority)
        {
            let url = Url::parse(&self.text(&|_| Some("x".to_owned())).unwrap_or_default());
            let usable = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
            if !url.ok().as_ref().is_some_and(usable) {
                return Err("has a server that is no address of http or https".to_owned());
            }
        }
        Ok(())
    }

    /// The parameters that its variables are.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        self.variables.iter().map(Variable::parameter).collect()
    }

    /// About so many bytes its variables take in an operation.
    pub(super) fn size(&self) -> usize {
        self.variables.iter().map(Variable::size).sum()
    }

    /// The address, without a `/` at its end.
    pub(super) fn address(&self, arguments: &Arguments) -> Result<String, Failure> {
        for variable in &self.variables {
            variable.check(arguments)?;
        }
        let value = |name: &str| {
            let variable = self
                .variables
                .iter()
                .find(|variable| variable.name == name)?;
            let value = variable.value(arguments)?;
            Some(match variable.part {
                Part::Whole | Part::Authority => value,
                Part::Path => encoded(&value, false),
            })
        };
        let text = self
            .text(&value)
            .ok_or_else(|| Failure::arguments("a variable of the server has no value"))?;
        Ok(text.trim_end_matches('/').to_owned())
    }

    fn text(&self, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(own) => text.push_str(own),
                Piece::Place(name) => text.push_str(&value(name)?),
            }
        }
        Some(text)
    }

    /// Whether the call itself, and not the profile or the document, says which system is asked.
    pub(super) fn is_chosen_by(&self, arguments: &Arguments, profile: &Profile) -> bool {
        let deciding = |variable: &&Variable| variable.part != Part::Path;
        self.variables.iter().filter(deciding).any(|variable| {
            let value = variable.value(arguments);
            let own = profile.get(&variable.name).map(plain);
            value.is_some() && value != own && value != variable.default
        })
    }
}

// === impl Variable ===

impl Variable {
    fn read(name: &str, described: &Value, part: Part) -> Variable {
        let text = |key: &str| described.get(key).and_then(Value::as_str);
        let choices = described.get("enum").and_then(Value::as_array);
        let choices = choices.into_iter().flatten().filter_map(Value::as_str);
        Variable {
            name: name.to_owned(),
            default: text("default")
                .filter(|default| !default.is_empty())
                .map(str::to_owned),
            choices: choices.map(str::to_owned).collect(),
            description: text("description").unwrap_or_default().to_owned(),
            part,
        }
    }

    fn size(&self) -> usize {
        let texts = [&self.name, &self.description].into_iter();
        let texts = texts.chain(&self.default).chain(&self.choices);
        // As text and as values.
        2 * texts.map(|text| text.len() + 24).sum::<usize>()
    }

    fn parameter(&self) -> Parameter {
        let mut schema = json!({"type": "string", "description": self.description});
        if !self.choices.is_empty() {
            schema["enum"] = json!(self.choices);
        }
        if let Some(default) = &self.default {
            schema["default"] = json!(default);
        }
        Parameter::new(&self.name, self.default.is_none(), &schema)
    }

    fn value(&self, arguments: &Arguments) -> Option<String> {
        let given = arguments.get(&self.name);
        let given = given.and_then(|json| json.read::<Value>().ok());
        let given = given
            .map(|value| plain(&value))
            .filter(|text| !text.is_empty());
        given.or_else(|| self.default.clone())
    }

    fn check(&self, arguments: &Arguments) -> Result<(), Failure> {
        let Some(value) = self.value(arguments) else {
            return Ok(());
        };
        let fits = match self.part {
            Part::Path => value != "." && value != "..",
            Part::Authority => value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')),
            Part::Whole => Url::parse(&value).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.query().is_none()
                    && url.fragment().is_none()
            }),
        };
        match fits {
            true => Ok(()),
            false => Err(Failure::arguments(format!(
                "parameter '{}' does not fit into the address of the server",
                self.name
            ))),
        }
    }
}
