//! Sending requests.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, ready};
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::connect::{Attempt, Bound};
use crate::dial::Dialer;
use crate::error::{About, NetError, NetErrorKind};
use crate::guard::{Guard, port_of};
use crate::opened::Opened;
use crate::proxy::Proxies;
use crate::read;
use crate::redirect::Hop;
use crate::request::Request;
use crate::resolve::{Guarded, Lookup, SystemLookup, Unguarded};
use crate::response::Response;
use crate::rules::Rules;
use crate::target::{origin, uri};
use crate::tls::{Authorities, CaFileError, Trust};

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 30;

/// How many idle connections to one host are kept, and for how long. The burst that needed many
/// connections is often followed by another.
const IDLE_PER_HOST: usize = 256;
const IDLE_TIME: Duration = Duration::from_secs(60);

/// How a client is set up. The default: the preset `internal`, the platform's authorities, no
/// proxies.
#[derive(Clone)]
pub struct Settings {
    /// Where requests may go.
    pub egress: Rules,
    /// Who is trusted. Default: the platform's authorities.
    pub authorities: Authorities,
    /// The `user-agent` header. Default: `crosspoint/<version>`.
    pub user_agent: String,
    /// The forward proxies. Default: none; see [`Proxies::from_env`].
    pub proxies: Proxies,
    /// Our own listener, which requests never go to.
    pub listener: Option<SocketAddr>,
    /// How names are resolved. Default: [`SystemLookup`].
    pub lookup: Arc<dyn Lookup>,
}

/// Settings that no client can be built from.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file of certificates cannot be used.
    #[error(transparent)]
    CaFile(#[from] CaFileError),
    /// The user agent cannot be sent as a header.
    #[error("the user agent {0:?} has characters that cannot be sent")]
    UserAgent(String),
    /// The library refuses.
    #[error("setting up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// The HTTP client. Clones share their connections.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    guard: Arc<Guard>,
    /// Connects to targets, which its resolver judges.
    direct: reqwest::Client,
    /// Connects to forward proxies.
    proxied: Option<(Matcher, reqwest::Client)>,
    trusts_nobody: bool,
    /// For connections that do not speak HTTP.
    tls: Arc<ClientConfig>,
}

