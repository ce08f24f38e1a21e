//! Activiti Cloud: connector definitions, and service tasks over RabbitMQ.
//!
//! Everything that is not about connections is a pure function: definitions, the names of
//! destinations, the typed variables, the bodies of messages. From there read `work.rs` (what becomes
//! of a request), `consumer.rs` (how it is acknowledged), `deliver.rs` and `keep.rs` (what becomes of answers that
//! nobody takes), `bind.rs` (exchanges and queues), `connection.rs` (what is made again when the message broker was
//! away) and `tasks.rs` (how other settings come to count). `docs/activiti.md` is the user's page.

mod answer;
mod bind;
mod carrier;
mod command;
mod connect;
mod connection;
mod consumer;
pub mod definition;
mod deliver;
mod keep;
mod metrics;
mod names;
mod outputs;
mod park;
mod publisher;
mod reply;
mod request;
pub(crate) mod routes;
mod served;
mod settings;
mod stand_in;
mod status;
mod tasks;
mod trouble;
mod variable;
mod work;

pub use answer::Identity;
pub use command::{Command, Unsent, send};
pub use connect::{is_secure, uri};
pub use names::{Destination, Naming, Transformer};
pub use outputs::{Expressions, Output, Source};
pub use routes::commands_of;
pub use settings::{Bound, Settings};
pub use stand_in::{Documented, Parameters, StandIn};
pub use status::Status;
pub use tasks::{Change, Tasks};
