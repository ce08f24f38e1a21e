//! The revisions of the Model Context Protocol that are spoken here.

/// A revision, named by its day. Ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Revision {
    V2024_11_05,
    V2025_03_26,
    V2025_06_18,
    V2025_11_25,
    V2026_07_28,
}

/// All of them, the newest first.
pub(crate) const ALL: [Revision; 5] = [
    Revision::V2026_07_28,
    Revision::V2025_11_25,
    Revision::V2025_06_18,
    Revision::V2025_03_26,
    Revision::V2024_11_05,
];

// === impl Revision ===

impl Revision {
    /// The newest that begins with `initialize`.
    const LAST_WITH_HANDSHAKE: Revision = Revision::V2025_11_25;

    /// What a request over HTTP speaks that does not say so (2025-06-18, Transports, Protocol
    /// Version Header).
    pub(crate) const ASSUMED: Revision = Revision::V2025_03_26;

    pub(crate) fn name(self) -> &'static str {
        match self {
            Revision::V2024_11_05 => "2024-11-05",
            Revision::V2025_03_26 => "2025-03-26",
            Revision::V2025_06_18 => "2025-06-18",
            Revision::V2025_11_25 => "2025-11-25",
            Revision::V2026_07_28 => "2026-07-28",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Revision> {
        ALL.into_iter().find(|revision| revision.name() == name)
    }

    /// What `initialize` agrees on: what the client wants, else the newest that has `initialize`.
    pub(crate) fn agreed(wanted: &str) -> Revision {
        let known = Revision::named(wanted).filter(|revision| !revision.is_modern());
        known.unwrap_or(Revision::LAST_WITH_HANDSHAKE)
    }

    /// Whether each request carries what is needed to answer it, so that there is neither a handshake
    /// nor a session (2026-07-28, Versioning, Terminology).
    pub(crate) fn is_modern(self) -> bool {
        self >= Revision::V2026_07_28
    }

    /// Whether several messages may come as one. 2025-06-18 took that out.
    pub(crate) fn takes_batches(self) -> bool {
        self <= Revision::V2025_03_26
    }
}

/// The names of all of them, for messages.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.into_iter().map(Revision::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_gets_what_it_wants_or_the_newest_with_a_handshake() {
        for (wanted, agreed) in [
            ("2025-06-18", "2025-06-18"),
            ("2024-11-05", "2024-11-05"),
            ("2026-07-28", "2025-11-25"),
            ("2030-01-01", "2025-11-25"),
            ("", "2025-11-25"),
        ] {
            assert_eq!(Revision::agreed(wanted).name(), agreed, "{wanted}");
        }
    }

    #[test]
    fn they_are_listed_the_newest_first() {
        assert!(ALL.is_sorted_by(|a, b| a > b));
        assert!(ALL.iter().all(|r| Revision::named(r.name()) == Some(*r)));
    }
}
