//! What is told while an environment is made.

/// Hears what happens while an environment is made, which may take minutes.
pub trait Progress: Send + Sync {
    /// A step begins. One short sentence without a full stop, for people.
    fn step(&self, text: &str);

    /// A line that a tool (uv, pip, git) printed. Ignored by default.
    fn output(&self, line: &str) {
        let _ = line;
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn step(&self, _: &str) {}
}
