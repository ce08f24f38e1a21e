//! Checks of `[mcp]`: its patterns.

use super::*;

// === impl Semantic ===

impl Semantic<'_> {
    /// `[mcp]`.
    pub(super) fn tools(&mut self) {
        for (at, pattern) in self.config.mcp.serve.iter().enumerate() {
            let fits = pattern.contains(['.', '*']) && !pattern.contains('/');
            if !fits || pattern.trim() != pattern {
                let key = format!("mcp.serve[{at}]");
                let message = format!("`mcp.serve`: `{}` fits no command", shorten(pattern));
                self.problem(&key, message, "write `connector.Command`, such as `http.*`");
            }
        }
    }
}
