//! The parameters of the commands, in the order of the original packages.

use crosspoint_core::{Json, Secret};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Names and values; values may be text, numbers or booleans, and lists where a name may occur
/// several times.
type Pairs = Map<String, Value>;

/// What a command asks for, whatever its parameters are called.
#[derive(Default)]
pub(super) struct Asked {
    pub url: String,
    pub headers: Pairs,
    pub params: Pairs,
    pub username: Option<String>,
    pub password: Option<Secret<String>>,
    pub payload: Payload,
    pub attempts: u32,
    pub include_headers: bool,
}

/// The request's body.
#[derive(Clone, Default)]
pub(super) enum Payload {
    #[default]
    None,
    Json(Json),
    Form(Json),
    Raw(Json),
}

/// How the body is written.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum BodyFormat {
    /// As JSON.
    #[default]
    Json,
    /// As an HTML form (`application/x-www-form-urlencoded`).
    Form,
    /// Text as it is, anything else as JSON, without a content type of our own.
    Raw,
    /// No body.
    None,
}

/// A value that is meant as an object or a list, so that JSON text for one is taken as it.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Data(Json);

impl JsonSchema for Data {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Data".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["object", "array", "string", "number", "boolean"]})
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Read {
    /// Where to send the request: an http or https address.
    url: String,
    /// Headers of the request.
    headers: Option<Pairs>,
    /// Added to the address as its query.
    params: Option<Pairs>,
    /// User name for basic authentication.
    basic_auth_username: Option<String>,
    /// Password for basic authentication.
    basic_auth_password: Option<Secret<String>>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Repeat {
    /// Where to send the request: an http or https address.
    url: String,
    /// Headers of the request.
    headers: Option<Pairs>,
    /// Added to the address as its query.
    params: Option<Pairs>,
    /// User name for basic authentication.
    basic_auth_username: Option<String>,
    /// Password for basic authentication.
    basic_auth_password: Option<Secret<String>>,
    /// How often to try, 1 to 10, one second apart, while the upstream answers 5xx or not at all.
    /// Any other number counts as 1.
    attempts: Option<i64>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Write {
    /// Where to send the request: an http or https address.
    url: String,
    /// Headers of the request.
    headers: Option<Pairs>,
    /// The body, sent as JSON; an empty object when absent.
    data: Option<Data>,
    /// User name for basic authentication.
    basic_auth_username: Option<String>,
    /// Password for basic authentication.
    basic_auth_password: Option<Secret<String>>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct WriteOld {
    /// Where to send the request: an http or https address.
    url: String,
    /// Headers of the request.
    headers: Option<Pairs>,
    /// User name for basic authentication.
    basic_auth_username: Option<String>,
    /// Password for basic authentication.
    basic_auth_password: Option<Secret<String>>,
    /// The body, sent as JSON; none when absent.
    data: Option<Data>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Delete {
    /// Where to send the request: an http or https address.
    url: String,
    /// Headers of the request.
    headers: Option<Pairs>,
    /// Added to the address as its query.
    params: Option<Pairs>,
    /// The body, sent as JSON; none when absent.
    data: Option<Data>,
    /// User name for basic authentication.
    basic_auth_username: Option<String>,
    /// Password for basic authentication.
    basic_auth_password: Option<Secret<String>>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Send {
    /// Where to send the request: an http or https address.
    url: String,
    /// Headers of the request.
    headers: Option<Pairs>,
    /// The body; none when absent.
    data: Option<Json>,
    /// How the body is written; `json` when absent.
    body_format: Option<BodyFormat>,
    /// Whether the answer's headers are part of the result.
    include_response_headers: Option<bool>,
    /// User name for basic authentication.
    basic_auth_username: Option<String>,
    /// Password for basic authentication.
    basic_auth_password: Option<Secret<String>>,
}

/// What all shapes have.
fn common(
    url: String,
    headers: Option<Pairs>,
    username: Option<String>,
    password: Option<Secret<String>>,
) -> Asked {
    let headers = headers.unwrap_or_default();
    Asked {
        url,
        headers,
        username,
        password,
        ..Asked::default()
    }
}

impl From<Read> for Asked {
    fn from(read: Read) -> Asked {
        let params = read.params.unwrap_or_default();
        let (user, password) = (read.basic_auth_username, read.basic_auth_password);
        Asked {
            params,
            ..common(read.url, read.headers, user, password)
        }
    }
}

impl From<Repeat> for Asked {
    fn from(repeat: Repeat) -> Asked {
        let attempts = repeat.attempts.and_then(|n| u32::try_from(n).ok());
        let attempts = attempts.filter(|n| (1..=10).contains(n)).unwrap_or(1);
        let params = repeat.params.unwrap_or_default();
        let (user, password) = (repeat.basic_auth_username, repeat.basic_auth_password);
        Asked {
            params,
            attempts,
            ..common(repeat.url, repeat.headers, user, password)
        }
    }
}

impl From<Write> for Asked {
    fn from(write: Write) -> Asked {
        let data = write.data.map_or_else(Json::empty_object, |data| data.0);
        let (user, password) = (write.basic_auth_username, write.basic_auth_password);
        Asked {
            payload: Payload::Json(data),
            ..common(write.url, write.headers, user, password)
        }
    }
}

impl From<WriteOld> for Asked {
    fn from(write: WriteOld) -> Asked {
        let (user, password) = (write.basic_auth_username, write.basic_auth_password);
        Asked {
            payload: json(write.data),
            ..common(write.url, write.headers, user, password)
        }
    }
}

impl From<Delete> for Asked {
    fn from(delete: Delete) -> Asked {
        let params = delete.params.unwrap_or_default();
        let (user, password) = (delete.basic_auth_username, delete.basic_auth_password);
        let common = common(delete.url, delete.headers, user, password);
        Asked {
            params,
            payload: json(delete.data),
            ..common
        }
    }
}

impl From<Send> for Asked {
    fn from(send: Send) -> Asked {
        let payload = match (send.data, send.body_format.unwrap_or_default()) {
            (None, _) | (_, BodyFormat::None) => Payload::None,
            (Some(data), BodyFormat::Json) => Payload::Json(data),
            (Some(data), BodyFormat::Form) => Payload::Form(data),
            (Some(data), BodyFormat::Raw) => Payload::Raw(data),
        };
        let include_headers = send.include_response_headers.unwrap_or(false);
        let (user, password) = (send.basic_auth_username, send.basic_auth_password);
        Asked {
            payload,
            include_headers,
            ..common(send.url, send.headers, user, password)
        }
    }
}

fn json(data: Option<Data>) -> Payload {
    data.map_or(Payload::None, |data| Payload::Json(data.0))
}
