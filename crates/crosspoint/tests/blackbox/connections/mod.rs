//! Accounts: profiles, secrets, and how calls get them.

mod profile_commands;
mod profiles;
mod profiles_of_python;
