//! What all clients of the protocol share: the tools, the sessions, and how they are served.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use crosspoint_broker::Broker;
use crosspoint_broker::access::AccessKey;
use crosspoint_core::shorten;
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::metrics::Watched;
use super::sessions::Sessions;
use super::tools::{self, Toolbox};

/// How commands are served as tools.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which commands, as `connector.Command` with `*` for any characters.
    pub serve: Vec<String>,
    /// How long a call may take.
    pub deadline: Duration,
    /// The most sessions at once. With 0 there are none.
    pub sessions: usize,
    /// After what time without a request a session is given up.
    pub session_idle: Duration,
    /// How many clients may listen for changes at once, beside their requests.
    pub streams: usize,
}

/// The ingress. Cheap to clone; all clones are one. It lives as long as the process, so that sessions
/// and those who listen outlive a reload.
#[derive(Clone)]
pub struct Mcp(Arc<Inner>);

pub(super) struct Inner {
    broker: Broker,
    settings: ArcSwapOption<Settings>,
    toolbox: ArcSwapOption<Made>,
    pub(super) sessions: Sessions,
    /// Told when the settings have changed.
    changed: watch::Sender<()>,
    streams: AtomicUsize,
}

/// A toolbox, and what it was made of: settings, and what the broker had after so many changes.
struct Made {
    settings: Arc<Settings>,
    changes: u64,
    toolbox: Arc<Toolbox>,
}

/// That somebody listens, until this is dropped.
pub(crate) struct Place(Arc<Inner>);

// === impl Settings ===

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            serve: vec!["*".to_owned()],
            deadline: Duration::from_secs(300),
            sessions: 1000,
            session_idle: Duration::from_secs(30 * 60),
            streams: 256,
        }
    }
}

// === impl Mcp ===

impl Mcp {
    /// Serves the commands of a broker. Without settings nothing is served.
    pub fn new(broker: Broker, settings: Option<Settings>) -> Mcp {
        let mcp = Mcp(Arc::new(Inner {
            broker,
            settings: ArcSwapOption::from_pointee(settings),
            toolbox: ArcSwapOption::empty(),
            sessions: Sessions::default(),
            changed: watch::Sender::new(()),
            streams: AtomicUsize::new(0),
        }));
        let watched = Watched(Arc::downgrade(&mcp.0));
        mcp.0.broker.add_metrics(|registry| {
            registry.register_collector(Box::new(watched));
        });
        mcp
    }

    /// From now on these settings count. Clients that listen are told if that changes their tools.
    pub fn change(&self, settings: Option<Settings>) {
        self.0.settings.store(settings.map(Arc::new));
        self.0.changed.send_replace(());
    }

    /// What is configured for commands that are not there, and what has another name as a tool than
    /// one would expect; a sentence each.
    pub fn notes(&self) -> Vec<String> {
        let Some(settings) = self.settings() else {
            return Vec::new();
        };
        let catalogue = self.0.broker.catalogue();
        let unmatched = tools::unmatched(&settings.serve, &catalogue);
        let unmatched = unmatched.map(|p| format!("mcp.serve: no command fits `{}`", shorten(p)));
        let renamed = tools::renamed(&settings.serve, &catalogue);
        let renamed = renamed.map(|(name, id)| format!("{id} is called {name} as an MCP tool"));
        unmatched.chain(renamed).collect()
    }

    /// Whose commands they are.
    pub fn broker(&self) -> &Broker {
        &self.0.broker
    }

    /// Nothing where nothing is served.
    pub(crate) fn settings(&self) -> Option<Arc<Settings>> {
        self.0.settings.load_full()
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The tools as they are now.
    pub(crate) fn toolbox(&self, settings: &Arc<Settings>) -> Arc<Toolbox> {
        // Counted before anything is looked at: what changes meanwhile makes another toolbox.
        let changes = *self.0.broker.changes().borrow();
        if let Some(made) = &*self.0.toolbox.load()
            && made.changes == changes
            && Arc::ptr_eq(&made.settings, settings)
        {
            return made.toolbox.clone();
        }
        let catalogue = self.0.broker.catalogue();
        let toolbox = Arc::new(Toolbox::of(&catalogue, &settings.serve));
        let made = Made {
            settings: settings.clone(),
            changes,
            toolbox: toolbox.clone(),
        };
        self.0.toolbox.store(Some(Arc::new(made)));
        toolbox
    }

    /// A place among those who listen; nothing where there is none left.
    pub(crate) fn listen(&self, settings: &Settings) -> Option<Place> {
        let streams = &self.0.streams;
        let more = |taken: usize| (taken < settings.streams).then_some(taken + 1);
        let order = Ordering::Relaxed;
        streams.fetch_update(order, order, more).ok()?;
        Some(Place(self.0.clone()))
    }

    /// One item for each time that the tools which a key may see have changed, until the process is
    /// about to end.
    pub(crate) fn changes(
        &self,
        key: Option<Arc<AccessKey>>,
    ) -> impl Stream<Item = ()> + Send + use<> {
        let watched = (self.0.broker.changes(), self.0.changed.subscribe());
        let seen = self.digest(key.as_deref());
        let begin = (self.clone(), watched, key, seen);
        stream::unfold(begin, |(mcp, mut watched, key, seen)| async move {
            loop {
                tokio::select! {
                    changed = watched.0.changed() => changed.ok()?,
                    changed = watched.1.changed() => changed.ok()?,
                    () = mcp.0.broker.stopping() => return None,
                }
                let now = mcp.digest(key.as_deref());
                if now != seen {
                    return Some(((), (mcp, watched, key, now)));
                }
            }
        })
    }

    fn digest(&self, key: Option<&AccessKey>) -> Option<u64> {
        let settings = self.settings()?;
        Some(self.toolbox(&settings).digest(key))
    }
}

impl Inner {
    /// How many listen for changes.
    pub(super) fn listening(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
