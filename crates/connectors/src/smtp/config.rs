//! Settings of the connector.

/// Settings of the connector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// What `SendEmail` answers.
    pub answers: Answers,
}

/// The connector exists in two generations, which tell of a failure in different ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Answers {
    /// As the package of today: a failure is an error with a code that a diagram catches.
    #[default]
    V2,
    /// As the connector of SpiffArena's tutorial: the outer status is always 200, and the body is
    /// `{"error": text}` after a failure, so that a diagram inspects the result.
    V1,
}
