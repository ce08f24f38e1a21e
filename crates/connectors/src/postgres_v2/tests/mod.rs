//! The connector against a real PostgreSQL, which the tests start themselves.

mod commands;
mod connections;
mod errors;
mod kit;
mod limits;
mod secrets;
mod types;
