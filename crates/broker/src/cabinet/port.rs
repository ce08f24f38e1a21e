//! The port: what the broker asks of a cabinet.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::ledger::StoreError;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drawer {
    /// A profile, by `connector/name`.
    Profile,
    /// A secret, by its name.
    Secret,
    /// What a provider granted: a set of tokens, by `connector/profile`.
    Grant,
    /// An authorisation that is under way, by its `state`.
    State,
    /// An access key, by its name.
    Key,
    /// How the last check of a profile went, by `connector/profile`.
    Check,
}

/// Something that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name within its drawer.
    pub id: String,
    /// What is in it, opened.
    pub body: Bytes,
    /// Greater with each change.
    pub revision: i64,
    /// When it was changed, in milliseconds since 1970.
    pub changed: i64,
    /// From when on it is as if it were not there, in milliseconds since 1970.
    pub expires: Option<i64>,
}

/// What must be there for a change to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    Any,
    /// Nothing.
    Absent,
    /// The item as it was at this revision.
    Revision(i64),
}

/// Something that an administrator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Orders acts: later ones are greater. The cabinet gives it; anything will do before.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The name of the access key, or of the user of the command line.
    pub actor: String,
    /// The way in: `api` or `cli`.
    pub ingress: String,
    /// What was done, as `profile.set`.
    pub act: String,
    /// To what, as `crm/prod`.
    pub subject: String,
    /// More for people; no secret.
    pub detail: Option<String>,
}

/// Durable items in drawers. What is in them is sealed at rest; their names are not.
///
/// An item that has expired is as if it were not there.
pub trait Cabinet: Send + Sync + 'static {
    /// Greater whenever a profile, a secret, a grant or a key was changed by anybody. Cheap: asked
    /// every few seconds.
    fn version(&self) -> BoxFuture<'_, Result<i64, StoreError>>;

    /// Every item of a drawer, ordered by id. Fails with [`StoreError::Sealed`] for one that cannot
    /// be opened.
    fn list(&self, drawer: Drawer) -> BoxFuture<'_, Result<Vec<Item>, StoreError>>;

    /// One item.
    fn get<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Item>, StoreError>>;

    /// Makes or replaces an item, waits for the commit, and ends a claim on it. Answers with the new
    /// revision; none when what is there is not what was expected, and then nothing is changed.
    fn put<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
        body: Bytes,
        expires: Option<i64>,
        expected: Expected,
    ) -> BoxFuture<'a, Result<Option<i64>, StoreError>>;

    /// Removes an item. False when there is none.
    fn remove<'a>(&'a self, drawer: Drawer, id: &'a str)
    -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Removes an item and gives it to the one who was first: nobody else gets it.
    fn take<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Item>, StoreError>>;

    /// Claims an item as it was at this revision, for so long, across all processes: true for one
    /// only. The claim ends with the next put, or with the time.
    fn claim<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
        revision: i64,
        lease: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Records an act, and waits for the commit.
    fn record(&self, act: Act) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Acts from the newest to the oldest, only those before the id `before`.
    fn acts<'a>(
        &'a self,
        limit: u32,
        before: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Act>, StoreError>>;

    /// Whether what is kept outlives this process.
    fn is_durable(&self) -> bool {
        true
    }
}

// === impl Drawer ===

impl Drawer {
    /// All of them.
    pub const ALL: [Drawer; 6] = [
        Drawer::Profile,
        Drawer::Secret,
        Drawer::Grant,
        Drawer::State,
        Drawer::Key,
        Drawer::Check,
    ];

    /// Its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Drawer::Profile => "profile",
            Drawer::Secret => "secret",
            Drawer::Grant => "grant",
            Drawer::State => "state",
            Drawer::Key => "key",
            Drawer::Check => "check",
        }
    }

    /// Whether a change of it changes [`Cabinet::version`].
    pub fn is_versioned(self) -> bool {
        !matches!(self, Drawer::State | Drawer::Check)
    }
}
