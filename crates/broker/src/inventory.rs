//! What is mounted, for people.

use std::sync::Arc;

use crate::catalogue::{Catalogue, Entry};
use crate::mounts::{Member, Naming};

/// Whether what is configured is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It can be called.
    Ready,
    /// The first attempt to load it has not ended.
    Loading,
    /// It could not be loaded.
    Broken,
}

/// A connector, or what a mount should have and has not.
pub struct Offered {
    /// The published name. None: it is known only once it has loaded.
    pub name: Option<Arc<str>>,
    /// What system it talks to, in a sentence; empty while that is not known.
    pub description: String,
    /// Its commands, ordered by name.
    pub commands: Vec<Arc<Entry>>,
    /// Where it comes from, such as `[connectors.crm]`.
    pub from: String,
    /// Whether it is there.
    pub presence: Presence,
    /// Why not.
    pub problems: Vec<String>,
}

// === impl Presence ===

impl Presence {
    /// The name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Presence::Ready => "ready",
            Presence::Loading => "loading",
            Presence::Broken => "broken",
        }
    }
}

/// Every connector of the catalogue, then every mount that has not settled or has a problem, then the
/// connectors that were left out since another has their name.
pub(crate) fn take(catalogue: &Catalogue, members: &[Member], clashes: &[String]) -> Vec<Offered> {
    let groups = catalogue
        .entries()
        .chunk_by(|a, b| a.id.connector == b.id.connector);
    let ready = groups.filter_map(|commands| ready(commands, members));
    let missing = members.iter().filter_map(missing);
    let left_out = clashes.iter().map(|clash| {
        let from = "the configuration".to_owned();
        not_there(None, from, Presence::Broken, vec![clash.clone()])
    });
    ready.chain(missing).chain(left_out).collect()
}

fn ready(commands: &[Arc<Entry>], members: &[Member]) -> Option<Offered> {
    let first = commands.first()?;
    let offers = |member: &&Member| {
        let mounted = member.mounted();
        let mut connectors = mounted.connectors.iter();
        connectors.any(|one| Arc::ptr_eq(one, &first.connector))
    };
    let from = members.iter().find(offers);
    Some(Offered {
        name: Some(first.id.connector.clone()),
        description: first.connector.manifest().description.clone(),
        commands: commands.to_vec(),
        from: from.map_or_else(String::new, |member| member.naming.describe()),
        presence: Presence::Ready,
        problems: Vec::new(),
    })
}

fn missing(member: &Member) -> Option<Offered> {
    let mounted = member.mounted();
    let presence = match (mounted.settled, mounted.problems.is_empty()) {
        (false, _) => Presence::Loading,
        (true, false) => Presence::Broken,
        (true, true) => return None,
    };
    let name = match &member.naming {
        Naming::Entry(name) => Some(name.as_str().into()),
        _ => None,
    };
    let problems = mounted.problems.to_vec();
    Some(not_there(
        name,
        member.naming.describe(),
        presence,
        problems,
    ))
}

fn not_there(
    name: Option<Arc<str>>,
    from: String,
    presence: Presence,
    problems: Vec<String>,
) -> Offered {
    Offered {
        name,
        description: String::new(),
        commands: Vec::new(),
        from,
        presence,
        problems,
    }
}
