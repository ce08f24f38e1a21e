//! `crosspoint ledger`: what people and scripts do with the calls that were recorded.

mod act;
mod follow;
mod list;
mod show;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use crosspoint_broker::ledger::{
    About, End, Ending, Key, NewRow, State, Store, Wait, seal_call, seal_result,
};
use crosspoint_core::{Arguments, Call, Effect, Failure, Ingress, Origin, Outcome};
use crosspoint_store::{Ledger, Options};
use serde_json::Value;

use crate::harness::{Ended, Setup, json};

/// A ledger as a server has left it, and what works on it.
struct Desk {
    setup: Setup,
    ledger: Arc<Ledger>,
}

/// A call to be recorded.
struct Entry {
    call: Call,
    state: State,
    result: Result<Outcome, Failure>,
    created: i64,
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}

// === impl Desk ===

impl Desk {
    /// An empty ledger.
    async fn new() -> Desk {
        let setup = Setup::new();
        let folder = setup.path().join(".crosspoint");
        std::fs::create_dir(&folder).unwrap();
        let url = format!("sqlite:{}", folder.join("crosspoint.db").display());
        let options = Options::new(folder.join("master.key"));
        let ledger = crosspoint_store::open(&url, &options).await.unwrap();
        Desk { setup, ledger }
    }

    /// Records a call and gives its id.
    async fn record(&self, entry: Entry) -> String {
        let Entry {
            call,
            state,
            result,
            created,
        } = entry;
        let id = call.id.to_string();
        let key = call.key.as_ref().map(|key| Key {
            scope: "key:".to_owned(),
            text: key.clone(),
            fingerprint: [0; 32],
        });
        let kept = key.is_some() || call.callback.is_some();
        let row = NewRow {
            id: id.clone(),
            about: About {
                ingress: call.origin.ingress.name().to_owned(),
                task: call.origin.task.clone(),
                instance: call.origin.instance.clone(),
                request_id: call.request_id.to_string(),
                connector: call.command.connector.to_string(),
                command: call.command.command.to_string(),
                created,
                callback: call.callback.clone(),
                ..About::default()
            },
            key,
            state: State::Running,
            replay: kept.then(|| seal_call(&call)),
        };
        self.ledger.begin(row, Wait::Committed).await.unwrap();
        if state == State::Running {
            return id;
        }
        let end = match state {
            State::Undeliverable => State::Finished,
            state => state,
        };
        self.end(&id, end, &result, kept.then(|| seal_result(&result)))
            .await;
        if state == State::Undeliverable {
            self.ledger
                .undeliverable(&id, "401 Unauthorized")
                .await
                .unwrap();
        }
        id
    }

    async fn end(
        &self,
        id: &str,
        state: State,
        result: &Result<Outcome, Failure>,
        sealed: Option<Bytes>,
    ) {
        let failure = result.as_ref().err();
        let ending = Ending {
            ended: now(),
            status: Some(if failure.is_some() { 500 } else { 200 }),
            code: failure.map(|failure| failure.code.to_string()),
            message: failure.map(|failure| failure.message.clone()),
            effect: failure.map(|_| Effect::Maybe),
            ..Ending::default()
        };
        let end = End {
            id: id.to_owned(),
            state,
            ending,
            result: sealed,
        };
        self.ledger.end(end, Wait::Committed).await.unwrap();
    }

    async fn state(&self, id: &str) -> State {
        self.ledger.find(id).await.unwrap().unwrap().state
    }

    /// Runs `crosspoint ledger`.
    async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "").await
    }

    async fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let whole = [&["ledger"], arguments].concat();
        self.setup.clone().run_with(&whole, input).await
    }

    /// Runs `crosspoint ledger … --json` and reads what it prints.
    async fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat()).await;
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{ended:?}"
        );
        json(&ended.stdout)
    }

    /// The ids that `list` gives.
    async fn ids(&self, arguments: &[&str]) -> Vec<String> {
        let rows = self.json(&[&["list"], arguments].concat()).await;
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

// === impl Entry ===

impl Entry {
    /// A call of `http/PostRequestV2`, with a key, so that everything of it is kept.
    fn new(url: &str, state: State) -> Entry {
        let arguments = serde_json::json!({ "url": url }).to_string();
        let arguments = Arguments::parse(arguments.into()).unwrap();
        let command = "http/PostRequestV2".parse().unwrap();
        let mut call = Call::new(command, arguments, Origin::of(Ingress::Spiff));
        call.key = Some(format!("key of {}", call.id));
        let result = match state {
            State::Failed | State::Unknown => Err(Failure::transport("ReadTimeout", "no answer")),
            _ => Ok(Outcome::text("the answer")),
        };
        Entry {
            call,
            state,
            result,
            created: now(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Call)) -> Entry {
        change(&mut self.call);
        self
    }

    fn ago(mut self, minutes: i64) -> Entry {
        self.created -= minutes * 60_000;
        // Filters by time follow the id, which begins with it.
        let time = format!("{:012x}", self.created);
        let id = self.call.id.to_string();
        let id = format!("{}-{}{}", &time[..8], &time[8..], &id[13..]);
        self.call.id = id.parse().unwrap();
        self
    }
}
