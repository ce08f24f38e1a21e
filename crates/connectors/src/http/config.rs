//! Settings of the connector.

/// Settings of the connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What `GetRequest` and `PostRequest` answer.
    pub answers: Answers,
    /// The largest answer that is read from an upstream, in bytes.
    pub max_answer: usize,
}

/// Two commands exist twice in the field, under one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Answers {
    /// `GetRequest` and `PostRequest` of the connector packages, which answer in version 1:
    /// engines that ask a proxy for them are older ones.
    #[default]
    Compatible,
    /// `GetRequest` and `PostRequest` of the newer family, which answer in version 2.
    Newer,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            answers: Answers::default(),
            max_answer: 10 * 1024 * 1024,
        }
    }
}
