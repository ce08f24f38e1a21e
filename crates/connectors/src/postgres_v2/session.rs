//! One connection to a database, from the first byte to the last.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Effect, Failure};
use crosspoint_net::Dialer;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Connection, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::budget::{Budget, Limited};
use super::dsn::{Access, Dsn, Host};
use super::fault;
use super::tls::Tls;

/// How long connecting to one server may take unless the connection string says otherwise.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// How long a pooled connection may take to show that it is alive.
const CHECK_TIME: Duration = Duration::from_secs(5);

/// How long asking a server to stop may take.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// What may be read while no call runs: greetings and notices.
const GREETING: usize = 1024 * 1024;

/// Undoes what earlier statements may have left. After statements that leave more than this undoes
/// a connection is not used again.
const RESET: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
    SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// Bytes to and from a server, before encryption.
type Stream = Limited<TcpStream>;

/// What encrypts one connection.
type Handshake = <MakeRustlsConnect as MakeTlsConnect<Stream>>::TlsConnect;

/// The statement timeout in milliseconds, and whether nothing can be changed.
const INSPECTION: &str = "SELECT \
    (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)::bigint, \
    current_setting('transaction_read_only')";

/// How to reach servers.
#[derive(Clone)]
pub(super) struct Network {
    pub dialer: Dialer,
    pub tls: Arc<Tls>,
}

/// An open connection. Dropping it ends it in good order; see [`Session::abandon`] for the other
/// case.
pub(super) struct Session {
    pub client: Client,
    pub budget: Budget,
    /// How long a statement may run by the settings of the database, the user or the string.
    pub own_timeout: Option<Duration>,
    task: AbortHandle,
    cancel: CancelToken,
    host: Host,
    verify: bool,
    network: Network,
}

// === impl Network ===

impl Network {
    async fn dial(&self, host: &Host, deadline: Instant) -> Result<TcpStream, Failure> {
        let address = host.address.map(|address| address.to_string());
        let target = address.as_deref().unwrap_or(&host.name);
        let dialled = self.dialer.connect(target, host.port, deadline).await;
        dialled.map_err(fault::unreached)
    }

    fn handshake(&self, host: &Host, verify: bool) -> Result<Handshake, Failure> {
        let mut tls = self.tls.connect(verify);
        MakeTlsConnect::<Stream>::make_tls_connect(&mut tls, &host.name)
            .map_err(|_| fault::connecting("the host's name cannot be in a certificate", None))
    }
}

// === impl Session ===

impl Session {
    /// Connects to the first of the servers that takes us.
    pub(super) async fn open(
        network: &Network,
        dsn: &Dsn,
        deadline: Instant,
    ) -> Result<Session, Failure> {
        let time = dsn.connect_timeout.unwrap_or(CONNECT_TIME);
        let mut last = None;
        for host in &dsn.hosts {
            let until = deadline.min(Instant::now() + time);
            let connecting = Session::connect(network, dsn, host, until);
            let failure = match timeout_at(until, connecting).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(failure)) => failure,
                Err(_) => fault::connecting("the database did not answer in time", None),
            };
            // As libpq does it: a server that turns us away ends the search.
            if matches!(failure.kind, crosspoint_core::Kind::Reported) {
                return Err(failure);
            }
            last = Some(failure);
        }
        Err(last.unwrap_or_else(|| fault::connecting("no host is named", None)))
    }

    async fn connect(
        network: &Network,
        dsn: &Dsn,
        host: &Host,
        deadline: Instant,
    ) -> Result<Session, Failure> {
        let stream = network.dial(host, deadline).await?;
        let budget = Budget::default();
        budget.grant(GREETING);
        let tls = network.handshake(host, dsn.verify)?;
        let stream = Limited::new(stream, budget.clone());
        let connected = dsn.config.connect_raw(stream, tls).await;
        let (client, connection) = connected.map_err(|error| fault::greeting(&error))?;
        let mut session = Session {
            own_timeout: None,
            cancel: client.cancel_token(),
            task: tokio::spawn(drive(connection)).abort_handle(),
            client,
            budget,
            host: host.clone(),
            verify: dsn.verify,
            network: network.clone(),
        };
        session.inspect(dsn.access).await?;
        Ok(session)
    }

    /// Learns the server's own limit, and whether it is the server wanted of several.
    async fn inspect(&mut self, wanted: Access) -> Result<(), Failure> {
        let shown = self.client.simple_query(INSPECTION).await;
        let shown = shown.map_err(|error| fault::greeting(&error))?;
        let row = shown.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let timeout = row
            .and_then(|row| row.get(0))
            .and_then(|text| text.parse().ok());
        self.own_timeout = timeout.filter(|time| *time > 0).map(Duration::from_millis);
        let read_only = row.and_then(|row| row.get(1)) == Some("on");
        match wanted == Access::Any || read_only == (wanted == Access::ReadOnly) {
            true => Ok(()),
            false => Err(fault::connecting(
                "no server is there that target_session_attrs asks for",
                None,
            )),
        }
    }

    /// Makes a pooled connection as good as a new one, which shows that it is alive, too.
    pub(super) async fn renew(&self, deadline: Instant) -> bool {
        if self.client.is_closed() {
            return false;
        }
        self.budget.grant(GREETING);
        let until = deadline.min(Instant::now() + CHECK_TIME);
        let reset = timeout_at(until, self.client.batch_execute(RESET)).await;
        matches!(reset, Ok(Ok(())))
    }

    /// Ends the connection at once, and asks the server to stop what it is doing for it.
    pub(super) fn abandon(self) {
        let was_closed = self.client.is_closed();
        self.task.abort();
        if was_closed {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let _ = timeout(CANCEL_TIME, self.stop()).await;
            });
        }
    }

    async fn stop(self) -> Result<(), Failure> {
        let deadline = Instant::now() + CANCEL_TIME;
        let stream = self.network.dial(&self.host, deadline).await?;
        let budget = Budget::default();
        budget.grant(GREETING);
        let tls = self.network.handshake(&self.host, self.verify)?;
        let stream = Limited::new(stream, budget);
        let stopped = self.cancel.cancel_query_raw(stream, tls).await;
        stopped.map_err(|error| fault::greeting(&error).with_effect(Effect::Maybe))
    }
}

/// Moves bytes until the connection ends. Notices and notifications are nobody's concern here.
async fn drive<S, T>(mut connection: Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notice(_) | AsyncMessage::Notification(_))) => {}
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "a connection to a database broke off");
                return;
            }
            None => return,
        }
    }
}
