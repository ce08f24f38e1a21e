//! A connector of another proxy, as the broker sees it.

use std::collections::HashMap;
use std::sync::Arc;

use crosspoint_core::{Call, Connector, Context, Effect, Failure, Manifest, Outcome, VIA};
use futures_util::future::BoxFuture;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::Notify;

use super::catalogue::Offered;
use super::proxy::Proxy;
use super::standing::Standing;
use super::{answer, request, via};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A connector whose commands run in another proxy.
pub(super) struct RemoteConnector {
    manifest: Manifest,
    via: Vec<String>,
    /// Where each command is called.
    urls: HashMap<String, String>,
    proxy: Arc<Proxy>,
    /// Has the catalogue read again.
    stale: Arc<Notify>,
}

// === impl RemoteConnector ===

impl RemoteConnector {
    pub(super) fn new(offered: Offered, proxy: Arc<Proxy>, stale: Arc<Notify>) -> RemoteConnector {
        let Offered { manifest, via } = offered;
        let url = |name: &str| (name.to_owned(), proxy.command(&manifest.name, name));
        let urls = manifest.commands.iter().map(|command| url(&command.name));
        RemoteConnector {
            urls: urls.collect(),
            manifest,
            via,
            proxy,
            stale,
        }
    }

    async fn run(&self, call: &Call, cx: &Context) -> Result<Outcome, Failure> {
        let proxy = &*self.proxy;
        let Some(url) = self.urls.get(&*call.command.command) else {
            let name = &self.manifest.name;
            let message = format!("{name} has no command of that name");
            return Err(Failure::unknown_command(message));
        };
        let mut request = proxy.request(Method::POST, url.clone(), cx.deadline);
        if let Some(via) = via::next(&call.headers, &proxy.instance)? {
            request.headers.insert(VIA, via);
        }
        if let Ok(id) = HeaderValue::from_str(&call.request_id) {
            request.headers.insert(REQUEST_ID, id);
        }
        let json = HeaderValue::from_static("application/json");
        request.headers.insert(CONTENT_TYPE, json);
        request.body = Some(request::body(call));
        request.trace = cx.trace.clone();
        let result = match proxy.http.send(request).await {
            Ok(response) => {
                let standing = match answer::is_doubtful(&response) {
                    true => Standing::ask(proxy, cx).await,
                    false => Standing::Untold,
                };
                answer::returned(&response, standing, proxy, cx)
            }
            Err(error) => Err(error.into()),
        };
        if let Err(failure) = &result
            && failure.code == "command_not_found"
        {
            self.stale.notify_one();
        }
        result
    }

    /// Whether the proxy is there and lets us in. Its liveness is open to everybody, so that it is
    /// the catalogue that is asked for.
    async fn ask(&self, cx: &Context) -> Result<(), Failure> {
        let proxy = &*self.proxy;
        let url = proxy.at("/v1/commands");
        let request = proxy.request(Method::GET, url, cx.deadline);
        let status = proxy.http.send(request).await?.status;
        if status < 300 {
            return Ok(());
        }
        let message = format!("{proxy} answers {status} to the question what commands it has");
        Err(Failure::reported(format!("HttpError{status}"), message).with_effect(Effect::None))
    }
}

impl Connector for RemoteConnector {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(&'a self, call: Call, cx: &'a Context) -> BoxFuture<'a, Result<Outcome, Failure>> {
        Box::pin(async move { self.run(&call, cx).await })
    }

    fn check<'a>(&'a self, cx: &'a Context) -> Option<BoxFuture<'a, Result<(), Failure>>> {
        Some(Box::pin(self.ask(cx)))
    }

    fn via(&self) -> &[String] {
        &self.via
    }
}

#[cfg(test)]
#[path = "connector_tests.rs"]
mod tests;
