//! A proxy of SpiffArena's protocol, judged from outside over HTTP.

use std::time::Duration;

use crosspoint_core::Secret;
use crosspoint_core::testing::{Abilities, Ended, Listing, Observed, Probe, Subject, Verdicts};
use crosspoint_net::{Http, NetError, NetErrorKind, Request, Response};
use futures_util::future::BoxFuture;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use url::Url;

use super::{envelope, list};

/// How long SpiffArena's backend waits for a command.
const PATIENCE: Duration = Duration::from_secs(45);

/// Larger answers than anyone should send.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// What the backend sends beside the arguments, but for the address for late answers: some
/// commands would do their work later if they had one.
const CONTEXT: &str = r#""spiff__process_instance_id":1,"spiff__process_model_identifier":"check","spiff__task_id":"5c2d1f7e-6a54-4c3e-9e0b-0a6d2b7f9a10","spiff__task_data":{}"#;

/// A proxy.
pub(super) struct OverHttp {
    client: Http,
    base: Url,
    key: Option<Secret<String>>,
    wanted: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

// === impl OverHttp ===

impl OverHttp {
    /// The commands for which `wanted` holds, of the proxy at `base`.
    pub(super) fn new(
        client: Http,
        base: Url,
        key: Option<Secret<String>>,
        wanted: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> OverHttp {
        OverHttp {
            client,
            base,
            key,
            wanted: Box::new(wanted),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<String>,
    ) -> Result<Response, NetError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = Request::new(method, url, Instant::now() + PATIENCE);
        request.follow = false;
        request.max_answer = MAX_ANSWER;
        if let Some(key) = &self.key {
            request.set_header("Spiff-Connector-Proxy-Api-Key", key.expose())?;
        }
        if let Some(body) = body {
            let json = HeaderValue::from_static("application/json");
            request.headers.insert(CONTENT_TYPE, json);
            request.body = Some(body.into());
        }
        self.client.send(request).await
    }

    async fn read_list(&self) -> Result<Listing, String> {
        let response = self.send(Method::GET, &["v1", "commands"], None).await;
        let response = response.map_err(|error| format!("GET /v1/commands: {error}"))?;
        match response.status {
            200 => list::read(&response.text(), &self.wanted),
            401 | 403 => Err(format!(
                "GET /v1/commands answers {}: name the variable that holds its key with \
                 --api-key-env",
                response.status
            )),
            status => Err(format!("GET /v1/commands answers {status}")),
        }
    }

    async fn call(&self, probe: &Probe) -> Observed {
        let (connector, command) = probe
            .command
            .split_once('/')
            .unwrap_or((&probe.command, ""));
        let body = with_context(&probe.arguments);
        let path = ["v1", "do", connector, command];
        let answer = self.send(Method::POST, &path, Some(body));
        let answer = match probe.cancel {
            None => answer.await,
            Some(after) => match timeout(after, answer).await {
                Ok(answer) => answer,
                Err(_) => return Observed::of(Ended::Dropped),
            },
        };
        match answer {
            Ok(response) => envelope::read(&response),
            Err(error) if error.kind == NetErrorKind::ReadTimeout => Observed::of(Ended::Overran),
            Err(error) => Observed::broke(format!("no answer: {error}")),
        }
    }

    async fn look_around(&self) -> Verdicts {
        let mut verdicts = Vec::new();
        for path in [&["liveness"][..], &["v1", "liveness"]] {
            let answer = self.send(Method::GET, path, None).await;
            let verdict = said(answer, &[200]).and_then(|text| match serde_json::from_str(&text) {
                Ok(Value::Object(map)) if map.get("ok") == Some(&Value::Bool(true)) => Ok(()),
                _ => Err("the answer is not {\"ok\": true}".to_owned()),
            });
            verdicts.push((format!("GET /{}", path.join("/")), verdict));
        }
        let auths = self.send(Method::GET, &["v1", "auths"], None).await;
        // A proxy without any may leave it out.
        let verdict = match &auths {
            Ok(response) if response.status == 404 => Ok(()),
            _ => said(auths, &[200]).and_then(|text| match serde_json::from_str(&text) {
                Ok(Value::Array(_)) => Ok(()),
                _ => Err("the answer is no JSON list".to_owned()),
            }),
        };
        verdicts.push(("GET /v1/auths".to_owned(), verdict));
        verdicts
    }
}

impl Subject for OverHttp {
    fn abilities(&self) -> Abilities {
        Abilities {
            reads_json: true,
            takes_deadline: false,
        }
    }

    fn list(&self) -> BoxFuture<'_, Result<Listing, String>> {
        Box::pin(self.read_list())
    }

    fn run<'a>(&'a self, probe: &'a Probe) -> BoxFuture<'a, Observed> {
        Box::pin(self.call(probe))
    }

    fn endpoints(&self) -> BoxFuture<'_, Verdicts> {
        Box::pin(self.look_around())
    }
}

/// The arguments as the backend would send them. What is no object stays as it is.
fn with_context(arguments: &str) -> String {
    match arguments.trim_start().strip_prefix('{') {
        None => arguments.to_owned(),
        Some(rest) if rest.trim() == "}" => format!("{{{CONTEXT}}}"),
        Some(rest) => format!("{{{CONTEXT},{rest}"),
    }
}

/// The text of an answer with one of these statuses.
fn said(answer: Result<Response, NetError>, statuses: &[u16]) -> Result<String, String> {
    let response = answer.map_err(|error| error.to_string())?;
    match statuses.contains(&response.status) {
        true => Ok(response.text().into_owned()),
        false => Err(format!("it answers {}", response.status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_sent_with_the_context_of_an_engine() {
        for arguments in ["{}", "{\"url\": 1}", " {\n}"] {
            let value: Value = serde_json::from_str(&with_context(arguments)).unwrap();
            assert_eq!(value["spiff__task_data"], serde_json::json!({}));
            assert_eq!(value.get("url").is_some(), arguments.contains("url"));
        }
        assert_eq!(with_context("[1]"), "[1]");
    }
}
