//! A system whose state changes with each request, and which tells how often.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::{Reply, Seen, Upstream};

/// Counts the requests by the member `id` of their bodies: each is an effect.
pub struct Effects {
    upstream: Upstream,
    counts: Counts,
}

type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

// === impl Effects ===

impl Effects {
    /// Answers with the id, and how many effects it has had by then.
    pub async fn start() -> Effects {
        Effects::with(Effects::usual).await
    }

    /// Answers with what `reply` makes of a request, its id and its count of effects.
    pub async fn with(
        reply: impl Fn(&Seen, &str, usize) -> Reply + Send + Sync + 'static,
    ) -> Effects {
        let counts = Counts::default();
        let own = counts.clone();
        let upstream = Upstream::start(move |seen| {
            let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap_or_default();
            let id = body["id"].as_str().unwrap_or_default().to_owned();
            let count = {
                let mut counts = own.lock().unwrap();
                let count = counts.entry(id.clone()).or_default();
                *count += 1;
                *count
            };
            reply(seen, &id, count)
        })
        .await;
        Effects { upstream, counts }
    }

    /// The answer that tells what happened.
    pub fn usual(_: &Seen, id: &str, count: usize) -> Reply {
        Reply::json(&json!({"id": id, "effect": count}).to_string())
    }

    /// Arguments of an `http` command that has the effect.
    pub fn arguments(&self, id: &str) -> serde_json::Value {
        json!({"url": self.upstream.url("/effect"), "data": {"id": id}})
    }

    /// How many effects an id has had.
    pub fn of(&self, id: &str) -> usize {
        self.counts.lock().unwrap().get(id).copied().unwrap_or(0)
    }

    /// The effects by id.
    pub fn all(&self) -> BTreeMap<String, usize> {
        self.counts.lock().unwrap().clone()
    }

    /// Waits until so many requests have arrived.
    pub async fn arrived(&self, count: usize) {
        self.upstream.arrived(count).await;
    }
}
