//! A row on its way into the store: what it is made of, and what becomes of it.

use std::sync::Arc;

use crosspoint_broker::ledger::{Ending, Key, NewRow, State};
use crosspoint_core::Effect;
use sha2::{Digest, Sha256};

use crate::sql::{CHANGED_COLUMNS, MADE_COLUMNS};
use crate::value::Value;

/// Texts that come from outside are cut after so many bytes, since some have an index and
/// PostgreSQL refuses rows with long ones.
const LONGEST: usize = 500;

/// Messages are cut after so many bytes.
const LONGEST_MESSAGE: usize = 16 * 1024;

/// What a row takes beside its values, in bytes, about.
const OVERHEAD: usize = 256;

/// A row to be made.
pub(crate) struct Insert {
    pub(crate) id: Arc<str>,
    pub(crate) key_hash: Option<[u8; 32]>,
    /// The columns that stay.
    made: Vec<Value>,
    /// Those that change, with what has happened since.
    pub(crate) change: Change,
}

/// A step of a row, or several that were not written one by one.
#[derive(Clone)]
pub(crate) struct Change {
    /// Where it goes.
    pub(crate) state: State,
    /// From where it may.
    pub(crate) sources: &'static [State],
    starts: i64,
    started: Option<i64>,
    ending: Option<Arc<Ending>>,
    sealed_result: Option<Arc<Vec<u8>>>,
}

// === impl Insert ===

impl Insert {
    pub(crate) fn new(row: &NewRow, owner: &Arc<str>, sealed: Option<Arc<Vec<u8>>>) -> Insert {
        let about = &row.about;
        let key = row.key.as_ref();
        let key_hash = key.map(|key| hash_of(&key.scope, &key.text));
        let id: Arc<str> = row.id.as_str().into();
        let bytes = |bytes: Option<&[u8]>| Value::Blob(bytes.map(|b| Arc::new(b.to_vec())));
        let short = |text: &Option<String>| Value::from(text.as_deref().map(cut));
        let made = vec![
            Value::from(&id),
            bytes(key_hash.as_ref().map(|hash| &hash[..])),
            Value::from(key.map(|key| key.scope.as_str())),
            Value::from(key.map(|key| key.text.as_str())),
            bytes(key.map(|Key { fingerprint, .. }| &fingerprint[..])),
            cut(&about.ingress).into(),
            short(&about.caller),
            short(&about.instance),
            short(&about.model),
            short(&about.task),
            cut(&about.request_id).into(),
            cut(&about.connector).into(),
            cut(&about.command).into(),
            about.created.into(),
            Value::from(owner),
            Value::from(about.callback.as_deref()),
            Value::from(about.arguments.as_deref()),
            about.argument_bytes.into(),
            Value::from(sealed.as_ref()),
            0i64.into(),
            short(&about.profile),
            Value::from(about.uses.as_deref()),
        ];
        let runs = row.state == State::Running;
        let change = Change {
            starts: runs.into(),
            started: runs.then_some(about.created),
            ..Change::to(row.state)
        };
        Insert {
            id,
            key_hash,
            made,
            change,
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        OVERHEAD + self.made.iter().map(Value::size).sum::<usize>() + self.change.size()
    }

    /// The values of a row of [`crate::sql::Dialect::insert`].
    pub(crate) fn values(&self, values: &mut Vec<Value>) {
        debug_assert_eq!(self.made.len(), MADE_COLUMNS);
        values.extend(self.made.iter().cloned());
        self.change.values(self.size(), values);
    }
}

// === impl Change ===

impl Change {
    fn to(state: State) -> Change {
        Change {
            state,
            sources: state.sources(),
            starts: 0,
            started: None,
            ending: None,
            sealed_result: None,
        }
    }

    pub(crate) fn start(started: i64) -> Change {
        Change {
            // Running rows run again by another way.
            sources: &[State::Received, State::Accepted],
            starts: 1,
            started: Some(started),
            ..Change::to(State::Running)
        }
    }

    pub(crate) fn end(state: State, ending: Ending, sealed: Option<Arc<Vec<u8>>>) -> Change {
        let ending = Ending {
            message: ending.message.map(|message| {
                let end = message.floor_char_boundary(LONGEST_MESSAGE);
                message[..end].to_owned()
            }),
            ..ending
        };
        Change {
            // Unknown rows are settled, and what was not taken is delivered again, by other ways.
            sources: match state {
                State::Succeeded => &[State::Received, State::Running],
                State::Failed => &[State::Received, State::Accepted, State::Running],
                State::Finished => &[State::Accepted, State::Running],
                state => state.sources(),
            },
            ending: Some(Arc::new(ending)),
            sealed_result: sealed,
            ..Change::to(state)
        }
    }

