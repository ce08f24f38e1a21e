//! A provider of OAuth 2 and OpenID Connect that nobody here wrote (PyPI: `oidc-provider-mock`, on
//! Authlib), and what a person does in front of it.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use reqwest::Url;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::harness::{Answer, PATIENCE, Proxy, until};
use crate::python::support::test_python;

/// A provider, killed when dropped.
pub struct Provider {
    pub url: String,
    child: Child,
}

impl Provider {
    pub async fn start(arguments: &[&str]) -> Provider {
        let mut child = Command::new(test_python())
            .args(["-W", "ignore", "-m", "oidc_provider_mock", "--port", "0"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = tokio::process::ChildStderr::from_std(child.stderr.take().unwrap()).unwrap();
        let said: Arc<Mutex<String>> = Arc::default();
        let told = said.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                told.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let address = || {
            let said = said.lock().unwrap();
            let rest = said.split_once("running on ")?.1;
            rest.split_whitespace().next().map(str::to_owned)
        };
        until("the provider listens", async || {
            let over = child.try_wait().unwrap();
            assert!(over.is_none(), "{over:?}: {}", said.lock().unwrap());
            address().is_some()
        })
        .await;
        Provider {
            url: address().unwrap(),
            child,
        }
    }

    /// An auth of the connector `http` by it.
    pub fn auth(&self, name: &str) -> String {
        format!(
            "[connectors.http.auths.{name}]\nauthorize_url = \"{0}/oauth2/authorize\"\n\
             token_url = \"{0}/oauth2/token\"\nclient_id = \"crosspoint\"\n\
             client_secret = \"canary-client-secret\"\nscopes = [\"openid\", \"email\"]\n\
             issuer = \"{0}\"\n",
            self.url
        )
    }

    /// The same with a profile of `http` that names it.
    pub fn profile(&self, name: &str, auth: &str) -> String {
        format!(
            "{}[connectors.http.profiles.{name}]\nauth = \"{auth}\"\n\
             settings = {{ origin = \"https://api.example\" }}\n",
            self.auth(auth)
        )
    }

    /// Consents as a person would, and gives where the browser is sent.
    pub async fn consent(&self, address: &str) -> Url {
        self.decide(address, "sub=ada").await
    }

    /// Fills in the provider's form.
    pub async fn decide(&self, address: &str, form: &str) -> Url {
        // Whoever comes second finds it done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let sent = client
            .post(address)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap();
        let status = sent.status();
        let location = sent
            .headers()
            .get("location")
            .map(|to| to.to_str().unwrap().to_owned());
        let text = sent.text().await.unwrap();
        let location = location.unwrap_or_else(|| panic!("{status} {text}"));
        location.parse().unwrap()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Opens an address of the proxy as a browser does.
pub async fn open(proxy: &Proxy, path: &str) -> Answer {
    let ask = proxy.ask(http::Method::GET, path).verbatim();
    let answer = ask.send().await;
    assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    answer
}

/// Path and query of an address at the proxy, as its browser would send them.
pub fn at(proxy: &Proxy, url: &Url) -> String {
    let base = proxy.url("");
    let text = url.as_str();
    text.strip_prefix(&base)
        .unwrap_or_else(|| panic!("{text} is not at {base}"))
        .to_owned()
}

/// The parameters of an address.
pub fn query(url: &str) -> HashMap<String, String> {
    let url: Url = url.parse().unwrap();
    url.query_pairs().into_owned().collect()
}
