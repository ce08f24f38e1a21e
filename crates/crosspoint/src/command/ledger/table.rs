//! Calls as a table: a line each, the id first and whole, so that it can be copied.

use crosspoint_broker::ledger::Row;

use super::time::{seconds, took};
use crate::show;

/// The longest text in the last column.
const NOTE: usize = 60;

/// How wide the columns are that differ.
pub struct Table {
    call: usize,
}

// === impl Table ===

impl Table {
    /// Wide enough for these calls.
    pub fn of(rows: &[Row]) -> Table {
        let widths = rows.iter().map(|row| call(row).chars().count());
        Table {
            call: widths.max().unwrap_or(0).clamp(16, 48),
        }
    }

    /// What the columns are.
    pub fn head(&self) -> String {
        let line = ["ID", "CAME IN (UTC)", "STATE", "TOOK", "CALL", "WHAT"];
        self.line(line.map(str::to_owned))
    }

    /// One call.
    pub fn row(&self, row: &Row) -> String {
        self.line([
            row.id.clone(),
            seconds(row.about.created),
            row.state.name().to_owned(),
            row.took().map(took).unwrap_or_default(),
            call(row),
            note(row),
        ])
    }

    /// Head and calls.
    pub fn whole(&self, rows: &[Row]) -> String {
        let lines = rows.iter().map(|row| self.row(row));
        let lines: Vec<_> = std::iter::once(self.head()).chain(lines).collect();
        lines.join("\n") + "\n"
    }

    fn line(&self, [id, at, state, took, call, note]: [String; 6]) -> String {
        let width = self.call;
        let line = format!("{id:<36}  {at:<20}  {state:<13}  {took:>6}  {call:<width$}  {note}");
        line.trim_end().to_owned()
    }
}

fn call(row: &Row) -> String {
    show::plain(&format!("{}/{}", row.about.connector, row.about.command))
}

/// What matters most about a call: why it failed, else its status; and what is unusual.
fn note(row: &Row) -> String {
    let mut parts = Vec::new();
    let ending = row.ending.as_ref();
    match ending.map(|ending| (&ending.code, ending.status)) {
        Some((Some(code), _)) => parts.push(show::plain(code)),
        Some((None, Some(status))) => parts.push(status.to_string()),
        _ => {}
    }
    if row.attempts > 1 {
        parts.push(format!("attempt {}", row.attempts));
    }
    if let Some(error) = &row.delivery.error {
        parts.push(format!("not delivered: {}", show::plain(error)));
    }
    let text = parts.join(", ");
    match text.char_indices().nth(NOTE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::{bare, full};
    use super::*;
    use crosspoint_broker::ledger::{Delivery, State};

    #[test]
    fn every_call_is_a_line_with_its_whole_id() {
        let rows = [full(), bare()];
        let table = Table::of(&rows).whole(&rows);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "ID                                    CAME IN (UTC)         STATE            TOOK  \
                 CALL                WHAT",
                "0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77  2026-03-01T08:00:00Z  unknown         30.5s  \
                 http/PostRequestV2  ReadTimeout, attempt 2, not delivered: 401",
                "0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77  2026-03-01T08:00:00Z  received               \
                 http/GetRequestV2",
            ]
        );
    }

    #[test]
    fn what_others_wrote_does_not_break_the_line() {
        let mut row = bare();
        row.about.command = "Get\u{1b}[2J\nRequest".to_owned();
        row.state = State::Finished;
        row.delivery = Delivery {
            error: Some("x".repeat(5000)),
            ..Delivery::default()
        };
        let line = Table::of(&[]).row(&row);
        assert!(line.contains(r"Get\u{1b}[2J\nRequest"), "{line}");
        assert!(
            !line.contains(char::is_control) && line.ends_with("xxx…"),
            "{line}"
        );
        assert!(line.len() < 250, "{line}");
    }
}
