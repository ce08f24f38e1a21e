//! Accounts: profiles, secrets, auths, and how calls get them.

mod first_steps;
mod fresh;
mod oauth;
mod profile_commands;
mod profiles;
mod profiles_of_python;
pub mod provider;
mod references;
mod refreshing;
mod refusals;
pub mod rotating;
mod rotation;
mod secrets;
mod through_the_api;
mod waiting;
