//! Messages over HTTP: the specification's transport `streamable HTTP`. Sessions and resumed streams
//! are the library's; every request goes by our client and its rules.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crosspoint_net::{Http, NetError, NetErrorKind, Opened, OriginHeaders, Request};
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ServerJsonRpcMessage};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::{
    HttpStatusError, StreamableHttpClient, StreamableHttpClientTransportConfig,
    StreamableHttpError, StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::client::{encode, ticket};
use super::events::{Events, events};
use super::inbox::{Inbox, Taken, seen};

const SESSION: &str = "mcp-session-id";
const LAST_EVENT: &str = "last-event-id";
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// The longest pause before a stream that broke off is asked for again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long a session may take to be ended.
const ENDING: Duration = Duration::from_secs(5);

type HttpError = StreamableHttpError<NetError>;

/// What the library sends requests with.
#[derive(Clone)]
pub(super) struct Client(Arc<Inner>);

struct Inner {
    http: Http,
    inbox: Arc<Inbox>,
    /// The account that goes with each request, as it is now.
    account: Mutex<Arc<OriginHeaders>>,
    /// How long what is no call may take.
    patience: Duration,
    longest: usize,
}

// === impl Client ===

impl Client {
    pub(super) fn new(
        http: Http,
        inbox: Arc<Inbox>,
        account: OriginHeaders,
        patience: Duration,
        longest: usize,
    ) -> Client {
        Client(Arc::new(Inner {
            http,
            inbox,
            account: Mutex::new(Arc::new(account)),
            patience,
            longest,
        }))
    }

    /// The account of all requests from here on.
    pub(super) fn use_account(&self, account: OriginHeaders) {
        let mut current = self
            .0
            .account
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(account);
    }

    /// What carries messages to the server at that address.
    pub(super) fn transport(&self, url: &str) -> StreamableHttpClientTransport<Client> {
        let mut pause = ExponentialBackoff::default();
        pause.max_delay = Some(LONGEST_PAUSE);
        let mut config = StreamableHttpClientTransportConfig::with_uri(url)
            .max_concurrent_requests(1024)
            .max_sse_event_size(self.0.longest)
            .max_json_response_size(self.0.longest);
        config.retry_config = Arc::new(pause);
        StreamableHttpClientTransport::with_client(self.clone(), config)
    }

    fn request(
        &self,
        method: Method,
        url: &str,
        session: Option<Arc<str>>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Request, HttpError> {
        let mut request = Request::new(method, url, Instant::now() + self.0.patience);
        // The session and the arguments are for the server's origin, as the account is.
        request.stay = true;
        request.headers.extend(headers);
        let account = self
            .0
            .account
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        request.own = Some((**account).clone());
        drop(account);
        if let Some(session) = session {
            let set = request.set_header(SESSION, &session);
            set.map_err(StreamableHttpError::Client)?;
        }
        Ok(request)
    }

    async fn post(
        &self,
        url: &str,
        message: &ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let has_session = session.is_some();
        let mut request = self.request(Method::POST, url, session, headers)?;
        let both = HeaderValue::from_static("application/json, text/event-stream");
        request.headers.insert(ACCEPT, both);
        request
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        request.body = Some(encode(message)?.into());
        let ticket = ticket(message);
        if let Some((id, token, ticket)) = ticket {
            request.deadline = ticket.deadline;
            request.trace = ticket.trace.clone();
            self.0.inbox.requests.sending(id, token, &ticket.waiting);
        }
        let deadline = request.deadline;
        let opened = self.0.http.open(request).await;
        let opened = opened.map_err(StreamableHttpError::Client)?;
        let session = text(&opened.headers, SESSION);
        match (opened.status, kind(&opened.headers)) {
            (202 | 204, _) => Ok(StreamableHttpPostResponse::Accepted),
            (404, _) if has_session => Err(StreamableHttpError::SessionExpired),
            (200..300, Kind::Events) => {
                let id = ticket.map(|(id, ..)| id);
                Ok(StreamableHttpPostResponse::Sse(
                    events(opened, self.0.inbox.clone(), self.0.longest, id),
                    session,
                ))
            }
            (200..300, Kind::Json) => {
                let answer = self.json(opened, message, deadline).await?;
                Ok(match answer {
                    Some(answer) => StreamableHttpPostResponse::Json(answer, session),
                    None => StreamableHttpPostResponse::Accepted,
                })
            }
            // Some answer 200 to what has no answer.
            (200..300, Kind::Other(_)) if !matches!(message, ClientJsonRpcMessage::Request(_)) => {
                Ok(StreamableHttpPostResponse::Accepted)
            }
            (200..300, Kind::Other(other)) => Err(other_type(other)),
            (400..500, Kind::Json) => {
                let (status, retry) = (opened.status, text(&opened.headers, RETRY_AFTER.as_str()));
                match self.json(opened, message, deadline).await {
                    Ok(Some(answer @ ServerJsonRpcMessage::Error(_))) => {
                        Ok(StreamableHttpPostResponse::Json(answer, session))
                    }
                    _ => Err(HttpStatusError::new(status, retry).into()),
                }
            }
            (status, _) => {
                let retry = text(&opened.headers, RETRY_AFTER.as_str());
                Err(HttpStatusError::new(status, retry).into())
            }
        }
    }

    /// The answer in a body of JSON, as far as the library has to see it.
    async fn json(
        &self,
        opened: Opened,
        message: &ClientJsonRpcMessage,
        deadline: Instant,
    ) -> Result<Option<ServerJsonRpcMessage>, HttpError> {
        let inbox = &self.0.inbox;
        let body = match opened.read(self.0.longest, deadline).await {
            Ok(body) => body,
            Err(error) if error.kind == NetErrorKind::AnswerTooLarge => {
                let id = ticket(message).map(|(id, ..)| id);
                return match id.filter(|id| inbox.too_large(*id)) {
                    Some(id) => Ok(Some(seen(id))),
                    None => Err(StreamableHttpError::Client(error)),
                };
            }
            Err(error) => return Err(StreamableHttpError::Client(error)),
        };
        inbox.hears();
        // Protocol version 2025-03-26 lets messages come as a list.
        let several = match body.trim_ascii_start().first() {
            Some(b'[') => serde_json::from_slice::<Vec<&RawValue>>(&body)?,
            Some(_) => vec![serde_json::from_slice(&body)?],
            None => Vec::new(),
        };
        let (mut answer, mut bad) = (None, None);
        for text in several {
            let text = body.slice_ref(text.get().as_bytes());
            match inbox.take(&text) {
                Ok(Taken::Nothing) => {}
                // The list of tools says which arguments go into headers, which the library sees to.
                Ok(Taken::Seen(id)) if !is_list(message) => answer = Some(seen(id)),
                Ok(Taken::Seen(_) | Taken::Whole) => answer = Some(serde_json::from_slice(&text)?),
                // Another message of the list may be the answer.
                Err(why) => bad = Some(why),
            }
        }
        if let (None, Some(why)) = (&answer, bad) {
            return Err(StreamableHttpError::UnexpectedServerResponse(why.into()));
        }
        Ok(answer)
    }
}

impl StreamableHttpClient for Client {
    type Error = NetError;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        self.post(&uri, &message, session_id, headers).await
    }

    /// The limits are ours already.
    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        _limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        self.post(&uri, &message, session_id, headers).await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HttpError> {
        let mut request = self.request(Method::DELETE, &uri, Some(session_id), headers)?;
        request.deadline = Instant::now() + ENDING;
        let answer = self.0.http.open(request).await;
        match answer.map_err(StreamableHttpError::Client)?.status {
            200..300 | 404 | 405 => Ok(()),
            status => Err(HttpStatusError::new(status, None).into()),
        }
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Events, HttpError> {
        let mut request = self.request(Method::GET, &uri, session_id, headers)?;
        request
            .headers
            .insert(ACCEPT, HeaderValue::from_static(EVENTS));
        if let Some(id) = last_event_id {
            let set = request.set_header(LAST_EVENT, &id);
            set.map_err(StreamableHttpError::Client)?;
        }
        let opened = self.0.http.open(request).await;
        let opened = opened.map_err(StreamableHttpError::Client)?;
        match (opened.status, kind(&opened.headers)) {
            (200..300, Kind::Events) => {
                Ok(events(opened, self.0.inbox.clone(), self.0.longest, None))
            }
            (200..300, Kind::Json) => Err(StreamableHttpError::ServerDoesNotSupportSse),
            (200..300, Kind::Other(other)) => Err(other_type(other)),
            // Not to be had, whether the specification has it say so by 405 or not.
            (400 | 404 | 405 | 501, _) => Err(StreamableHttpError::ServerDoesNotSupportSse),
            (status, _) => Err(HttpStatusError::new(status, None).into()),
        }
    }
}

/// What a body is.
enum Kind {
    Json,
    Events,
    Other(Option<String>),
}

fn kind(headers: &HeaderMap) -> Kind {
    let given = text(headers, CONTENT_TYPE.as_str());
    let essence = given.as_deref().map(|text| {
        let essence = text.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    });
    match essence.as_deref() {
        Some(JSON) => Kind::Json,
        Some(EVENTS) => Kind::Events,
        _ => Kind::Other(given),
    }
}

/// The library's own error for it shows it as Rust does.
fn other_type(given: Option<String>) -> HttpError {
    let given = match given {
        Some(given) => format!("'{given}'"),
        None => "no type".to_owned(),
    };
    let why = format!("the content is of {given}, which is neither JSON nor a stream of events");
    StreamableHttpError::UnexpectedServerResponse(why.into())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

fn is_list(message: &ClientJsonRpcMessage) -> bool {
    matches!(
        message,
        ClientJsonRpcMessage::Request(request)
            if matches!(request.request, ClientRequest::ListToolsRequest(_))
    )
}
