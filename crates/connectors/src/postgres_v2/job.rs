//! What a call asks the database to do.

use crosspoint_core::Failure;

use super::bind::Value;
use super::fault;
use super::identifier::{quote, quote_or_star};
use super::scan::{self, Kind};
use super::schema::{Condition, Create, Delete, Insert, Select, Update};

/// Statements that run in one transaction.
pub(super) struct Job {
    pub steps: Vec<Step>,
    pub answer: Answer,
    /// Whether the transaction may change nothing.
    pub read_only: bool,
    /// Whether the connection is as before when the transaction has ended.
    pub reusable: bool,
}

/// One statement.
pub(super) struct Step {
    pub sql: String,
    pub values: Vec<Value>,
    /// Its first word, in capital letters.
    pub verb: String,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The rows of the last statement.
    Rows,
    /// How many rows the last statement touched.
    Count,
    /// How many rows all statements touched.
    Sum,
}

/// How many values one INSERT takes; the protocol ends at 65,535.
const INSERT_VALUES: usize = 10_000;

// === impl Job ===

impl Job {
    fn single(verb: &str, sql: String, values: Vec<Value>) -> Job {
        let verb = verb.to_owned();
        Job {
            steps: vec![Step { sql, values, verb }],
            answer: Answer::Count,
            read_only: false,
            reusable: true,
        }
    }

    pub(super) fn create(table: &str, schema: &Create) -> Result<Job, Failure> {
        let mut columns = Vec::with_capacity(schema.column_definitions.len());
        for column in &schema.column_definitions {
            let name = quote(&column.name)?;
            check_type(&column.name, &column.kind)?;
            columns.push(format!("{name} {}", column.kind));
        }
        let (table, columns) = (quote(table)?, columns.join(", "));
        let sql = format!("CREATE TABLE IF NOT EXISTS {table} ({columns})");
        Ok(Job::single("CREATE", sql, Vec::new()))
    }

    pub(super) fn drop(table: &str) -> Result<Job, Failure> {
        let sql = format!("DROP TABLE IF EXISTS {}", quote(table)?);
        Ok(Job::single("DROP", sql, Vec::new()))
    }

