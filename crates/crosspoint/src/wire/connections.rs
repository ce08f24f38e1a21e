//! The accounts at the systems behind the connectors, as the configuration wants them.

use std::collections::HashMap;
use std::sync::Arc;

use crosspoint_broker::cabinet::{Cabinet, Memory};
use crosspoint_broker::profiles::Connections;
use crosspoint_store::Ledger;

use crate::config::Loaded;

/// What keeps profiles and secrets. Without a ledger nothing of it outlives the process.
pub fn cabinet(ledger: Option<&Arc<Ledger>>) -> Arc<dyn Cabinet> {
    match ledger {
        Some(ledger) => ledger.clone(),
        None => Arc::new(Memory::default()),
    }
}

/// The profiles of the file and of the cabinet.
pub(super) fn connections(loaded: &Loaded, cabinet: Arc<dyn Cabinet>) -> Connections {
    Connections::new(Some(cabinet), None, None)
        .with_file(loaded.profiles.clone())
        .with_environment(environment())
}

/// The variables that may give fields. What is not Unicode gives none.
fn environment() -> HashMap<String, String> {
    let variables = std::env::vars_os();
    let text = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    text.collect()
}
