//! Schemas of tools, as far as parameters can be read from them: references followed, and no larger
//! than they may be.

use serde_json::{Map, Value};

/// How large a parameter's schema may become when its references are followed, in nodes.
const LARGEST: usize = 2000;

/// How deep references may lead.
const DEEPEST: usize = 32;

/// How much text may be written out of the schemas of one tool, in bytes, what was given up
/// included. A tool without references has at most half of that: see `LARGEST` in `listing.rs`.
const LARGEST_TOOL: usize = 512 * 1024;

/// The same of all tools of a server: as much as their list may have.
const LARGEST_LIST: usize = 32 * 1024 * 1024;

/// How much may still be written out of the schemas of a server's tools, in bytes.
pub(super) struct Budget {
    tool: usize,
    list: usize,
}

/// What `$ref`s of a schema lead to.
pub(super) struct Schemas<'s> {
    root: &'s Value,
}

/// What is left of a walk.
struct Walk<'s> {
    root: &'s Value,
    budget: &'s mut Budget,
    nodes: usize,
    /// The references that are being followed.
    within: Vec<String>,
}

// === impl Budget ===

impl Budget {
    /// That of a list.
    pub(super) fn of_list() -> Budget {
        Budget {
            tool: LARGEST_TOOL,
            list: LARGEST_LIST,
        }
    }

    /// The next tool has its own.
    pub(super) fn next_tool(&mut self) {
        self.tool = LARGEST_TOOL;
    }

    /// Whether nothing is left for the tool, and whether nothing is left for any.
    pub(super) fn is_spent(&self) -> (bool, bool) {
        (self.tool == 0, self.list == 0)
    }

    /// Takes so many bytes; what is too much takes all that is left.
    fn take(&mut self, bytes: usize) -> Option<()> {
        let enough = bytes <= self.tool && bytes <= self.list;
        self.tool = self.tool.saturating_sub(bytes);
        self.list = self.list.saturating_sub(bytes);
        enough.then_some(())
    }
}

// === impl Schemas ===

impl<'s> Schemas<'s> {
    pub(super) fn of(root: &'s Value) -> Schemas<'s> {
        Schemas { root }
    }

    /// A schema that stands for itself: each reference replaced by what it leads to. Nothing where
    /// that has no end or is too large, where it leads nowhere, or where it is no schema.
    pub(super) fn standing_alone(&self, schema: &Value, budget: &mut Budget) -> Option<Value> {
        let mut walk = Walk {
            root: self.root,
            budget,
            nodes: 0,
            within: Vec::new(),
        };
        match schema {
            Value::Object(_) => walk.resolve(schema),
            // `true`: anything at all.
            Value::Bool(true) => Some(Value::Object(Map::new())),
            _ => None,
        }
    }
}

// === impl Walk ===

impl Walk<'_> {
    fn resolve(&mut self, value: &Value) -> Option<Value> {
        self.nodes += 1;
        if self.nodes > LARGEST {
            return None;
        }
        // Before it is copied. No value has a shorter text than that, with what separates it.
        let text = value.as_str().map_or(0, str::len);
        self.budget.take(2 + text)?;
        match value {
            Value::Object(map) => match map.get("$ref") {
                Some(Value::String(to)) => self.follow(to, map),
                _ => self.members(map).map(Value::Object),
            },
            Value::Array(list) => {
                let list: Option<Vec<_>> = list.iter().map(|value| self.resolve(value)).collect();
                list.map(Value::Array)
            }
            other => Some(other.clone()),
        }
    }

    /// What stands beside a reference, such as a description, goes before what it leads to.
    fn follow(&mut self, to: &str, beside: &Map<String, Value>) -> Option<Value> {
        if self.within.len() >= DEEPEST || self.within.iter().any(|within| within == to) {
            return None;
        }
        self.budget.take(to.len())?;
        let found = self.root.pointer(to.strip_prefix('#')?)?;
        self.within.push(to.to_owned());
        let resolved = self.resolve(found);
        self.within.pop();
        let Value::Object(mut resolved) = resolved? else {
            return None;
        };
        for (key, value) in beside.iter().filter(|(key, _)| *key != "$ref") {
            self.budget.take(key.len())?;
            resolved.insert(key.clone(), self.resolve(value)?);
        }
        Some(Value::Object(resolved))
    }

    /// The definitions themselves are not needed any more.
    fn members(&mut self, map: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        let kept = |key: &&String| !matches!(key.as_str(), "$defs" | "$schema");
        for key in map.keys().filter(kept) {
            self.budget.take(key.len())?;
            members.insert(key.clone(), self.resolve(&map[key.as_str()])?);
        }
        Some(members)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alone(root: &Value) -> Option<Value> {
        Schemas::of(root).standing_alone(&root["properties"]["p"], &mut Budget::of_list())
    }

    #[test]
    fn references_are_replaced_by_what_they_lead_to() {
        let root = json!({
            "properties": {"p": {"$ref": "#/$defs/a", "description": "mine"}},
            "$defs": {
                "a": {"type": "object", "description": "its", "properties": {"x": {"$ref": "#/$defs/b"}}},
                "b": {"type": "integer"},
            },
        });
        let wanted = json!({
            "type": "object", "description": "mine", "properties": {"x": {"type": "integer"}},
        });
        assert_eq!(alone(&root), Some(wanted));
    }

    #[test]
    fn what_has_no_end_leads_nowhere_or_is_no_schema_stands_for_nothing() {
        let endless = json!({"properties": {"p": {"$ref": "#/$defs/a"}},
            "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}});
        let itself = json!({"properties": {"p": {"$ref": "#/properties/p"}}});
        let nowhere = json!({"properties": {"p": {"$ref": "#/$defs/none"}}});
        let outside = json!({"properties": {"p": {"$ref": "https://h/schema.json"}}});
        let no_schema = json!({"properties": {"p": 42}});
        for root in [endless, itself, nowhere, outside, no_schema] {
            assert_eq!(alone(&root), None, "{root}");
        }
        assert_eq!(alone(&json!({"properties": {"p": true}})), Some(json!({})));
    }

    #[test]
    fn what_grows_with_each_reference_is_cut_off() {
        let mut defs = Map::new();
        for level in 0..30 {
            let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            let all: Map<_, _> = (0..10).map(|n| (format!("p{n}"), next.clone())).collect();
            defs.insert(format!("d{level}"), json!({"properties": all}));
        }
        defs.insert("d30".to_owned(), json!({"type": "string"}));
        let root = json!({"properties": {"p": {"$ref": "#/$defs/d0"}}, "$defs": defs});
        assert_eq!(alone(&root), None);
    }
}
