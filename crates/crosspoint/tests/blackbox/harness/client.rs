//! The caller: requests as an engine sends them, answers judged by the protocol's own schemas.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, Method};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, RequestBuilder, Response};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::time::Duration;

use super::api::judge;
use super::{PATIENCE, Proxy, check, json};

/// A request under construction.
pub struct Ask {
    request: RequestBuilder,
    method: Method,
    path: String,
    verbatim: bool,
}

/// An answer that the schemas found no fault with.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

/// Keeps no connections: each test has a runtime of its own, and connections die with theirs.
static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .pool_max_idle_per_host(0)
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .build()
        .unwrap()
});

/// Sends what a proxy would, for tests of what proxies talk to.
pub(super) async fn put(url: &str, body: &str) -> reqwest::Result<Response> {
    CLIENT.put(url).body(body.to_owned()).send().await
}

/// What is read at a URL.
pub(super) async fn text_of(url: &str) -> String {
    let answer = CLIENT.get(url).send().await.unwrap();
    answer.text().await.unwrap()
}

// === impl Proxy ===

impl Proxy {
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        Ask {
            request: CLIENT.request(method.clone(), self.url(path)),
            method,
            path: path.to_owned(),
            verbatim: false,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    /// A call whose arguments are still to be given.
    pub fn do_(&self, command: &str) -> Ask {
        self.ask(Method::POST, &format!("/v1/do/{command}"))
    }

    /// Calls a command.
    pub async fn call(&self, command: &str, arguments: Value) -> Answer {
        self.do_(command).json(&arguments).send().await
    }
}

// === impl Ask ===

impl Ask {
    pub fn header(mut self, name: &str, value: &str) -> Ask {
        self.request = self.request.header(name, value);
        self
    }

    pub fn body(mut self, body: impl Into<Body>) -> Ask {
        self.request = self.request.body(body);
        self
    }

    /// Gives up after this time, as the clients of a busy system do.
    pub fn within(mut self, time: Duration) -> Ask {
        self.request = self.request.timeout(time);
        self
    }

    pub fn json(self, value: &Value) -> Ask {
        self.header("content-type", "application/json")
            .body(value.to_string())
    }

    /// Expects a bare version 1 answer, for which there is no schema.
    pub fn verbatim(mut self) -> Ask {
        self.verbatim = true;
        self
    }

    /// Sends it, and gives the answer before its body has come.
    pub async fn stream(self) -> Response {
        self.request.send().await.unwrap()
    }

    /// Sends it. The answer has been checked: its shape, and that it can be found in the log.
    pub async fn send(self) -> Answer {
        self.try_send().await.unwrap()
    }

    /// The same, for a connection that may break off.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        let answer = self.request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        assert!(headers.contains_key("x-request-id"), "{status} {headers:?}");
        let mimetype = headers.get("content-type").and_then(|m| m.to_str().ok());
        if text.is_empty() || self.verbatim {
            // There is nothing to judge.
        } else if self.path.starts_with("/api") {
            let mimetype = mimetype.unwrap_or_default();
            judge(&self.method, &self.path, status, mimetype, &text).await;
        } else {
            check(&self.path, status, &text);
        }
        Ok(Answer {
            status,
            headers,
            text,
        })
    }
}

// === impl Answer ===

impl Answer {
    pub fn json(&self) -> Value {
        json(&self.text)
    }

    /// A header as text; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|v| v.to_str().ok());
        value.unwrap_or_default()
    }

    /// The body of a version 2 answer.
    pub fn body(&self) -> Value {
        self.json()["command_response"]["body"].clone()
    }

    /// The inner status of a version 2 answer.
    pub fn inner(&self) -> u64 {
        let status = &self.json()["command_response"]["http_status"];
        status.as_u64().unwrap_or_else(|| panic!("{}", self.text))
    }

    /// The structured error's code; empty when there is no error.
    pub fn code(&self) -> String {
        self.json()["error"]["error_code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The structured error's message; empty when there is no error.
    pub fn message(&self) -> String {
        self.json()["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The lines for the engine's log.
    pub fn logs(&self) -> String {
        self.json()["spiff__logs"].to_string()
    }

    /// Outer status, inner status and code of a failure that the command itself had.
    pub fn failure(&self) -> (u16, u64, String) {
        (self.status, self.inner(), self.code())
    }

    /// The body of a call that succeeded.
    pub fn success(&self) -> Value {
        assert_eq!(
            (self.status, self.code().as_str()),
            (200, ""),
            "{}",
            self.text
        );
        self.body()
    }
}
