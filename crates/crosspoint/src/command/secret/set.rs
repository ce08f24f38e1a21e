//! `crosspoint secret set`.

use anyhow::{Result, bail};
use crosspoint_broker::cabinet::{Drawer, Expected};

use super::Desk;
use crate::actor;
use crate::command::input;

/// Reads the value and keeps it.
pub async fn run(desk: &Desk, name: &str) -> Result<()> {
    let asked = name.to_owned();
    let value = tokio::task::spawn_blocking(move || input::value(&asked)).await??;
    let cabinet = desk.cabinet();
    let first = cabinet.put(
        Drawer::Secret,
        name,
        value.expose().clone().into(),
        None,
        Expected::Absent,
    );
    let is_new = first.await?.is_some();
    if !is_new {
        let body = value.expose().clone().into();
        let put = cabinet.put(Drawer::Secret, name, body, None, Expected::Any);
        if put.await?.is_none() {
            bail!("the store did not take the secret {name}; try again");
        }
    }
    let what = if is_new { "new" } else { "changed" };
    actor::record(cabinet, "secret.set", name, Some(what.to_owned())).await?;
    match is_new {
        true => println!("Secret {name} is kept. Refer to it as secret:{name}"),
        false => println!("Secret {name} is changed. A running server uses it within seconds."),
    }
    Ok(())
}
