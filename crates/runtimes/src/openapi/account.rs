//! Puts what proves who calls where the system wants it.

use crosspoint_core::{Arguments, Context, Failure, Secret};
use serde_json::Value;

use super::own::Own;
use super::security::{KeyPlace, Scheme};
use super::server::Server;
use super::style::{encoded, plain};

/// Adds what the first alternative wants of which everything is there, else of the first as much as there
/// is. `query` are the pairs of the address.
pub(super) fn apply(
    given: &Given<'_>,
    security: &[Vec<Scheme>],
    own: &mut Own,
    query: &mut Vec<(String, String)>,
) -> Result<(), Failure> {
    let complete = |alternative: &&Vec<Scheme>| {
        let needed = |scheme: &Scheme| given.has(scheme.fields()[0]);
        alternative.iter().all(needed)
    };
    // One that wants something goes before one that wants nothing.
    let wanting = security
        .iter()
        .filter(|alternative| !alternative.is_empty());
    let chosen = wanting.clone().find(complete).or_else(|| {
        let open = security.is_empty() || security.iter().any(Vec::is_empty);
        wanting.clone().next().filter(|_| !open)
    });
    let Some(schemes) = chosen else {
        return Ok(());
    };
    let unsendable = |_| {
        Failure::profile(
            "profile_invalid",
            "a credential has characters that cannot be sent",
        )
    };
    for scheme in schemes {
        match scheme {
            Scheme::Bearer { field } => {
                if let Some(token) = given.value(field)? {
                    let token = access_token(token.expose(), given.cx);
                    let bearer = format!("Bearer {token}");
                    own.set("authorization", &bearer).map_err(unsendable)?;
                }
            }
            Scheme::Basic { user, password } => {
                if let Some(user) = given.value(user)? {
                    let password = match password {
                        Some(password) => given.value(password)?,
                        None => None,
                    };
                    let password = password.map_or_else(String::new, |p| p.expose().clone());
                    own.basic_auth(user.expose(), &password);
                }
            }
            Scheme::Key { place, name, field } => {
                let Some(key) = given.value(field)? else {
                    continue;
                };
                match place {
                    KeyPlace::Header => own.set(name, key.expose()).map_err(unsendable)?,
                    KeyPlace::Cookie => own.cookie(name, key.expose()),
                    KeyPlace::Query => {
                        query.push((encoded(name, false), encoded(key.expose(), false)));
                    }
                }
            }
        }
    }
    Ok(())
}

/// The access token, also where it comes as SpiffArena keeps it: the whole set of tokens as JSON text.
fn access_token(text: &str, cx: &Context) -> String {
    let set: Option<Value> = serde_json::from_str(text).ok();
    let token = set
        .as_ref()
        .and_then(|set| set.get("access_token")?.as_str());
    token
        .inspect(|token| cx.protect(token))
        .unwrap_or(text)
        .to_owned()
}

/// What a call and its profile give.
pub(super) struct Given<'a> {
    arguments: &'a Arguments,
    cx: &'a Context,
    /// The call says which system is asked.
    elsewhere: bool,
}

// === impl Given ===

impl<'a> Given<'a> {
    /// What a call to a server is given.
    pub(super) fn by(arguments: &'a Arguments, server: &Server, cx: &'a Context) -> Given<'a> {
        Given {
            arguments,
            cx,
            elsewhere: server.is_chosen_by(arguments, &cx.profile),
        }
    }

    fn has(&self, field: &str) -> bool {
        self.text(field).is_some()
    }

    fn text(&self, field: &str) -> Option<String> {
        let own = self
            .arguments
            .get(field)
            .and_then(|json| json.read::<Value>().ok());
        let own = own.or_else(|| self.cx.profile.get(field).cloned());
        own.map(|value| plain(&value))
            .filter(|text| !text.is_empty())
    }

    /// A value; a secret of the profile goes to no system that the call has chosen.
    fn value(&self, field: &str) -> Result<Option<Secret<String>>, Failure> {
        let Some(text) = self.text(field) else {
            return Ok(None);
        };
        self.cx.protect(&text);
        self.stays(field, &text)?;
        Ok(Some(Secret::new(text)))
    }

    /// Fails where a value would leave that is a secret of the profile.
    pub(super) fn stays(&self, field: &str, text: &str) -> Result<(), Failure> {
        let of_the_profile = self.cx.profile.get(field).map(plain).as_deref() == Some(text);
        if self.elsewhere && of_the_profile {
            let message = "the call says itself which system is asked, and the account of the \
                           profile does not go there: give the call an account, or put the address \
                           into the profile";
            return Err(Failure::profile("profile_invalid", message));
        }
        Ok(())
    }
}
