//! The profile with which a call runs, and what it comes to at an attempt.

use std::sync::Arc;

use crosspoint_core::{Failure, Kind, Outcome, Profile, Refusal};
use futures_util::future::join_all;

use super::checked::{Checked, Follow};
use super::connections::Sources;
use super::fields::{quoted, secret_value};
use super::{Definition, ProfileId};

/// The profile with which a call runs. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Choice {
    /// None, and no value from anywhere.
    None,
    /// This one.
    Of(Chosen),
    /// One that cannot be used: what is tried with it fails so.
    Refused(Box<Failure>),
}

/// A profile that can be used.
#[derive(Clone)]
pub(crate) struct Chosen {
    checked: Arc<Checked>,
    /// Whether the call named it.
    named: bool,
    /// Whether its fields stand in for no parameters.
    apart: bool,
    sources: Arc<Sources>,
}

/// What a profile comes to at an attempt.
#[derive(Default)]
pub(crate) struct Resolved {
    pub(crate) profile: Arc<Profile>,
    /// Tells the token that is in it from others.
    pub(crate) token: Option<i64>,
}

// === impl Choice ===

impl Choice {
    pub(super) fn of(
        checked: Arc<Checked>,
        named: bool,
        apart: bool,
        sources: Arc<Sources>,
    ) -> Choice {
        Choice::Of(Chosen {
            checked,
            named,
            apart,
            sources,
        })
    }

    fn chosen(&self) -> Option<&Chosen> {
        match self {
            Choice::Of(chosen) => Some(chosen),
            Choice::None | Choice::Refused(_) => None,
        }
    }

    fn definition(&self) -> Option<&Definition> {
        self.chosen()?.checked.definition.as_ref()
    }

    /// The profile's own name, if it is one.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.definition().map(|definition| &definition.id.name)
    }

    /// The profile as people know it: `crm/prod`.
    pub(crate) fn recorded(&self) -> Option<String> {
        self.definition()
            .map(|definition| definition.id.to_string())
    }

    /// The references of its secrets, separated by a space. No value is in them.
    pub(crate) fn uses(&self) -> Option<String> {
        let uses = self.definition()?.uses();
        (!uses.is_empty()).then(|| uses.join(" "))
    }

    /// Whether it stands in for a parameter of that name where the call does not give it.
    pub(crate) fn supplies(&self, parameter: &str) -> bool {
        let chosen = self.chosen().filter(|chosen| !chosen.apart);
        chosen.is_some_and(|chosen| chosen.checked.supplies(parameter))
    }

    /// Whether its values stand in for parameters at all.
    pub(crate) fn stands_in(&self) -> bool {
        self.chosen().is_some_and(|chosen| !chosen.apart)
    }

    /// Whether an access token is among its values, which the system may stop taking.
    pub(crate) fn has_token(&self) -> bool {
        self.auth().is_some()
    }

    fn auth(&self) -> Option<(&ProfileId, &str)> {
        let definition = self.definition()?;
        Some((&definition.id, definition.auth.as_deref()?))
    }

    /// Whether a result says that the system takes the token no more.
    pub(crate) fn has_expired(&self, result: &Result<Outcome, Failure>) -> bool {
        let sources = self.chosen().map(|chosen| &chosen.sources);
        match (sources.and_then(|s| s.tokens.as_ref()), self.auth()) {
            (Some(tokens), Some((id, auth))) => tokens.is_expiry(id, auth, result),
            _ => false,
        }
    }

    /// Its values, where nobody has to be asked for them.
    pub(crate) fn at_once(&self) -> Option<Arc<Profile>> {
        let Choice::Of(chosen) = self else {
            return matches!(self, Choice::None).then(Arc::default);
        };
        let checked = &chosen.checked;
        if !checked.follows.is_empty() || self.has_token() {
            return None;
        }
        let settled = &checked.settled[usize::from(chosen.named)];
        let profile = settled.get_or_init(|| {
            let profile = checked.remember(plain(checked), &chosen.sources);
            by_name(&profile, chosen.named)
        });
        Some(profile.clone())
    }

    /// Its values but for a token: what is needed to get one.
    pub(crate) async fn without_token(&self) -> Result<Arc<Profile>, Failure> {
        match self {
            Choice::Of(chosen) => follow(&chosen.checked, &chosen.sources).await,
            Choice::Refused(failure) => Err((**failure).clone()),
            Choice::None => Ok(Arc::default()),
        }
    }

    /// Its values, every reference followed. `stale`: the token that the system took no more.
    pub(crate) async fn resolve(&self, stale: Option<i64>) -> Result<Resolved, Failure> {
        let chosen = match self {
            Choice::Of(chosen) => chosen,
            Choice::Refused(failure) => return Err((**failure).clone()),
            Choice::None => return Ok(Resolved::default()),
        };
        let profile = follow(&chosen.checked, &chosen.sources).await?;
        let profile = by_name(&profile, chosen.named);
        let Some((id, auth)) = self.auth() else {
            let token = None;
            return Ok(Resolved { profile, token });
        };
        let Some(tokens) = &chosen.sources.tokens else {
            let message = format!("profile {id}: nothing here keeps tokens for its auth '{auth}'");
            return Err(Failure::refused(Refusal::NotAuthorised, message));
        };
        let token = tokens.token(id, auth, stale).await?;
        let mut profile = (*profile).clone();
        profile.set(&token.field, token.value.expose().as_str().into(), true);
        Ok(Resolved {
            profile: Arc::new(profile),
            token: Some(token.revision),
        })
    }
}

