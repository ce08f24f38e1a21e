//! The ledger as its readers see it: what `crosspoint ledger` prints.

use serde::Deserialize;
use serde_json::Value;

use super::{Ended, Proxy, Setup, json, until};

/// A row as `--json` prints it.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    pub id: String,
    pub state: String,
    pub connector: String,
    pub command: String,
    pub ingress: String,
    pub caller: Option<String>,
    pub instance: Option<String>,
    pub model: Option<String>,
    pub task: Option<String>,
    pub request_id: String,
    pub key: Option<String>,
    pub attempts: u32,
    pub created: String,
    pub started: Option<String>,
    pub ended: Option<String>,
    pub milliseconds: Option<i64>,
    pub status: Option<u16>,
    pub mimetype: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub effect: Option<String>,
    pub arguments: Value,
    pub argument_bytes: u64,
    pub result: Value,
    pub result_bytes: Option<u64>,
    pub callback: Option<String>,
    pub deliveries: Option<u32>,
    pub delivery_error: Option<String>,
    pub replayable: bool,
    pub result_kept: bool,
}

/// More rows than any test makes.
const ALL: &str = "1000000";

// === impl Setup ===

impl Setup {
    /// Runs `crosspoint ledger` with these arguments.
    pub async fn ledger(&self, arguments: &[&str]) -> Ended {
        let all = [&["ledger"], arguments].concat();
        self.clone().run(&all).await
    }

    /// The rows that a list with these filters has, the newest first.
    pub async fn rows(&self, filters: &[&str]) -> Vec<Row> {
        let text = self.list(filters).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// The list with these filters, as it is printed.
    pub async fn list(&self, filters: &[&str]) -> String {
        let mut arguments = vec!["list", "--json"];
        if !filters.contains(&"--limit") {
            arguments.extend(["--limit", ALL]);
        }
        arguments.extend(filters);
        self.ledger(&arguments).await.text(0)
    }

    /// The row of a request, when it is in this state.
    pub async fn row_in(&self, request: &str, state: &str) -> Row {
        let mut found = None;
        until(&format!("{request} is {state}"), async || {
            let rows = self.rows(&["--request", request]).await;
            assert!(rows.len() <= 1, "{rows:?}");
            found = rows.into_iter().find(|row| row.state == state);
            found.is_some()
        })
        .await;
        found.unwrap()
    }
}

// === impl Proxy ===

impl Proxy {
    /// See [`Setup::ledger`].
    pub async fn ledger(&self, arguments: &[&str]) -> Ended {
        self.setup().ledger(arguments).await
    }

    /// See [`Setup::rows`].
    pub async fn rows(&self, filters: &[&str]) -> Vec<Row> {
        self.setup().rows(filters).await
    }

    /// See [`Setup::row_in`].
    pub async fn row_in(&self, request: &str, state: &str) -> Row {
        self.setup().row_in(request, state).await
    }

    /// Waits until a metric that is written exactly so has this value.
    pub async fn counts(&self, name: &str, value: f64) {
        let what = format!("{name} is {value}");
        until(&what, async || {
            let text = self.get("/metrics").await.text;
            let mut lines = text.lines().filter_map(|line| line.rsplit_once(' '));
            let found = lines.find(|(own, _)| *own == name);
            found.is_some_and(|(_, found)| found.parse() == Ok(value))
        })
        .await;
    }

    /// What `/readyz` finds wrong.
    pub async fn problems(&self) -> String {
        let answer = self.get("/readyz").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["problems"].to_string()
    }
}

// === impl Ended ===

impl Ended {
    /// The standard output of a program that ended with this code.
    pub fn text(&self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.stdout.clone()
    }

    /// The JSON that a program printed, which ended well.
    pub fn json(&self) -> Value {
        json(&self.text(0))
    }
}
