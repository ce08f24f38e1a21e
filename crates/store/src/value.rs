//! The three types of columns that both databases have, and a statement with its values.

use std::borrow::Cow;
use std::sync::Arc;

/// A value of a column.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(Option<Arc<str>>),
    Int(Option<i64>),
    Blob(Option<Arc<Vec<u8>>>),
}

/// A statement to be prepared, with a value for each of its parameters.
#[derive(Clone)]
pub(crate) struct Statement {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) values: Vec<Value>,
}

/// What a row has in its columns, counted from 0.
pub(crate) trait Columns: Send {
    fn text(&self, column: usize) -> Result<Option<String>, sqlx::Error>;
    fn int(&self, column: usize) -> Result<Option<i64>, sqlx::Error>;
    fn blob(&self, column: usize) -> Result<Option<Vec<u8>>, sqlx::Error>;
}

/// The rows that a statement answered with.
pub(crate) type Rows = Vec<Box<dyn Columns>>;

// === impl Statement ===

impl Statement {
    pub(crate) fn new(
        sql: impl Into<Cow<'static, str>>,
        values: impl Into<Vec<Value>>,
    ) -> Statement {
        Statement {
            sql: sql.into(),
            values: values.into(),
        }
    }
}

// === impl Value ===

impl Value {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Value::Text(text) => text.as_ref().map_or(0, |text| text.len()),
            Value::Int(_) => 8,
            Value::Blob(blob) => blob.as_ref().map_or(0, |blob| blob.len()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(Some(text.into()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Value {
        Value::Text(text.map(Arc::from))
    }
}

impl From<&Arc<str>> for Value {
    fn from(text: &Arc<str>) -> Value {
        Value::Text(Some(text.clone()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Value {
        Value::Int(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Int(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Value {
        Value::Blob(Some(Arc::new(bytes.to_vec())))
    }
}

impl From<Option<&Arc<Vec<u8>>>> for Value {
    fn from(bytes: Option<&Arc<Vec<u8>>>) -> Value {
        Value::Blob(bytes.cloned())
    }
}
