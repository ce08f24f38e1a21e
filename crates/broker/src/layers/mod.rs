//! The layers of the pipeline, a file each.

pub(crate) mod account;
pub(crate) mod attempt;
pub(crate) mod breaker;
pub(crate) mod deadline;
pub(crate) mod hand_over;
pub(crate) mod long;
pub(crate) mod places;
pub(crate) mod rate;
pub(crate) mod recognise;
pub(crate) mod record;
pub(crate) mod retry;
pub(crate) mod trace;
