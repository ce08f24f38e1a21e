//! Security schemes: which secrets a call needs, and where they go.

use crosspoint_core::{Auth, Parameter};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::document::Document;
use super::parameter::own_name;
use super::refs;
use crate::notes::Notes;

/// How a scheme proves who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scheme {
    /// A key in a header, a query or a cookie.
    Key {
        place: KeyPlace,
        name: String,
        field: String,
    },
    /// User and password. A document that names the user's field itself means a key, without password.
    Basic {
        user: String,
        password: Option<String>,
    },
    /// `Authorization: Bearer`, however the token is had.
    Bearer { field: String },
}

/// Where a key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyPlace {
    Header,
    Query,
    Cookie,
}

/// So many alternatives of an operation are looked at, and so many schemes may be in one.
const MOST_ALTERNATIVES: usize = 50;
const MOST_AT_ONCE: usize = 20;

/// The fields of user and password.
const USER: &str = "basic_auth_username";
const PASSWORD: &str = "basic_auth_password";

/// The field of a token, which an auth of OAuth 2 fills.
const TOKEN: &str = "access_token";

/// Who we are at a provider of OAuth 2.
pub(super) const CLIENT_ID: &str = "client_id";
pub(super) const CLIENT_SECRET: &str = "client_secret";

/// All schemes of a document, and the ways to authorise by OAuth 2.
#[derive(Default)]
pub(super) struct Schemes {
    schemes: IndexMap<String, Scheme>,
    pub auths: Vec<(Auth, Flow)>,
}

/// How a person authorises: the keys that SpiffArena's connectors describe an application by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flow(pub Map<String, Value>);

// === impl KeyPlace ===

impl KeyPlace {
    /// Its name in documents.
    pub(super) fn name(self) -> &'static str {
        match self {
            KeyPlace::Header => "header",
            KeyPlace::Query => "query",
            KeyPlace::Cookie => "cookie",
        }
    }
}

// === impl Scheme ===

impl Scheme {
    /// The fields of a profile that it takes.
    pub(super) fn fields(&self) -> Vec<&str> {
        match self {
            Scheme::Key { field, .. } => vec![field],
            Scheme::Basic { user, password } => std::iter::once(user)
                .chain(password)
                .map(String::as_str)
                .collect(),
            Scheme::Bearer { field } => vec![field],
        }
    }
}

// === impl Schemes ===

impl Schemes {
    /// Reads `components.securitySchemes`.
    pub(super) fn read(document: &Document, notes: &mut Notes) -> Schemes {
        let mut all = Schemes::default();
        let described = document.root.pointer("/components/securitySchemes");
        for (name, described) in described.and_then(Value::as_object).into_iter().flatten() {
            let Ok(described) = refs::follow(&document.root, described) else {
                notes.add("security schemes that cannot be read are passed over", name);
                continue;
            };
            all.add(name, described, notes);
        }
        all
    }

    fn add(&mut self, name: &str, described: &Value, notes: &mut Notes) {
        let text = |key: &str| described.get(key).and_then(Value::as_str);
        let scheme = text("scheme").unwrap_or_default().to_ascii_lowercase();
        let own = own_name(described, "");
        let bearer = || Scheme::Bearer {
            field: field(if own.is_empty() { TOKEN } else { own }),
        };
        let scheme = match (text("type"), scheme.as_str()) {
            (Some("apiKey"), _) => {
                let place = match text("in") {
                    Some("header") => Some(KeyPlace::Header),
                    Some("query") => Some(KeyPlace::Query),
                    Some("cookie") => Some(KeyPlace::Cookie),
                    _ => None,
                };
                let field = field(own_name(described, name));
                place.zip(text("name")).map(|(place, name)| Scheme::Key {
                    place,
                    name: name.to_owned(),
                    field,
                })
            }
            (Some("http"), "basic") if !own.is_empty() => Some(Scheme::Basic {
                user: field(own),
                password: None,
            }),
            (Some("http"), "basic") => Some(Scheme::Basic {
                user: USER.to_owned(),
                password: Some(PASSWORD.to_owned()),
            }),
            (Some("http"), "bearer") => Some(bearer()),
            (Some("oauth2"), _) => {
                self.auths.extend(auth(name, described));
                Some(bearer())
            }
            (Some("openIdConnect"), _) => Some(bearer()),
            _ => None,
        };
        match scheme {
            Some(scheme) => drop(self.schemes.insert(name.to_owned(), scheme)),
            None => notes.add("security schemes of unknown kinds are passed over", name),
        }
    }

