//! What connectors need to reach the accounts of others.

mod secrets;
