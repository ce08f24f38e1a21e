//! Showing the bench's rows: as a table for the terminal, and as one for README.md.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The lines in README.md between which the table lives.
const OPEN: &str = "<!-- bench -->";
const CLOSE: &str = "<!-- /bench -->";

const HEADINGS: [&str; 6] = ["What", "Crosspoint", "Yardstick", "Ratio", "Target", ""];

/// The table for a terminal: columns of even width, then how each value was got.
pub(crate) fn terminal(report: &Value) -> Result<String> {
    let rows = cells(report)?;
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([HEADINGS[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&HEADINGS.map(str::to_owned))];
    lines.push(widths.map(|width| "─".repeat(width)).join("  "));
    lines.extend(rows.iter().map(line));
    lines.push(String::new());
    for row in list(report)? {
        lines.push(format!("{}: {}.", text(row, "what")?, text(row, "how")?));
    }
    lines.push(circumstances(report)?);
    Ok(lines.join("\n"))
}

/// The same for README.md.
pub(crate) fn markdown(report: &Value) -> Result<String> {
    let line = |row: &[String; 6]| format!("| {} |", row.join(" | "));
    let mut lines = vec![line(&HEADINGS.map(str::to_owned)), "|---".repeat(6) + "|"];
    lines.extend(cells(report)?.iter().map(line));
    lines.extend([String::new(), circumstances(report)?]);
    Ok(lines.join("\n"))
}

/// Replaces what stands between the markers of `page`; `None` when it has no markers.
pub(crate) fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(OPEN)?;
    let (_, after) = rest.split_once(CLOSE)?;
    Some(format!("{before}{OPEN}\n{table}\n{CLOSE}{after}"))
}

fn list(report: &Value) -> Result<&Vec<Value>> {
    let rows = report["rows"]
        .as_array()
        .context("the bench wrote no rows")?;
    ensure!(!rows.is_empty(), "the bench wrote no rows");
    Ok(rows)
}

fn cells(report: &Value) -> Result<Vec<[String; 6]>> {
    list(report)?.iter().map(row).collect()
}

fn row(row: &Value) -> Result<[String; 6]> {
    let unit = text(row, "unit")?;
    let number = |key: &str| {
        let value = row[key]
            .as_f64()
            .with_context(|| format!("a row has no {key}"))?;
        anyhow::Ok(format!("{} {unit}", shown(value)))
    };
    let verdict = match row["met"].as_bool() {
        Some(true) => "ok",
        Some(false) => "missed",
        None => "",
    };
    Ok([
        text(row, "what")?.to_owned(),
        number("value")?,
        format!(
            "{} ({})",
            number("yardstick_value")?,
            text(row, "yardstick")?
        ),
        row["ratio"]
            .as_f64()
            .map(|ratio| format!("{ratio:.2} ×"))
            .unwrap_or_default(),
        target(&row["target"], unit)?,
        verdict.to_owned(),
    ])
}

fn target(target: &Value, unit: &str) -> Result<String> {
    let Some((kind, limit)) = target.as_object().and_then(|target| target.iter().next()) else {
        return Ok(String::new());
    };
    let limit = limit.as_f64().context("a target has no limit")?;
    Ok(match kind.as_str() {
        "ratio_at_least" => format!("≥ {limit:.2} ×"),
        "ratio_at_most" => format!("≤ {limit:.2} ×"),
        "value_at_least" => format!("≥ {} {unit}", shown(limit)),
        _ => format!("≤ {} {unit}", shown(limit)),
    })
}

fn text<'a>(row: &'a Value, key: &str) -> Result<&'a str> {
    row[key]
        .as_str()
        .with_context(|| format!("a row has no {key}"))
}

fn circumstances(report: &Value) -> Result<String> {
    let number = |key: &str| {
        report[key]
            .as_u64()
            .with_context(|| format!("there is no {key}"))
    };
    let quick = if report["quick"] == true {
        ", short ones"
    } else {
        ""
    };
    Ok(format!(
        "Value and yardstick come from the same run, interleaved, everything on one machine with \
         {} cores: medians of {} rounds{quick}. Only the ratios travel to other machines.",
        number("cores")?,
        number("rounds")?
    ))
}

/// Large numbers without decimals and with groups of three, small ones with one or two decimals.
fn shown(value: f64) -> String {
    if value.abs() < 10.0 && value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    if value.abs() < 1000.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0.0 {
        format!("-{grouped}")
    } else {
        grouped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report() -> Value {
        json!({"cores": 2, "quick": false, "rounds": 5, "rows": [
            {"what": "calls", "how": "many", "unit": "calls/s", "value": 12345.6,
             "yardstick": "forwarder", "yardstick_value": 15000.0, "ratio": 0.823,
             "target": {"ratio_at_least": 0.6}, "met": true},
            {"what": "memory", "how": "looked", "unit": "MiB", "value": 31.25,
             "yardstick": "forwarder", "yardstick_value": 5.0, "ratio": null,
             "target": {"value_at_most": 30.0}, "met": false},
        ]})
    }

    #[test]
    fn a_row_shows_value_yardstick_ratio_target_and_verdict() {
        let table = markdown(&report()).unwrap();
        let row =
            "| calls | 12,346 calls/s | 15,000 calls/s (forwarder) | 0.82 × | ≥ 0.60 × | ok |";
        assert!(table.contains(row), "{table}");
        let row = "| memory | 31.2 MiB | 5 MiB (forwarder) |  | ≤ 30 MiB | missed |";
        assert!(table.contains(row), "{table}");
        assert!(table.contains("2 cores: medians of 5 rounds."), "{table}");
    }

    #[test]
    fn the_columns_of_the_terminal_stand_below_each_other() {
        let table = terminal(&report()).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[2].find("12,346"), lines[3].find("31.2"));
        assert_eq!(lines[0].find("Crosspoint"), lines[2].find("12,346"));
        assert!(table.contains("memory: looked."), "{table}");
    }

    #[test]
    fn a_report_without_rows_is_an_error() {
        assert!(terminal(&json!({"rows": []})).is_err());
        assert!(markdown(&json!({})).is_err());
    }

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = "# Top\n<!-- bench -->\nold\n<!-- /bench -->\nend\n";
        let new = replaced(page, "new").unwrap();
        assert_eq!(new, "# Top\n<!-- bench -->\nnew\n<!-- /bench -->\nend\n");
        assert_eq!(replaced(&new, "new").as_deref(), Some(new.as_str()));
    }

    #[test]
    fn a_page_without_both_markers_stays_alone() {
        assert_eq!(replaced("# Top\n", "new"), None);
        assert_eq!(replaced("<!-- bench -->\n", "new"), None);
    }

    #[test]
    fn numbers_are_grouped_and_small_ones_keep_decimals() {
        let all = [5000.0, 999.0, 12.34, 1.005, 0.5, 1_234_567.8, -3.25];
        let wanted = ["5,000", "999", "12.3", "1.00", "0.50", "1,234,568", "-3.25"];
        assert_eq!(all.map(shown), wanted.map(str::to_owned));
    }
}
