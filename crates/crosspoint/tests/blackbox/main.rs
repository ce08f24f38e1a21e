//! Crosspoint from outside: each test starts the built program and uses it as its users do.
//!
//! Everything happens on 127.0.0.1, on ports that the system chooses. `harness` has what the tests
//! share; every other module is about one side of the program.

mod access;
mod activiti;
mod api;
mod automate;
mod catalogue;
mod cli;
mod cluster;
mod connections;
mod egress;
mod harness;
mod http_results;
mod ledger;
mod mcp;
mod mcp_server;
mod openapi;
mod operate;
mod policies;
mod protocol;
mod python;
mod remote;
mod robustness;
mod secrets;
mod tracing;
