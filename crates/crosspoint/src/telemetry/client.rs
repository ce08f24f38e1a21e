//! The one HTTP client of this program, as the exporter wants it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_net::{Http, NetError, Request};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::export::Losses;

/// More than a collector says to a batch.
const LONGEST_ANSWER: usize = 4 << 20;

/// Sends what the exporter has. The exporter has a thread of its own, where no runtime is: the
/// request runs in the runtime of the program, and the thread waits.
pub struct Client {
    http: Http,
    timeout: Duration,
    losses: Arc<Losses>,
    runtime: Handle,
}

type Answer = Result<http::Response<Bytes>, HttpError>;

// === impl Client ===

impl Client {
    /// Must be called within the runtime. What goes wrong is told to `losses`, since the exporter
    /// keeps it to itself.
    pub fn new(http: Http, timeout: Duration, losses: Arc<Losses>) -> Client {
        Client {
            http,
            timeout,
            losses,
            runtime: Handle::current(),
        }
    }

    fn request(&self, request: http::Request<Bytes>) -> Request {
        let (head, body) = request.into_parts();
        let deadline = Instant::now() + self.timeout;
        let mut request = Request::new(head.method, head.uri.to_string(), deadline);
        request.headers = head.headers;
        request.body = Some(body);
        request.follow = false;
        request.max_answer = LONGEST_ANSWER;
        request
    }
}

impl HttpClient for Client {
    // Spelled out, as the macro of the trait would.
    fn send_bytes<'c, 'f>(
        &'c self,
        request: http::Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'f>>
    where
        'c: 'f,
        Self: 'f,
    {
        let (http, request) = (self.http.clone(), self.request(request));
        let losses = self.losses.clone();
        let sent = self.runtime.spawn(async move { http.send(request).await });
        Box::pin(async move {
            // Cancelled: the process ends.
            let answer = sent.await?.inspect_err(|error: &NetError| {
                losses.because(&error.message);
            });
            let answer = answer?;
            if !(200..300).contains(&answer.status) {
                losses.because(&format!("the collector answers {}", answer.status));
            }
            let mut response = http::Response::new(answer.body);
            *response.status_mut() = http::StatusCode::from_u16(answer.status)?;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
