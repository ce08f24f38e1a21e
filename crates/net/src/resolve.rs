//! Turning names into addresses, and only into those that the rules let through.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::connect::Attempt;
use crate::guard::Guard;

/// Finds the addresses of a host name.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses in the order in which they should be tried. An error, or none, means that
    /// the name is unknown.
    fn lookup(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The resolver of the operating system: `/etc/hosts`, DNS and whatever else it is set up for.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

/// Resolves targets for direct connections. The addresses it answers with are the ones that are
/// connected to, so a name that changes its mind between check and connection gains nothing.
pub(crate) struct Guarded(pub Arc<Guard>);

/// Resolves forward proxies, which the operator chose and no rule judges.
pub(crate) struct Unguarded(pub Arc<dyn Lookup>);

// === impl SystemLookup ===

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

// === impl Guarded ===

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let port = Attempt::current()?.port;
            let addresses = known(guard.lookup(name.as_str()).await?)?;
            Ok(socket_addresses(guard.filter(
                Some(name.as_str()),
                addresses,
                port,
            )?))
        })
    }
}

// === impl Unguarded ===

impl Resolve for Unguarded {
    fn resolve(&self, name: Name) -> Resolving {
        let looking = self.0.lookup(name.as_str());
        Box::pin(async move { Ok(socket_addresses(known(looking.await?)?)) })
    }
}

/// The client fills in the port of the URL where it finds 0.
fn socket_addresses(addresses: Vec<IpAddr>) -> Addrs {
    Box::new(
        addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, 0)),
    )
}

fn known(addresses: Vec<IpAddr>) -> io::Result<Vec<IpAddr>> {
    match addresses.is_empty() {
        true => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no addresses",
        )),
        false => Ok(addresses),
    }
}
