//! What a request asks the ledger for.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crosspoint_broker::ledger::{Filter, read_time};
use crosspoint_core::{CallId, nearest, shorten};

use super::Problem;
use super::problem::Mistake;

/// How many calls are listed unless the request says otherwise, and at the most.
const USUAL: u32 = 50;
const MOST: u32 = 200;

/// By what calls are found.
const FILTERS: [&str; 6] = [
    "connector",
    "command",
    "state",
    "task",
    "instance",
    "request",
];

/// What a list can be asked for besides.
const OF_LISTS: [&str; 4] = ["since", "until", "limit", "cursor"];

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) filter: Filter,
    pub(super) limit: u32,
    /// Only calls before this one.
    pub(super) before: Option<String>,
}

/// Reads the query of a list.
pub(super) fn page(query: Option<&str>) -> Result<Page, Problem> {
    read(query, &[&FILTERS[..], &OF_LISTS].concat())
}

/// Reads the query of those who follow.
pub(super) fn filter(query: Option<&str>) -> Result<Filter, Problem> {
    read(query, &FILTERS).map(|page| page.filter)
}

/// Reads the query of the audit: how many acts, and before which.
pub(super) fn acts(query: Option<&str>) -> Result<(u32, Option<String>), Problem> {
    let (mut limit, mut before) = (USUAL, None);
    each(query, |name, value| match name {
        "limit" => self::limit(value).map(|read| limit = read),
        // Ids are digits.
        "cursor" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
            before = Some(value.to_owned());
            Ok(())
        }
        "cursor" => Err("'cursor' must be the 'next' of an earlier answer".to_owned()),
        name => Err(unknown(name, &["limit", "cursor"])),
    })?;
    Ok((limit, before))
}

/// Reads the query of what may be forced.
pub(super) fn force(query: Option<&str>) -> Result<bool, Problem> {
    let mut force = None;
    each(query, |name, value| match (name, value) {
        ("force", _) if force.is_some() => Err("'force' is there more than once".to_owned()),
        ("force", "true" | "false") => {
            force = Some(value == "true");
            Ok(())
        }
        ("force", _) => Err("'force' must be true or false".to_owned()),
        (name, _) => Err(unknown(name, &["force"])),
    })?;
    Ok(force.unwrap_or_default())
}

/// The place after a call in the list.
pub(super) fn cursor(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

/// Cuts what was read, one more than is shown, down to a page. The last one of it is where the next
/// page goes on, if there is any.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: u32) -> Option<&T> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    rows.last().filter(|_| more)
}

fn read(query: Option<&str>, known: &[&str]) -> Result<Page, Problem> {
    let mut page = Page {
        filter: Filter::default(),
        limit: USUAL,
        before: None,
    };
    let mut seen = BTreeSet::new();
    each(query, |name, value| match known.contains(&name) {
        false => Err(unknown(name, known)),
        true if !seen.insert(name.to_owned()) => Err(format!("'{name}' is there more than once")),
        true => page.take(name, value),
    })?;
    Ok(page)
}

/// Gives each parameter to `take`, which says what is wrong with it. Fails with all mistakes at once.
fn each(
    query: Option<&str>,
    mut take: impl FnMut(&str, &str) -> Result<(), String>,
) -> Result<(), Problem> {
    let mut mistakes = Vec::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let taken = take(&name, &value);
        mistakes.extend(taken.err().map(|detail| Mistake::in_query(&name, detail)));
    }
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(Problem::mistakes(mistakes)),
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    let name = shorten(name);
    match nearest(&name, known.iter().copied()).first() {
        Some(near) => format!("unknown parameter '{name}' (did you mean '{near}'?)"),
        None => format!("unknown parameter '{name}' (there is {})", known.join(", ")),
    }
}

// === impl Page ===

impl Page {
    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        if value.contains('\0') {
            return Err(format!("'{name}' holds a character that no call has"));
        }
        let text = Some(value.to_owned());
        let filter = &mut self.filter;
        match name {
            "connector" => filter.connector = text,
            // `http/GetRequestV2` as well as `GetRequestV2`.
            "command" => match value.split_once('/') {
                Some((connector, command)) => {
                    filter.connector.get_or_insert(connector.to_owned());
                    filter.command = Some(command.to_owned());
                }
                None => filter.command = text,
            },
            "state" => filter.state = Some(value.parse().map_err(as_text)?),
            "task" => filter.task = text,
            "instance" => filter.instance = text,
            "request" => filter.request_id = text,
            "since" => filter.since = Some(time(name, value)?),
            "until" => filter.until = Some(time(name, value)?),
            "limit" => self.limit = limit(value)?,
            "cursor" => self.before = Some(before(value)?),
            _ => {}
        }
        Ok(())
    }
}

fn as_text(error: crosspoint_broker::ledger::NotAState) -> String {
    error.to_string()
}

fn time(name: &str, value: &str) -> Result<i64, String> {
    // Whoever forgets to escape the '+' of an offset sends a space.
    read_time(&value.replace(' ', "+")).ok_or_else(|| {
        format!("'{name}' must be a time as in RFC 3339, such as 2026-03-01T08:00:00Z")
    })
}

fn limit(value: &str) -> Result<u32, String> {
    let limit = value.parse().ok().filter(|n| (1..=MOST).contains(n));
    limit.ok_or_else(|| format!("'limit' must be a number from 1 to {MOST}"))
}

fn before(value: &str) -> Result<String, String> {
    let id = URL_SAFE_NO_PAD.decode(value).ok();
    let id = id.and_then(|id| String::from_utf8(id).ok()?.parse::<CallId>().ok());
    id.map(|id| id.to_string())
        .ok_or_else(|| "'cursor' must be the 'next' of an earlier answer".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosspoint_broker::ledger::State;

    #[test]
    fn every_parameter_is_read() {
        let id = CallId::generate().to_string();
        let query = format!(
            "command=http%2FGetRequestV2&state=failed&task=t+1&instance=7&request=r&\
             since=1970-01-01T00:00:01Z&until=1970-01-01T01:00:02+01:00&limit=7&cursor={}",
            cursor(&id)
        );
        let wanted = Page {
            filter: Filter {
                connector: Some("http".to_owned()),
                command: Some("GetRequestV2".to_owned()),
                state: Some(State::Failed),
                task: Some("t 1".to_owned()),
                instance: Some("7".to_owned()),
                request_id: Some("r".to_owned()),
                since: Some(1000),
                until: Some(2000),
            },
            limit: 7,
            before: Some(id),
        };
        assert_eq!(page(Some(&query)).unwrap(), wanted);
        let nothing = page(None).unwrap();
        assert_eq!((nothing.filter, nothing.limit), (Filter::default(), USUAL));
    }

    #[test]
    fn all_mistakes_are_found_at_once() {
        let query = "state=done&limit=0&cursor=x&since=now&conector=a&task=1&task=2&request=%00";
        let problem = format!("{:?}", page(Some(query)).unwrap_err());
        for name in [
            "state", "limit", "cursor", "since", "conector", "task", "request",
        ] {
            assert!(problem.contains(&format!("Query(\"{name}\")")), "{problem}");
        }
        assert!(problem.contains("did you mean 'connector'?"), "{problem}");
        assert!(filter(Some("limit=5")).is_err());
    }
}
