//! Connections, plain and secured.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// What bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Why a connection could not be secured.
pub(super) enum NotSecured {
    /// The certificate is not accepted.
    Certificate(String),
    /// Anything else.
    Handshake(String),
}

/// Secures a connection to `host`, whose certificate must be for that name or address.
pub(super) async fn secure(
    stream: Box<dyn Stream>,
    host: &str,
    tls: Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, NotSecured> {
    let plain = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let Ok(name) = ServerName::try_from(plain) else {
        let reason = "its name is none that a certificate can be for";
        return Err(NotSecured::Handshake(reason.to_owned()));
    };
    match TlsConnector::from(tls).connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(NotSecured::from(error)),
    }
}

impl From<io::Error> for NotSecured {
    fn from(error: io::Error) -> NotSecured {
        let tls = error
            .get_ref()
            .and_then(|e| e.downcast_ref::<rustls::Error>());
        match tls {
            Some(error @ rustls::Error::InvalidCertificate(_)) => {
                NotSecured::Certificate(error.to_string())
            }
            Some(error) => NotSecured::Handshake(error.to_string()),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                NotSecured::Handshake("it hung up during the handshake".to_owned())
            }
            None => NotSecured::Handshake(error.to_string()),
        }
    }
}
