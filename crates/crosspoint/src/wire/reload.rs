//! Reading the configuration and the connectors again while calls go on.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_broker::profiles::Source;
use crosspoint_broker::{Broker, Settings};
use crosspoint_core::Mask;
use crosspoint_ingress::Live;
use crosspoint_ingress::activiti::{Status, Tasks};
use crosspoint_ingress::mcp::Mcp;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::ingress::KeptFor;
use super::mounts::Around;
use super::{
    Kept, Options, Runtimes, activiti, built_in, grants, ingress, secrets, settings, tools,
};
use crate::config::{self, Loaded};
use crate::logging::LogMask;
use crate::show;

/// How often the files are looked at when they are watched.
const LOOK: Duration = Duration::from_millis(500);

/// How often is looked whether a secret has changed that the configuration refers to.
const FOLLOW: Duration = Duration::from_secs(2);

/// What a reload changes.
pub struct Reloader {
    /// Where the configuration comes from.
    pub options: Options,
    /// Our own address.
    pub listener: SocketAddr,
    /// The commands.
    pub broker: Broker,
    /// The service of Activiti's tasks.
    pub activiti: Arc<Tasks>,
    /// The commands as tools.
    pub mcp: Mcp,
    /// The way in over HTTP.
    pub routes: Live,
    /// What the log hides.
    pub log: LogMask,
    /// What the runtimes mount.
    pub runtimes: Runtimes,
    /// What the store keeps for the way in.
    pub at_the_door: KeptFor,
    /// What is kept.
    pub kept: Kept,
    /// The configuration that counts, and every secret there has been: what was replaced may still
    /// end a call.
    pub now: Mutex<(Loaded, Vec<String>)>,
}

/// What a reload did.
#[derive(Debug)]
pub struct Reloaded {
    /// A sentence on what is there now.
    pub summary: String,
    /// What does not work.
    pub problems: Vec<String>,
    /// What needs a restart, or may not be meant.
    pub notes: Vec<String>,
}

// === impl Reloader ===

impl Reloader {
    /// Reads everything again. When the configuration has mistakes, or a connector cannot be
    /// built or loaded, everything stays as it was and the text says why.
    pub async fn reload(&self) -> Result<Reloaded, String> {
        let mut now = self.now.lock().await;
        let options = self.options.clone();
        let loaded = tokio::task::spawn_blocking(move || options.load());
        let loaded = loaded.await.map_err(|error| error.to_string())?;
        let loaded = loaded.map_err(|problems| problems.to_string())?;
        let built_in = built_in::registration(&loaded, Some(self.listener));
        let mut mounts = vec![built_in.map_err(|error| format!("{error:#}"))?];
        let around = Around {
            loaded: &loaded,
            listener: Some(self.listener),
            kept: &self.kept,
            instance: &self.kept.instance,
        };
        let next = self.runtimes.next(&around).await;
        let next = next.map_err(|problems| problems.join("\n"))?;
        mounts.extend(next.registrations());

        now.1.extend(secrets(&loaded));
        now.1.sort();
        now.1.dedup();
        let mask = Mask::new(now.1.clone());
        self.log.replace(mask.clone());
        let settings = settings(&loaded, mask, Some(self.listener), &self.kept);
        let settings = Settings {
            kept_back: next.kept_back(),
            ..settings.map_err(|error| format!("{error:#}"))?
        };
        let setup = grants::setup(&loaded, Some(self.listener));
        let setup = setup.map_err(|error| format!("{error:#}"))?;
        let vault = super::vault::vault(&loaded).map_err(|error| format!("{error:#}"))?;
        let tasks = self.activiti.prepare(activiti::settings(&loaded)).await?;
        let replaced = self.broker.replace(settings, mounts).await;
        replaced.map_err(|error| error.to_string())?;
        self.kept.grants.configure(setup);
        self.kept.secrets.replace_vault(vault);
        self.runtimes.take(next).await;
        // Takes what has just changed into the catalogue: who is told of the reload may call at
        // once.
        self.broker.settled().await;
        let mut health = self.broker.health();
        let mut notes = fixed(&now.0, &loaded);
        let others = tasks.is_other();
        self.activiti.change(tasks).await;
        let activiti = self.activiti.status();
        if others {
            notes.extend(activiti::warnings(&loaded, &self.broker));
            let problems = activiti.iter().flat_map(Status::problems);
            health.problems.extend(problems);
        }
        self.mcp.change(tools::settings(&loaded));
        let ingress = ingress(&loaded, &self.at_the_door, activiti, self.mcp.clone());
        let router = crosspoint_ingress::router(self.broker.clone(), ingress);
        self.routes.replace(router);
        notes.extend(self.mcp.notes());
        notes.extend(health.misplaced);
        notes.extend(health.profiles);
        notes.extend(loaded.warnings.iter().map(ToString::to_string));
        now.0 = loaded;
        let summary = describe(&self.broker);
        Ok(Reloaded {
            summary,
            problems: health.problems,
            notes,
        })
    }

