//! Other connector proxies of SpiffArena's protocol, mounted by their address: their connectors are
//! called here, and run there.

mod answer;
mod catalogue;
mod connector;
mod entry;
mod mount;
mod proxy;
mod request;
mod standing;
mod via;

pub use mount::RemoteMount;
pub use proxy::{NotAProxy, Proxy, Settings};
