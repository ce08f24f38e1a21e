//! Activiti Cloud: definitions, and service tasks over a real RabbitMQ.
//!
//! `server` is the message broker, `rabbit` the one that tests share, `bundle` a runtime bundle with
//! `mapping` as its rules for variables.

mod alarm;
mod bundle;
mod changes;
mod commands;
mod definitions;
mod engine;
mod expression;
mod failures;
mod first;
mod long;
mod mapping;
mod mappings;
mod measured;
mod messages;
mod objects;
mod outages;
mod parameters;
mod patch;
mod rabbit;
mod server;
mod stand_ins;
mod tasks;
mod tls;
mod waiting;

use serde_json::{Map, Value};

use crate::harness::{Ended, Proxy, Setup, until};

use self::bundle::Bundle;
pub use self::bundle::unique;
use self::rabbit::Rabbit;

/// A proxy that serves tasks of the message broker that all tests share, under names of its own.
pub struct Served {
    pub proxy: Proxy,
    prefix: String,
}

/// Serves as these lines under `[activiti]` say.
pub async fn serve(lines: &str) -> Served {
    Served::start(Setup::new(), lines).await
}

/// Process variables.
pub fn process(variables: Value) -> Map<String, Value> {
    variables.as_object().unwrap().clone()
}

// === impl Served ===

impl Served {
    pub async fn start(setup: Setup, lines: &str) -> Served {
        Served::at(rabbit::shared().await, setup, lines).await
    }

    /// The same at a message broker of the test's own.
    pub async fn at(rabbit: &Rabbit, setup: Setup, lines: &str) -> Served {
        let prefix = format!("t{}", unique());
        let config = format!(
            "[activiti]\namqp = \"{}\"\ndestination_prefix = \"{prefix}\"\n{lines}\n",
            rabbit.url()
        );
        let proxy = setup.config(&config).serve().await;
        until("the queues are bound", async || {
            proxy.get("/readyz").await.status == 200
        })
        .await;
        Served { proxy, prefix }
    }

    /// A runtime bundle that sends here.
    pub async fn bundle(&self) -> Bundle {
        self.bundle_at(rabbit::shared().await).await
    }

    pub async fn bundle_at(&self, rabbit: &Rabbit) -> Bundle {
        let prefix = format!("{}_", self.prefix);
        Bundle::start(rabbit, &format!("rb-{}", self.prefix), &prefix).await
    }

    /// The queue of an implementation.
    pub fn queue(&self, implementation: &str) -> String {
        format!("{}_{implementation}.crosspoint", self.prefix)
    }

    /// The exchange of an implementation.
    pub fn exchange(&self, implementation: &str) -> String {
        format!("{}_{implementation}", self.prefix)
    }

    /// Replaces texts in the configuration, each of which must be there.
    pub fn edit(&self, changes: &[(&str, &str)]) {
        let path = self.proxy.path().join("crosspoint.toml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{from} is not in {text}");
            text = text.replace(from, to);
        }
        std::fs::write(&path, text).unwrap();
    }

    /// Runs `crosspoint reload`.
    pub async fn reload(&self) -> Ended {
        self.proxy.run(&["reload"]).await
    }
}
