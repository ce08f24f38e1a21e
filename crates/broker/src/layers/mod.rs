//! The layers of the pipeline, a file each.

pub(crate) mod attempt;
pub(crate) mod hand_over;
pub(crate) mod long;
pub(crate) mod recognise;
pub(crate) mod record;
pub(crate) mod trace;
