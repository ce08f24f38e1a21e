//! `crosspoint secret remove`.

use anyhow::Result;
use crosspoint_broker::cabinet::Drawer;

use super::{Desk, not_possible, uses};
use crate::actor;
use crate::show::plain;

/// Removes a secret that nobody names, or that is to go all the same.
pub async fn run(desk: &Desk, name: &str, force: bool) -> Result<()> {
    // Where nothing is kept yet, that is all there is to say, whoever names it.
    if !desk.has_store() {
        return Err(none(name));
    }
    let users = plain(&uses::all(desk).await?.of(name).join(", "));
    if !users.is_empty() && !force {
        if desk.cabinet().get(Drawer::Secret, name).await?.is_none() {
            return Err(none(name));
        }
        return Err(not_possible(format!(
            "Secret {name} is named by {users}; nothing was changed. Take it out there first, or \
             remove it all the same with --force"
        )));
    }
    if !desk.cabinet().remove(Drawer::Secret, name).await? {
        return Err(none(name));
    }
    let detail = (!users.is_empty()).then(|| format!("still named by {users}"));
    actor::record(desk.cabinet(), "secret.remove", name, detail).await?;
    match users.is_empty() {
        true => println!("Secret {name} is removed."),
        false => println!("Secret {name} is removed. It is still named by {users}"),
    }
    Ok(())
}

/// There is no such secret.
fn none(name: &str) -> anyhow::Error {
    not_possible(format!(
        "There is no secret {name}. Those there are: crosspoint secret list"
    ))
}
