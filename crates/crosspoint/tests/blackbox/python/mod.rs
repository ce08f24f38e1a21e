//! Python connectors: packages of the zoo (`tests/zoo`) behind the built program.

mod arguments;
mod background;
mod catalogue;
mod check;
mod command_line;
mod configuration;
mod ends;
mod environments;
mod flask;
mod loading;
pub(crate) mod mail;
mod mounting;
mod reload;
mod results;
mod secrets;
mod supervision;
pub(crate) mod support;
mod tutorial;
mod unsendable;
mod watch;
mod whole;
