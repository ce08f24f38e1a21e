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
            return list(&visible.collect::<Vec<_>>(), write);
        }
        if let Some(kept) = &*self.0.load()
            && kept.0.as_ptr() == Arc::as_ptr(&catalogue)
        {
            return kept.1.clone();
        }
        let text = list(&catalogue.entries().iter().collect::<Vec<_>>(), write);
        let catalogue = Arc::downgrade(&catalogue);
        self.0.store(Some(Arc::new((catalogue, text.clone()))));
        text
    }
}

/// After so many commands it shows how long the list will be.
const FEW: usize = 20;

/// A list as text. Written one by one, since thousands of commands as values are many times the text;
/// and into enough room, since a text that grows leaves as much behind as it has.
fn list(entries: &[&Arc<Entry>], write: fn(&Entry) -> Value) -> Bytes {
    let mut text = vec![b'['];
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        if at == FEW {
            text.reserve(text.len() / FEW * (entries.len() - FEW) * 9 / 8);
        }
        // Writing a value to memory does not fail.
        let _ = serde_json::to_writer(&mut text, &write(entry));
    }
    text.push(b']');
    text.into_boxed_slice().into()
}
