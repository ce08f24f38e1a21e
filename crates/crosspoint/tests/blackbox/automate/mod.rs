//! Adapters of Django Automate behind the built program. Tests that begin with `case_` are named after
//! the numbers of the list of what a host has to do; those of its Python package are in
//! `python/automate-connectors/tests`.

mod built_in;
mod configuration;
mod contract;
mod errors;
mod guide;
mod lifecycle;
mod mounting;
mod policies;
mod profiles;
mod results;
mod support;
mod the_page;
