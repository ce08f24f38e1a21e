//! One keep-alive connection that sends the same request again and again.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header, request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What to send, and what must be in each answer.
#[derive(clap::Args, Clone)]
pub(crate) struct Target {
    /// Where to send: an http URL with a port
    #[arg(long)]
    pub(crate) url: Uri,
    /// POST this as JSON instead of GET
    #[arg(long)]
    pub(crate) body: Option<String>,
    /// Text that each answer must contain
    #[arg(long)]
    pub(crate) expect: Option<String>,
}

/// An open HTTP/1.1 connection to a [`Target`], opened again when the server has closed it.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    url: Uri,
    head: request::Parts,
    body: Bytes,
    expect: Option<Bytes>,
}

// === impl Target ===

impl Target {
    /// A GET of `url`.
    pub(crate) fn get(url: &str) -> Result<Target> {
        let url = url
            .parse()
            .with_context(|| format!("reading the URL `{url}`"))?;
        Ok(Target {
            url,
            body: None,
            expect: None,
        })
    }

    /// A POST of `body` to `url`.
    pub(crate) fn post(url: &str, body: impl Into<String>) -> Result<Target> {
        Ok(Target {
            body: Some(body.into()),
            ..Target::get(url)?
        })
    }

    /// Requires `text` in each answer.
    pub(crate) fn expecting(mut self, text: &str) -> Target {
        self.expect = Some(text.to_owned());
        self
    }

    /// The same as arguments of the roles `load` and `flood`.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--url".to_owned(), self.url.to_string()];
        for (name, value) in [("--body", &self.body), ("--expect", &self.expect)] {
            if let Some(value) = value {
                arguments.extend([name.to_owned(), value.clone()]);
            }
        }
        arguments
    }

    fn head(&self) -> Result<request::Parts> {
        let authority = self.url.authority().context("the URL has no host")?;
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .uri(path)
            .header(header::HOST, authority.as_str());
        if self.body.is_some() {
            request = request
                .method(Method::POST)
                .header(header::CONTENT_TYPE, "application/json");
        }
        Ok(request
            .body(())
            .context("building the request")?
            .into_parts()
            .0)
    }
}

async fn connect(url: &Uri) -> Result<SendRequest<Full<Bytes>>> {
    let authority = url.authority().context("the URL has no host")?;
    let stream = TcpStream::connect(authority.as_str())
        .await
        .with_context(|| format!("connecting to {authority}"))?;
    stream
        .set_nodelay(true)
        .context("setting up the connection")?;
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .context("connecting")?;
    // Its errors come out of the call that suffers from them.
    tokio::spawn(connection);
    Ok(sender)
}

// === impl Connection ===

impl Connection {
    /// Connects. Nothing is sent yet.
    pub(crate) async fn open(target: &Target) -> Result<Connection> {
        let head = target.head()?;
        Ok(Connection {
            sender: connect(&target.url).await?,
            url: target.url.clone(),
            head,
            body: target.body.clone().unwrap_or_default().into(),
            expect: target.expect.clone().map(Bytes::from),
        })
    }

    /// Sends the request and reads the whole answer. An answer that is not the one wanted is an
    /// error: figures of a server that refuses quickly are worthless.
    pub(crate) async fn call(&mut self) -> Result<()> {
        let request = Request::from_parts(self.head.clone(), Full::new(self.body.clone()));
        // gunicorn's synchronous workers close the connection after each answer.
        if self.sender.ready().await.is_err() {
            self.sender = connect(&self.url).await?;
        }
        let answer = self.sender.send_request(request).await.context("sending")?;
        let status = answer.status();
        let body = answer
            .into_body()
            .collect()
            .await
            .context("reading the answer")?
            .to_bytes();
        ensure!(
            status == StatusCode::OK,
            "status {status}: {}",
            shown(&body)
        );
        if let Some(expect) = &self.expect
            && !body.windows(expect.len()).any(|window| window == expect)
        {
            bail!("an answer without {}: {}", shown(expect), shown(&body));
        }
        Ok(())
    }
}

fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_survives_the_way_through_arguments() {
        let target = Target::post("http://127.0.0.1:9/x?y=1", "{}")
            .unwrap()
            .expecting("z");
        let wanted = [
            "--url",
            "http://127.0.0.1:9/x?y=1",
            "--body",
            "{}",
            "--expect",
            "z",
        ];
        assert_eq!(target.arguments(), wanted);
    }

    #[test]
    fn the_request_names_its_host_and_keeps_the_query() {
        let head = Target::get("http://127.0.0.1:9/x?y=1")
            .unwrap()
            .head()
            .unwrap();
        assert_eq!(head.uri, "/x?y=1");
        assert_eq!(head.headers[header::HOST], "127.0.0.1:9");
        assert_eq!(head.method, Method::GET);
    }
}
