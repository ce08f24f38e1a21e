//! Requests for tokens: a form is posted, JSON comes back (RFC 6749, section 4).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Effect, Failure, Mask, Secret, is_sensitive_name, shorten};
use crosspoint_net::{Http, Request};
use form_urlencoded::byte_serialize;
use http::Method;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::answer::{self, NoTokens, TokenSet};
use super::jwt::SigningKey;
use super::random;
use super::settings::{Assertion, AuthSettings, ClientAuth};
use crate::callbacks::origin_of;
use crate::ledger::now;
use crate::profiles::{Secrets, Source};

/// How long a provider may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// More than any set of tokens has.
const LARGEST: usize = 1024 * 1024;

/// How long a signed statement counts, in seconds.
const STATED_FOR: i64 = 300;

/// What a token is asked for with.
pub(super) enum Proof<'a> {
    /// The code of a person's consent.
    Code {
        code: &'a str,
        redirect_uri: &'a str,
        verifier: Option<&'a str>,
    },
    /// A refresh token.
    Refresh(&'a str),
    /// Who the client is.
    Client,
    /// A signed statement.
    Statement(&'a Assertion),
}

/// Why there is no token.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// What was granted does not count any more.
    Dead(String),
    /// The provider refuses, and will until something is configured otherwise.
    Refused(String),
    /// It may be better later. The failure is that of the call that needs the token.
    Trouble(Failure),
}

/// Asks providers for tokens.
pub(super) struct Client {
    http: Http,
    own: HashMap<Arc<str>, Http>,
    secrets: Arc<Secrets>,
}

// === impl Client ===

impl Client {
    /// `own`: those of connectors with rules of their own about where requests may go.
    pub(super) fn new(http: Http, own: HashMap<Arc<str>, Http>, secrets: Arc<Secrets>) -> Client {
        Client { http, own, secrets }
    }

