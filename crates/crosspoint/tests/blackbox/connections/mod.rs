//! Accounts: profiles, secrets, OAuth, and how calls get them.

mod fresh;
mod oauth;
mod profile_commands;
mod profiles;
mod profiles_of_python;
mod provider;
mod refreshing;
mod refusals;
