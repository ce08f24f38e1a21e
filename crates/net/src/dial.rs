//! Connections for connectors that speak something else than HTTP: the same egress rules, the
//! same certificate authorities. Forward proxies are for HTTP and play no part here.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crosspoint_core::{Effect, Failure, Refusal};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::guard::Guard;

/// Makes connections. Clones are cheap.
#[derive(Clone)]
pub struct Dialer {
    guard: Arc<Guard>,
    tls: Arc<ClientConfig>,
}

/// Why there is no connection. Nothing was sent in any of these cases.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// An egress rule forbids the target; the text says which and what to change.
    #[error("{0}")]
    Egress(String),
    /// The name is not known.
    #[error("the host {0} is not known")]
    UnknownHost(String),
    /// Refused, or unreachable.
    #[error("connecting to {target}: {source}")]
    Connect {
        /// Host and port.
        target: String,
        /// Of the last address that was tried.
        source: io::Error,
    },
    /// No connection before the deadline.
    #[error("no connection to {0} in time")]
    TimedOut(String),
}

// === impl Dialer ===

impl Dialer {
    pub(crate) fn new(guard: Arc<Guard>, tls: Arc<ClientConfig>) -> Dialer {
        Dialer { guard, tls }
    }

    /// Connects to a name or address. The addresses of a name are tried in order, those that the
    /// rules forbid left out. Dropping the future gives it up.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<TcpStream, DialError> {
        let target = format!("{host}:{port}");
        let connecting = self.connect_any(host, port, &target);
        match timeout_at(deadline, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(DialError::TimedOut(target)),
        }
    }

    /// How servers are verified, without any application protocol named.
    pub fn tls(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }

    async fn connect_any(
        &self,
        host: &str,
        port: u16,
        target: &str,
    ) -> Result<TcpStream, DialError> {
        let mut last = None;
        for address in self.addresses(host, port).await? {
            match TcpStream::connect(SocketAddr::new(address, port)).await {
                Ok(stream) => {
                    // Such protocols talk in small turns.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => last = Some(error),
            }
        }
        match last {
            Some(source) => Err(DialError::Connect {
                target: target.to_owned(),
                source,
            }),
            None => Err(DialError::UnknownHost(host.to_owned())),
        }
    }

    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<IpAddr>, DialError> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        let (name, addresses) = match literal {
            Ok(address) => (None, vec![address]),
            Err(_) => {
                let found = self.guard.lookup(host).await;
                let unknown = |_| DialError::UnknownHost(host.to_owned());
                (Some(host), found.map_err(unknown)?)
            }
        };
        let permitted = self.guard.filter(name, addresses, port);
        permitted.map_err(|refused| DialError::Egress(refused.to_string()))
    }
}

/// By the names that Python gives them, since processes catch those: `gaierror`,
/// `ConnectionRefusedError`, `ConnectionResetError`, `TimeoutError`, else `OSError`.
impl From<DialError> for Failure {
    fn from(error: DialError) -> Failure {
        let code = match &error {
            DialError::Egress(refused) => return Failure::refused(Refusal::Egress, refused),
            DialError::UnknownHost(_) => "gaierror",
            DialError::TimedOut(_) => "TimeoutError",
            DialError::Connect { source, .. } => match source.kind() {
                io::ErrorKind::ConnectionRefused => "ConnectionRefusedError",
                io::ErrorKind::ConnectionReset => "ConnectionResetError",
                io::ErrorKind::TimedOut => "TimeoutError",
                _ => "OSError",
            },
        };
        Failure::transport(code, error.to_string()).with_effect(Effect::None)
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("rules", &self.guard.rules)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;
    use crate::{Http, Settings};

    fn dialer(settings: Settings) -> Dialer {
        Http::new(settings).unwrap().dialer()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[tokio::test]
    async fn a_name_and_an_address_are_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let dialer = dialer(Settings::default());
        for host in ["127.0.0.1", "localhost"] {
            assert!(dialer.connect(host, port, soon()).await.is_ok(), "{host}");
        }
    }

    #[tokio::test]
    async fn what_a_rule_forbids_is_refused_before_anything_is_connected() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = dialer(Settings {
            listener: Some(address),
            ..Settings::default()
        });
        for host in ["127.0.0.1", "localhost", "169.254.169.254"] {
            let refused = own.connect(host, address.port(), soon()).await;
            assert!(matches!(refused, Err(DialError::Egress(_))), "{host}");
        }
    }

    #[tokio::test]
    async fn unknown_refused_and_late_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let dialer = dialer(Settings::default());
        let refused = dialer.connect("127.0.0.1", port, soon()).await;
        assert!(matches!(refused, Err(DialError::Connect { .. })));
        let unknown = dialer.connect("no-such-host.invalid", port, soon()).await;
        assert!(matches!(unknown, Err(DialError::UnknownHost(_))));
        let late = Instant::now() - Duration::from_secs(1);
        let late = dialer.connect("no-such-host.invalid", port, late).await;
        assert!(matches!(late, Err(DialError::TimedOut(_))));
        let codes = [refused, unknown, late].map(|r| Failure::from(r.unwrap_err()).code);
        assert_eq!(
            codes,
            ["ConnectionRefusedError", "gaierror", "TimeoutError"]
        );
    }
}