    /// A new set of tokens. No secret is in a fault.
    pub(super) async fn tokens(
        &self,
        auth: &AuthSettings,
        proof: Proof<'_>,
    ) -> Result<TokenSet, Fault> {
        let refreshes = matches!(proof, Proof::Refresh(_));
        let url = match (&auth.refresh_url, refreshes) {
            (Some(url), true) => url,
            _ => &auth.token_url,
        };
        let secret = match &auth.client_secret {
            Some(source) => Some(self.value(source).await?),
            None => None,
        };
        let mut form = self.form(auth, &proof).await?;
        form.extend(auth.parameters.clone());
        let mut request = Request::new(Method::POST, url, Instant::now() + PATIENCE);
        // A redirect would carry the client's secrets to wherever it leads.
        request.follow = false;
        request.max_answer = LARGEST;
        identify(auth, secret.as_ref(), &mut form, &mut request);
        let headers = [
            ("accept", "application/json"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        for (name, value) in headers {
            request
                .set_header(name, value)
                .map_err(|e| Fault::Trouble(e.into()))?;
        }
        let mask = mask(&form, secret.as_ref());
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        request.body = Some(Bytes::from(body));
        let at = origin_of(url);
        let http = self.own.get(&auth.id.connector).unwrap_or(&self.http);
        match http.send(request).await {
            Ok(response) => answer::read(&response).map_err(|why| fault(why, &at, &mask)),
            Err(error) => {
                let failure = Failure::from(error);
                let message = format!("asking for a token: {}", failure.message);
                // The call itself has not begun.
                let failure = Failure { message, ..failure };
                Err(Fault::Trouble(failure.with_effect(Effect::None)))
            }
        }
    }

    async fn form(
        &self,
        auth: &AuthSettings,
        proof: &Proof<'_>,
    ) -> Result<Vec<(String, String)>, Fault> {
        let mut form: Vec<(&str, String)> = Vec::new();
        match proof {
            Proof::Code {
                code,
                redirect_uri,
                verifier,
            } => {
                form.push(("grant_type", "authorization_code".to_owned()));
                form.push(("code", (*code).to_owned()));
                form.push(("redirect_uri", (*redirect_uri).to_owned()));
                form.extend(verifier.map(|verifier| ("code_verifier", verifier.to_owned())));
            }
            Proof::Refresh(token) => {
                form.push(("grant_type", "refresh_token".to_owned()));
                form.push(("refresh_token", (*token).to_owned()));
            }
            Proof::Client => {
                form.push(("grant_type", "client_credentials".to_owned()));
                form.extend(auth.scope().map(|scope| ("scope", scope)));
            }
            Proof::Statement(assertion) => {
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                form.push(("grant_type", grant.to_owned()));
                form.push(("assertion", self.statement(auth, assertion).await?));
                form.extend(auth.scope().map(|scope| ("scope", scope)));
            }
        }
        let form = form.into_iter();
        Ok(form.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// RFC 7523, section 3. The scope goes into it, too: Google reads it there.
    async fn statement(&self, auth: &AuthSettings, of: &Assertion) -> Result<String, Fault> {
        let pem = self.value(&of.key).await?;
        let own = |why: &str| {
            Fault::Refused(format!(
                "the key of the assertion of the auth {} {why}",
                auth.id
            ))
        };
        let key = SigningKey::parse(pem.expose()).map_err(own)?;
        let issued = now() / 1000;
        let mut claims = Map::new();
        let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        claim("iss", of.issuer.as_str().into());
        claim("sub", of.subject.as_str().into());
        claim("aud", of.audience.as_str().into());
        claim("iat", issued.into());
        claim("exp", (issued + STATED_FOR).into());
        if let Some(id) = random::handle() {
            claim("jti", id.into());
        }
        if let Some(scope) = auth.scope() {
            claim("scope", scope.into());
        }
        for (name, value) in &of.claims {
            claim(name, value.as_str().into());
        }
        key.sign(of.key_id.as_deref(), &claims).map_err(own)
    }

    async fn value(&self, source: &Source) -> Result<Secret<String>, Fault> {
        self.secrets.value(source).await.map_err(Fault::Trouble)
    }
}

/// Says who asks. A public client says only its name.
fn identify(
    auth: &AuthSettings,
    secret: Option<&Secret<String>>,
    form: &mut Vec<(String, String)>,
    request: &mut Request,
) {
    let id = auth.client_id.clone();
    match (auth.client_auth, secret) {
        (ClientAuth::Basic, Some(secret)) => {
            // Both are encoded as in a form first (RFC 6749, section 2.3.1).
            let secret = Secret::new(encoded(secret.expose()));
            request.basic_auth = Some((encoded(&id), secret));
        }
        (ClientAuth::Body, Some(secret)) => {
            form.push(("client_id".to_owned(), id));
            form.push(("client_secret".to_owned(), secret.expose().clone()));
        }
        (_, None) if !id.is_empty() => form.push(("client_id".to_owned(), id)),
        (_, None) => {}
    }
}

/// Hides what was sent from what comes back: providers quote parameters in their errors.
fn mask(form: &[(String, String)], secret: Option<&Secret<String>>) -> Mask {
    let named =
        |name: &str| is_sensitive_name(name) || matches!(name, "assertion" | "code_verifier");
    let sent = form.iter().filter(|(name, _)| named(name));
    let sent = sent.map(|(_, value)| value.clone());
    // Encoded once more where it went into the header, in base64.
    let secret = secret.map(|secret| [secret.expose().clone(), encoded(secret.expose())]);
    Mask::new(sent.chain(secret.into_iter().flatten()))
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn fault(why: NoTokens, origin: &str, mask: &Mask) -> Fault {
    let hidden = |text: &str| shorten(&mask.apply(text));
    match why {
        NoTokens::Dead(text) => Fault::Dead(hidden(&text)),
        NoTokens::Refused(text) => Fault::Refused(format!("{origin} says {}", hidden(&text))),
        NoTokens::Trouble(text) => {
            let message = format!("asking for a token: {origin} {}", hidden(&text));
            let failure = Failure::transport("TokenUnavailable", message);
            Fault::Trouble(failure.with_effect(Effect::None))
        }
    }
}
