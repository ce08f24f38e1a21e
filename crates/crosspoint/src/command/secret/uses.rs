//! Who names a secret.

use anyhow::Result;
use crosspoint_broker::profiles::{self, Uses};

use super::Desk;

/// Everybody who names a secret: the profiles in the store and in the file, auths, and other settings.
pub async fn all(desk: &Desk) -> Result<Uses> {
    let (kept, unreadable) = profiles::all(desk.cabinet()).await?;
    if let Some(error) = unreadable.into_iter().next() {
        return Err(error.into());
    }
    let loaded = &desk.loaded;
    let profiles = kept.iter().chain(&loaded.profiles);
    Ok(Uses::among(profiles, &loaded.auths, &loaded.references))
}