    /// This change and then the next, as one. None when the next is not allowed after this.
    pub(crate) fn then(&self, next: &Change) -> Option<Change> {
        next.sources.contains(&self.state).then(|| Change {
            state: next.state,
            sources: self.sources,
            starts: self.starts + next.starts,
            started: next.started.or(self.started),
            ending: next.ending.clone(),
            sealed_result: next.sealed_result.clone(),
        })
    }

    pub(crate) fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let ending = self.ending.as_ref();
        let ending = ending.map_or(0, |e| text(&e.message) + text(&e.summary));
        ending + self.sealed_result.as_ref().map_or(0, |sealed| sealed.len())
    }

    /// The values of the columns that change.
    pub(crate) fn values(&self, size: usize, values: &mut Vec<Value>) {
        let before = values.len();
        let ending = self.ending.as_deref();
        let text = |pick: fn(&Ending) -> &Option<String>| {
            Value::from(ending.and_then(|ending| pick(ending).as_deref()))
        };
        let short = |pick: fn(&Ending) -> &Option<String>| {
            Value::from(ending.and_then(|ending| pick(ending).as_deref()).map(cut))
        };
        let number = |pick: fn(&Ending) -> Option<i64>| Value::from(ending.and_then(pick));
        values.extend([
            self.state.name().into(),
            self.starts.into(),
            self.started.into(),
            number(|e| Some(e.ended)),
            number(|e| e.status.map(i64::from)),
            short(|e| &e.mimetype),
            short(|e| &e.code),
            Value::from(ending.and_then(|e| e.effect).map(Effect::name)),
            number(|e| Some(e.may_pass.into())),
            number(|e| Some(e.result_bytes.try_into().unwrap_or(i64::MAX))),
            Value::Int(Some(size as i64)),
            // At once; 0 is long ago by any clock.
            Value::Int((self.state == State::Finished).then_some(0)),
            text(|e| &e.message),
            text(|e| &e.summary),
            Value::from(self.sealed_result.as_ref()),
        ]);
        debug_assert_eq!(values.len() - before, CHANGED_COLUMNS);
    }

    /// Whether a call that is unknown may end so.
    pub(crate) fn is_end(&self) -> bool {
        !self.state.is_open() && State::Unknown.may_become(self.state)
    }

    /// The values of [`crate::sql::SETTLE`].
    pub(crate) fn settlement(&self, id: &str) -> Vec<Value> {
        let mut values = vec![id.into()];
        self.values(self.size(), &mut values);
        // Attempts and start stay as they are.
        values.drain(2..4);
        values
    }

    /// The values of a row of [`crate::sql::Dialect::change`].
    pub(crate) fn row(&self, id: &Arc<str>, owner: &Arc<str>, values: &mut Vec<Value>) {
        let mut sources = String::from(",");
        for source in self.sources {
            sources.push_str(source.name());
            sources.push(',');
        }
        values.extend([id.into(), owner.into(), sources.as_str().into()]);
        self.values(self.size(), values);
    }
}

/// The digest by which a key is unique: keys may be longer than an index takes.
pub(crate) fn hash_of(scope: &str, key: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((scope.len() as u64).to_be_bytes());
    hash.update(scope);
    hash.update(key);
    hash.finalize().into()
}

/// A text from outside in the length that is kept.
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_and_key_do_not_run_together() {
        assert_ne!(hash_of("ab", "c"), hash_of("a", "bc"));
        assert_ne!(hash_of("", "abc"), hash_of("abc", ""));
    }

    #[test]
    fn changes_join_only_where_the_steps_are_allowed() {
        let end = |state| Change::end(state, Ending::default(), None);
        let both = Change::start(5).then(&end(State::Succeeded)).unwrap();
        assert_eq!(
            (both.state, both.starts, both.started),
            (State::Succeeded, 1, Some(5))
        );
        assert_eq!(both.sources, Change::start(5).sources);
        assert!(end(State::Succeeded).then(&end(State::Failed)).is_none());
        assert!(end(State::Unknown).then(&end(State::Succeeded)).is_none());
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "é".repeat(300);
        assert_eq!(cut(&long).len(), 500);
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&format!("x{long}")).len(), 499);
    }
}
