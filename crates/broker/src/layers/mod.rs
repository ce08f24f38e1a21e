//! The layers of the pipeline, a file each.

pub(crate) mod attempt;
pub(crate) mod hand_over;
pub(crate) mod trace;
