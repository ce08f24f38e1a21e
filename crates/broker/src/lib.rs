//! What happens to a call between an ingress and a connector. Knows no route, no SQL and no
//! connector.
//!
//! Read [`Broker::submit`] first: it finds the command and sends the call down the pipeline
//! (`pipeline.rs`), the one list of layers.

pub mod access;
mod broker;
pub mod cabinet;
mod callbacks;
mod catalogue;
mod connectors;
mod inner;
mod inventory;
mod layers;
pub mod ledger;
mod life;
mod limiters;
mod metrics;
mod mounts;
pub mod oauth;
mod pipeline;
mod policy;
pub mod profiles;
mod spans;
mod window;

pub use broker::{Broker, Ended, Settings};
pub use callbacks::{Callbacks, Carried, Carry, Engine, Write, carried_to};
pub use catalogue::{Catalogue, Clash, Entry};
pub use connectors::{BreakerState, ConcurrencyState, ConnectorState, LimitsState};
pub use inventory::{Offered, Presence};
pub use layers::breaker::BreakerPhase;
pub use life::{Health, NotReplaced};
pub use mounts::{Naming, Registration, Static};
pub use policy::{CircuitBreaker, Concurrency, Policies, Policy, PolicyTable, RateLimit};