    /// Reloads, and says in the log what came of it.
    pub async fn reload_aloud(&self, why: &str) -> Result<Reloaded, String> {
        let reloaded = self.reload().await;
        match &reloaded {
            Ok(reloaded) => {
                tracing::info!(why, "Reloaded: {}", reloaded.summary);
                for problem in &reloaded.problems {
                    tracing::error!("{}", show::one_line(problem));
                }
                for note in &reloaded.notes {
                    tracing::warn!("{}", show::one_line(note));
                }
            }
            Err(reason) => {
                let reason = show::one_line(reason);
                tracing::error!(why, "Not reloaded, everything stays as it was: {reason}");
            }
        }
        reloaded
    }

    /// Reloads whenever a secret that the configuration refers to has changed, in the store or in a
    /// vault. Never returns.
    pub async fn follow_secrets(self: Arc<Self>) {
        let (mut seen, mut looked) = (None, Instant::now());
        loop {
            sleep(FOLLOW).await;
            let Some(ttl) = self.referring().await else {
                continue;
            };
            let version = self.kept.cabinet.version().await.ok();
            let stale = ttl.is_some_and(|ttl| looked.elapsed() >= ttl);
            if (version.is_none() || version == seen) && !stale {
                continue;
            }
            (seen, looked) = (version.or(seen), Instant::now());
            if self.leads_elsewhere().await {
                let _ = self.reload_aloud("a secret has changed").await;
            }
        }
    }

    /// Whether the configuration refers to secrets; and after what time those of a vault are old.
    async fn referring(&self) -> Option<Option<Duration>> {
        let now = self.now.lock().await;
        let (references, vault) = (&now.0.references, &now.0.vault);
        let in_vault = |(_, source): &(String, Source)| matches!(source, Source::Vault { .. });
        let vault = vault.as_ref().filter(|_| references.iter().any(in_vault));
        (!references.is_empty()).then(|| vault.map(|vault| vault.ttl))
    }

    /// Whether what the configuration refers to is something else now. What cannot be read any more
    /// is: reloading says what is wrong.
    async fn leads_elsewhere(&self) -> bool {
        let options = self.options.clone();
        let loaded = tokio::task::spawn_blocking(move || options.load()).await;
        let Ok(Ok(loaded)) = loaded else {
            return true;
        };
        let now = self.now.lock().await;
        !config::all_secrets(&loaded).eq(config::all_secrets(&now.0))
    }

    /// Reloads whenever the configuration file or the code of a connector has changed and then
    /// stayed the same for a moment. Never returns.
    pub async fn watch(self: Arc<Self>) {
        let (file, _) = self.look().await;
        // What still loads is no change, but files may change meanwhile.
        self.broker.settled().await;
        let mut seen = (file, digest(&self.runtimes.mounted_fingerprint()));
        let mut settling = seen;
        loop {
            sleep(LOOK).await;
            let looks = self.look().await;
            if looks != seen && looks == settling {
                let _ = self.reload_aloud("a file changed").await;
                // What a failed reload saw is not tried again until it changes once more.
                seen = looks;
            }
            settling = looks;
        }
    }

    /// What the configuration file and the code of the connectors look like.
    async fn look(self: &Arc<Self>) -> (u64, u64) {
        let file = self.now.lock().await.0.file.clone();
        let reloader = self.clone();
        let look = move || {
            let file = digest(&content(file.as_deref()));
            (file, digest(&reloader.runtimes.fingerprint()))
        };
        // A look that failed is like one that saw nothing.
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn content(file: Option<&Path>) -> Option<Vec<u8>> {
    std::fs::read(file?).ok()
}

/// What counts from the start of the process to its end.
fn fixed(old: &Loaded, new: &Loaded) -> Vec<String> {
    let (old, new) = (&old.config, &new.config);
    let changed = [
        ("listen", old.listen != new.listen),
        ("log", old.log != new.log),
        ("log_format", old.log_format != new.log_format),
        ("data_dir", old.data_dir != new.data_dir),
        ("drain", old.drain != new.drain),
        ("store", old.store != new.store),
    ];
    let changed = changed.iter().filter(|(_, changed)| *changed);
    changed
        .map(|(key, _)| format!("`{key}` has changed and counts from the next start on"))
        .collect()
}

/// How many commands of how many connectors there are.
pub fn describe(broker: &Broker) -> String {
    let catalogue = broker.catalogue();
    let entries = catalogue.entries();
    let connectors = entries.chunk_by(|a, b| a.id.connector == b.id.connector);
    format!(
        "{} commands of {} connectors",
        entries.len(),
        connectors.count()
    )
}
