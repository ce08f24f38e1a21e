//! The tests, a file a group. [`super::TESTS`] is the list.

pub(super) mod answers;
pub(super) mod concurrency;
pub(super) mod discovery;
pub(super) mod endpoints;
pub(super) mod errors;
pub(super) mod noise;
pub(super) mod repeat;
pub(super) mod schemas;
pub(super) mod secrets;
pub(super) mod texts;
pub(super) mod time;
pub(super) mod unreadable;
pub(super) mod validation;
