//! The service of service tasks, whose settings may change while it works.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use crosspoint_broker::Broker;
use lapin::Connection;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::carrier::Carrier;
use super::connect::{CONNECTING, connect_or_say};
use super::connection::{Shared, run};
use super::metrics::Metrics;
use super::settings::Settings;
use super::status::Status;

/// Serves service tasks as the settings of the moment say.
pub struct Tasks {
    broker: Broker,
    /// What serves, or served last.
    current: Arc<ArcSwapOption<Shared>>,
    /// What serves, and what still answers what it had begun under other settings.
    at_work: TaskTracker,
    metrics: OnceLock<Arc<Metrics>>,
}

/// Settings that can be served, with the connection by which that is known.
pub struct Change(To);

enum To {
    /// As before.
    Same,
    /// Nothing is served any more.
    Nothing,
    Other(Box<(Settings, Option<Connection>)>),
}

// === impl Change ===

impl Change {
    /// Whether anything is to be served otherwise.
    pub fn is_other(&self) -> bool {
        matches!(self.0, To::Other(_))
    }
}

// === impl Tasks ===

impl Tasks {
    /// Serves nothing yet.
    pub fn new(broker: Broker) -> Tasks {
        Tasks {
            broker,
            current: Arc::default(),
            at_work: TaskTracker::new(),
            metrics: OnceLock::new(),
        }
    }

    /// Connects, and serves until the broker of calls stops. Must be called within a tokio runtime.
    pub fn start(&self, settings: Settings) {
        self.begin(settings, None);
    }

    /// How it is. None: nothing is to be served.
    pub fn status(&self) -> Option<Status> {
        self.serving().map(|shared| shared.status.clone())
    }

    /// Tries other settings, without any effect on what is served. Where they lead to another
    /// message broker, or to the same one otherwise, they have to connect; the error is one for
    /// people. None: nothing is to be served.
    pub async fn prepare(&self, settings: Option<Settings>) -> Result<Change, String> {
        let old = self.serving();
        let old = old.as_ref().map(|shared| &shared.settings);
        let Some(settings) = settings else {
            return Ok(Change(old.map_or(To::Same, |_| To::Nothing)));
        };
        if old == Some(&settings) {
            return Ok(Change(To::Same));
        }
        let same_way = old.is_some_and(|old| {
            (&old.amqp, &old.authorities) == (&settings.amqp, &settings.authorities)
        });
        let connection = match connect_or_say(&settings).await {
            Ok(connection) => Some(connection),
            // It is away for the old settings as well.
            Err(_) if same_way => None,
            Err(why) => return Err(why),
        };
        Ok(Change(To::Other(Box::new((settings, connection)))))
    }

    /// Lets other settings count. No request is taken under the old ones when this returns, and the
    /// new queues are bound, or cannot be. What was begun under the old ones is answered over the
    /// old connection, which stays for as long as that takes.
    pub async fn change(&self, Change(to): Change) {
        let (settings, connection) = match to {
            To::Same => return,
            To::Nothing => return self.retire().await,
            To::Other(other) => *other,
        };
        self.retire().await;
        let shared = self.begin(settings, connection);
        // It goes on by itself however long it takes.
        let _ = timeout(CONNECTING, shared.status.ready()).await;
    }

    /// Waits until requests under way are answered, once the broker of calls stops; no longer than
    /// `patience`.
    pub async fn ended(&self, patience: Duration) {
        self.at_work.close();
        let _ = timeout(patience, self.at_work.wait()).await;
    }

    fn serving(&self) -> Option<Arc<Shared>> {
        let current = self.current.load_full();
        current.filter(|shared| !shared.retired.is_cancelled())
    }

    fn begin(&self, settings: Settings, connection: Option<Connection>) -> Arc<Shared> {
        let metrics = self
            .metrics
            .get_or_init(|| Arc::new(Metrics::of(&self.broker)));
        let shared = Shared::new(settings, self.broker.clone(), metrics.clone());
        let shared = Arc::new(shared);
        self.current.store(Some(shared.clone()));
        // The first counts, and all are one.
        self.broker
            .carry_by(Arc::new(Carrier(self.current.clone())));
        self.at_work.spawn(run(shared.clone(), connection));
        shared
    }

    /// Returns when nothing is taken any more.
    async fn retire(&self) {
        let Some(old) = self.serving() else { return };
        old.retired.cancel();
        if timeout(CONNECTING, old.quiet.cancelled()).await.is_err() {
            tracing::warn!("The message broker does not let consumers go; going on without that.");
        }
        old.metrics.connected(false);
    }
}
