//! Activiti Cloud: connector definitions, and service tasks over RabbitMQ.
//!
//! Everything here that is not about connections is a pure function: definitions, the names of
//! destinations, the typed variables, the bodies of messages. `docs/activiti.md` is the user's page.

mod answer;
pub mod definition;
mod names;
mod outputs;
mod request;
pub(crate) mod routes;

mod variable;

pub use answer::Identity;
pub use names::{Destination, Naming, Transformer};
pub use outputs::{Expressions, Output, Source};
pub use routes::commands_of;
