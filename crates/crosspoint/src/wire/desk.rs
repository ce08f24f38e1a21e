//! What the command line asks of the grants of a running server.

use crosspoint_broker::Broker;
use crosspoint_broker::oauth::{AuthId, Authorised, Grants, Purpose};
use crosspoint_broker::profiles::ProfileId;
use serde_json::{Value, json};

use crate::control::Answer;

/// Begins to authorise a profile that there is: the text is the address to open.
pub async fn authorise(broker: &Broker, profile: &str, auth: Option<String>, by: String) -> Answer {
    let begun = async {
        let grants = grants(broker)?;
        let profile: ProfileId = profile.parse().map_err(text)?;
        let only = only_auth(broker, grants, &profile);
        let likely = auth.as_deref().or(only.as_deref().ok());
        let found = broker.find_profile(&profile, likely.unwrap_or("NAME"));
        let named = found.await?.auth;
        let auth = auth.or(named).map_or(only, Ok)?;
        let id = AuthId::new(profile.connector.clone(), auth);
        let purpose = Purpose::Keep {
            profile,
            by,
            ingress: "cli",
        };
        grants.begin(&id, purpose).await.map_err(text)
    };
    match begun.await {
        Ok(url) => Answer::done(url.into()),
        Err(why) => Answer::refused(why),
    }
}

/// Every grant, as a JSON list.
pub async fn list(broker: &Broker) -> Answer {
    let listed = async {
        let listed = grants(broker)?.list().await.map_err(text)?;
        Ok::<_, String>(granted(listed.into_iter()))
    };
    match listed.await {
        Ok(list) => Answer::done(list.to_string()),
        Err(why) => Answer::refused(why),
    }
}

/// Forgets a grant.
pub async fn forget(broker: &Broker, profile: &str, by: &str) -> Answer {
    let done = async {
        let grants = grants(broker)?;
        let profile: ProfileId = profile.parse().map_err(text)?;
        let there = grants.forget(&profile, by, "cli").await.map_err(text)?;
        Ok::<_, String>(forgotten(&profile, there))
    };
    done.await.unwrap_or_else(Answer::refused)
}

/// What is said where a grant was to be forgotten.
pub fn forgotten(profile: &ProfileId, there: bool) -> Answer {
    match there {
        true => Answer::done(format!("What was granted for {profile} is forgotten.")),
        false => Answer::refused(format!("nothing is authorised for {profile}")),
    }
}

/// Grants as a JSON list.
pub fn granted(grants: impl Iterator<Item = Authorised>) -> Value {
    grants.map(grant).collect()
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn grants(broker: &Broker) -> Result<&Grants, String> {
    broker
        .grants()
        .ok_or_else(|| "this server keeps no grants".to_owned())
}

/// The auth by which a browser authorises, where a connector has one only.
fn only_auth(broker: &Broker, grants: &Grants, profile: &ProfileId) -> Result<String, String> {
    let connector = &profile.connector;
    let configured = grants.configured();
    let catalogue = broker.catalogue();
    let own = catalogue
        .auths()
        .iter()
        .map(|(id, _)| (&id.connector, &id.command));
    let by_browser = configured.iter().filter(|auth| auth.grant.needs_consent());
    let configured = by_browser.map(|auth| (&auth.id.connector, &auth.id.auth));
    let mut names: Vec<&str> = configured
        .chain(own)
        .filter(|(of, _)| *of == connector)
        .map(|(_, name)| &**name)
        .collect();
    names.sort_unstable();
    names.dedup();
    match names[..] {
        [one] => Ok(one.to_owned()),
        [] => Err(format!(
            "{connector} has no auth by which a person authorises: describe one in \
             [connectors.{connector}.auths.<name>]"
        )),
        _ => Err(format!(
            "{connector} has several auths: name one by --auth ({})",
            names.join(", ")
        )),
    }
}

fn grant(grant: Authorised) -> Value {
    json!({
        "profile": grant.profile,
        "auth": grant.auth,
        "obtained": grant.obtained,
        "expires": grant.expires,
        "refreshable": grant.refreshable,
        "by": grant.by,
        "authorised": grant.authorised,
        "dead": grant.dead.as_ref().map(|(_, why)| why),
        "dead_since": grant.dead.as_ref().map(|(at, _)| at),
    })
}
