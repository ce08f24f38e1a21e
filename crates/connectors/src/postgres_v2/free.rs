//! Free SQL as a job: its statements with their values.

use std::collections::HashMap;

use crosspoint_core::{Failure, Json};

use super::bind::Value;
use super::fault;
use super::job::{Answer, Job, Step};
use super::schema::{Free, Values};
use super::statements::{self, Placeholder, Statement};

/// Statements after which a connection is as before, apart from what can be reset.
const TRACELESS: [&str; 9] = [
    "SELECT", "VALUES", "TABLE", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "EXPLAIN",
];

// === impl Job ===

impl Job {
    pub(super) fn free(schema: Free) -> Result<Job, Failure> {
        let script = statements::split(&schema.sql);
        if script.statements.is_empty() {
            return Err(fault::argument(
                "ProgrammingError",
                "'sql' in 'schema' is empty",
            ));
        }
        let mut verbs = script.statements.iter().map(|s| s.verb.as_str());
        let reusable = verbs.all(|verb| TRACELESS.contains(&verb));
        let hint = match script.quoted_placeholder {
            true => "; the %s inside quotes is text, not a placeholder",
            false => "",
        };
        let mut values = Supply::new(schema.values);
        let mut steps = Vec::with_capacity(script.statements.len());
        for Statement {
            sql,
            placeholders,
            verb,
        } in script.statements
        {
            let values: Result<_, _> = placeholders.iter().map(|p| values.take(p, hint)).collect();
            let step = Step {
                sql,
                verb,
                values: values?,
            };
            if step.copies() {
                let message = "COPY from STDIN and to STDOUT is not supported";
                return Err(fault::argument("ProgrammingError", message));
            }
            steps.push(step);
        }
        values.finish(hint)?;
        let answer = match schema.fetch_results {
            true => Answer::Rows,
            false => Answer::Count,
        };
        Ok(Job {
            steps,
            answer,
            read_only: false,
            reusable,
        })
    }
}

/// The values of free SQL.
struct Supply {
    list: std::vec::IntoIter<Json>,
    taken: usize,
    named: HashMap<String, Json>,
}

// === impl Supply ===

impl Supply {
    fn new(values: Values) -> Supply {
        let (list, named) = match values {
            Values::List(list) => (list, HashMap::new()),
            Values::Named(named) => (Vec::new(), named.0.into_iter().collect()),
        };
        Supply {
            list: list.into_iter(),
            taken: 0,
            named,
        }
    }

    fn take(&mut self, placeholder: &Placeholder, hint: &str) -> Result<Value, Failure> {
        match placeholder {
            Placeholder::Next => {
                self.taken += 1;
                let place = format!("value {}", self.taken);
                let few = || {
                    let message = format!("'values' has fewer values than 'sql' has %s{hint}");
                    fault::argument("IndexError", message)
                };
                self.list
                    .next()
                    .map(|json| Value { json, place })
                    .ok_or_else(few)
            }
            Placeholder::Named(name) => {
                let missing =
                    || fault::argument("KeyError", format!("'values' has no value named '{name}'"));
                let json = self.named.get(name).cloned().ok_or_else(missing)?;
                Ok(Value {
                    json,
                    place: format!("value '{name}'"),
                })
            }
        }
    }

    fn finish(self, hint: &str) -> Result<(), Failure> {
        match self.list.len() {
            0 => Ok(()),
            _ => {
                let message = format!("'values' has more values than 'sql' has %s{hint}");
                Err(fault::argument("TypeError", message))
            }
        }
    }
}
