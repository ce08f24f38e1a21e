//! What connectors need to reach the accounts of others.

mod references;
mod rotation;
mod secrets;
