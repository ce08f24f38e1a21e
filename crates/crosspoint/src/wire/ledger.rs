//! The ledger, as the configuration wants it.

use std::sync::Arc;

use anyhow::Result;
use crosspoint_store::{Durability, Ledger, Options, open as open_store};

use crate::config::Loaded;
use crate::config::store;
use crate::config::store_url::StoreTarget;

/// Opens the ledger; None where there is to be none. A missing one is only made when `create` says
/// so.
pub async fn open(loaded: &Loaded, create: bool) -> Result<Option<Arc<Ledger>>> {
    let StoreTarget::At(url) = &loaded.store else {
        return Ok(None);
    };
    let mut options = Options::new(&loaded.master_key);
    options.create = create;
    options.durability = match loaded.config.store.durability {
        store::Durability::Process => Durability::Process,
        store::Durability::Full => Durability::Full,
    };
    Ok(Some(open_store(url.expose(), &options).await?))
}
