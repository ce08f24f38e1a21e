//! OpenAPI documents, versions 3.0 and 3.1, as connectors: their operations are the commands.

mod account;
mod body;
mod build;
mod connector;
mod document;
mod file;
mod flatten;
mod form;
mod merge;
mod mount;
mod multipart;
mod names;
mod null;
mod operation;
mod own;
mod parameter;
mod path;
mod property;
mod refs;
mod request;
mod schema;
mod security;
mod server;
mod settings;
mod shape;
mod style;

pub use document::Document;
pub use mount::{Described, OpenApiMount, describe};
pub use settings::{At, Settings, Source};
