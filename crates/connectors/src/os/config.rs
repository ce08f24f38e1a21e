//! Settings of the connector.

/// Settings of the connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The programs that may be run: names, looked up in `PATH`, or absolute paths. None by
    /// default. A call has to write the program as it stands here.
    pub allow: Vec<String>,
    /// The most that is read of what a program writes, in bytes, for each of its two outputs.
    pub max_output: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            allow: Vec::new(),
            max_output: 1024 * 1024,
        }
    }
}
