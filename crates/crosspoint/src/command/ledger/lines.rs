//! One call as lines for eyes, with what can be done about it.

use crosspoint_broker::ledger::Row;
use serde_json::Value;

use super::advice::{Broken, meaning, next};
use super::time::{seconds, took};
use crate::show::plain;

/// How far the labels reach.
const LABEL: usize = 12;

/// Labelled lines.
struct Lines(String);

/// Everything that is known of a call.
pub fn text(row: &Row, broken: &Broken) -> String {
    let mut lines = Lines(String::new());
    lines.add("id", &row.id);
    lines.add("state", &format!("{}, {}", row.state, meaning(row.state)));
    origin(&mut lines, row);
    way(&mut lines, row);
    ending(&mut lines, row, broken);
    delivery(&mut lines, row);
    lines.0.push_str(&next(row, broken));
    lines.0
}

fn origin(lines: &mut Lines, row: &Row) {
    let about = &row.about;
    lines.add("call", &format!("{}/{}", about.connector, about.command));
    let caller = about
        .caller
        .as_ref()
        .map(|caller| format!(", caller {caller}"));
    lines.add(
        "from",
        &format!("{}{}", about.ingress, caller.unwrap_or_default()),
    );
    lines.maybe("process", about.model.as_deref());
    lines.maybe("instance", about.instance.as_deref());
    lines.maybe("task", about.task.as_deref());
    lines.maybe(
        "request",
        Some(&*about.request_id).filter(|id| *id != row.id),
    );
    if let Some(key) = &row.key {
        let of_task = key.scope.starts_with("task:");
        let task = if of_task { ", the task's id" } else { "" };
        lines.add("key", &format!("{}{task}", key.text));
    }
    lines.maybe("profile", about.profile.as_deref());
    lines.maybe("uses", about.uses.as_deref());
    if about.argument_bytes > 0 || about.arguments.is_some() {
        lines.add("arguments", &format!("{} bytes", about.argument_bytes));
    }
    lines.fields(row.readable_arguments());
}

fn way(lines: &mut Lines, row: &Row) {
    lines.add("came in", &seconds(row.about.created));
    if let Some(started) = row.started {
        let nth = match row.attempts {
            0 | 1 => String::new(),
            n => format!(", attempt {n}"),
        };
        lines.add("started", &format!("{}{nth}", seconds(started)));
    }
    if let Some(ending) = &row.ending {
        let after = row.took().map(|ms| format!(", after {}", took(ms)));
        let text = format!("{}{}", seconds(ending.ended), after.unwrap_or_default());
        lines.add("ended", &text);
    }
}

fn ending(lines: &mut Lines, row: &Row, broken: &Broken) {
    let Some(ending) = &row.ending else {
        return;
    };
    lines.maybe(
        "status",
        ending.status.map(|status| status.to_string()).as_deref(),
    );
    if let Some(code) = &ending.code {
        lines.add("failure", code);
        lines.maybe(
            "message",
            ending.message.as_deref().filter(|text| !text.is_empty()),
        );
    }
    lines.maybe("effect", ending.effect.map(|effect| effect.name()));
    let kind = ending
        .mimetype
        .as_ref()
        .map(|mimetype| format!(", {mimetype}"));
    let size = format!("{} bytes{}", ending.result_bytes, kind.unwrap_or_default());
    let result = match (&broken.result, row.kept.result) {
        (Some(error), _) => format!("cannot be opened: {error}"),
        (None, true) => format!("{size}; kept, --result writes it"),
        (None, false) => format!("{size}; not kept"),
    };
    lines.add("result", &result);
    lines.fields(row.readable_result().map(without_size));
}

/// Type and size stand in the line above.
fn without_size(mut summary: Value) -> Value {
    if let Some(fields) = summary.as_object_mut() {
        fields.shift_remove("bytes");
    }
    summary
}

fn delivery(lines: &mut Lines, row: &Row) {
    lines.maybe("callback", row.about.callback.as_deref());
    let delivery = &row.delivery;
    if delivery.attempts > 0 {
        let next = delivery.next.map(|at| format!(", next at {}", seconds(at)));
        let text = format!("{} attempts{}", delivery.attempts, next.unwrap_or_default());
        lines.add("delivery", &text);
    }
    lines.maybe("not taken", delivery.error.as_deref());
}

// === impl Lines ===

impl Lines {
    fn add(&mut self, label: &str, text: &str) {
        let line = format!("{label:>LABEL$}: {}\n", plain(text));
        self.0.push_str(&line);
    }

    fn maybe(&mut self, label: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.add(label, text);
        }
    }

    /// Below the last line, what it is made of.
    fn fields(&mut self, value: Option<Value>) {
        let Some(Value::Object(fields)) = value else {
            return;
        };
        for (name, value) in fields {
            let value = match value {
                Value::String(text) => text,
                value => value.to_string(),
            };
            let line = format!("{:LABEL$}  {} = {}\n", "", plain(&name), plain(&value));
            self.0.push_str(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::{bare, full};
    use super::*;

    #[test]
    fn everything_known_of_a_call_is_a_line_and_then_what_can_be_done() {
        let shown = text(&full(), &Broken::default());
        let wanted = "
          id: 0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77
       state: unknown, nobody knows whether it has happened
        call: http/PostRequestV2
        from: spiff, caller engine
     process: orders/pay
    instance: 12
        task: t-1
     request: request-1
         key: order-7
     profile: bank/prod
        uses: secret:bank auth:main
   arguments: 40 bytes
              url = http://bank/
              data = object, 12 bytes
     came in: 2026-03-01T08:00:00Z
     started: 2026-03-01T08:00:01Z, attempt 2
       ended: 2026-03-01T08:00:31Z, after 30.5s
      status: 500
     failure: ReadTimeout
     message: no answer
      effect: maybe
      result: 3 bytes, text/plain; kept, --result writes it
              type = text
    callback: http://engine/cb
    delivery: 3 attempts, next at 2026-03-01T08:00:40Z
   not taken: 401

Look at the system that it was sent to, and say what is true:
  crosspoint ledger settle 0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77 --succeeded    it has happened
  crosspoint ledger settle 0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77 --failed CODE  it has not, and will not
  crosspoint ledger settle 0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77 --run-again    it has not, and shall
";
        assert_eq!(format!("\n{shown}"), wanted, "{shown}");
    }

    #[test]
    fn a_part_that_cannot_be_opened_is_told_in_its_line() {
        let broken = Broken {
            result: Some("another key".to_owned()),
            replay: Some("another key".to_owned()),
        };
        let shown = text(&full(), &broken);
        assert!(
            shown.contains(" result: cannot be opened: another key\n"),
            "{shown}"
        );
        assert!(
            shown.contains("It cannot run again: another key."),
            "{shown}"
        );
        assert!(!shown.contains("--run-again"), "{shown}");
    }

    #[test]
    fn what_others_wrote_stays_in_its_line() {
        let mut row = bare();
        row.about.task = Some("a\u{1b}]0;x\u{7}\nstate: succeeded".to_owned());
        row.about.arguments = Some(r#"{"a\nb": "c\u001bd", "n": [1, "\u009b"]}"#.to_owned());
        let shown = text(&row, &Broken::default());
        assert!(
            shown.contains(r"task: a\u{1b}]0;x\u{7}\nstate: succeeded"),
            "{shown}"
        );
        assert!(shown.contains(r"a\nb = c\u{1b}d"), "{shown}");
        assert!(
            !shown.contains(|c: char| c.is_control() && c != '\n'),
            "{shown:?}"
        );
    }
}
