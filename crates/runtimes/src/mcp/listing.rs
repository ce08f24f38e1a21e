//! Asking a server what it has, as far as that has an end.

use bytes::Bytes;
use crosspoint_core::shorten;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::about::quoted;
use super::connection::{Connection, Ended};
use super::tools::{Listed, Tool};

/// How many tools a server may have.
const MOST: usize = 1000;

/// How large the description of one tool may be, in bytes.
const LARGEST: usize = 256 * 1024;

/// How many pages a list may have, and how many bytes all of them.
const PAGES: usize = 1000;
const ALL: usize = 32 * 1024 * 1024;

/// A page of the list.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    #[serde(rename = "nextCursor")]
    next: Option<String>,
}

/// What a list has come to so far.
#[derive(Default)]
struct Found {
    tools: Vec<Tool>,
    notes: Vec<String>,
    bytes: usize,
    /// How many tools there were, those that cannot be used included.
    count: usize,
}

/// Everything that the server has. Fails with the rest of a sentence that begins with the server.
pub(super) async fn list(connection: &Connection, deadline: Instant) -> Result<Listed, String> {
    let mut found = Found::default();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES {
        let page = match connection.list(cursor.clone(), deadline).await {
            Ended::Answered(page) => page,
            ended => return Err(clause(ended)),
        };
        let next = found.add(&page)?;
        if found.is_too_much() || next.is_none() {
            return Ok(found.listed(connection));
        }
        if next == cursor {
            return Err("lists its tools in pages that lead to themselves".to_owned());
        }
        cursor = next;
    }
    Err(format!("lists its tools in more than {PAGES} pages"))
}

fn clause(ended: Ended) -> String {
    match ended {
        Ended::Answered(_) => "lists its tools".to_owned(),
        Ended::TooLarge => "lists its tools in a message that is longer than max_answer".to_owned(),
        // A server without tools may not know the question.
        Ended::Error(error) => {
            let message = quoted(&error.message);
            format!(
                "does not list its tools: {message} (error {})",
                error.code.0
            )
        }
        Ended::Lost { .. } => "went while it was asked for its tools".to_owned(),
        Ended::Overdue { .. } => "did not list its tools in time".to_owned(),
    }
}

// === impl Found ===

impl Found {
    /// Adds a page; gives where the next one is.
    fn add(&mut self, text: &Bytes) -> Result<Option<String>, String> {
        self.bytes += text.len();
        let page: Page<'_> = serde_json::from_slice(text)
            .map_err(|error| format!("lists its tools in a way that is not understood: {error}"))?;
        for raw in page.tools {
            self.count += 1;
            if self.tools.len() == MOST {
                continue;
            }
            match tool(raw) {
                Ok(tool) => self.tools.push(tool),
                Err(why) => self.note(format!("tool {}: {why}", self.count)),
            }
        }
        Ok(page.next.filter(|next| !next.is_empty()))
    }

    fn note(&mut self, note: String) {
        // A few are enough to see what is wrong.
        if self.notes.len() < 20 {
            self.notes.push(note);
        }
    }

    fn is_too_much(&self) -> bool {
        self.count > MOST || self.bytes > ALL
    }

    fn listed(mut self, connection: &Connection) -> Listed {
        if self.count > MOST {
            self.notes.push(format!(
                "it lists more than {MOST} tools: the first {MOST} are there"
            ));
        } else if self.bytes > ALL {
            let count = self.tools.len();
            let text =
                format!("its list is larger than {ALL} bytes: the first {count} tools are there");
            self.notes.push(text);
        }
        Listed {
            about: connection.about.clone(),
            tools: self.tools,
            notes: self.notes,
        }
    }
}

fn tool(raw: &RawValue) -> Result<Tool, String> {
    if raw.get().len() > LARGEST {
        return Err(format!("its description is larger than {LARGEST} bytes"));
    }
    let tool: Tool = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
    if tool.has_schema() {
        return Ok(tool);
    }
    let name = shorten(&tool.name);
    Err(format!(
        "'{name}' has an inputSchema that is no JSON object"
    ))
}
