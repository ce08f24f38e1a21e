//! Lists of all commands, which are asked for more often than they change.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use crosspoint_broker::{Catalogue, Entry};
use serde_json::Value;

use crate::request::Seen;

/// The written list, kept until the catalogue changes. The catalogue itself is not held:
/// connectors that have been replaced end when nobody has theirs any more.
#[derive(Default)]
pub(crate) struct Listing(ArcSwapOption<(Weak<Catalogue>, Bytes)>);

// === impl Listing ===

impl Listing {
    /// The list as JSON, each command as `write` wants it; of those that the caller may see.
    pub(crate) fn text(
        &self,
        seen: &Seen,
        catalogue: Arc<Catalogue>,
        write: fn(&Entry) -> Value,
    ) -> Bytes {
        if seen.is_of_connectors() {
            let entries = catalogue.entries().iter();
            let visible = entries.filter(|entry| seen.sees(&entry.id.connector));
            let list: Value = visible.map(|entry| write(entry)).collect();
            return list.to_string().into();
        }
        if let Some(kept) = &*self.0.load()
            && kept.0.as_ptr() == Arc::as_ptr(&catalogue)
        {
            return kept.1.clone();
        }
        let entries = catalogue.entries().iter();
        let list: Value = entries.map(|entry| write(entry)).collect();
        let text = Bytes::from(list.to_string());
        let catalogue = Arc::downgrade(&catalogue);
        self.0.store(Some(Arc::new((catalogue, text.clone()))));
        text
    }
}
