//! One proxy, as a mount.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Connector, Mount, Mounted, VIA};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::catalogue::{self, Listed};
use super::connector::RemoteConnector;
use super::proxy::Proxy;
use super::via;
use crate::background::Background;

/// The pause before a proxy that did not tell its catalogue is asked again: doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A catalogue is not read again more often than this, however many calls find it stale.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// A proxy. What it has is read in the background, again and again.
pub struct RemoteMount {
    mounted: watch::Sender<Mounted>,
    reading: Background,
}

/// What reads the catalogue.
struct Reader {
    proxy: Arc<Proxy>,
    mounted: watch::Sender<Mounted>,
    stale: Arc<Notify>,
    /// The catalogue that counts.
    last: Option<(Bytes, Option<String>)>,
    /// What is odd about it.
    notes: Vec<String>,
}

// === impl RemoteMount ===

impl RemoteMount {
    /// Begins to read the catalogue. Must be called inside a runtime.
    pub fn start(proxy: Proxy) -> RemoteMount {
        let mounted = watch::Sender::new(Mounted::loading());
        let reader = Reader {
            proxy: Arc::new(proxy),
            mounted: mounted.clone(),
            stale: Arc::new(Notify::new()),
            last: None,
            notes: Vec::new(),
        };
        RemoteMount {
            mounted,
            reading: Background::spawn(reader.run()),
        }
    }
}

impl Mount for RemoteMount {
    fn connectors(&self) -> watch::Receiver<Mounted> {
        self.mounted.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.reading.end())
    }
}

// === impl Reader ===

impl Reader {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.read().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    sleep(SHORTEST_PAUSE.min(self.proxy.settings.refresh)).await;
                    let left = self.proxy.settings.refresh.saturating_sub(SHORTEST_PAUSE);
                    tokio::select! {
                        () = sleep(left) => {}
                        () = self.stale.notified() => {}
                    }
                }
                Err(clause) => {
                    self.failed(&clause);
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Reads the catalogue once. Fails with a clause about the proxy.
    async fn read(&mut self) -> Result<(), String> {
        let proxy = self.proxy.clone();
        let deadline = Instant::now() + proxy.settings.patience;
        let mut request = proxy.request(Method::GET, proxy.at("/v1/commands"), deadline);
        if let Ok(instance) = HeaderValue::from_str(&proxy.instance)
            && !instance.is_empty()
        {
            request.headers.insert(VIA, instance);
        }
        let response = proxy.http.send(request).await;
        let response = response.map_err(|error| format!("cannot be asked: {error}"))?;
        match response.status {
            200..300 => {}
            401 | 403 => {
                return Err("does not take the API key: set `api_key` to one that it takes".into());
            }
            status => {
                return Err(format!(
                    "answers {status} to the question what commands it has"
                ));
            }
        }
        let from = via::names(&response.headers).pop();
        if !proxy.instance.is_empty() && from.as_deref() == Some(&*proxy.instance) {
            return Err("is this very proxy: it cannot mount itself".to_owned());
        }
        let now = Some((response.body.clone(), from));
        if now == self.last {
            self.serves(None);
            return Ok(());
        }
        let (body, from) = (
            response.body,
            now.as_ref().and_then(|(_, from)| from.clone()),
        );
        // Thousands of commands take their time, and others wait for this thread.
        let reading =
            tokio::task::spawn_blocking(move || catalogue::read(&body, from.as_deref(), &proxy));
        let listed = reading
            .await
            .map_err(|_| "has a catalogue that cannot be read")??;
        self.last = now;
        self.serves(Some(listed));
        Ok(())
    }

    /// The proxy is there. Nothing: it has what it had.
    fn serves(&mut self, listed: Option<Listed>) {
        let connectors = listed.map(|listed| {
            if listed.notes != self.notes {
                let sentences = listed.notes.iter().map(|note| self.sentence(note));
                sentences.for_each(|sentence| tracing::warn!("{sentence}"));
            }
            self.notes = listed.notes;
            let (proxy, stale) = (&self.proxy, &self.stale);
            let connectors = listed.connectors.into_iter().map(|offered| {
                let connector = RemoteConnector::new(offered, proxy.clone(), stale.clone());
                Arc::new(connector) as Arc<dyn Connector>
            });
            connectors.collect::<Arc<[_]>>()
        });
        let problems: Arc<[String]> = self.notes.iter().map(|note| self.sentence(note)).collect();
        let (name, mut back) = (&*self.proxy.name, false);
        self.mounted.send_if_modified(|mounted| {
            let same = connectors.is_none() && mounted.settled && mounted.problems == problems;
            if same {
                return false;
            }
            back = mounted.settled;
            if let Some(connectors) = connectors {
                mounted.connectors = connectors;
            }
            mounted.problems = problems;
            mounted.settled = true;
            true
        });
        if back {
            tracing::info!(proxy = name, "What a proxy has was read anew.");
        }
    }

    /// The proxy does not say what it has. What it had stays in the catalogue: it may come back.
    fn failed(&self, clause: &str) {
        let sentence = self.sentence(clause);
        let mounted = &self.mounted;
        if mounted.send_if_modified(|mounted| mounted.fails(&sentence)) {
            tracing::error!("{sentence}");
        }
    }

    /// A clause as a sentence about the proxy.
    fn sentence(&self, clause: &str) -> String {
        format!("proxy {}: {clause}", self.proxy)
    }
}
