//! The connector against mail servers.

mod arguments;
mod arriving;
mod ending;
mod refusing;
mod securing;
