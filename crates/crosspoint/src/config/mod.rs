//! The configuration: `crosspoint.toml` and the environment.
//!
//! [`load()`] reads both, finds every mistake before it gives up ([`Problems`], each with its place
//! and its remedy), resolves the references to secrets, and remembers where each value came from
//! ([`Loaded`]). [`effective()`] writes the result back as TOML, [`reference()`] and [`schema()`]
//! describe what may be written; all of it follows from the types in [`types`].

pub mod activiti;
pub mod auths;
pub mod automate;
pub mod connectors;
pub mod definitions;
pub mod durations;
pub mod egress;
pub mod follow;
pub mod keys;
pub mod limits;
pub mod mcp;
pub mod mounted;
pub mod openapi;
pub mod policy;
pub mod problem;
pub mod profiles;
pub mod python;
pub mod remote;
pub mod requirement;
pub mod scalars;
pub mod secret_text;
pub mod sizes;
pub mod store;
pub mod store_url;
pub mod tools;
pub mod types;
pub mod values;
pub mod vault;
pub mod worker;

mod check_schema;
mod connector_tables;
mod effective;
mod env;
mod environment;
mod excerpt;
mod format;
mod load;
mod reference;
mod reference_doc;
mod schema;
mod secretref;
mod semantic;
mod tree;

pub use effective::{effective, effective_json, in_toml};
pub use environment::Environment;
pub use load::{Loaded, all_secrets, load};
pub use problem::{Problems, Wrong};
pub use reference_doc::reference;
pub use schema::schema;
