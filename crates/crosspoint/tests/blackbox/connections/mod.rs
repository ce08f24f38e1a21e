//! What connectors need to reach the accounts of others.

mod rotation;
mod secrets;
