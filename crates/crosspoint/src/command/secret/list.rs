//! `crosspoint secret list`.

use anyhow::Result;
use crosspoint_broker::cabinet::Drawer;
use crosspoint_broker::ledger::time_json;
use serde_json::{Value, json};

use super::{Desk, uses};
use crate::show::plain;

/// A secret as it may be shown.
struct Line {
    name: String,
    /// In milliseconds since 1970.
    changed: i64,
    used_by: Vec<String>,
}

/// Prints the names, never a value.
pub async fn run(desk: &Desk, json: bool) -> Result<()> {
    let uses = uses::all(desk).await?;
    let items = desk.cabinet().list(Drawer::Secret).await?;
    let lines: Vec<Line> = items
        .into_iter()
        .map(|item| Line {
            used_by: uses.of(&item.id),
            changed: item.changed,
            name: item.id,
        })
        .collect();
    if json {
        let lines: Value = lines.iter().map(as_json).collect();
        println!("{lines:#}");
        return Ok(());
    }
    if lines.is_empty() {
        eprintln!("No secrets are kept. To keep one: crosspoint secret set NAME");
        return Ok(());
    }
    print!("{}", table(&lines));
    Ok(())
}

fn as_json(line: &Line) -> Value {
    json!({
        "name": line.name,
        "changed": time_json(line.changed),
        "used_by": line.used_by,
    })
}

fn table(lines: &[Line]) -> String {
    let names = lines.iter().map(|line| line.name.chars().count());
    let width = names.max().unwrap_or(0).max(4);
    let mut table = format!("{:<width$}  {:<20}  USED BY\n", "NAME", "CHANGED (UTC)");
    for line in lines {
        let changed = time_json(line.changed).unwrap_or_default();
        // To the second is enough for people.
        let changed = changed
            .get(..19)
            .map_or(String::new(), |at| format!("{at}Z"));
        let used_by = plain(&line.used_by.join(", "));
        let text = format!("{:<width$}  {changed:<20}  {used_by}", plain(&line.name));
        table.push_str(text.trim_end());
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_a_line() {
        let line = |name: &str, used_by: &[&str]| Line {
            name: name.to_owned(),
            changed: 1_772_352_000_123,
            used_by: used_by.iter().map(|user| (*user).to_owned()).collect(),
        };
        let lines = [
            line("CRM_TOKEN", &["profile crm/prod", "profile crm/test"]),
            line("a", &[]),
        ];
        let wanted = "\
NAME       CHANGED (UTC)         USED BY
CRM_TOKEN  2026-03-01T08:00:00Z  profile crm/prod, profile crm/test
a          2026-03-01T08:00:00Z
";
        assert_eq!(table(&lines), wanted);
        assert_eq!(as_json(&lines[1])["changed"], "2026-03-01T08:00:00.123Z");
    }
}
