//! With which profile a call runs, what it adds to the arguments, and what it comes to in time.

use crosspoint_core::{Arguments, Call, Command, Failure, Json, Mistake, Profile, Refusal};
use tokio::time::{Instant, timeout_at};

use crate::catalogue::Entry;
use crate::profiles::{Choice, Resolved, Wanted};

/// The profile of a call: the one it names, else the default one. Fails with everything that is wrong
/// with it, or with its name.
pub(crate) fn choose(entry: &Entry, call: &Call) -> Result<Choice, Failure> {
    choose_for(entry, &call.arguments, Wanted::by(call))
}

fn choose_for(entry: &Entry, arguments: &Arguments, wanted: Wanted<'_>) -> Result<Choice, Failure> {
    let given = |field: &str| arguments.get(field).is_some_and(|json| !json.is_blank());
    entry.profiles.choose(wanted, &given)
}

/// Checks the arguments beside what the profile supplies. The call keeps what it gave itself: nothing
/// of the profile is recorded, and it runs with the same one if it has to run again.
pub(crate) fn check(entry: &Entry, call: &mut Call, profile: Choice) -> Result<Choice, Failure> {
    let arguments = std::mem::take(&mut call.arguments);
    let supplied = |name: &str| profile.supplies(name);
    match entry.command.check_beside(arguments, &supplied) {
        Ok(arguments) => call.arguments = arguments,
        Err(mistakes) => return Err(entry.command.refuse(mistakes)),
    }
    if call.profile.is_none() {
        call.given_profile = profile.name().map(|name| name.to_string());
    }
    if let (Some(profile), uses) = (profile.recorded(), profile.uses()) {
        tracing::debug!(id = %call.id, profile, uses, "The call runs with this profile.");
    }
    Ok(profile)
}

/// What the profile comes to, within the time of the attempt.
pub(crate) async fn resolve(
    profile: &Choice,
    stale: Option<i64>,
    deadline: Instant,
) -> Result<Resolved, Failure> {
    let in_time = timeout_at(deadline, profile.resolve(stale)).await;
    in_time.unwrap_or_else(|_| {
        let name = profile.recorded().unwrap_or_default();
        let message = format!("profile {name}: its secrets were not there before the deadline");
        Err(Failure::refused(Refusal::SecretUnavailable, message))
    })
}

/// The parameters for which values of the profile stand in, since the call does not give them. Fails
/// with those that cannot stand there.
pub(crate) fn stand_ins(
    command: &Command,
    call: &Call,
    profile: &Profile,
) -> Result<Vec<(String, Json)>, Failure> {
    let (mut stand_ins, mut mistakes) = (Vec::new(), Vec::new());
    let absent = command
        .parameters
        .iter()
        .filter(|parameter| call.arguments.get(&parameter.name).is_none());
    for parameter in absent {
        let Some(value) = profile.get(&parameter.name) else {
            continue;
        };
        let json = Json::from(value.clone());
        let fitted = match command.coerce {
            true => parameter.fit(&json),
            false => Ok(Some(json)),
        };
        match fitted {
            Ok(Some(json)) => stand_ins.push((parameter.name.clone(), json)),
            Ok(None) => {}
            Err(clause) => mistakes.push(format!("field '{}' {clause}", parameter.name)),
        }
    }
    if mistakes.is_empty() {
        return Ok(stand_ins);
    }
    let name = profile.name.as_deref().unwrap_or("of the environment");
    let message = format!(
        "profile {name} does not fit {}: {}",
        command.name,
        mistakes.join("; ")
    );
    Err(Failure::profile("profile_invalid", message))
}

// === impl Entry ===

impl Entry {
    /// What is wrong with these arguments, one by one, given the profile that a call names.
    pub fn mistakes(&self, arguments: Arguments, profile: Option<&str>) -> Vec<Mistake> {
        let Ok(profile) = choose_for(self, &arguments, Wanted::named(profile)) else {
            return Vec::new();
        };
        let supplied = |name: &str| profile.supplies(name);
        let checked = self.command.check_beside(arguments, &supplied);
        checked.err().unwrap_or_default()
    }

    /// The parameters that a call has to give itself as long as it names no profile: those that are
    /// required, and that the default profile does not supply at the moment.
    pub fn needed(&self) -> Vec<&str> {
        let chosen = choose_for(self, &Arguments::default(), Wanted::default());
        let supplied = |name: &str| chosen.as_ref().is_ok_and(|chosen| chosen.supplies(name));
        let required = self.command.parameters.iter().filter(|p| p.required);
        let names = required.map(|parameter| parameter.name.as_str());
        names.filter(|name| !supplied(name)).collect()
    }
}
