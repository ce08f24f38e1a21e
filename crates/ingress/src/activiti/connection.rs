//! The connection to the message broker: made again whenever it is lost, with everything in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crosspoint_broker::Broker;
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use lapin::{Connection, Event};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bind::keep_bound;
use super::connect::{connect_or_say, place};
use super::consumer::consume;
use super::metrics::Metrics;
use super::publisher::Publisher;
use super::served::{Served, Service};
use super::settings::Settings;
use super::status::Status;

/// The pauses before the next attempt.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How often is looked for commands that have come or gone, and for exchanges that are gone.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// What everything here shares.
pub(crate) struct Shared {
    pub(crate) broker: Broker,
    pub(crate) settings: Settings,
    pub(crate) status: Status,
    /// One for each call that may run at once.
    pub(crate) places: Arc<Semaphore>,
    /// Requests that have not been answered yet.
    pub(crate) under_way: TaskTracker,
    pub(crate) metrics: Arc<Metrics>,
    /// Other settings count: nothing more is taken under these.
    pub(crate) retired: CancellationToken,
    /// Nothing is taken any more.
    pub(crate) quiet: CancellationToken,
    /// That of the connection that stands.
    publisher: Mutex<Option<Arc<Publisher>>>,
    /// What is bound and consumed, by queue.
    bound: Mutex<BTreeMap<String, Arc<Served>>>,
    /// Exchanges of stand-ins at which others were looked for.
    looked_at: Mutex<HashSet<String>>,
}

/// A consumer at work.
struct Member {
    served: Arc<Served>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

// === impl Shared ===

impl Shared {
    pub(crate) fn new(settings: Settings, broker: Broker, metrics: Arc<Metrics>) -> Shared {
        Shared {
            places: Arc::new(Semaphore::new(settings.concurrency)),
            status: Status::default(),
            under_way: TaskTracker::new(),
            metrics,
            retired: CancellationToken::new(),
            quiet: CancellationToken::new(),
            publisher: Mutex::default(),
            bound: Mutex::default(),
            looked_at: Mutex::default(),
            broker,
            settings,
        }
    }

    /// Returns when nothing more is to be taken: the process ends, or other settings count.
    async fn ending(&self) {
        tokio::select! {
            () = self.broker.stopping() => {}
            () = self.retired.cancelled() => {}
        }
    }

    fn is_ending(&self) -> bool {
        self.ending().now_or_never().is_some()
    }

    /// Who publishes at the moment. None: there is no connection.
    pub(crate) fn publisher(&self) -> Option<Arc<Publisher>> {
        let held = self
            .publisher
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        held.clone().filter(|publisher| publisher.is_connected())
    }

    /// Notes whether a queue is bound and consumed.
    pub(crate) fn is_bound(&self, served: &Arc<Served>, bound: bool) {
        let mut all = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        match bound {
            true => all.insert(served.queue.clone(), served.clone()),
            false => all.remove(&served.queue),
        };
    }

    /// What is bound and consumed.
    pub(crate) fn bound(&self) -> Vec<Arc<Served>> {
        let all = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }

    /// Whether nobody has looked at this exchange yet.
    pub(crate) fn looks_at_first(&self, exchange: &str) -> bool {
        let mut all = self
            .looked_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.insert(exchange.to_owned())
    }

    fn set_publisher(&self, publisher: Option<Arc<Publisher>>) {
        *self
            .publisher
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = publisher;
    }
}

/// Connects, and serves until the broker of calls stops or other settings count. `first`: a connection
/// that has been made already.
pub(crate) async fn run(shared: Arc<Shared>, mut first: Option<Connection>) {
    let _quiet = shared.quiet.clone().drop_guard();
    let (mut pause, mut again) = (SHORTEST_PAUSE, false);
    loop {
        let connecting = async {
            match first.take() {
                Some(connection) => Ok(connection),
                None => connect_or_say(&shared.settings).await,
            }
        };
        let connected = tokio::select! {
            connected = connecting => connected,
            () = shared.ending() => return,
        };
        match connected {
            Ok(connection) => {
                shared.status.connected();
                shared.metrics.connected(true);
                if std::mem::replace(&mut again, true) {
                    shared.metrics.reconnected();
                }
                tracing::info!(
                    broker = place(&shared.settings),
                    "Connected to the message broker."
                );
                pause = SHORTEST_PAUSE;
                session(&shared, Arc::new(connection)).await;
                if shared.is_ending() {
                    return;
                }
                shared.metrics.connected(false);
                if shared
                    .status
                    .lost("activiti: the connection to the message broker was lost")
                {
                    tracing::warn!(
                        "The connection to the message broker was lost; connecting again."
                    );
                }
            }
            Err(why) => {
                if shared.status.lost(&why) {
                    tracing::error!("{why}; trying again. Everything else works.");
                }
                shared.status.attempted();
            }
        }
        // What failed together does not come back together.
        let random = scattered(pause);
        tokio::select! {
            () = sleep(random) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = shared.ending() => return,
        }
    }
}

/// Between three and five quarters of a pause.
fn scattered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let random = RandomState::new().build_hasher().finish() % 1024;
    pause * 3 / 4 + pause.mul_f64(random as f64 / 2048.0)
}

