//! The rules of `/v1/do` and of HTTP in general, and what happens to those who break them.

mod access;
mod bodies;
mod cors;
mod mistakes;
mod routes;
mod tracing;
