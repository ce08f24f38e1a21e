//! Activiti Cloud: connector definitions, and service tasks over RabbitMQ.
//!
//! Everything here that is not about connections is a pure function: definitions, the names of
//! destinations, the typed variables, the bodies of messages. `docs/activiti.md` is the user's page.

pub mod definition;
pub(crate) mod routes;

pub use routes::commands_of;
