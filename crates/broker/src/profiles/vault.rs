//! HashiCorp Vault: values of its key-value engine, version 2, over HTTP.
//!
//! `GET {address}/v1/{mount}/data/{path}` as in
//! <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version>. No value and
//! no token is in any message.

use std::time::Duration;

use crosspoint_core::Secret;
use crosspoint_net::{Http, NetErrorKind, Request};
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::Value;
use tokio::time::Instant;

use super::Vault;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than any secret of Vault has.
const LARGEST: usize = 1 << 20;

/// Where Vault is, and how it knows us.
#[derive(Debug, Clone)]
pub struct HashiCorp {
    /// Its origin, without a slash at the end.
    pub address: String,
    /// The token. None: Vault refuses.
    pub token: Option<Secret<String>>,
    /// The namespace, in the enterprise edition.
    pub namespace: Option<String>,
    /// Where the engine is mounted, most often `secret`.
    pub mount: String,
    /// How long a value counts before it is read again.
    pub ttl: Duration,
}

/// A vault that is asked over HTTP.
pub struct VaultKv {
    vault: HashiCorp,
    http: Http,
}

// === impl VaultKv ===

impl VaultKv {
    /// Asks with this client, by whose rules the address must be allowed.
    pub fn new(vault: HashiCorp, http: Http) -> VaultKv {
        VaultKv { vault, http }
    }

    async fn get(&self, path: &str, field: &str) -> Result<Secret<String>, String> {
        let mut request = self.request(path)?;
        request.max_answer = LARGEST;
        // The token must not go anywhere else.
        request.follow = false;
        let answer = self.http.send(request).await;
        let answer = answer.map_err(|error| match error.kind {
            NetErrorKind::ConnectTimeout | NetErrorKind::ReadTimeout => {
                "cannot be read: Vault does not answer in time".to_owned()
            }
            _ => format!("cannot be read: asking Vault: {}", error.message),
        })?;
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let data = match (answer.status, body) {
            (200, Some(body)) => body,
            (404, body) => return Err(missing(body.as_ref())),
            (status, _) => return Err(refusal(status)),
        };
        match data.pointer("/data/data").and_then(|data| data.get(field)) {
            Some(Value::String(value)) => Ok(Secret::new(value.clone())),
            Some(_) => Err("is not text in Vault".to_owned()),
            None if data.pointer("/data/data").is_some_and(Value::is_object) => Err(
                "is not there: Vault has a secret at this path, and no such field in it".to_owned(),
            ),
            None => Err(
                "cannot be read: Vault's answer is not that of a KV engine, version 2; \
                         see vault.mount"
                    .to_owned(),
            ),
        }
    }

    fn request(&self, path: &str) -> Result<Request, String> {
        let vault = &self.vault;
        let steps = path.trim_matches('/').split('/');
        if steps.clone().any(|step| matches!(step, "" | "." | "..")) {
            return Err("cannot be read: this is not a path of Vault".to_owned());
        }
        let steps: Vec<_> = steps.map(encoded).collect();
        let mount: Vec<_> = vault
            .mount
            .trim_matches('/')
            .split('/')
            .map(encoded)
            .collect();
        let url = format!(
            "{}/v1/{}/data/{}",
            vault.address.trim_end_matches('/'),
            mount.join("/"),
            steps.join("/")
        );
        let mut request = Request::new(Method::GET, url, Instant::now() + PATIENCE);
        let token = vault.token.as_ref().map(|token| token.expose().as_str());
        let headers = [
            ("x-vault-request", Some("true")),
            ("x-vault-token", token),
            ("x-vault-namespace", vault.namespace.as_deref()),
        ];
        for (name, value) in headers {
            let Some(value) = value else { continue };
            let set = request.set_header(name, value);
            set.map_err(|error| format!("cannot be read: {}", error.message))?;
        }
        Ok(request)
    }
}

impl Vault for VaultKv {
    fn read<'a>(
        &'a self,
        path: &'a str,
        field: &'a str,
    ) -> BoxFuture<'a, Result<Secret<String>, String>> {
        Box::pin(self.get(path, field))
    }

    fn ttl(&self) -> Duration {
        self.vault.ttl
    }
}

/// A 404 has the metadata of a version that was deleted.
fn missing(body: Option<&Value>) -> String {
    let metadata = body.and_then(|body| body.pointer("/data/metadata"));
    let says = |name: &str, nothing: &Value| {
        let value = metadata.and_then(|metadata| metadata.get(name));
        value.is_some_and(|value| value != nothing)
    };
    if says("destroyed", &Value::Bool(false)) {
        return "is not there: its newest version in Vault was destroyed".to_owned();
    }
    if says("deletion_time", &Value::String(String::new())) {
        return "is not there: its newest version in Vault was deleted".to_owned();
    }
    "is not there: Vault has no secret at this path, or no such vault.mount".to_owned()
}

fn refusal(status: u16) -> String {
    match status {
        200 => "cannot be read: Vault's answer is not JSON; see vault.address".to_owned(),
        403 => "cannot be read: Vault refuses the token (403): it is missing, has expired, or its \
                policy does not allow this path; see vault.token"
            .to_owned(),
        429 => "cannot be read: Vault asks for fewer requests (429)".to_owned(),
        503 => "cannot be read: Vault is sealed or being maintained (503)".to_owned(),
        300..=399 => format!(
            "cannot be read: Vault at vault.address points elsewhere ({status}); write the address \
             of the active node"
        ),
        status => format!("cannot be read: Vault answers with {status}"),
    }
}

/// A step of a path, with everything encoded that could mean something else.
fn encoded(step: &str) -> String {
    let mut encoded = String::with_capacity(step.len());
    for byte in step.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
