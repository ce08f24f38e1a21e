//! Accounts at the systems behind connectors.

mod oauth;
mod provider;
mod refreshing;
mod refusals;
