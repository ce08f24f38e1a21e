//! The client against real sockets.

mod bodies;
mod egress;
mod failures;
mod proxies;
mod redirects;
mod secure;
