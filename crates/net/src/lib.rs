//! The one outbound HTTP client of Crosspoint. Whoever needs HTTP takes an [`Http`] from here, so
//! that egress rules, forward proxies, private certificate authorities, limits and error codes
//! are the same everywhere. Nobody builds another.

mod causes;
mod client;
mod connect;
mod dial;
mod error;
mod guard;
mod opened;
mod own;
mod parsed;
mod proxy;
mod ranges;
mod read;
mod redirect;
mod request;
mod resolve;
mod response;
mod rules;
mod target;
mod tls;
mod xml;

pub use client::{Http, Settings, SetupError};
pub use dial::{DialError, Dialer};
pub use error::{NetError, NetErrorKind};
pub use opened::Opened;
pub use own::OriginHeaders;
pub use proxy::{Proxies, ProxyError};
pub use request::{DEFAULT_MAX_ANSWER, Request};
pub use resolve::{Lookup, SystemLookup};
pub use response::Response;
pub use rules::{Entry, NotAPreset, NotAnEntry, Preset, Rules};
pub use tls::{Authorities, CaFileError};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