/// Serves over one connection until it is lost, or nothing more is to be taken; then requests under
/// way are answered first.
async fn session(shared: &Arc<Shared>, connection: Arc<Connection>) {
    let publisher = Arc::new(Publisher::new(connection.clone()));
    shared.set_publisher(Some(publisher.clone()));
    let mut members: HashMap<String, Member> = HashMap::new();
    let mut events = std::pin::pin!(connection.events_listener());
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let keeping = tokio::spawn(keep_bound(shared.clone(), connection.clone()));
    loop {
        tokio::select! {
            _ = look.tick() => {
                if !connection.status().connected() {
                    break;
                }
                let firsts = reconcile(shared, &connection, &publisher, &mut members);
                // They may wait for a message broker that is busy, of which the next event tells.
                let status = shared.status.clone();
                tokio::spawn(async move {
                    join_all(firsts).await;
                    status.attempted();
                });
            }
            event = events.next() => match event {
                None | Some(Event::Error(_)) if !connection.status().connected() => break,
                None => sleep(LOOK).await,
                Some(Event::ConnectionBlocked(why)) => {
                    tracing::warn!(why, "The message broker takes no messages at the moment.");
                    shared.status.blocked(Some(why));
                }
                Some(Event::ConnectionUnblocked) => {
                    tracing::info!("The message broker takes messages again.");
                    shared.status.blocked(None);
                }
                Some(_) => {}
            },
            () = shared.ending() => break,
        }
    }
    keeping.abort();
    for member in members.values() {
        member.stop.cancel();
    }
    join_all(members.into_values().map(|member| member.task)).await;
    if !shared.is_ending() {
        shared.set_publisher(None);
    } else {
        shared.quiet.cancel();
        shared.under_way.close();
        shared.under_way.wait().await;
        let _ = connection.close(200, "stopping".into()).await;
    }
}

/// Begins what is served and was not yet, and ends what is not served any more. What is returned
/// resolves when the new queues are bound, or cannot be.
fn reconcile(
    shared: &Arc<Shared>,
    connection: &Arc<Connection>,
    publisher: &Arc<Publisher>,
    members: &mut HashMap<String, Member>,
) -> Vec<oneshot::Receiver<()>> {
    let service = Service::of(&shared.settings, &shared.broker.catalogue());
    // Before everything has loaded, nobody knows.
    let unmatched = match shared.broker.health().ready {
        true => service.unmatched,
        false => Vec::new(),
    };
    for what in shared.status.unmatched(unmatched) {
        tracing::warn!("{what}.");
    }
    members.retain(|queue, member| {
        let kept = service.served.get(queue) == Some(&member.served);
        if !kept {
            tracing::info!(queue, "Not served any more.");
            member.stop.cancel();
            shared.status.queue_works(queue);
        }
        kept
    });
    let mut firsts = Vec::new();
    for (queue, served) in service.served {
        if members.contains_key(&queue) {
            continue;
        }
        let (first, begun) = oneshot::channel();
        let stop = CancellationToken::new();
        let (shared, connection) = (shared.clone(), connection.clone());
        let (publisher, own) = (publisher.clone(), stop.clone());
        let task = consume(shared, connection, publisher, served.clone(), own, first);
        let member = Member {
            served,
            stop,
            task: tokio::spawn(task),
        };
        members.insert(queue, member);
        firsts.push(begun);
    }
    firsts
}
