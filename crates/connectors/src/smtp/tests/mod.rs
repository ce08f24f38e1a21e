//! The connector against mail servers.

mod arguments;
mod arriving;
mod checking;
mod ending;
mod refusing;
mod securing;
