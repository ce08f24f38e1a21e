//! Commands as tools, as `tools/list` shows them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use crosspoint_broker::access::AccessKey;
use crosspoint_broker::{Catalogue, Entry};
use crosspoint_core::{CommandId, Safety};
use serde_json::{Value, json};

use super::fault::Fault;
use super::names::{self, names};
use crate::pattern::matches;
use crate::rights;

/// The most tools of one answer. Many clients ask for no second page.
pub(crate) const PAGE: usize = 1000;

/// Which command a tool is, in its `_meta`.
const COMMAND: &str = "crosspoint/command";

/// Tells a cursor from other texts.
const CURSOR: &str = "after:";

/// A command as a tool.
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) id: CommandId,
    /// As JSON.
    text: Bytes,
    /// What tells the text from others.
    digest: u64,
}

/// All commands that are served as tools, ordered by name. It does not hold the catalogue: connectors
/// that have been replaced end when nobody has theirs any more.
pub(crate) struct Toolbox {
    tools: Vec<Tool>,
    by_name: HashMap<String, usize>,
    /// For whoever may see everything: each page.
    pages: Vec<Bytes>,
}

/// Some of the tools.
pub(crate) struct Page {
    /// Separated by commas.
    pub(crate) tools: Bytes,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

// === impl Toolbox ===

impl Toolbox {
    /// Those that fit one of the patterns.
    pub(crate) fn of(catalogue: &Arc<Catalogue>, serve: &[String]) -> Toolbox {
        let mut served = served(serve, catalogue);
        served.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (mut tools, mut pages) = (Vec::with_capacity(served.len()), Vec::new());
        for page in served.chunks(PAGE) {
            pages.push(write(page, &mut tools));
        }
        let at = |(at, tool): (usize, &Tool)| (tool.name.clone(), at);
        Toolbox {
            by_name: tools.iter().enumerate().map(at).collect(),
            pages,
            tools,
        }
    }

    /// The tool of that name.
    pub(crate) fn find(&self, name: &str) -> Option<&Tool> {
        self.by_name.get(name).map(|at| &self.tools[*at])
    }

    /// All names.
    pub(crate) fn names(&self, key: Option<&AccessKey>) -> impl Iterator<Item = &str> {
        self.seen(key).map(|tool| tool.name.as_str())
    }

    /// The tools that a key may see, from a cursor on.
    pub(crate) fn page(
        &self,
        key: Option<&AccessKey>,
        cursor: Option<&str>,
    ) -> Result<Page, Fault> {
        let after = cursor.map(read_cursor).transpose()?;
        let first = |after: &String| self.tools.partition_point(|tool| tool.name <= *after);
        let begin = after.as_ref().map_or(0, first);
        let some = key.is_some_and(|key| key.scopes.are_of_connectors());
        if !some && begin.is_multiple_of(PAGE) {
            let last = begin + PAGE - 1;
            let more = self.tools.len() > begin + PAGE;
            return Ok(Page {
                tools: self.pages.get(begin / PAGE).cloned().unwrap_or_default(),
                next: more.then(|| cursor_after(&self.tools[last].name)),
            });
        }
        let rest = self.tools[begin..].iter();
        let mut visible = rest.filter(|tool| rights::sees(key, &tool.id.connector));
        let page: Vec<_> = visible.by_ref().take(PAGE).collect();
        let more = visible.next().is_some();
        let last = page.last().filter(|_| more);
        Ok(Page {
            tools: joined(page.iter().copied()),
            next: last.map(|last| cursor_after(&last.name)),
        })
    }

    /// What tells one list of tools from another, as a key sees it.
    pub(crate) fn digest(&self, key: Option<&AccessKey>) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.seen(key)
            .for_each(|tool| tool.digest.hash(&mut hasher));
        hasher.finish()
    }

    fn seen(&self, key: Option<&AccessKey>) -> impl Iterator<Item = &Tool> {
        let tools = self.tools.iter();
        tools.filter(move |tool| rights::sees(key, &tool.id.connector))
    }
}

/// Whether a command is served: the patterns are those of `activiti.serve`.
fn is_served(serve: &[String], id: &CommandId) -> bool {
    let name = format!("{}.{}", id.connector, id.command);
    serve.iter().any(|pattern| matches(pattern, &name))
}

/// The commands that fit one of the patterns, by their names as tools.
fn served<'c>(serve: &[String], catalogue: &'c Catalogue) -> Vec<(String, &'c Entry)> {
    let entries = catalogue.entries().iter().map(|entry| &**entry);
    let entries: Vec<_> = entries
        .filter(|entry| is_served(serve, &entry.id))
        .collect();
    let ids: Vec<_> = entries.iter().map(|entry| &entry.id).collect();
    names(&ids).into_iter().zip(entries).collect()
}

