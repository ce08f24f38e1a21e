//! One document, as a mount.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Connector, Manifest, Mount, Mounted};
use crosspoint_net::{Http, Request};
use futures_util::future::BoxFuture;
use http::Method;
use http::header::{ACCEPT, HeaderValue};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use url::Url;

use super::build::{self, Built};
use super::connector::OpenApiConnector;
use super::document::Document;
use super::settings::{At, Source};
use crate::background::Background;

/// How long fetching a document may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause before a document that could not be fetched is asked for again: doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A document. It is read in the background, once.
pub struct OpenApiMount {
    mounted: watch::Sender<Mounted>,
    reading: Background,
}

/// What a document would be as a connector.
pub struct Described {
    /// The connector.
    pub manifest: Manifest,
    /// What is left out, and what is odd, a clause each.
    pub notes: Vec<String>,
}

/// Why a document is not mounted, as a clause about it.
enum Fault {
    /// Another time it may be.
    Passing(String),
    /// The document has to change, or how it is mounted.
    Lasting(String),
}

/// What a document would be as a connector. Reads or fetches it once. Fails with a clause about it.
pub async fn describe(source: &Source) -> Result<Described, String> {
    match read(source).await {
        Ok(built) => Ok(Described {
            manifest: built.manifest,
            notes: built.notes,
        }),
        Err(Fault::Passing(clause) | Fault::Lasting(clause)) => Err(clause),
    }
}

// === impl OpenApiMount ===

impl OpenApiMount {
    /// Begins to read the document. Must be called inside a runtime.
    pub fn start(source: Source) -> OpenApiMount {
        let mounted = watch::Sender::new(Mounted::loading());
        OpenApiMount {
            reading: Background::spawn(load(source, mounted.clone())),
            mounted,
        }
    }
}

impl Mount for OpenApiMount {
    fn connectors(&self) -> watch::Receiver<Mounted> {
        self.mounted.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.reading.end())
    }
}

/// Reads the document until it is there, or until it is clear that it must change.
async fn load(source: Source, mounted: watch::Sender<Mounted>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let fault = match read(&source).await {
            Ok(built) => return serve(&source, built, &mounted),
            Err(fault) => fault,
        };
        let (passing, clause) = match fault {
            Fault::Passing(clause) => (true, clause),
            Fault::Lasting(clause) => (false, clause),
        };
        failed(&source, &clause, &mounted);
        if !passing {
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn read(source: &Source) -> Result<Built, Fault> {
    let limit = source.settings.max_document;
    let text = match &source.at {
        At::File(path) => {
            let path = path.clone();
            let reading = tokio::task::spawn_blocking(move || file(&path, limit));
            let text = reading.await.map_err(|_| lasting("cannot be read"))?;
            text.map_err(Fault::Lasting)?
        }
        At::Web(url) => fetch(&source.http, url, limit).await?,
    };
    let source = source.clone();
    // Large documents take their time, and others wait for this thread.
    match tokio::task::spawn_blocking(move || build(&source, text)).await {
        Ok(built) => built.map_err(Fault::Lasting),
        Err(_) => Err(lasting("cannot be read: it breaks the reader")),
    }
}

fn build(source: &Source, text: Bytes) -> Result<Built, String> {
    let document = Document::read(&text)?;
    drop(text);
    build::build(&document, &source.name, &source.settings, &source.at)
}

fn lasting(clause: &str) -> Fault {
    Fault::Lasting(clause.to_owned())
}

fn file(path: &Path, limit: usize) -> Result<Bytes, String> {
    let about = |error: std::io::Error| format!("cannot be read: {error}");
    let length = std::fs::metadata(path).map_err(about)?.len();
    if length > limit as u64 {
        return Err(too_large(limit));
    }
    std::fs::read(path).map(Bytes::from).map_err(about)
}

fn too_large(limit: usize) -> String {
    format!("is larger than {limit} bytes: see `max_document`")
}

async fn fetch(http: &Http, url: &Url, limit: usize) -> Result<Bytes, Fault> {
    let mut request = Request::new(Method::GET, url.as_str(), Instant::now() + PATIENCE);
    let accept = "application/json, application/yaml;q=0.9, */*;q=0.8";
    request
        .headers
        .insert(ACCEPT, HeaderValue::from_static(accept));
    // A document says where its system is by its own address.
    request.stay = true;
    request.max_answer = limit;
    let response = http.send(request).await;
    let response = response.map_err(|error| match error.kind {
        crosspoint_net::NetErrorKind::AnswerTooLarge => Fault::Lasting(too_large(limit)),
        _ => Fault::Passing(format!("cannot be fetched: {error}")),
    })?;
    match response.status {
        200..300 => Ok(response.body),
        status => Err(Fault::Passing(format!(
            "cannot be fetched: the answer is {status}"
        ))),
    }
}

fn serve(source: &Source, built: Built, mounted: &watch::Sender<Mounted>) {
    let problems: Vec<String> = built
        .notes
        .iter()
        .map(|note| sentence(source, note))
        .collect();
    problems
        .iter()
        .for_each(|problem| tracing::warn!("{problem}"));
    let (connector, commands) = (&*source.name, built.manifest.commands.len());
    tracing::info!(connector, commands, "An OpenAPI document is mounted.");
    let max_answer = source.settings.max_answer;
    let connector = OpenApiConnector::new(built, source.http.clone(), max_answer);
    let connector: Arc<dyn Connector> = Arc::new(connector);
    mounted.send_replace(Mounted {
        connectors: Arc::new([connector]),
        settled: true,
        problems: problems.into(),
        last_words: None,
    });
}

fn failed(source: &Source, clause: &str, mounted: &watch::Sender<Mounted>) {
    let sentence = sentence(source, clause);
    if mounted.send_if_modified(|mounted| mounted.fails(&sentence)) {
        tracing::error!("{sentence}");
    }
}

/// A clause as a sentence about the document.
fn sentence(source: &Source, clause: &str) -> String {
    format!("{} ({}): {clause}", source.name, source.at)
}
