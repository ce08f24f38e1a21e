//! Settings of the connector.

/// Settings of the connector: there are none yet. What of its lines is shown is decided by the
/// log's own filter, under the name `crosspoint::connector::logging`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {}