/// The same as a call has it that names its profile, or not.
fn by_name(profile: &Arc<Profile>, named: bool) -> Arc<Profile> {
    match profile.chosen == named {
        true => profile.clone(),
        false => {
            let mut profile = (**profile).clone();
            profile.chosen = named;
            Arc::new(profile)
        }
    }
}

/// What is known of it without asking anybody.
fn plain(checked: &Checked) -> Profile {
    let name = checked.definition.as_ref().map(|d| d.id.name.clone());
    let mut profile = Profile::named(name, false);
    for known in &checked.values {
        profile.set(&known.field, known.value.clone(), known.secret);
    }
    profile
}

/// Its values but for a token, as if it were used by default.
pub(super) async fn follow(checked: &Checked, sources: &Sources) -> Result<Arc<Profile>, Failure> {
    let mut profile = plain(checked);
    let values = checked.follows.iter().map(|follow| async move {
        let value = sources.secrets.value(&follow.source).await;
        (follow, value)
    });
    let mut failures = Vec::new();
    for (follow, value) in join_all(values).await {
        let value = value.and_then(|text| {
            let fitted = secret_value(follow.declared.as_ref(), text.expose());
            fitted.map_err(|clause| unfit(follow, &clause))
        });
        match value {
            Ok(value) => profile.set(&follow.field, value, true),
            Err(failure) => failures.push((follow, failure)),
        }
    }
    match failures.is_empty() {
        true => Ok(checked.remember(profile, sources)),
        false => Err(all_of(checked, failures)),
    }
}

fn unfit(follow: &Follow, clause: &str) -> Failure {
    let reference = follow.source.reference().unwrap_or_default();
    Failure::profile("profile_invalid", format!("{reference} {clause}"))
}

/// One failure that names every field.
fn all_of(checked: &Checked, failures: Vec<(&Follow, Failure)>) -> Failure {
    let clauses: Vec<_> = failures
        .iter()
        .map(|(follow, failure)| format!("{}: {}", quoted(&follow.field), failure.message))
        .collect();
    let message = format!("{}: {}", checked.title(), clauses.join("; "));
    let mut failures = failures.into_iter().map(|(_, failure)| failure);
    // What may pass by itself does not, as long as something else is wrong.
    let first = failures.next();
    let failure = failures.fold(first, |worst, next| match worst {
        Some(worst) if matches!(worst.kind, Kind::Invalid(_)) => Some(worst),
        worst if matches!(next.kind, Kind::Refused(_)) => worst,
        _ => Some(next),
    });
    match failure {
        Some(failure) => Failure { message, ..failure },
        None => Failure::refused(Refusal::SecretUnavailable, message),
    }
}
