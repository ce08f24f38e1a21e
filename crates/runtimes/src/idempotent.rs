//! What the configuration says about repeating commands.

/// Which commands may safely be repeated, where the configuration has to say so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Idempotent {
    /// None.
    #[default]
    None,
    /// Those named.
    Commands(Vec<String>),
    /// All.
    All,
}

// === impl Idempotent ===

impl Idempotent {
    /// Whether the command may safely be repeated.
    pub fn covers(&self, command: &str) -> bool {
        match self {
            Idempotent::None => false,
            Idempotent::Commands(names) => names.iter().any(|name| name == command),
            Idempotent::All => true,
        }
    }
}
