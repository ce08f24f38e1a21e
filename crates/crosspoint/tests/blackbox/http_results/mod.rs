//! What the commands of `http` send, and what they make of the answers.

mod attempts;
mod bare;
mod bodies;
mod errors;
mod forward;
mod redirects;
mod requests;
mod secure;
