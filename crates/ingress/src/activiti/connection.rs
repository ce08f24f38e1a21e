//! The connection to the message broker: made again whenever it is lost, with everything in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crosspoint_broker::Broker;
use futures_util::StreamExt;
use futures_util::future::join_all;
use lapin::tcp::OwnedTLSConfig;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, Event};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::carrier::Carrier;
use super::consumer::consume;
use super::publisher::Publisher;
use super::served::{Served, Service};
use super::settings::Settings;
use super::status::Status;
use super::trouble;

/// How long one attempt to connect may take.
const CONNECTING: Duration = Duration::from_secs(20);

/// The pauses before the next attempt.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How often is looked for commands that have come or gone.
const LOOK: Duration = Duration::from_secs(1);

/// What everything here shares.
pub(crate) struct Shared {
    pub(crate) broker: Broker,
    pub(crate) settings: Settings,
    pub(crate) status: Status,
    /// One for each call that may run at once.
    pub(crate) places: Arc<Semaphore>,
    /// Requests that have not been answered yet.
    pub(crate) under_way: TaskTracker,
    /// That of the connection that stands.
    publisher: Mutex<Option<Arc<Publisher>>>,
}

/// The service of service tasks, at work.
pub struct Running {
    status: Status,
    task: JoinHandle<()>,
}

/// A consumer at work.
struct Member {
    served: Arc<Served>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

// === impl Shared ===

impl Shared {
    /// Who publishes at the moment. None: there is no connection.
    pub(crate) fn publisher(&self) -> Option<Arc<Publisher>> {
        let held = self
            .publisher
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        held.clone().filter(|publisher| publisher.is_connected())
    }

    fn set_publisher(&self, publisher: Option<Arc<Publisher>>) {
        *self
            .publisher
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = publisher;
    }
}

// === impl Running ===

impl Running {
    /// Connects, and serves until the broker of calls stops. Must be called within a tokio runtime.
    pub fn start(settings: Settings, broker: Broker) -> Running {
        let status = Status::default();
        let shared = Arc::new(Shared {
            places: Arc::new(Semaphore::new(settings.concurrency)),
            status: status.clone(),
            under_way: TaskTracker::new(),
            publisher: Mutex::default(),
            broker,
            settings,
        });
        shared.broker.carry_by(Arc::new(Carrier(shared.clone())));
        Running {
            status,
            task: tokio::spawn(run(shared)),
        }
    }

    /// How it is.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Waits until requests under way are answered, once the broker of calls stops; no longer than
    /// `patience`.
    pub async fn ended(self, patience: Duration) {
        let _ = timeout(patience, self.task).await;
    }
}

async fn run(shared: Arc<Shared>) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let connecting = connect(&shared.settings);
        let stopping = shared.broker.stopping();
        let connected = tokio::select! {
            connected = connecting => connected,
            () = stopping => return,
        };
        match connected {
            Ok(connection) => {
                shared.status.connected();
                tracing::info!(
                    broker = place(&shared.settings),
                    "Connected to the message broker."
                );
                pause = SHORTEST_PAUSE;
                session(&shared, Arc::new(connection)).await;
                if is_stopping(&shared.broker).await {
                    return;
                }
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
                let why = format!(
                    "activiti: connecting to {} failed: {why} (activiti.amqp)",
                    place(&shared.settings)
                );
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
            () = shared.broker.stopping() => return,
        }
    }
}

/// Between three and five quarters of a pause.
fn scattered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let random = RandomState::new().build_hasher().finish() % 1024;
    pause * 3 / 4 + pause.mul_f64(random as f64 / 2048.0)
}

async fn is_stopping(broker: &Broker) -> bool {
    tokio::select! {
        biased;
        () = broker.stopping() => true,
        () = std::future::ready(()) => false,
    }
}

/// Connects. The error is one for people, without the password.
pub(crate) async fn connect(settings: &Settings) -> Result<Connection, String> {
    let uri = uri(settings.amqp.expose())?;
    let properties = ConnectionProperties::default().with_connection_name("crosspoint".into());
    let tls = OwnedTLSConfig {
        identity: None,
        cert_chain: settings.authorities.clone(),
    };
    let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
    let connecting = Connection::connect_uri_with_config(uri.clone(), properties, tls, runtime);
    match timeout(CONNECTING, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(trouble::why(&error, &uri)),
        Err(_) => Err(format!("no answer within {} s", CONNECTING.as_secs())),
    }
}

/// The address of a message broker. A path of `/` alone is the default virtual host, as people mean
/// it, and not the one with the empty name.
pub fn uri(text: &str) -> Result<AMQPUri, String> {
    let mut uri: AMQPUri = text.trim().parse()?;
    if uri.vhost.is_empty() {
        uri.vhost = "/".to_owned();
    }
    Ok(uri)
}

/// The address without user and password.
fn place(settings: &Settings) -> String {
    match uri(settings.amqp.expose()) {
        Ok(uri) => {
            let (host, port) = (&uri.authority.host, uri.authority.port);
            format!("{}://{host}:{port}", uri.scheme)
        }
        Err(_) => "the message broker".to_owned(),
    }
}

/// Serves over one connection until it is lost or the process stops; then requests under way are
/// answered first.
async fn session(shared: &Arc<Shared>, connection: Arc<Connection>) {
    let publisher = Arc::new(Publisher::new(connection.clone()));
    shared.set_publisher(Some(publisher.clone()));
    let mut members: HashMap<String, Member> = HashMap::new();
    let mut events = std::pin::pin!(connection.events_listener());
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {
                if !connection.status().connected() {
                    break;
                }
                let firsts = reconcile(shared, &connection, &publisher, &mut members);
                join_all(firsts).await;
                shared.status.attempted();
            }
            event = events.next() => match event {
                None | Some(Event::Error(_)) if !connection.status().connected() => break,
                None => sleep(LOOK).await,
                Some(Event::ConnectionBlocked(why)) => {
                    tracing::warn!(why, "The message broker takes no messages at the moment.");
                }
                Some(_) => {}
            },
            () = shared.broker.stopping() => break,
        }
    }
    for member in members.values() {
        member.stop.cancel();
    }
    join_all(members.into_values().map(|member| member.task)).await;
    if !is_stopping(&shared.broker).await {
        shared.set_publisher(None);
    } else {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_slash_is_the_default_virtual_host() {
        for text in ["amqp://h", "amqp://h/", "amqp://u:p@h:5672/%2f"] {
            assert_eq!(uri(text).unwrap().vhost, "/", "{text}");
        }
        assert_eq!(uri("amqps://h/a").unwrap().vhost, "a");
        assert!(uri("http://h").is_err() && uri("").is_err());
    }
}
