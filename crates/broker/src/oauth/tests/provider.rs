//! A provider of tokens in this process. It counts what it is asked, rotates refresh tokens and
//! notices when one is used twice, and misbehaves as it is told.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::cabinet::{Cabinet, Memory};
use crate::oauth::{AuthId, AuthSettings, Grant, Grants, Redirects, Setup};
use crate::profiles::{ProfileId, Secrets, Source};

/// How it misbehaves.
#[derive(Clone, Default)]
pub struct Manners {
    /// It waits before it answers.
    pub slow: Duration,
    /// It answers this instead, with this status.
    pub instead: Option<(u16, String)>,
    /// It leaves the refresh token out of answers to a refresh, and goes on taking the old one.
    pub omits: bool,
    /// How long its tokens count, in seconds.
    pub lives: Option<u64>,
    /// It ends the connection without an answer, after it has done what was asked.
    pub hangs_up: bool,
}

pub struct Provider {
    pub address: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    manners: Manners,
    asked: Vec<HashMap<String, String>>,
    heads: Vec<String>,
    counter: u32,
    good: HashSet<String>,
    used: HashSet<String>,
}

impl Provider {
    pub async fn start() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        inner.lock().unwrap().good.insert("seed-refresh".to_owned());
        let shared = inner.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Provider { address, inner }
    }

    pub fn behave(&self, manners: Manners) {
        self.inner.lock().unwrap().manners = manners;
    }

    /// What it was asked, the newest last.
    pub fn asked(&self) -> Vec<HashMap<String, String>> {
        self.inner.lock().unwrap().asked.clone()
    }

    /// The head of the newest request.
    pub fn head(&self) -> String {
        self.inner.lock().unwrap().heads.last().unwrap().clone()
    }

    /// How often a refresh token was used again after it had been replaced.
    pub fn is_abused(&self) -> bool {
        let inner = self.inner.lock().unwrap();
        let refreshed = inner
            .asked
            .iter()
            .filter_map(|form| form.get("refresh_token"));
        let mut seen = HashSet::new();
        !refreshed.into_iter().all(|token| seen.insert(token))
    }

    pub fn auth(&self, grant: Grant) -> AuthSettings {
        let token_url = format!("{}/token", self.address);
        let mut auth = AuthSettings::new(AuthId::new("crm", "main"), grant, token_url, "me");
        auth.client_secret = Some(Source::Value(crosspoint_core::Secret::new(
            SECRET.to_owned(),
        )));
        auth
    }

    pub fn consent(&self) -> AuthSettings {
        self.auth(Grant::AuthorizationCode {
            authorize_url: format!("{}/authorize?tenant=7", self.address),
            parameters: [("prompt".to_owned(), "consent".to_owned())].into(),
            pkce: true,
        })
    }

    pub fn seeded(&self) -> AuthSettings {
        let seed = crosspoint_core::Secret::new("seed-refresh".to_owned());
        self.auth(Grant::RefreshToken(Source::Value(seed)))
    }
}

pub const SECRET: &str = "canary-client-secret";

/// Grants of this auth over a cabinet.
pub fn grants_over(cabinet: Arc<dyn Cabinet>, auth: AuthSettings) -> Grants {
    let secrets = Arc::new(Secrets::new(Some(cabinet.clone()), None));
    let setup = Setup {
        auths: vec![auth],
        public_url: "http://127.0.0.1:7004".to_owned(),
        redirects: Redirects::default(),
        http: crosspoint_net::Http::new(crosspoint_net::Settings::default()).unwrap(),
        own_http: Default::default(),
    };
    Grants::new(cabinet, secrets, setup)
}

pub fn grants(auth: AuthSettings) -> Grants {
    grants_over(Arc::new(Memory::default()), auth)
}

pub fn prod() -> ProfileId {
    ProfileId::new("crm", "prod")
}

async fn serve(mut stream: TcpStream, inner: Arc<Mutex<Inner>>) -> Option<()> {
    let mut bytes = Vec::new();
    let (head, form) = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let lower = head.to_ascii_lowercase();
        let length = lower
            .lines()
            .find_map(|l| l.strip_prefix("content-length: "));
        let length: usize = length.and_then(|l| l.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            let form = form_urlencoded::parse(body.as_bytes())
                .into_owned()
                .collect();
            break (head.to_owned(), form);
        }
    };
    let (manners, status, body) = {
        let mut inner = inner.lock().unwrap();
        inner.heads.push(head);
        inner.asked.push(form);
        let (status, body) = answer(&mut inner);
        (inner.manners.clone(), status, body)
    };
    tokio::time::sleep(manners.slow).await;
    if manners.hangs_up {
        return None;
    }
    let (mime, body) = match body {
        Value::String(text) => ("text/html", text),
        json => ("application/json", json.to_string()),
    };
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {mime}\r\nlocation: /elsewhere\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok()
}

fn answer(inner: &mut Inner) -> (u16, Value) {
    if let Some((status, text)) = inner.manners.instead.clone() {
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        return (status, body);
    }
    let form = inner.asked.last().cloned().unwrap_or_default();
    let grant = form
        .get("grant_type")
        .map(String::as_str)
        .unwrap_or_default();
    if grant == "refresh_token" {
        let token = form["refresh_token"].clone();
        if !inner.good.contains(&token) {
            // It was used before: everything that grew from it ends (RFC 9700, section 4.14.2).
            if inner.used.contains(&token) {
                inner.good.clear();
            }
            let words = format!("the token {token} is not known");
            return (
                400,
                json!({"error": "invalid_grant", "error_description": words}),
            );
        }
        if !inner.manners.omits {
            inner.good.remove(&token);
            inner.used.insert(token);
        }
    }
    inner.counter += 1;
    let n = inner.counter;
    let mut set =
        json!({"access_token": format!("access-{n}"), "token_type": "Bearer", "extra": [n]});
    if let Some(lives) = inner.manners.lives {
        set["expires_in"] = lives.to_string().into();
    }
    let omits = inner.manners.omits && grant == "refresh_token";
    if !omits && matches!(grant, "refresh_token" | "authorization_code") {
        let token = format!("refresh-{n}");
        set["refresh_token"] = token.clone().into();
        inner.good.insert(token);
    }
    (200, set)
}