    pub(super) fn select(table: &str, schema: Select) -> Result<Job, Failure> {
        if schema.columns.is_empty() {
            return Err(fault::argument(
                "ValueError",
                "'columns' in 'schema' names no column",
            ));
        }
        let columns: Result<Vec<_>, _> = schema.columns.iter().map(|c| quote_or_star(c)).collect();
        let mut values = Vec::new();
        let columns = columns?.join(", ");
        let (table, conditions) = (quote(table)?, conditions(schema.r#where, &mut values)?);
        let sql = format!("SELECT {columns} FROM {table}{conditions}");
        Ok(Job {
            answer: Answer::Rows,
            read_only: true,
            ..Job::single("SELECT", sql, values)
        })
    }

    pub(super) fn delete(table: &str, schema: Delete) -> Result<Job, Failure> {
        let mut values = Vec::new();
        let (table, conditions) = (quote(table)?, conditions(schema.r#where, &mut values)?);
        let sql = format!("DELETE FROM {table}{conditions}");
        Ok(Job::single("DELETE", sql, values))
    }

    pub(super) fn update(table: &str, schema: Update) -> Result<Job, Failure> {
        if schema.set.0.is_empty() {
            return Err(fault::argument(
                "ValueError",
                "'set' in 'schema' names no column",
            ));
        }
        let mut values = Vec::new();
        let mut set = Vec::new();
        for (column, json) in schema.set.0 {
            set.push(format!("{} = ${}", quote(&column)?, values.len() + 1));
            values.push(Value {
                json,
                place: format!("column '{column}' in 'set'"),
            });
        }
        let (table, set) = (quote(table)?, set.join(", "));
        let conditions = conditions(schema.r#where, &mut values)?;
        let sql = format!("UPDATE {table} SET {set}{conditions}");
        Ok(Job::single("UPDATE", sql, values))
    }

    pub(super) fn insert(table: &str, schema: Insert) -> Result<Job, Failure> {
        let columns: Result<Vec<_>, _> = schema.columns.iter().map(|c| quote(c)).collect();
        let head = format!(
            "INSERT INTO {} ({}) VALUES ",
            quote(table)?,
            columns?.join(", ")
        );
        let width = schema.columns.len();
        let mut steps: Vec<Step> = Vec::new();
        for (row, items) in schema.values.into_iter().enumerate() {
            check_width(row, items.len(), width)?;
            let full = steps
                .last()
                .is_none_or(|step| step.values.len() + width > INSERT_VALUES);
            if full || width == 0 {
                let verb = "INSERT".to_owned();
                steps.push(Step {
                    sql: head.clone(),
                    values: Vec::new(),
                    verb,
                });
            }
            let Some(step) = steps.last_mut() else {
                continue;
            };
            let first = step.values.len() + 1;
            let numbers: Vec<_> = (first..first + width).map(|n| format!("${n}")).collect();
            let comma = if step.values.is_empty() { "" } else { ", " };
            step.sql
                .push_str(&format!("{comma}({})", numbers.join(", ")));
            for (json, column) in items.into_iter().zip(&schema.columns) {
                let place = format!("column '{column}' of row {}", row + 1);
                step.values.push(Value { json, place });
            }
        }
        Ok(Job {
            steps,
            answer: Answer::Sum,
            read_only: false,
            reusable: true,
        })
    }
}

// === impl Step ===

impl Step {
    /// The failure that the server's error means.
    pub(super) fn failed(&self, error: &tokio_postgres::Error) -> Failure {
        fault::statement(error, |number| {
            let value = self.values.get(number.checked_sub(1)?)?;
            Some(value.place.clone())
        })
    }

    /// Whether the server counts rows for it, even if there were none.
    pub(super) fn counts(&self) -> bool {
        [
            "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "SELECT", "COPY", "MOVE",
        ]
        .contains(&self.verb.as_str())
    }

    /// Whether it may save what came before it.
    pub(super) fn commits(&self) -> bool {
        ["COMMIT", "END", "PREPARE"].contains(&self.verb.as_str())
    }

    /// Whether there may be no transaction after it, or another one.
    pub(super) fn controls_transactions(&self) -> bool {
        self.commits() || ["ROLLBACK", "ABORT"].contains(&self.verb.as_str())
    }

    /// Whether it wants to send or get data outside of statements and rows.
    pub(super) fn copies(&self) -> bool {
        let streams = |word: &str| {
            ["STDIN", "STDOUT"]
                .iter()
                .any(|name| word.eq_ignore_ascii_case(name))
        };
        self.verb == "COPY"
            && scan::pieces(&self.sql)
                .into_iter()
                .any(|piece| piece.kind == Kind::Word && streams(&self.sql[piece.range]))
    }
}

fn conditions(list: Vec<Condition>, values: &mut Vec<Value>) -> Result<String, Failure> {
    let mut parts = Vec::with_capacity(list.len());
    for Condition(column, operator, json) in list {
        if !["=", "!=", "<", ">"].contains(&operator.as_str()) {
            let message = format!(
                "the operator '{operator}' in 'where' is not supported; these are: =, !=, <, >"
            );
            return Err(fault::argument("Exception", message));
        }
        values.push(Value {
            json,
            place: format!("column '{column}' in 'where'"),
        });
        parts.push(format!("{} {operator} ${}", quote(&column)?, values.len()));
    }
    Ok(match parts.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", parts.join(" AND ")),
    })
}

fn check_width(row: usize, width: usize, wanted: usize) -> Result<(), Failure> {
    let code = match width.cmp(&wanted) {
        std::cmp::Ordering::Less => "IndexError",
        std::cmp::Ordering::Greater => "TypeError",
        std::cmp::Ordering::Equal => return Ok(()),
    };
    let row = row + 1;
    let message = format!("row {row} in 'values' has {width} values for {wanted} columns");
    Err(fault::argument(code, message))
}

/// A type stands in the statement as it is written, with whatever PostgreSQL lets follow it
/// (`numeric(10, 2) NOT NULL DEFAULT 0`), so it must not be able to end the column it is for.
fn check_type(column: &str, text: &str) -> Result<(), Failure> {
    let mut depth = 0usize;
    let mut fits = !text.trim().is_empty() && !text.contains('\0');
    for piece in scan::pieces(text) {
        fits &= piece.closed && piece.kind != Kind::Comment;
        match (piece.kind, &text[piece.range]) {
            (Kind::Symbol, "(") => depth += 1,
            (Kind::Symbol, ")") if depth == 0 => fits = false,
            (Kind::Symbol, ")") => depth -= 1,
            (Kind::Symbol, ";") => fits = false,
            (Kind::Symbol, ",") => fits &= depth > 0,
            _ => {}
        }
    }
    match fits && depth == 0 {
        true => Ok(()),
        false => Err(fault::argument(
            "SyntaxError",
            format!("the type of column '{column}' is more than a type"),
        )),
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
