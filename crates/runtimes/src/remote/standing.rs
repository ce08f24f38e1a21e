//! What a proxy says of itself when an answer leaves open who gave it.
//!
//! An answer of version 1 is the connector's own: its status, its type, its body. So a 401 is that of
//! the system behind the command, or the proxy's to our key; a page is what a command fetched, or the
//! login of a gateway before the proxy. The catalogue tells them apart: there is nothing behind it.

use crosspoint_core::Context;
use crosspoint_net::Response;
use http::Method;
use http::header::CONTENT_TYPE;
use tokio::time::Instant;

use super::proxy::Proxy;

/// How the proxy answers the question what commands it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It lists them.
    Serves,
    /// It does not take our key.
    Refuses,
    /// With a web page.
    Page,
    /// It was not asked, or did not say.
    Untold,
}

// === impl Standing ===

impl Standing {
    /// Asks the proxy, within the time that the call has.
    pub(super) async fn ask(proxy: &Proxy, cx: &Context) -> Standing {
        let deadline = cx.deadline.min(Instant::now() + proxy.settings.patience);
        let request = proxy.request(Method::GET, proxy.at("/v1/commands"), deadline);
        match proxy.http.send(request).await {
            Ok(response) => match response.status {
                401 | 403 => Standing::Refuses,
                200..300 if is_page(&response) => Standing::Page,
                200..300 => Standing::Serves,
                _ => Standing::Untold,
            },
            Err(_) => Standing::Untold,
        }
    }
}

/// Whether an answer is a web page, by its type; where it says none, by how it begins.
pub(super) fn is_page(response: &Response) -> bool {
    match media_type(response) {
        Some(given) => {
            let essence = given.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("text/html")
                || essence.eq_ignore_ascii_case("application/xhtml+xml")
        }
        None => response.body.trim_ascii_start().starts_with(b"<"),
    }
}

/// The media type that an answer gives.
pub(super) fn media_type(response: &Response) -> Option<&str> {
    response.headers.get(CONTENT_TYPE)?.to_str().ok()
}
