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
            return list(visible, write);
        }
        if let Some(kept) = &*self.0.load()
            && kept.0.as_ptr() == Arc::as_ptr(&catalogue)
        {
            return kept.1.clone();
        }
        let text = list(catalogue.entries().iter(), write);
        let catalogue = Arc::downgrade(&catalogue);
        self.0.store(Some(Arc::new((catalogue, text.clone()))));
        text
    }
}

/// A list as text. Written one by one, since thousands of commands as values are many times the text.
fn list<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>, write: fn(&Entry) -> Value) -> Bytes {
    let mut text = vec![b'['];
    for entry in entries {
        if text.len() > 1 {
            text.push(b',');
        }
        // Writing a value to memory does not fail.
        let _ = serde_json::to_writer(&mut text, &write(entry));
    }
    text.push(b']');
    text.shrink_to_fit();
    text.into()
}