    /// The alternatives by which an operation is secured. None at all: it is open. An alternative
    /// without schemes: it may be called without.
    pub(super) fn of(&self, security: Option<&Value>) -> Vec<Vec<Scheme>> {
        let list = security.and_then(Value::as_array).into_iter().flatten();
        let known = |requirement: &Value| -> Option<Vec<Scheme>> {
            let names = requirement.as_object()?.keys();
            if names.len() > MOST_AT_ONCE {
                return None;
            }
            names.map(|name| self.schemes.get(name).cloned()).collect()
        };
        list.take(MOST_ALTERNATIVES).filter_map(known).collect()
    }

    /// The fields of profiles: what the schemes take, then who we are at providers of OAuth 2.
    pub(super) fn fields(&self) -> Vec<Parameter> {
        let mut names: Vec<&str> = self.schemes.values().flat_map(Scheme::fields).collect();
        if !self.auths.is_empty() {
            names.extend([CLIENT_ID, CLIENT_SECRET]);
        }
        let mut fields: Vec<Parameter> = Vec::new();
        for name in names {
            if !fields.iter().any(|known| known.name == name) {
                fields.push(credential(name, false));
            }
        }
        fields
    }
}

/// A field, or a parameter of a call, that a scheme takes.
pub(super) fn credential(name: &str, required: bool) -> Parameter {
    let (description, secret) = match name {
        USER => ("User name for basic authentication.", false),
        PASSWORD => ("Password for basic authentication.", true),
        TOKEN => ("Sent as `Authorization: Bearer`.", true),
        CLIENT_ID => ("Who Crosspoint is at the provider of OAuth 2.", false),
        CLIENT_SECRET => ("What proves it.", true),
        _ => ("The key that the system wants.", true),
    };
    let mut schema = json!({"type": "string", "description": description});
    if secret {
        schema["writeOnly"] = true.into();
    }
    Parameter::new(name, required, &schema)
}

/// A name that a field may have.
fn field(name: &str) -> String {
    let letter = |c: char| match c.is_ascii_alphanumeric() || matches!(c, '_' | '-') {
        true => c,
        false => '_',
    };
    name.chars().map(letter).collect()
}

/// The auth that a scheme of OAuth 2 is, where a person consents in a browser.
fn auth(name: &str, described: &Value) -> Option<(Auth, Flow)> {
    let flow = described.pointer("/flows/authorizationCode")?;
    let text = |key: &str| flow.get(key).and_then(Value::as_str);
    let scopes = flow.get("scopes").and_then(Value::as_object);
    let scopes: Vec<_> = scopes
        .into_iter()
        .flatten()
        .map(|(scope, _)| scope.as_str())
        .collect();
    let mut keys = Map::new();
    keys.insert("name".to_owned(), name.into());
    keys.insert("version".to_owned(), "2".into());
    keys.insert(
        "authorization_url".to_owned(),
        text("authorizationUrl")?.into(),
    );
    keys.insert("access_token_url".to_owned(), text("tokenUrl")?.into());
    keys.insert("scope".to_owned(), scopes.join(" ").into());
    if let Some(refresh) = text("refreshUrl") {
        keys.insert("refresh_token_url".to_owned(), refresh.into());
    }
    let description = described.get("description").and_then(Value::as_str);
    let auth = Auth {
        name: field(name),
        description: description.unwrap_or_default().to_owned(),
        parameters: Vec::new(),
    };
    Some((auth, Flow(keys)))
}
