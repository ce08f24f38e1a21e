//! Requests that no client library would send.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{PATIENCE, Proxy, json};

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    /// In lower case.
    pub head: String,
    pub body: String,
}

// === impl Proxy ===

impl Proxy {
    /// Sends bytes and reads until the proxy closes the connection: the request must ask for that.
    pub async fn raw(&self, request: impl AsRef<[u8]>) -> RawAnswer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_ref()).await.unwrap();
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
        read.expect("the proxy leaves the connection open").unwrap();
        RawAnswer::read(&bytes)
    }

    /// A GET with a `Host` of its own, or none.
    pub async fn with_host(&self, path: &str, host: Option<&str>) -> RawAnswer {
        let host = host
            .map(|host| format!("host: {host}\r\n"))
            .unwrap_or_default();
        let request = format!("GET {path} HTTP/1.1\r\n{host}connection: close\r\n\r\n");
        self.raw(request).await
    }

    /// A call with a body of any bytes.
    pub async fn raw_call(&self, command: &str, body: &[u8]) -> RawAnswer {
        let mut request = format!(
            "POST /v1/do/{command} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.raw(request).await
    }
}

// === impl RawAnswer ===

impl RawAnswer {
    fn read(bytes: &[u8]) -> RawAnswer {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("{text:?}"));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        RawAnswer {
            status: status.unwrap_or_else(|| panic!("{head}")),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    pub fn json(&self) -> Value {
        json(&self.body)
    }

    pub fn code(&self) -> String {
        self.json()["error"]["error_code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}
