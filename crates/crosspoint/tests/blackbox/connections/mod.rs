//! Accounts: profiles, secrets, and how calls get them.

mod profiles;
mod profiles_of_python;
mod secrets;