/// The head of an answer, with what its errors speak of.
struct Answer {
    answer: reqwest::Response,
    about: About,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            egress: Rules::default(),
            authorities: Authorities::default(),
            user_agent: concat!("crosspoint/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxies: Proxies::none(),
            listener: None,
            lookup: Arc::new(SystemLookup),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("egress", &self.egress)
            .field("authorities", &self.authorities)
            .field("user_agent", &self.user_agent)
            .field("proxies", &self.proxies)
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

// === impl Http ===

impl Http {
    /// Builds a client. A machine without any CA certificates gets one, too: it can do `http`,
    /// and each `https` request fails with an `SSLError` that says so.
    pub fn new(settings: Settings) -> Result<Http, SetupError> {
        let Trust { config, nobody } = settings.authorities.trust()?;
        let Ok(user_agent) = HeaderValue::from_str(&settings.user_agent) else {
            return Err(SetupError::UserAgent(settings.user_agent));
        };
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(config.clone())
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .connector_layer(Bound)
                .user_agent(user_agent.clone())
                .default_headers(HeaderMap::from_iter([(
                    ACCEPT,
                    HeaderValue::from_static("*/*"),
                )]))
                .tcp_nodelay(true)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .pool_idle_timeout(IDLE_TIME)
        };
        let guard = Arc::new(Guard {
            rules: settings.egress,
            listener: settings.listener,
            lookup: settings.lookup.clone(),
        });
        let direct = builder().dns_resolver(Guarded(guard.clone())).build()?;
        let proxied = match settings.proxies.is_empty() {
            true => None,
            false => {
                let builder = builder().dns_resolver(Unguarded(settings.lookup));
                let client = settings.proxies.install(builder)?.build()?;
                Some((settings.proxies.matcher(), client))
            }
        };
        let mut tls = config;
        tls.alpn_protocols.clear();
        Ok(Http(Arc::new(Inner {
            tls: Arc::new(tls),
            guard,
            direct,
            proxied,
            trusts_nobody: nobody,
        })))
    }

    /// Sends a request, follows its redirects and reads the answer to its end. Every status is
    /// an answer. Ends at the request's deadline at the latest; dropping it breaks it off.
    pub fn send(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response, NetError>> + Send {
        // Not in the future itself, which would hold the request beside what is made of it.
        let (follow, deadline, limit) = (request.follow, request.deadline, request.max_answer);
        match Hop::first(request) {
            Ok(mut hop) => Either::Left(async move {
                let Answer { mut answer, about } = self.hops(&mut hop, follow, deadline).await?;
                let status = answer.status().as_u16();
                let headers = std::mem::take(answer.headers_mut());
                let body = read::body(&mut answer, limit, deadline, &about).await?;
                Ok(Response {
                    status,
                    headers,
                    body,
                    url: hop.url.clone(),
                })
            }),
            Err(error) => Either::Right(ready(Err(error))),
        }
    }

    /// The same, but for the body, which is read as it comes. The request's deadline counts for the
    /// head of the answer, its `max_answer` not at all.
    pub async fn open(&self, request: Request) -> Result<Opened, NetError> {
        let (follow, deadline) = (request.follow, request.deadline);
        let mut hop = Hop::first(request)?;
        let Answer { mut answer, about } = self.hops(&mut hop, follow, deadline).await?;
        Ok(Opened {
            status: answer.status().as_u16(),
            headers: std::mem::take(answer.headers_mut()),
            answer,
            about,
        })
    }

    /// The last answer of a chain of redirects.
    async fn hops(
        &self,
        hop: &mut Hop,
        follow: bool,
        deadline: Instant,
    ) -> Result<Answer, NetError> {
        let mut acted = false;
        for _ in 0..=MAX_REDIRECTS {
            let sent = self.send_hop(hop, deadline).await;
            let sent = sent.map_err(|error| error.after(acted))?;
            let status = sent.answer.status().as_u16();
            acted |= hop.may_act();
            let followed = match follow {
                true => hop.follow(status, sent.answer.headers()),
                false => Ok(false),
            };
            if !followed.map_err(|error| error.after(acted))? {
                return Ok(sent);
            }
        }
        let message = format!(
            "more than {MAX_REDIRECTS} redirects, the last to {}",
            origin(&hop.url)
        );
        Err(NetError::new(NetErrorKind::TooManyRedirects, message))
    }

    /// What connects where no HTTP is spoken, by the same rules and authorities.
    pub fn dialer(&self) -> Dialer {
        Dialer::new(self.0.guard.clone(), self.0.tls.clone())
    }

    async fn send_hop(&self, hop: &Hop, deadline: Instant) -> Result<Answer, NetError> {
        let origin = origin(&hop.url);
        if Instant::now() >= deadline {
            return Err(NetError::connect_timeout(&origin));
        }
        let (client, proxied) = match self.route(&hop.url) {
            Some(client) => {
                let judged = timeout_at(deadline, self.0.guard.judge_proxied(&hop.url)).await;
                let judged = judged.map_err(|_| NetError::connect_timeout(&origin))?;
                judged.map_err(|refused| NetError::refused(&refused))?;
                (client, true)
            }
            None => {
                let judged = self.0.guard.judge_literal(&hop.url);
                judged.map_err(|refused| NetError::refused(&refused))?;
                (&self.0.direct, false)
            }
        };
        let https = hop.url.scheme() == "https";
        let about = About {
            origin,
            https,
            proxied,
            trusts_nobody: self.0.trusts_nobody,
        };
        let mut request = reqwest::Request::new(hop.method.clone(), hop.url.clone());
        *request.headers_mut() = hop.all_headers();
        *request.body_mut() = hop.body.clone().map(reqwest::Body::from);
        let attempt = Attempt {
            port: port_of(&hop.url),
            deadline,
        };
        match timeout_at(deadline, attempt.scope(client.execute(request))).await {
            Ok(Ok(answer)) => Ok(Answer { answer, about }),
            Ok(Err(error)) => Err(NetError::sending(error, &about)),
            // Connecting gives up earlier, so there was a connection.
            Err(_) => Err(NetError::read_timeout(&about.origin)),
        }
    }

    /// The client for a target that goes through a forward proxy.
    fn route(&self, url: &Url) -> Option<&reqwest::Client> {
        let (matcher, client) = self.0.proxied.as_ref()?;
        matcher.intercept(&uri(url)?).map(|_| client)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("rules", &self.0.guard.rules)
            .finish_non_exhaustive()
    }
}