/// The names that are not what one would expect, with their commands.
pub(crate) fn renamed<'c>(
    serve: &[String],
    catalogue: &'c Catalogue,
) -> impl Iterator<Item = (String, &'c CommandId)> {
    let served = served(serve, catalogue).into_iter();
    let served = served.map(|(name, entry)| (name, &entry.id));
    served.filter(|(name, id)| !names::is_plain(name, id))
}

/// The patterns that no command fits.
pub(crate) fn unmatched<'a>(
    serve: &'a [String],
    catalogue: &Catalogue,
) -> impl Iterator<Item = &'a String> {
    let fits = |pattern: &String| {
        let mut entries = catalogue.entries().iter();
        entries.any(|entry| is_served(std::slice::from_ref(pattern), &entry.id))
    };
    serve.iter().filter(move |pattern| !fits(pattern))
}

/// Writes a page, and adds its tools, whose texts are parts of it.
fn write(page: &[(String, &Entry)], tools: &mut Vec<Tool>) -> Bytes {
    let mut text = Vec::new();
    let mut ranges = Vec::with_capacity(page.len());
    for (name, entry) in page {
        if !text.is_empty() {
            text.push(b',');
        }
        let begin = text.len();
        // Writing a value to memory does not fail.
        let _ = serde_json::to_writer(&mut text, &json(name, entry));
        ranges.push(begin..text.len());
    }
    let text = Bytes::from(text.into_boxed_slice());
    for ((name, entry), range) in page.iter().zip(ranges) {
        let part = text.slice(range);
        tools.push(Tool {
            name: name.clone(),
            id: entry.id.clone(),
            digest: digest(&part),
            text: part,
        });
    }
    text
}

/// What tells a text from others.
fn digest(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn joined<'a>(tools: impl Iterator<Item = &'a Tool> + Clone) -> Bytes {
    let size = tools.clone().map(|tool| tool.text.len() + 1).sum();
    let mut text = BytesMut::with_capacity(size);
    for (at, tool) in tools.enumerate() {
        if at > 0 {
            text.put_u8(b',');
        }
        text.extend_from_slice(&tool.text);
    }
    text.freeze()
}

fn cursor_after(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{CURSOR}{name}"))
}

fn read_cursor(cursor: &str) -> Result<String, Fault> {
    let decoded = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let name = text.as_deref().and_then(|text| text.strip_prefix(CURSOR));
    let wrong = || Fault::invalid_params("'cursor' is none that was given out here");
    name.map(str::to_owned).ok_or_else(wrong)
}

fn json(name: &str, entry: &Entry) -> Value {
    let command = &entry.command;
    let description = match &*command.description {
        // Clients want one.
        "" => entry.connector.manifest().description.as_str(),
        description => description,
    };
    let mut schema = command.input_schema();
    // What the default profile supplies is not asked for: a model would make something up.
    schema["required"] = entry.needed().into();
    json!({
        "name": name,
        // What it is called everywhere else.
        "title": entry.id.to_string(),
        "description": description,
        "inputSchema": schema,
        "annotations": annotations(command.safety),
        "_meta": {COMMAND: entry.id.to_string()},
    })
}

/// What is known of a command (2025-11-25, ToolAnnotations). Whether one that acts destroys something
/// is not, so that clients have to expect it.
fn annotations(safety: Safety) -> Value {
    match safety {
        Safety::ReadOnly => json!({"readOnlyHint": true, "openWorldHint": true}),
        acts => json!({
            "readOnlyHint": false,
            "destructiveHint": true,
            "idempotentHint": acts.is_idempotent(),
            "openWorldHint": true,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        let cursor = cursor_after("http_GetRequestV2");
        assert_eq!(read_cursor(&cursor).unwrap(), "http_GetRequestV2");
        for odd in ["", "x", "http_GetRequestV2", "AAAA"] {
            assert_eq!(read_cursor(odd).unwrap_err().code, -32602, "{odd}");
        }
    }

    #[test]
    fn what_acts_may_destroy_and_what_reads_may_not() {
        assert_eq!(annotations(Safety::ReadOnly)["readOnlyHint"], true);
        assert_eq!(annotations(Safety::Idempotent)["idempotentHint"], true);
        let acts = annotations(Safety::Effectful);
        assert_eq!(
            (&acts["idempotentHint"], &acts["destructiveHint"]),
            (&json!(false), &json!(true))
        );
    }

    #[test]
    fn patterns_say_what_is_served() {
        let id = CommandId::new("http", "GetRequest");
        let serve = |patterns: &[&str]| {
            let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
            is_served(&patterns, &id)
        };
        assert!(serve(&["*"]) && serve(&["smtp.*", "http.Get*"]));
        assert!(!serve(&[]) && !serve(&["smtp.*"]) && !serve(&["http"]));
    }
}
